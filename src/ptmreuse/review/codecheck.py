"""codecheck.yml after version 2.0 of its specification: drafted from a run, and judged before anyone signs it.

The checker's part is left to the checker: a draft names no checker, report or certificate, and a placeholder in
their place is refused. The rules are those that the CODECHECK register publishes (CC-CFG, CC-MET, CC-BUN).
"""

import re

import yaml

from ptmreuse import paths
from ptmreuse.book import catalogue
from ptmreuse.errors import refuse

FILE = paths.ROOT / "codecheck.yml"
VERSION = "https://codecheck.org.uk/spec/config/2.0/"
CHECKERS = ("codechecker", "report", "summary", "certificate")  # the nodes that the checker adds
OPEN = """
# To be filled in by the codechecker, and by nobody else; see the specification for the form of each:
# codechecker (a list of name and ORCID), report (the address of the certificate), summary, certificate (its number).
"""
PLACEHOLDER = re.compile(r"fixme|todo|\btbd\b|xxx|placeholder|to be filled|lorem ipsum|^\W*$", re.IGNORECASE)
NO_NAME = re.compile(  # of a person, a report or a certificate
    r"\byour\b|\b(jane|john) doe\b|josiah carberry|anonymous|yyyy|nnn\b|<.*>|\[.*\]|^n\W?n?\W?$|^n/a$|\bexample\b"
    r"|^(full |first |last )?name$|^(a\W* ?|the )?(code)?checker$|^none$|^unknown$|0000-0000-0000-0000"
    r"|^(0000|9999)-\d{3}$|^\d{4}-(0+|999)$|zenodo\.(0+|123\d*)$|10\.5555/",
    re.IGNORECASE,
)


def draft():
    """The author's part of codecheck.yml for the last run: every figure, table and verdict, with caption and size."""
    cited = yaml.safe_load((paths.ROOT / "CITATION.cff").read_text(encoding="utf-8"))["preferred-citation"]
    authors = []
    for author in cited["authors"]:
        orcid = {"ORCID": author["orcid"].removeprefix("https://orcid.org/")} if "orcid" in author else {}
        authors.append({"name": f"{author['given-names']} {author['family-names']}"} | orcid)
    paper = {"title": cited["title"], "authors": authors, "reference": f"https://doi.org/{cited['doi']}"}
    files = [{"file": paths.shown(path), "comment": comment} for path, comment in outputs()]
    text = yaml.safe_dump(
        {"version": VERSION, "manifest": files, "paper": paper}, sort_keys=False, allow_unicode=True, width=110
    )
    return f"---\n# Written by make release from the authors' run.\n{text}{OPEN}"


def outputs():
    """The files that a check must make again, with a comment on each: figures, tables, verdicts, numbers."""
    found = [(paths.RESULTS / file, f"{item['type']}: {item['caption']}") for item, file in catalogue.exhibits()]
    for path in sorted(paths.RESULTS.glob("*/numbers.csv")):
        found.append((path, f"numbers recorded by notebook {path.parent.name}"))
    return [(path, f"{comment} ({path.stat().st_size:,} bytes)") for path, comment in found]


def problems(text):
    """What is wrong with, and what is open in, a codecheck.yml.

    Returns
    -------
    list of (str, str, str)
        Rule; "wrong", or who has still to fill it in ("authors", "checker"); a sentence.

    Examples
    --------
    >>> problems("manifest: []")[0]
    ('CC-CFG-002', 'wrong', 'the file does not begin with ---')
    """
    found = []
    if not re.match(r"(%YAML [\d.]+\n)?---\n", text):
        found.append(("CC-CFG-002", "wrong", "the file does not begin with ---"))
    try:
        said = yaml.load(text, yaml.BaseLoader)  # every value as the text it is: 2026-001 is no date
    except yaml.YAMLError as error:
        return [*found, ("CC-CFG-001", "wrong", f"no YAML: {str(error).splitlines()[0]}")]
    if not isinstance(said, dict):
        return [*found, ("CC-CFG-001", "wrong", "the file holds no names with values")]
    if said.get("version") != VERSION:
        found.append(("CC-CFG-015", "wrong", f"version is {said.get('version')}, not {VERSION}"))
    return [*found, *_manifest(said), *_paper(said), *_checker(said), *_placeholders(said)]


