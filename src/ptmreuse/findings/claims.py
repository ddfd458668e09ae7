"""The claims ledger: the published claims that could be found, checked against the data at hand, with a verdict.

========================= ==================================================================================
verdict                   meaning
========================= ==================================================================================
reproduced                recomputed from the data the claim is about, or published twice, with the same result
agrees                    the whole 95 % interval of another sample lies within the margin around the published
                          share, or that sample leaves no other leader
differs                   recomputed or published elsewhere with another result; or the interval of another sample
                          lies wholly outside the margin, or that sample rules the leader out
cannot tell               another sample speaks to it, but its interval is too wide for either
not checkable             the data at hand say nothing about it; the reason says what is missing
========================= ==================================================================================

Level and margin stand in the ledger and in `LEVEL`, not among the reader's parameters: with less certainty no
verdict may get better. A margin is the difference that would change what the study concludes (five points of a
share). Claims of the study and clerical checks (a sum against the sum of the same workbook) are two boards.
"""

import re

import pandas as pd

from ptmreuse import paths, wording
from ptmreuse.errors import StudyError
from ptmreuse.evidence import study
from ptmreuse.parameters import DEFAULTS

VERDICTS = ("reproduced", "agrees", "differs", "cannot tell", "not checkable")
BOARDS = ("study", "clerical")
LEVEL = 0.95  # of every interval that judges a claim
CHECKS = ("equal", "share", "top")
TOTAL = "evidence_papers"  # all papers of the source; tells which release a database holds
COLUMNS = (
    "id", "question", "statement", "release", "board", "unit", "population", "check", "fact", "expected", "tolerance",
    "margin", "key", "same_data", "sample", "caution", "why_not", "baseline",
)  # fmt: skip


def ledger(facts, path=None):
    """Read the ledger and resolve what each claim expects.

    Parameters
    ----------
    facts : DataFrame
        From `study.published`; the ledger names facts and never repeats their numbers.
    path : Path, optional

    Returns
    -------
    DataFrame
        The columns of data/claims.csv, and `target`: the expected count, share or rank, and `source`.

    Raises
    ------
    StudyError
        On an unknown check, fact or verdict, a repeated id, or a claim without key or reason.
    """
    path = path or paths.DATA / "claims.csv"
    frame = study.read_csv(path)
    if tuple(frame.columns) != COLUMNS:
        raise StudyError(
            expected=f"the columns {', '.join(COLUMNS)}",
            found=", ".join(frame.columns),
            where=paths.shown(path),
            do="correct the header row",
        )
    rows = []
    for row, claim in enumerate(frame.to_dict("records"), start=1):
        where = f"{paths.shown(path)}, row {row} ({claim['id']})"
        for column, allowed in (
            ("check", CHECKS),
            ("baseline", VERDICTS),
            ("sample", ("yes", "no")),
            ("board", BOARDS),
        ):
            if claim[column] not in allowed:
                raise StudyError(
                    expected=f"one of {', '.join(allowed)}",
                    found=repr(claim[column]),
                    where=f"{where}, column {column}",
                    do="correct this value",
                )
        for column in ("tolerance", "margin"):
            if not re.fullmatch(r"(\d+(\.\d+)?)?", claim[column]):
                raise StudyError(
                    expected="a number or nothing",
                    found=repr(claim[column]),
                    where=f"{where}, column {column}",
                    do="correct this value",
                )
        if claim["check"] == "share" and not claim["margin"]:
            raise StudyError(
                expected="the difference that would matter, fixed before the result is seen",
                found="an empty cell",
                where=f"{where}, column margin",
                do="write it, such as 0.05",
            )
        if not claim["key"] or (claim["same_data"] != "any" and not claim["why_not"]):
            raise StudyError(
                expected="a registry key, and why_not unless any data can check it",
                found="an empty cell",
                where=where,
                do="complete the row",
            )
        rows.append(claim | _target(claim, facts, where))
    resolved = pd.DataFrame(rows)
    if resolved["id"].duplicated().any():
        twice = resolved.loc[resolved["id"].duplicated(), "id"].iloc[0]
        raise StudyError(
            expected="each claim id once",
            found=f"{twice} twice",
            where=paths.shown(path),
            do="rename one of them",
        )
    return resolved


def _target(claim, facts, where):
    if claim["check"] == "top":
        return {"target": 1.0, "target_text": "rank 1", "source": "arXiv 2603.13584", "source_kind": "paper"}
    parts = claim["fact"].split("/")
    for part in parts:
        if part not in facts.index:
            raise StudyError(
                expected="an id of data/published.csv",
                found=repr(part),
                where=f"{where}, column fact",
                do="correct the id or add the fact",
            )
    first = facts.loc[parts[0]]
    if len(parts) == 2:
        target = first["value"] / facts.loc[parts[1], "value"]
    else:
        target = first["value"] / 100 if first["unit"].startswith("percent") else first["value"]
    text = wording.percent(target, 2 if len(parts) == 1 else 1) if claim["check"] == "share" else wording.count(target)
    return {
        "target": target,
        "target_text": text,
        "source": first["source"],
        "source_kind": first["source_kind"],
    }


