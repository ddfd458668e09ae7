"""requirements.lock and environment.yml, both written from pyproject.toml.

The lock holds every package with the hashes of its files, for Python 3.11 to 3.14 on Linux, macOS and Windows, in
two groups: what the book needs, and what only tests, language models and clusters need.
It is complete, so it is installed with ``pip install --no-deps``: that keeps out what the 2018 wheel of
allofplos asks for and the book does not use.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ptmreuse import paths
from ptmreuse.errors import refuse

EXTRAS = ("test", "pdf", "llm", "dask")
REST = "# Only for tests, language models and clusters:"  # the Makefile installs the book's part up to this line
WITHOUT_DEPENDENCIES = "allofplos"


def write() -> None:
    """Write both files; needs the packages' registry."""
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *project["optional-dependencies"]["lock"]],
        check=True,
    )
    every = _compiled(EXTRAS)
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "all.txt"
        constraints.write_text("\n".join(read_pins(every)), encoding="utf-8")
        book = {_name(pin) for pin in read_pins(_compiled(("pdf",), "--constraint", str(constraints)))}
    lock = f"{header(project)}\n{in_groups(every, book)}"
    (paths.ROOT / "requirements.lock").write_text(lock, encoding="utf-8")
    (paths.ROOT / "environment.yml").write_text(conda(project, lock), encoding="utf-8")
    print(f"Wrote requirements.lock ({len(read_pins(lock))} packages) and environment.yml.")


def _compiled(extras: Sequence[str], *more: str) -> str:
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version=3.11",
        "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--no-header", "--quiet",
        *(f"--extra={extra}" for extra in extras), *more,
    ]  # fmt: skip
    return subprocess.run(command, cwd=paths.ROOT, check=True, capture_output=True, text=True).stdout


def _name(pin: str) -> str:
    return re.split(r"==", pin)[0]


def in_groups(pins: str, book: Collection[str]) -> str:
    """The pins of a lock with those that the book needs first, then a mark, then the rest.

    Parameters
    ----------
    pins : str
        All, with hashes, as uv writes them.
    book : set of str
        The names of the packages that the book needs.

    Examples
    --------
    >>> print(in_groups("pytest==9.0\\nscipy==1.17.0\\n", {"scipy"}), end="")
    scipy==1.17.0
    # Only for tests, language models and clusters:
    pytest==9.0
    """
    blocks = re.split(r"\n(?=[A-Za-z0-9])", pins.strip("\n"))
    first = [block for block in blocks if _name(block) in book]
    rest = [block for block in blocks if _name(block) not in book]
    return "\n".join([*first, REST, *rest]) + "\n"


def header(project: dict[str, Any]) -> str:
    """First lines of the lock; they name what it was made from, so that a test sees a drift."""
    direct = sorted(project["dependencies"])
    for extra in EXTRAS:
        direct += sorted(project["optional-dependencies"][extra])
    stamp = paths.text_sha256("\n".join([project["requires-python"], *direct]))
    return f"# Written by make lock from pyproject.toml; install with pip install --no-deps -r.\n# made from: {stamp}"


def read_pins(lock: str) -> list[str]:
    """The pins of a lock file, ``name==version`` with their markers, in order.

    Examples
    --------
    >>> read_pins("six==1.17.0 ; os_name == 'nt' \\\\\\n    --hash=sha256:00\\n")
    ["six==1.17.0 ; os_name == 'nt'"]
    """
    return re.findall(r"^([A-Za-z0-9._-]+==[^\\\n]+?)\s*\\?$", lock, flags=re.M)


def conda(project: dict[str, Any], lock: str) -> str:
    """The text of environment.yml: Python from conda-forge, every package at the version of the lock.

    Raises
    ------
    StudyError
        If the lock does not hold a package that pyproject.toml asks for.
    """
    pins = read_pins(lock)
    named = {re.split("[=;]", pin)[0] for pin in pins}
    for requirement in project["dependencies"]:
        name = re.split(r"[<>=!~ \[]", requirement)[0].lower().replace("_", "-").replace(".", "-")
        if name not in named:
            refuse("requirements.lock", f"a pin of {name}", "none", "run make lock")
    lines = [
        "# Written by make lock from pyproject.toml: the versions of requirements.lock.",
        "# After creating and activating it: python -m pip install --no-deps -e . " + _pin(pins, WITHOUT_DEPENDENCIES),
        "name: ptmreuse",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        f"  - python {project['requires-python'].replace(' ', '')}",
        "  - pip",
        "  - make",
        "  - pip:",
        *(f'      - "{pin}"' for pin in pins if not pin.startswith(WITHOUT_DEPENDENCIES + "==")),
    ]
    return "\n".join(lines) + "\n"


def _pin(pins: Sequence[str], name: str) -> str:
    return next(pin for pin in pins if pin.startswith(name + "=="))