def _list(value):
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _manifest(said):
    files = _list(said.get("manifest"))
    if not files or len(files) != len(said["manifest"]):
        yield "CC-CFG-004", "wrong", "manifest is no list of files"
        return
    for item in files:
        name = item.get("file", "")
        if not name:
            yield "CC-CFG-005", "wrong", f"an entry of the manifest names no file: {item}"
        elif name.startswith(("/", "~")) or ".." in name.split("/") or "\\" in name or ":" in name:
            yield "CC-CFG-006", "wrong", f"{name} is not relative to codecheck.yml"
        elif not (paths.ROOT / name).is_file():
            yield "CC-BUN-001", "wrong", f"{name} does not exist"


def _paper(said):
    paper = said.get("paper")
    if not isinstance(paper, dict):
        yield "CC-CFG-016", "wrong", "paper is missing"
        return
    authors = _list(paper.get("authors"))
    if not paper.get("title"):
        yield "CC-CFG-017", "wrong", "paper has no title"
    if not re.match(r"https?://", str(paper.get("reference"))):
        yield "CC-CFG-027", "wrong", "the paper's reference is no address"
    if not authors:
        yield "CC-CFG-018", "wrong", "paper has no authors"
    for author in authors:
        yield from _person(author, "CC-CFG-019", ("CC-CFG-020", "authors"))


def _person(person, nameless, without_orcid):
    name = person.get("name")
    if not name:
        yield nameless, "wrong", f"a person without name: {person}"
    elif "ORCID" not in person:
        yield *without_orcid, f"the ORCID of {name}"
    elif not is_orcid(person["ORCID"]):
        yield "CC-MET-001", "wrong", f"{person['ORCID']} of {name} is no ORCID"


def _checker(said):
    rules = dict(zip(CHECKERS, ("CC-CFG-008", "CC-CFG-011", "CC-CFG-024", "CC-CFG-025"), strict=True))
    yield from ((rule, "checker", node) for node, rule in rules.items() if node not in said)
    if "codechecker" in said and not _list(said["codechecker"]):
        yield "CC-CFG-008", "wrong", "codechecker is no list of people"
    for person in _list(said.get("codechecker")):
        yield from _person(person, "CC-CFG-009", ("CC-CFG-010", "checker"))
    if "report" in said and not re.match(r"https?://", str(said["report"])):
        yield "CC-CFG-012", "wrong", f"report is no address: {said['report']}"
    if "summary" in said and not said["summary"]:
        yield "CC-CFG-024", "wrong", "summary is empty"
    if "certificate" in said and not re.fullmatch(r"20\d\d-\d{3,}", str(said["certificate"])):
        yield "CC-CFG-026", "wrong", f"certificate is no number of the register: {said['certificate']}"


def _placeholders(said):
    paper = said["paper"] if isinstance(said.get("paper"), dict) else {}
    filled = [(node, said[node]) for node in ("report", "summary", "certificate") if node in said]
    for who, people in (("codechecker", said.get("codechecker")), ("author", paper.get("authors"))):
        filled += [(f"{who} {key}", value) for person in _list(people) for key, value in person.items()]
    return [
        ("CC-CFG-013" if node == "report" else "CC-CFG-023", "wrong", f"{node} is a placeholder: {value}")
        for node, value in filled
        if PLACEHOLDER.search(str(value).strip()) or (node != "summary" and NO_NAME.search(str(value).strip()))
    ]


def is_orcid(text):
    """Whether a text is a plain ORCID with the right check digit.

    Examples
    --------
    >>> is_orcid("0000-0002-1825-0097"), is_orcid("0000-0002-1825-0098")
    (True, False)
    """
    if not re.fullmatch(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", text):
        return False
    total = 0
    for digit in text.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    return "0123456789X"[(12 - total % 11) % 11] == text[-1]


def read():
    """The codecheck.yml of this folder, and what is open in it (as from `problems`).

    Raises
    ------
    StudyError
        If there is none, or with its first faults.
    """
    if not FILE.exists():
        refuse("certificate", "codecheck.yml", "none", "restore it from the release")
    text = FILE.read_text(encoding="utf-8")
    found = problems(text)
    wrong = [f"{sentence} ({rule})" for rule, who, sentence in found if who == "wrong"]
    if wrong:
        refuse(
            paths.shown(FILE), "what version 2.0 of the CODECHECK specification asks for",
            "; ".join(wrong[:3]), "correct it; leave out what the checker has not filled in yet",
        )  # fmt: skip
    return yaml.load(text, yaml.BaseLoader), found
