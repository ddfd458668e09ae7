"""A run is called the authors' only if it was executed, from their inputs, with their results."""

import json
import re
import shutil
import tomllib

import pandas as pd
import pytest

from conftest import bytes_below, inside_pdf, run
from ptmreuse import paths
from ptmreuse.errors import StudyError
from ptmreuse.evidence import study
from ptmreuse.review import against_authors, certificate, codecheck, package, run_record


@pytest.fixture(scope="module")
def release(built_project, tmp_path_factory):
    project = tmp_path_factory.mktemp("somewhere else") / "project"
    shutil.copytree(built_project, project)
    made = run(project, "release")
    assert made.returncode == 0, made.stderr
    return project


@pytest.fixture
def released(release, tmp_path):
    """A released copy that a test may break."""
    return shutil.copytree(release, tmp_path / "project")


def said(project, *arguments):
    done = run(project, "review", *arguments)
    return done.returncode, done.stdout + done.stderr


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_same_run_is_the_authors_and_each_touch_is_named(released):
    code, text = said(released)
    assert (code, text.splitlines()[-1]) == (0, "The results of this run are those of the authors.")
    assert "numbers: " in text and "book: made anew" in text and "tables: reused, run 2" in text
    assert str(released) not in (released / "_build" / "run.json").read_text(encoding="utf-8")
    for page in (released / "_build" / "html").glob("[!4]*.html"):
        assert "results agree with the authors" in page.read_text(encoding="utf-8"), page.name

    code, text = said(released, "--set", "seed=5")
    assert code == 1 and "found seed = 5; compare a run of the default parameters" in text

    record = released / "_build" / "run.json"
    kept = record.read_text(encoding="utf-8")
    record.write_text(kept.replace('"ran"', '"did"'), encoding="utf-8")
    code, text = said(released)
    assert code == 1 and "one that was changed afterwards" in text
    record.write_text(kept, encoding="utf-8")

    theirs = released / "expected" / "03_tests" / "numbers.csv"
    before = theirs.read_bytes()
    theirs.write_bytes(before + b"\n")
    code, text = said(released)
    assert code == 1 and "expected/03_tests/numbers.csv: expected the authors' result as released" in text
    theirs.write_bytes(before)

    (released / "_build" / "results" / "03_tests" / "years.csv").unlink()
    code, text = said(released)
    assert code == 1 and "step 03_tests" in text and "are those of the authors" not in text


def test_the_pages_made_again_elsewhere_have_the_same_bytes_but_for_the_comparison(built_book, release):
    stamp = rb"(?<=How this book was made</a>\.).*?(?=<a )"
    ours, theirs = bytes_below(built_book), bytes_below(release / "_build" / "html")
    assert ours.keys() == theirs.keys()
    differ = {name for name in ours if re.sub(stamp, b"", ours[name]) != re.sub(stamp, b"", theirs[name])}
    assert differ <= {"this_run.html", "searchindex.js"}


def test_a_changed_data_row_turns_the_right_claims_and_is_named_before_and_after_the_run(released):
    held = run(released, "verify")
    assert held.returncode == 0 and "changed" not in held.stdout, held.stdout + held.stderr
    row = "10.1371/journal.pone.0192011,AlexNet,{}"
    edit(released / "data" / "pilot_pairs.csv", row.format("adaptation"), row.format("deployment"))
    code, text = said(released)
    assert code == 1 and "data/pilot_pairs.csv changed" in text
    lost = run(released, "verify")
    assert lost.returncode == 3
    assert "NO LONGER REPRODUCED pilot-pairs-adaptation: expected 21, found 20" in lost.stdout
    assert "NO LONGER REPRODUCED pilot-pairs-deployment: expected 10, found 11" in lost.stdout
    assert "NO LONGER REPRODUCED pilot-papers:" not in lost.stdout
    clerical = study.read_csv(released / "_build" / "results" / "04_findings" / "clerical.csv").set_index("id")
    assert clerical.loc["pilot-pairs-adaptation", ["found", "verdict"]].tolist() == ["20", "differs"]
    code, text = said(released)
    assert (
        code == 3 and "another input: data/pilot_pairs.csv" in text and "the inputs are not theirs (data/pilot_" in text
    )
    for kind in ("number evidence_adaptation_pairs_share", "table patterns", "figure patterns_forest", "claim "):
        assert f"differs: {kind}" in text.replace("02_coding/", ""), text
    steps = json.loads((released / "_build" / "run.json").read_text(encoding="utf-8"))["steps"]
    assert steps["tables"]["seconds"] is not None  # made anew here


