"""The certificate of a re-execution: what was made anew, where, in how long, and whether it is the authors'.

Written from the record of the last run and the comparison with the authors', for a checker to read and sign.
"""

import pandas as pd

from ptmreuse import paths
from ptmreuse.book import markup, pdf, steps
from ptmreuse.errors import StudyError
from ptmreuse.review import authors_run, codecheck, comparison, run_record

FOLDER = paths.BUILD / "certificate"
NOT_CHECKED = (
    "whether the articles say what their codes say: the coded papers were read as they are, no article was read again",
    "the released database of the study, which is not part of this package (source: release)",
    "the coverage of the methods (data/calibration.csv, made by make calibrate in minutes)",
    "whether the claims are true of the world: that is the verdict of each claim, not of this certificate",
)
STYLE = """
@page { size: A4; margin: 18mm 16mm;
  @bottom-right { content: counter(page) " of " counter(pages); font: 8pt sans-serif } }
body { font: 10pt/1.4 "Source Sans 3", "Noto Sans", sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1a1a1a; background: #fff }
h1 { font-size: 1.7em; line-height: 1.15; margin: 0 0 .3em } h2 { font-size: 1.15em; margin: 1.5em 0 .4em }
.verdict { border: 2px solid; padding: .7em 1em; font-size: 1.1em; font-weight: 600 }
table { border-collapse: collapse; width: 100%; font-size: .87em } tr { break-inside: avoid }
th, td { text-align: left; vertical-align: top; padding: .25em .6em .25em 0; border-bottom: 1px solid #ccc;
  overflow-wrap: anywhere } td:last-child { overflow-wrap: normal }
.ptm-num { text-align: right; white-space: nowrap } .sign td { height: 2.2em }
"""


def write(values):
    """Write the certificate of the last run as a page and, where WeasyPrint is, a PDF.

    Parameters
    ----------
    values : dict
        The parameters of the run.

    Returns
    -------
    list of str
        What to tell the user, one line each.

    Raises
    ------
    StudyError
        If the run is unfinished, changed or of other parameters, or something in codecheck.yml is wrong.
    """
    rows, inputs = comparison.compare(values)
    authors_run.must_be_current(values)
    said, still_open = codecheck.read()
    page = render(run_record.read(), authors_run.read(), rows, inputs, said, still_open)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "certificate.html").write_text(page, encoding="utf-8")
    told = [f"Wrote {paths.shown(FOLDER)}/certificate.html"]
    try:
        pdf.setter().HTML(string=page).write_pdf(FOLDER / "certificate.pdf", pdf_variant="pdf/ua-1")
        told.append(f"Wrote {paths.shown(FOLDER)}/certificate.pdf")
    except StudyError as error:
        told.append(f"No PDF: {error}")
    for rule, who, sentence in still_open:
        told.append(f"to be filled in by the {who}: {sentence} ({rule})")
    return told


def render(run, theirs, rows, inputs, said, still_open) -> str:
    """The page.

    Parameters
    ----------
    run, theirs : dict
        The records of this run and of the authors'.
    rows : DataFrame
        The comparison.
    inputs : list of str
        Inputs that are not the authors'.
    said : dict
        codecheck.yml.
    still_open : list of (str, str, str)
        What is to be filled in.
    """
    versions = run_record.drift(run, theirs)
    paper = said["paper"]
    signed = not any(who == "checker" for _, who, _ in still_open)
    seconds = sum(step["seconds"] or 0 for step in run["steps"].values())
    facts = {
        "study": f"{paper['title']}, by {', '.join(a['name'] for a in paper['authors'])}, {paper['reference']}",
        "run": run["started"], "commit": run["commit"], "machine": comparison.on_machine(run),
        "time of all steps": f"{seconds / 60:.1f} minutes ({seconds:.0f} seconds)",
        "inputs": f"sha256 {run['inputs'][:16]}…",
        "memory": f"{run['memory_peak_mb']} MB at most", "lock": f"requirements.lock {run['lock'][:16]}…",
        "the authors' run": f"{theirs['started']}, {comparison.on_machine(theirs)}",
    }  # fmt: skip
    made = [
        (name, "made anew" if name in run["ran"] else f"reused, run {step['run']}", _seconds(step["seconds"]))
        for name, step in run["steps"].items()
    ]
    counts = pd.crosstab(rows["kind"], rows["result"]).reset_index()
    drift = [f"{name}: {apart}" for name, apart in versions.items()] or ["none"]
    claims = authors_run.table(paths.RESULTS / "04_findings" / "claims.csv")["verdict"].value_counts()
    parts = [
        f"<h1>{'Certificate' if signed else 'Draft certificate, not signed,'} of a re-execution</h1>",
        f'<p class="verdict">{markup.escaped(comparison.verdict(rows, inputs, versions))}</p>',
        _table("The run", pd.DataFrame(facts.items(), columns=["what", "value"])),
        _table("What was executed", pd.DataFrame(made, columns=["step", "how", "seconds"])),
        _table("What came out, by kind", counts),
        _list("Versions that differ from the authors' run", drift),
        _list("Verdicts on the study's claims, as this run gave them", [f"{v}: {n}" for v, n in claims.items()]),
        _list("Not checked", NOT_CHECKED),
        _list("Recommendations", recommendations(run, rows, inputs, versions, still_open)),
        _signature(said, still_open),
        _table("Every output of the manifest", _manifest(said, rows)),
    ]
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Certificate of a re-execution</title>'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _seconds(value):
    return "not recorded" if value is None else f"{value:.1f}"


