"""Every public function and class is met by a notebook, a page, a step or a command; what is not, is deleted."""

import ast
import json
import re

from ptmreuse import paths
from ptmreuse.book import steps

# Met otherwise, with the reason.
EXCEPTIONS = {"ptmreuse.book.site.weight"}  # make bench and a test weigh the finished pages with it


def imported(tree):
    """Local name to what it stands for, of the package's own modules and functions."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ptmreuse"):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def means(tree, module, scope):
    """The full names that a piece of code may mean."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found |= {scope.get(node.id, ""), f"{module}.{node.id}"}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in scope:
            found.add(f"{scope[node.value.id]}.{node.attr}")
    return found


def graph(sources):
    """Each function, class and constant of modules (name to code): what it means; and the public functions, classes."""
    means_of, public = {}, set()
    for module, code in sources.items():
        tree = ast.parse(code)
        scope = imported(tree)
        means_of |= {f"{module}.{name}": {full} for name, full in scope.items()}  # known by this name as well
        for part in tree.body:
            if isinstance(part, ast.FunctionDef | ast.ClassDef):
                names = [part.name]
                public |= set() if part.name.startswith("_") else {f"{module}.{part.name}"}
            else:  # a constant, or "" for what runs when the module is imported
                names = [n.id for n in ast.walk(part) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
                names = names or ([] if isinstance(part, ast.Import | ast.ImportFrom) else [""])
            for name in names:
                means_of.setdefault(f"{module}.{name}", set()).update(means(part, module, scope))
    return means_of, public


def unreached(sources, roots):
    """The public functions and classes that cannot be reached from names."""
    means_of, public = graph(sources)
    seen, todo = set(), [*roots, *(name for name in means_of if name.endswith("."))]
    while todo:
        name = todo.pop()
        if name in means_of and name not in seen:
            seen.add(name)
            todo += means_of[name]
    return public - seen


def test_an_unreached_function_is_seen():
    sources = {
        "ptmreuse.a": "from ptmreuse import b\ndef used(): return b.used()\ndef unused(): return b.too()",
        "ptmreuse.b": "def used(): return TABLE['x']\ndef too(): pass\ndef by(): pass\nTABLE = {'x': by}",
    }
    assert unreached(sources, ["ptmreuse.a.used"]) == {"ptmreuse.a.unused", "ptmreuse.b.too"}


def test_every_public_function_is_reached():
    files = sorted(paths.SOURCE.rglob("*.py"))
    sources = {
        ".".join(p.relative_to(paths.SOURCE.parent).with_suffix("").parts): p.read_text(encoding="utf-8") for p in files
    }
    code = []
    for folder in ("notebooks", "data/new", "exercises"):
        for path in (paths.ROOT / folder).glob("*.ipynb"):
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            code.append("\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code"))
    for path in (paths.ROOT / "book").glob("*.md"):
        code += re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), flags=re.S | re.M)
    config = (paths.ROOT / "book" / "_config.yml").read_text(encoding="utf-8")
    roots = {f"{extension}.setup" for extension in re.findall(r"ptmreuse[\w.]+", config)}
    roots |= {step.run.replace(":", ".") for step in steps.STEPS} | {"ptmreuse.__main__.main"}
    for cells in code:
        tree = ast.parse(cells)
        roots |= means(tree, "", imported(tree))
    assert unreached(sources, roots) == EXCEPTIONS


def test_public_functions_say_their_types_in_the_rooms_that_began_to():
    silent = []
    for file in sorted(
        path for room in ("statistics", "findings", "commands") for path in (paths.SOURCE / room).glob("*.py")
    ):
        for part in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
                taken = [*part.args.args, *part.args.kwonlyargs]
                silent += [part.name] * (part.returns is None or any(one.annotation is None for one in taken))
    assert silent == []