def evaluate(claims, registry, source, kind, whole=True):
    """Give every claim its verdict.

    Parameters
    ----------
    claims : DataFrame
        From `ledger`.
    registry : DataFrame
        Recorded numbers, indexed by key, from `results.numbers`.
    source : str
        The source in use: embedded, pilot, release, tables or simulated.
    kind : {'coded', 'simulated'}
        Its data kind. The simulated source gives no verdict that needs papers; a generated database gives verdicts
        marked SIMULATED.

    whole : bool
        Whether all papers of the source are in use; with some set aside, no published number can be recomputed.

    Returns
    -------
    DataFrame
        One row per claim: id, question, statement, release, board, unit, expected, found, interval, verdict, reason,
        notebook, cell, key, source_kind, source, baseline.

    Raises
    ------
    StudyError
        If a claim is judged by a number of another unit.
    """
    held = _release_held(claims, registry) if source == "release" else None
    return pd.DataFrame([_judge(claim, registry, source, kind, held, whole) for claim in claims.to_dict("records")])


def _release_held(claims, registry):
    """The release whose total the database in use has; None if it has none of the published totals."""
    if TOTAL not in registry.index:
        return None
    same = claims[(claims["key"] == TOTAL) & (claims["target"] == float(registry.loc[TOTAL, "value"]))]
    return same["release"].iloc[0] if len(same) == 1 else None


def _judge(claim, registry, source, kind, held, whole):
    key = claim["key"]
    same = claim["same_data"] == "any" or source in claim["same_data"].split()
    found = registry.loc[key] if key in registry.index and registry.loc[key, "value"] != "" else None
    verdict, reason = "not checkable", claim["why_not"]
    if source == "simulated" and claim["same_data"] != "any":
        reason = "simulated papers say nothing about the world; run with source: embedded, pilot, release or tables"
        found = None
    elif found is None and same:
        reason = "the data in use hold nothing to recompute it from"
    elif found is None:
        reason = claim["why_not"] or f"no number {key} was recorded"
    elif held and claim["check"] != "top" and claim["release"] not in (held, "pilot") and claim["same_data"] != "any":
        reason, found = f"the database in use holds the papers of {held}, not of {claim['release']}", None
    elif found["unit"] and claim["same_data"] != "any" and found["unit"] != claim["unit"]:
        raise StudyError(
            expected=f"a number of {claim['unit']}", found=f"{key}, of {found['unit']}",
            where=f"data/claims.csv, claim {claim['id']}", do="name the key that has the unit of the claim",
        )  # fmt: skip
    elif same and not whole and claim["same_data"] != "any":
        reason, found = "papers were set aside by the parameter last_year", None
    elif same:
        verdict, reason = _recomputed(claim, float(found["value"]))
    elif claim["sample"] == "yes":
        verdict, reason = _sampled(claim, found)
    else:
        found = None
    # A generated database shows that the check works; its verdicts say so.
    if kind == "simulated" and verdict != "not checkable" and claim["same_data"] != "any":
        reason = f"SIMULATED papers, not evidence: {reason}"
    return {
        "id": claim["id"],
        "question": claim["question"],
        "statement": claim["statement"],
        "release": claim["release"],
        "board": claim["board"],
        "unit": claim["unit"],
        "expected": claim["target_text"],
        "found": "" if found is None else f"{'rank ' if claim['check'] == 'top' else ''}{found['text']}",
        "interval": "" if found is None else _interval(claim, found),
        "verdict": verdict,
        "reason": reason,
        "notebook": "" if found is None else found["step"],
        "cell": "" if found is None else str(found["cell"]),
        "key": "" if found is None else key,
        "source_kind": claim["source_kind"],
        "source": claim["source"],
        "baseline": claim["baseline"],
    }


def _recomputed(claim, value):
    same = abs(value - claim["target"]) <= float(claim["tolerance"] or 0)
    # A caution about comparing with an independent sample does not bear on the data themselves.
    caution = f"; {claim['caution']}" if claim["caution"] and claim["sample"] == "no" else ""
    what = (
        "two published numbers, which" if claim["same_data"] == "any" else "recomputed from these papers; the results"
    )
    return "reproduced" if same else "differs", f"{what} {'agree' if same else 'differ'}{caution}"