def test_another_version_is_named_with_what_moved(released):
    record = released / "_build" / "run.json"
    run = json.loads(record.read_text(encoding="utf-8"))
    del run["seal"]
    run["steps"]["03_tests"]["other_versions"]["scipy"] = "1.17.2 locked, 1.17.0 installed"
    record.write_text(json.dumps(run | {"seal": run_record.seal(run)}), encoding="utf-8")
    code, text = said(released)
    assert code == 0 and "another version: scipy, 1.17.2 locked, 1.17.0 installed" in text
    rows = pd.DataFrame({"kind": ["number"], "output": ["a"], "result": ["differs"], "detail": [""]})
    assert "it moved with the versions of scipy" in against_authors.verdict(rows, [], ["scipy"])


def test_a_table_may_differ_by_what_its_numbers_are():
    there = pd.DataFrame({"n": ["110"], "low": ["0.105430"], "method": ["percentile bootstrap"]})
    for low, result in (("0.105403", "within tolerance"), ("0.108", "differs"), ("n/a", "differs")):
        assert against_authors.compare_tables(there, there.assign(low=low))[0] == result
    assert against_authors.compare_tables(there, there.assign(n="111"))[0] == "differs"
    exact = there.assign(method="Wilson")
    assert against_authors.compare_tables(exact, exact.assign(low="0.10543002"))[0] == "within tolerance"
    assert against_authors.compare_tables(exact, exact.assign(low="0.105431"))[0] == "differs"
    zero = exact.assign(low="5.551115123125783e-16")
    assert against_authors.compare_tables(zero, zero.assign(low="-1.0658141036401503e-14"))[0] == "within tolerance"
    assert against_authors.compare_tables(zero, zero.assign(low="1e-9"))[0] == "differs"
    assert against_authors.compare_tables(there, there.iloc[:0])[0] == "differs"


SIGNED = """codechecker:
- name: Ada Lovelace
  ORCID: 0000-0002-1825-0097
report: https://doi.org/10.5281/zenodo.3674056
summary: Everything was made again in two minutes.
certificate: 2026-014
"""


def test_a_certificate_is_a_draft_until_a_checker_signs_and_no_placeholder_signs(released, monkeypatch):
    done = run(released, "certificate")
    assert done.returncode == 0 and "filled in by the checker: certificate (CC-CFG-025)" in done.stdout, done.stderr
    folder, file = released / "_build" / "certificate", released / "codecheck.yml"
    drafted, draft = (path.read_text(encoding="utf-8") for path in (folder / "certificate.html", file))
    assert "Draft certificate, not signed" in drafted and "The results of this run are those of the authors." in drafted
    assert "No PDF" in done.stdout or b"/StructTreeRoot" in inside_pdf(folder / "certificate.pdf")
    assert {"_build/results/04_findings/claims.csv", "_build/results/03_tests/years.svg"} <= set(draft.split())
    monkeypatch.setattr(paths, "ROOT", released)
    monkeypatch.setattr(paths, "RESULTS", released / "_build" / "results")
    monkeypatch.setattr(codecheck, "FILE", file)
    file.write_text(draft + SIGNED, encoding="utf-8")
    records = (run_record.unsealed(released / place / "run.json", "a run", "") for place in ("_build", "expected"))
    rows = pd.DataFrame({"kind": ["number"], "output": ["papers"], "result": ["same bytes"]})
    signed = certificate._page(*records, rows, [], *codecheck.read())
    assert "Draft" not in signed and "Ada Lovelace 0000-0002-1825-0097" in signed
    file.write_text(draft + SIGNED.replace("2026-014", "2026-999"), encoding="utf-8")
    with pytest.raises(StudyError, match=r"certificate is a placeholder: 2026-999 \(CC-CFG-023\)"):
        codecheck.read()
    file.write_text(draft, encoding="utf-8")
    (released / "_build" / "results" / "04_findings" / "claims.csv").unlink()
    assert run(released, "certificate").returncode == 1


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("manifest: [", "CC-CFG-001"),
        ("---\nmanifest: none", "CC-CFG-004"),
        ("---\nmanifest: [{comment: a}]", "CC-CFG-005"),
        ("---\nmanifest: [{file: /etc/passwd}]", "CC-CFG-006"),
        ("---\nmanifest: [{file: ../x.csv}]", "CC-CFG-006"),
        ("---\nmanifest: [{file: gone.csv}]", "CC-BUN-001"),
        ("---\npaper: {authors: []}", "CC-CFG-018"),
        ("---\npaper: {authors: [{name: A B, ORCID: 'https://orcid.org/0000-0002-1825-0097'}]}", "CC-MET-001"),
        ("---\ncodechecker: [{name: }]", "CC-CFG-009"),
        ("---\ncodechecker: Ada", "CC-CFG-008"),
        ("---\nreport: FIXME", "CC-CFG-013"),
        ("---\ncertificate: 26-1", "CC-CFG-026"),
    ],
)
def test_codecheck_yml_is_judged_by_the_rules_of_its_specification(text, rule):
    assert (rule, "wrong") in [found[:2] for found in codecheck.problems(text)]


