"""What archives, editors and checkers ask of a package, written from one source each.

CITATION.cff and pyproject.toml say who, what and which version; the authors' run says what was made, where and in
how long. `make release` writes the rest: codecheck.yml, .zenodo.json, ro-crate-metadata.json, part of data/README.md.
"""

import json
import mimetypes
import re
import tomllib
from pathlib import Path
from string import Template

import yaml

from ptmreuse import paths
from ptmreuse.book import catalogue, steps
from ptmreuse.errors import refuse
from ptmreuse.evidence import study
from ptmreuse.review import against_authors, authors_run, codecheck

README = paths.DATA / "README.md"
TEXT = Path(__file__).with_name("replication.md")
BEGIN, END = "<!-- from here to the end mark written by make release -->", "<!-- end mark -->"
RELATIONS = {"article": "isSupplementTo", "data": "isDerivedFrom"}


def write():
    """Write all four files from the authors' run."""
    about, kept = citation(), authors_run.read()
    texts = {
        codecheck.FILE: codecheck.draft(),
        paths.ROOT / ".zenodo.json": _json(zenodo(about)),
        paths.ROOT / "ro-crate-metadata.json": _json(crate(about, kept)),
        README: between_marks(README.read_text(encoding="utf-8"), replication(kept)),
    }
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _json(content):
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def citation():
    """CITATION.cff, if it names the version that pyproject.toml does.

    Raises
    ------
    StudyError
        If the two differ.
    """
    said = yaml.safe_load((paths.ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    if said["version"] != project["version"]:
        refuse(
            "CITATION.cff", f"version {project['version']}, as in pyproject.toml",
            said["version"], "write the same in both",
        )  # fmt: skip
    return said | {"abstract": project["description"]}


def _name(author):
    return author.get("name") or f"{author['family-names']}, {author['given-names']}"


def zenodo(about) -> dict:
    """The deposit's metadata, as Zenodo reads it from .zenodo.json; `about` is from `citation`."""
    related = [about["preferred-citation"], *about["references"]]
    return {
        "title": about["title"],
        "upload_type": "software",
        "description": f"<p>{about['abstract']}.</p>",
        "creators": [{"name": _name(author)} for author in about["authors"]],
        "license": about["license"],
        "version": about["version"],
        "keywords": about["keywords"],
        "related_identifiers": [
            {"identifier": one["doi"], "scheme": "doi", "relation": RELATIONS[one["type"]]} for one in related
        ],
    }


def crate(about, kept):
    """The package as a Process Run Crate (RO-Crate 1.2, JSON-LD): its files, and the step that made each result.

    Parameters
    ----------
    about : dict, from `citation`
    kept : dict
        The authors' run.
    """
    inputs = [name for name in kept["inputs"] if name.startswith(("data/", "notebooks/"))]
    results = [f"expected/{name}" for name in kept["outputs"] if name.endswith(".csv")]
    files = [_file(name) for name in sorted({*inputs, *results, "requirements.lock", "LICENSE"})]
    made = []
    for name in steps.NOTEBOOKS:
        step = steps.STEPS[steps.NAMES.index(name)]
        notebook = f"notebooks/{name}.ipynb"
        next(file for file in files if file["@id"] == notebook)["@type"] = ["File", "SoftwareSourceCode"]
        made.append({
            "@id": f"#{name}", "@type": "CreateAction", "name": step.about, "instrument": {"@id": notebook},
            "agent": {"@id": "#authors"}, "endTime": kept["steps"][name]["run"],
            "object": [{"@id": file} for file in inputs if file in step.files],
            "result": [{"@id": result} for result in results if result.startswith(f"expected/{name}/")],
        })  # fmt: skip
    article = about["preferred-citation"]
    root = {
        "@id": "./", "@type": "Dataset", "name": about["title"], "description": f"{about['abstract']}.",
        "version": about["version"], "datePublished": kept["started"][:10], "license": {"@id": "LICENSE"},
        "author": {"@id": "#authors"}, "keywords": ", ".join(about["keywords"]),
        "conformsTo": {"@id": "https://w3id.org/ro/wfrun/process/0.5"},
        "citation": {"@id": f"https://doi.org/{article['doi']}"},
        "hasPart": [{"@id": file["@id"]} for file in files], "mentions": [{"@id": action["@id"]} for action in made],
    }  # fmt: skip
    graph = [
        {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"},
         "conformsTo": {"@id": "https://w3id.org/ro/crate/1.2"}},
        root,
        {"@id": "#authors", "@type": "Organization", "name": _name(about["authors"][0])},
        {"@id": "https://w3id.org/ro/wfrun/process/0.5", "@type": ["CreativeWork", "Profile"],
         "name": "Process Run Crate", "version": "0.5"},
        {"@id": f"https://doi.org/{article['doi']}", "@type": "ScholarlyArticle", "name": article["title"]},
        *made, *files,
    ]  # fmt: skip
    return {"@context": "https://w3id.org/ro/crate/1.2/context", "@graph": graph}


def _file(name):
    path = paths.ROOT / name
    kind = "application/x-ipynb+json" if path.suffix == ".ipynb" else mimetypes.guess_type(name)[0] or "text/plain"
    return {
        "@id": name, "@type": "File", "name": path.name, "encodingFormat": kind,
        "contentSize": str(path.stat().st_size), "sha256": paths.sha256(path),
    }  # fmt: skip


def between_marks(text, new):
    """A text with what stands between the two marks replaced.

    Raises
    ------
    StudyError
        If the marks are not there once each, in order.

    Examples
    --------
    >>> between_marks(f"a\\n{BEGIN}\\nold\\n{END}\\n", "new") == f"a\\n{BEGIN}\\n\\nnew\\n\\n{END}\\n"
    True
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in after:
        refuse(paths.shown(README), f"{BEGIN} and {END} once each", "other lines", "restore the two lines")
    return f"{before}{BEGIN}\n\n{new}\n\n{END}{after}"


def replication(kept) -> str:
    """The parts of the data editors' README that drift; `kept` is the authors' run."""
    times = [(step.name, step.about, kept["steps"][step.name]["seconds"]) for step in steps.STEPS]
    return Template(TEXT.read_text(encoding="utf-8").rstrip("\n")).substitute(
        datasets=_markdown(("file", "rows", "bytes", "provided"), _datasets()),
        python=kept["python"],
        system=kept["system"],
        apart=", ".join(sorted(kept["other_versions"])) or "none",
        seed=", ".join(_lines(paths.SOURCE / "parameters.py", 'Parameter("seed"')),
        seeded=_markdown(("generator",), [(place,) for place in _seeded()]),
        day=kept["started"][:10],
        machine=against_authors.on_machine(kept),
        memory=kept["memory_peak_mb"],
        seconds=f"{sum(step['seconds'] or 0 for step in kept['steps'].values()):.0f}",
        times=_markdown(("step", "what", "seconds"), times),
        exhibits=_markdown(("exhibit", "kind", "program", "output file"), exhibits()),
    )


def _datasets():
    rows = []
    for path in [*sorted(paths.DATA.glob("*.csv")), *sorted(paths.MEASURED.glob("*.csv"))]:
        name = path.relative_to(paths.DATA).as_posix()
        rows.append((f"`{name}`", f"{len(study.read_csv(path)):,}", f"{path.stat().st_size:,}", "yes"))
    return [*rows, ("the released database, doi:10.5281/zenodo.21874098", "", "", "no, public, large")]


def _markdown(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _lines(path, words):
    found = [n for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1) if words in line]
    return [f"`{paths.shown(path)}`, line {n}" for n in found]


def _seeded():
    return [place for path in sorted(paths.SOURCE.rglob("*.py")) for place in _lines(path, "default_rng(")
            if path.parent.name != "review"]  # fmt: skip


def exhibits():
    """Every table and figure with the line of the program that records it and the file it ends in."""
    rows = []
    for item, file in catalogue.exhibits():
        notebook = paths.NOTEBOOKS / f"{item['step']}.ipynb"
        text = notebook.read_text(encoding="utf-8")
        at = text.find(f'\\"{item["name"]}\\"')
        if at < 0:  # the name is put together in its cell
            at = [found.start() for found in re.finditer('"cell_type": "code"', text)][item["cell"] - 1]
        place = f"`{paths.shown(notebook)}`, line {text.count(chr(10), 0, at) + 1}"
        rows.append((item["name"], item["type"], place, f"`_build/results/{file}`"))
    return rows