def _table(title, frame):
    return f"<h2>{markup.escaped(title)}</h2>{markup.table_html(frame)}"


def _list(title, lines):
    return f"<h2>{markup.escaped(title)}</h2><ul>{''.join(f'<li>{markup.escaped(line)}</li>' for line in lines)}</ul>"


def _manifest(said, rows):
    results = {row.output: row.result for row in rows.itertuples()}
    for kind, file in (("claim", "04_findings/claims"), *(("number", f"{step}/numbers") for step in steps.NOTEBOOKS)):
        part = rows[rows["kind"] == kind]
        if kind == "number":
            keys = set(authors_run.table(paths.RESULTS / f"{file}.csv")["key"])
            part = part[part["output"].isin(keys)]
        bad = part[~part["result"].isin(comparison.GOOD)]
        results[file] = f"{len(bad)} of {len(part)} differ" if len(bad) else f"all {len(part)} agree"
    made = []
    for item in said["manifest"]:
        name = item["file"].removeprefix("_build/results/").rsplit(".", 1)[0]
        made.append((name, item.get("comment", ""), results.get(name, "not compared")))
    return pd.DataFrame(made, columns=["output", "comment", "result"])


def recommendations(run, rows, inputs, versions, still_open):
    """What would make this run worth more to a reader of its certificate.

    Examples
    --------
    >>> rows = pd.DataFrame({"result": ["same bytes"]})
    >>> recommendations({"ran": [], "steps": {"tables": {}}, "commit": "abc"}, rows, [], {}, [])
    ['Run make clean and make book: 1 of the steps was reused from an earlier run.']
    """
    advice = []
    reused = [name for name in run["steps"] if name not in run["ran"]]
    if reused:
        were = "was" if len(reused) == 1 else "were"
        advice.append(f"Run make clean and make book: {len(reused)} of the steps {were} reused from an earlier run.")
    if inputs:
        advice.append(f"Restore the authors' inputs and run again: {', '.join(inputs)}.")
    if versions and (~rows["result"].isin(comparison.GOOD)).any():
        advice.append("Install the locked versions and run again, to see whether the differences stay.")
    if "no git" in run["commit"] or "changes" in run["commit"]:
        advice.append(f"Run from a clean checkout: the commit of this run is given as {run['commit']!r}.")
    open_to_authors = [what for _, who, what in still_open if who == "authors"]
    if open_to_authors:
        advice.append(f"The authors should add to codecheck.yml: {', '.join(open_to_authors)}.")
    return advice or ["None."]


def _signature(said, still_open):
    open_nodes = [what for _, who, what in still_open if who == "checker"]
    people = "; ".join(f"{p['name']} {p.get('ORCID', '')}".strip() for p in said.get("codechecker", []))
    known = {"codechecker": people} | {node: said.get(node, "") for node in codecheck.CHECKERS[1:]}
    lines = "".join(
        f'<tr><th scope="row">{node}</th><td>{markup.escaped(value) if value else ""}</td></tr>'
        for node, value in known.items()
    )
    note = f"<p>To be filled in by the checker, in codecheck.yml: {markup.escaped(', '.join(open_nodes))}.</p>"
    return f'<h2>The checker</h2>{note if open_nodes else ""}<table class="sign">{lines}</table>'