def test_a_placeholder_is_no_checker():
    def wrong(text):
        return [f"{rule} {sentence}" for rule, who, sentence in codecheck.problems(f"---\n{text}") if who == "wrong"]

    before = wrong(SIGNED)
    assert not any("placeholder" in sentence for sentence in before)
    for old, new in (
        ("Ada Lovelace", "Jane Doe"), ("Ada Lovelace", "Your Name"), ("Ada Lovelace", "<name>"),
        ("Ada Lovelace", "N.N."),
        ("2026-014", "YYYY-NNN"), ("2026-014", "0000-001"), ("3674056", "FIXME"), ("Everything", "TODO everything"),
        ("1825-0097", "1825-0098"), ("0000-0002-1825-0097", "0000-0000-0000-0000"),
    ):  # fmt: skip
        assert len(wrong(SIGNED.replace(old, new))) > len(before), new


def test_smoke_gives_one_verdict_and_leaves_the_book_alone(release):
    before = (release / "_build" / "run.json").read_bytes()
    done = run(release, "smoke")
    assert done.returncode == 0 and "are the authors'. Now run make book" in done.stdout, done.stdout + done.stderr
    assert (release / "_build" / "run.json").read_bytes() == before


def test_the_package_describes_itself_by_what_is_in_it(release):
    graph = json.loads((release / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    known = {entity["@id"] for entity in graph}
    files = [entity for entity in graph if "File" in entity["@type"]]
    assert {"data/pilot_pairs.csv", "notebooks/03_tests.ipynb", "expected/04_findings/claims.csv"} <= known
    for file in files:
        assert paths.sha256(release / file["@id"]) == file["sha256"], file["@id"]
    made = [entity for entity in graph if entity["@type"] == "CreateAction"]
    used = [one["@id"] for action in made for one in (action["instrument"], *action["object"], *action["result"])]
    assert len(made) == 4 and set(used) <= known
    readme = (release / "data" / "README.md").read_text(encoding="utf-8")
    step, line = re.search(r"\| years \| figure \| `(\S+)`, line (\d+) ", readme).groups()
    assert '\\"years\\"' in (release / step).read_text(encoding="utf-8").splitlines()[int(line) - 1]
    assert f"| `pilot_papers.csv` | 110 | {(release / 'data' / 'pilot_papers.csv').stat().st_size:,} | yes |" in readme
    deposit = json.loads((release / ".zenodo.json").read_text(encoding="utf-8"))
    assert deposit["version"] == tomllib.loads((release / "pyproject.toml").read_text())["project"]["version"]


def test_a_version_is_written_alike_everywhere():
    assert (
        package.citation()["version"]
        == tomllib.loads((paths.ROOT / "pyproject.toml").read_text())["project"]["version"]
    )
