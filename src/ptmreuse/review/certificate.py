"""The certificate of a re-execution: what was made anew, where, in how long, and whether it is the authors'.

Written from the record of the last run and the comparison with the authors', for a checker to read and sign.
"""

from pathlib import Path
from string import Template

import pandas as pd

from ptmreuse import paths
from ptmreuse.book import markup, pdf, steps
from ptmreuse.errors import StudyError
from ptmreuse.review import against_authors, authors_run, codecheck, run_record

FOLDER = paths.BUILD / "certificate"
PAGE = Path(__file__).with_suffix(".html")


def write(values) -> list[str]:
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
    rows, inputs = against_authors.compare(values)
    authors_run.must_be_current(values)
    said, still_open = codecheck.read()
    page = _page(run_record.read(), authors_run.read(), rows, inputs, said, still_open)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "certificate.html").write_text(page, encoding="utf-8")
    told = [f"Wrote {paths.shown(FOLDER)}/certificate.html"]
    try:
        pdf.setter().HTML(string=page).write_pdf(FOLDER / "certificate.pdf", pdf_variant="pdf/ua-1")
        told.append(f"Wrote {paths.shown(FOLDER)}/certificate.pdf")
    except StudyError as error:
        told.append(f"No PDF: {error}")
    return told + [f"to be filled in by the {who}: {sentence} ({rule})" for rule, who, sentence in still_open]


def _page(run, theirs, rows, inputs, said, still_open):
    versions = run_record.drift(run, theirs)
    paper = said["paper"]
    signed = not any(who == "checker" for _, who, _ in still_open)
    seconds = sum(step["seconds"] or 0 for step in run["steps"].values())
    facts = {
        "study": f"{paper['title']}, by {', '.join(a['name'] for a in paper['authors'])}, {paper['reference']}",
        "run": run["started"], "commit": run["commit"], "machine": against_authors.on_machine(run),
        "time of all steps": f"{seconds / 60:.1f} minutes ({seconds:.0f} seconds)",
        "inputs": f"sha256 {run['inputs'][:16]}…",
        "memory": f"{run['memory_peak_mb']} MB at most", "lock": f"requirements.lock {run['lock'][:16]}…",
        "the authors' run": f"{theirs['started']}, {against_authors.on_machine(theirs)}",
    }  # fmt: skip
    executed = [
        (name, "made anew" if name in run["ran"] else f"reused, run {step['run']}",
         "not recorded" if step["seconds"] is None else f"{step['seconds']:.1f}")
        for name, step in run["steps"].items()
    ]  # fmt: skip
    claims = authors_run.table(paths.RESULTS / "04_findings" / "claims.csv")["verdict"].value_counts()
    return Template(PAGE.read_text(encoding="utf-8")).substitute(
        heading=f"{'Certificate' if signed else 'Draft certificate, not signed,'} of a re-execution",
        verdict=markup.escaped(against_authors.verdict(rows, inputs, versions)),
        run=markup.table_html(pd.DataFrame(facts.items(), columns=["what", "value"])),
        executed=markup.table_html(pd.DataFrame(executed, columns=["step", "how", "seconds"])),
        counts=markup.table_html(pd.crosstab(rows["kind"], rows["result"]).reset_index()),
        drift=_list([f"{name}: {apart}" for name, apart in versions.items()] or ["none"]),
        claims=_list([f"{verdict}: {n}" for verdict, n in claims.items()]),
        recommendations=_list(recommendations(run, rows, inputs, versions, still_open)),
        checker=_checker(said, still_open),
        manifest=markup.table_html(_manifest(said, rows)),
    )


def _list(lines):
    return f"<ul>{''.join(f'<li>{markup.escaped(line)}</li>' for line in lines)}</ul>"


def _manifest(said, rows):
    results = {row.output: row.result for row in rows.itertuples()}
    for kind, file in (("claim", "04_findings/claims"), *(("number", f"{step}/numbers") for step in steps.NOTEBOOKS)):
        part = rows[rows["kind"] == kind]
        if kind == "number":
            keys = set(authors_run.table(paths.RESULTS / f"{file}.csv")["key"])
            part = part[part["output"].isin(keys)]
        bad = part[~part["result"].isin(against_authors.GOOD)]
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
    if versions and (~rows["result"].isin(against_authors.GOOD)).any():
        advice.append("Install the locked versions and run again, to see whether the differences stay.")
    if "no git" in run["commit"] or "changes" in run["commit"]:
        advice.append(f"Run from a clean checkout: the commit of this run is given as {run['commit']!r}.")
    open_to_authors = [what for _, who, what in still_open if who == "authors"]
    if open_to_authors:
        advice.append(f"The authors should add to codecheck.yml: {', '.join(open_to_authors)}.")
    return advice or ["None."]


def _checker(said, still_open):
    open_nodes = [what for _, who, what in still_open if who == "checker"]
    people = "; ".join(f"{p['name']} {p.get('ORCID', '')}".strip() for p in said.get("codechecker", []))
    known = {"codechecker": people} | {node: said.get(node, "") for node in codecheck.CHECKERS[1:]}
    lines = [f'<tr><th scope="row">{node}</th><td>{markup.escaped(said)}</td></tr>' for node, said in known.items()]
    note = f"<p>To be filled in by the checker, in codecheck.yml: {markup.escaped(', '.join(open_nodes))}.</p>"
    return f'{note if open_nodes else ""}<table class="sign">{"".join(lines)}</table>'