def _sampled(claim, found):
    low, high, level = (pd.to_numeric(found[c], errors="coerce") for c in ("low", "high", "confidence"))
    if pd.isna(low) or pd.isna(high):
        return "not checkable", f"too few {found['unit']} for an interval; {claim['why_not']}"
    if level != LEVEL:
        return "cannot tell", f"claims are judged by {wording.percent(LEVEL, 0)} intervals, this run has others"
    sample = f"another sample, of {wording.count(float(found['n']), found['unit'])}"
    caution = f"; {claim['caution']}" if claim["caution"] else ""
    for verdict, reason in SAMPLED[claim["check"]]:
        if RULES[verdict, claim["check"]](low, high, claim["target"], float(claim["margin"] or 0)):
            return verdict, f"{sample}: {reason}{caution}"
    raise AssertionError(claim["id"])


# How another sample of real papers judges a claim: in this order, the first rule that holds. The page on the rules
# prints this table.
RULES = {
    ("agrees", "share"): lambda low, high, target, margin: target - margin <= low and high <= target + margin,
    ("differs", "share"): lambda low, high, target, margin: high < target - margin or low > target + margin,
    ("cannot tell", "share"): lambda low, high, target, margin: True,
    ("agrees", "top"): lambda low, high, target, margin: high <= 1,
    ("differs", "top"): lambda low, high, target, margin: low > 1,
    ("cannot tell", "top"): lambda low, high, target, margin: True,
}
SAMPLED = {
    "share": (
        ("agrees", "its whole interval lies within the margin around the published share"),
        ("differs", "its whole interval lies outside the margin around the published share"),
        ("cannot tell", "its interval reaches beyond the margin on one side and into it on the other"),
    ),
    "top": (
        ("agrees", "no other can lead within its interval"),
        ("differs", "within its interval another leads"),
        ("cannot tell", "within its interval this one leads or another does"),
    ),
}


def rules():
    """The rules of `evaluate` for another sample, as a table for the page.

    Returns
    -------
    DataFrame
        check, order, verdict, when; one row per rule.

    Examples
    --------
    >>> rules()["verdict"].tolist()[:3]
    ['agrees', 'differs', 'cannot tell']
    """
    about = {"share": "a share", "top": "what leads"}
    return pd.DataFrame(
        [
            {"claim about": about[check], "order": order, "verdict": verdict, "when": when}
            for check, listed in SAMPLED.items()
            for order, (verdict, when) in enumerate(listed, start=1)
        ]
    )


def _interval(claim, found):
    low, high = (pd.to_numeric(found[c], errors="coerce") for c in ("low", "high"))
    if pd.isna(low) or pd.isna(high):
        return ""
    show = wording.percent if claim["check"] == "share" else wording.count
    return f"{'rank ' if claim['check'] == 'top' else ''}{show(low)} to {show(high)}"


def verify(values, folder=None):
    """Print the verdict per claim; say which claims no longer are what they were.

    Parameters
    ----------
    values : dict
        The parameters of the run.

    Returns
    -------
    int
        3 if a claim that was reproduced no longer is (1 and 4 are errors), else 0.
    """
    folder = folder or paths.RESULTS / "04_findings"
    verdicts = pd.concat([study.read_csv(folder / f"{name}.csv") for name in ("claims", "clerical")], ignore_index=True)
    simulated = "; SIMULATED papers, not evidence" if "simulated" in set(verdicts["data_kind"]) else ""
    if simulated:
        print("SIMULATED papers, not evidence:")
    for claim in verdicts.to_dict("records"):
        found = f", found {claim['found']}" if claim["found"] else ""
        why = f" ({claim['reason']})" if claim["verdict"] in ("cannot tell", "not checkable") else ""
        print(f"{claim['verdict']:<15} {claim['id']}: expected {claim['expected']}{found}{why}")
    for board, part in verdicts.groupby("board", sort=False):
        counts = part["verdict"].value_counts()
        what = "claims of the study" if board == "study" else "clerical checks"
        print(
            f"{len(part)} {what}: {'; '.join(f'{counts.get(v, 0)} {v}' for v in VERDICTS)}"
            f"; source: {values['source']}{simulated}"
        )
    if values["source"] != "release":
        print("The released database is doi:10.5281/zenodo.21874098; run with source: release and release: FILE.")
    # The baseline was recorded with all embedded data; another run has no verdicts to fall back from.
    if values["source"] != "embedded" or values["last_year"] < DEFAULTS["last_year"]:
        return 0
    lost = verdicts[(verdicts["baseline"] == "reproduced") & (verdicts["verdict"] != "reproduced")]
    for claim in lost.to_dict("records"):
        print(f"NO LONGER REPRODUCED {claim['id']}: expected {claim['expected']}, found {claim['found'] or 'nothing'}")
    others = verdicts[(verdicts["baseline"] != verdicts["verdict"]) & ~verdicts["id"].isin(lost["id"])]
    for claim in others.to_dict("records"):
        print(f"changed {claim['id']}: was {claim['baseline']}, is {claim['verdict']}")
    return 3 if len(lost) else 0
