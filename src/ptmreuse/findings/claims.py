"""The claims ledger: the published claims that could be found, checked against the data at hand, with a verdict.

========================= ==================================================================================
verdict                   meaning
========================= ==================================================================================
reproduced                recomputed from the data the claim is about, or published twice, with the same result
agrees                    the whole interval of another sample lies within the margin around the published
                          share, or that sample leaves no other leader
differs                   recomputed or published elsewhere with another result; or the interval of another sample
                          lies wholly outside the margin, or that sample rules the leader out
cannot tell               another sample speaks to it, but its interval is too wide for either, or it comes from a
                          part of the claim's population
not checkable             the data at hand say nothing about it; the reason says what is missing
========================= ==================================================================================

The margin stands in the ledger and the level in `judged`, not among the reader's parameters: with less certainty no
verdict may get better. A margin is the difference that would change what the study concludes (five points of a
share). Claims of the study and clerical checks (a sum against the sum of the same workbook) are two boards.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ptmreuse import paths, wording
from ptmreuse.errors import StudyError, refuse
from ptmreuse.evidence import study
from ptmreuse.parameters import DEFAULTS
from ptmreuse.statistics.estimate import Estimate

VERDICTS = ("reproduced", "agrees", "differs", "cannot tell", "not checkable")
BOARDS = ("study", "clerical")
CHECKS = ("equal", "share", "top")
TOTAL = "evidence_papers"  # all papers of the source; tells which release a database holds
COLUMNS = (
    "id", "question", "statement", "release", "board", "unit", "population", "check", "fact", "expected", "tolerance",
    "margin", "key", "same_data", "sample", "caution", "why_not", "baseline",
)  # fmt: skip


def ledger(facts: pd.DataFrame, path: Path | None = None) -> pd.DataFrame:
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
        refuse(
            paths.shown(path), f"the columns {', '.join(COLUMNS)}", ", ".join(frame.columns), "correct the header row"
        )
    rows = []
    for row, claim in enumerate(frame.to_dict("records"), start=1):
        where = f"{paths.shown(path)}, row {row} ({claim['id']})"
        _check_row(claim, where)
        rows.append(claim | _target(claim, facts, where))
    resolved = pd.DataFrame(rows)
    if resolved["id"].duplicated().any():
        twice = resolved.loc[resolved["id"].duplicated(), "id"].iloc[0]
        refuse(paths.shown(path), "each claim id once", f"{twice} twice", "rename one of them")
    return resolved


def _check_row(claim, where):
    def wrong(column, expected, do="correct this value"):
        found = repr(claim[column]) if claim[column] else "an empty cell"
        return StudyError(expected=expected, found=found, where=f"{where}, column {column}", do=do)

    allowed = {"check": CHECKS, "baseline": VERDICTS, "sample": ("yes", "no"), "board": BOARDS}
    for column, words in allowed.items():
        if claim[column] not in words:
            raise wrong(column, f"one of {', '.join(words)}")
    for column in ("tolerance", "margin"):
        if not re.fullmatch(r"(\d+(\.\d+)?)?", claim[column]):
            raise wrong(column, "a number or nothing")
    if claim["check"] == "share" and not claim["margin"]:
        raise wrong(
            "margin", "the difference that would matter, fixed before the result is seen", "write it, such as 0.05"
        )
    if not claim["key"]:
        raise wrong("key", "a registry key", "complete the row")
    if claim["same_data"] != "any" and not claim["why_not"]:
        raise wrong("why_not", "a reason, unless any data can check it", "complete the row")


def _target(claim, facts, where):
    if claim["check"] == "top":
        return {"target": 1.0, "target_text": "rank 1", "source": "arXiv 2603.13584", "source_kind": "paper"}
    parts = claim["fact"].split("/")
    for part in parts:
        if part not in facts.index:
            refuse(f"{where}, column fact", "an id of data/published.csv", repr(part), "correct the id or add the fact")
    first = facts.loc[parts[0]]
    if len(parts) == 2:
        target = first["value"] / facts.loc[parts[1], "value"]
    else:
        target = first["value"] / 100 if first["unit"].startswith("percent") else first["value"]
    text = wording.percent(target, 2 if len(parts) == 1 else 1) if claim["check"] == "share" else wording.count(target)
    return {"target": target, "target_text": text, "source": first["source"], "source_kind": first["source_kind"]}


class _Case(NamedTuple):
    """A claim beside the number that is to judge it."""

    claim: dict
    found: pd.Series | None  # the registry's row
    source: str
    held: str | None  # the release that the database in use holds, as far as its total tells
    whole: bool
    limits: tuple  # of another sample's interval, NaN where it has none
    journals: tuple  # the megajournals that the papers in use are from

    @property
    def words(self):
        """Whether published facts are enough: two numbers in words, no papers."""
        return self.claim["same_data"] == "any"

    @property
    def same(self):
        """Whether the data in use are those that the claim is about."""
        return self.words or self.source in self.claim["same_data"].split()

    @property
    def margin(self):
        return float(self.claim["margin"] or 0)

    @property
    def part(self):
        """Whether the papers in use are from some of the megajournals that the claim is about."""
        return "four megajournals" in self.claim["population"] and not set(study.MEGAJOURNALS) <= set(self.journals)

    def about(self, check):
        return self.claim["check"] == check

    def equal(self):
        tolerance = float(self.claim["tolerance"] or 0)
        return abs(float(self.found["value"]) - self.claim["target"]) <= tolerance

    def inside(self):
        low, high = self.limits
        target = self.claim["target"]
        return target - self.margin <= low and high <= target + self.margin

    def outside(self):
        low, high = self.limits
        return high < self.claim["target"] - self.margin or low > self.claim["target"] + self.margin


class _Rule(NamedTuple):
    """One line of the rules: the first that holds gives the verdict."""

    about: str
    when: str  # as the page prints it
    verdict: str
    holds: Callable
    reason: str  # as the verdict prints it, with what the case can fill in
    judges: bool = True  # whether the number found is shown beside the verdict


ANY, OTHER, SHARE, TOP = "any claim", "by another sample", "a share, by another sample", "what leads, by another sample"
RULES = (
    _Rule(ANY, "it needs papers, and those in use are simulated", "not checkable",
          lambda c: c.source == "simulated" and not c.words,
          "simulated papers say nothing about the world; run with source: embedded, pilot, release, plos or tables",
          False),
    _Rule(ANY, "these are the data it is about, and they hold nothing to recompute it from", "not checkable",
          lambda c: c.same and c.found is None, "the data in use hold nothing to recompute it from", False),
    _Rule(ANY, "the data in use say nothing about it", "not checkable",
          lambda c: c.found is None or not (c.same or c.claim["sample"] == "yes"), "{why_not}", False),
    _Rule(ANY, "it is about another release than the database in use holds", "not checkable",
          lambda c: bool(c.held) and not c.words and not c.about("top") and c.claim["release"] not in (c.held, "pilot"),
          "the database in use holds the papers of {held}, not of {release}", False),
    _Rule(ANY, "papers were set aside by the parameter last_year", "not checkable",
          lambda c: c.same and not c.words and not c.whole, "papers were set aside by the parameter last_year", False),
    _Rule(ANY, "two published numbers are equal", "reproduced",
          lambda c: c.words and c.equal(), "two published numbers, which agree{caution}"),
    _Rule(ANY, "two published numbers are not equal", "differs",
          lambda c: c.words, "two published numbers, which differ{caution}"),
    _Rule(ANY, "recomputed from the data it is about, with the same result to the digits published", "reproduced",
          lambda c: c.same and c.equal(), "recomputed from these papers; the results agree{caution}"),
    _Rule(ANY, "recomputed from the data it is about, with another result", "differs",
          lambda c: c.same, "recomputed from these papers; the results differ{caution}"),
    _Rule(ANY, "another sample speaks to it, but has too few papers for an interval", "not checkable",
          lambda c: any(pd.isna(end) for end in c.limits), "too few {unit} for an interval; {why_not}"),
    _Rule(OTHER, "another sample speaks to it, but comes from some of the megajournals only", "cannot tell",
          lambda c: c.part, "{sample}, from {journals}; the other megajournals may differ{caution}"),
    _Rule(SHARE, "the whole interval lies within the margin around the published share", "agrees",
          lambda c: c.about("share") and c.inside(),
          "{sample}: its whole interval lies within the margin around the published share{caution}"),
    _Rule(SHARE, "the whole interval lies outside the margin", "differs",
          lambda c: c.about("share") and c.outside(),
          "{sample}: its whole interval lies outside the margin around the published share{caution}"),
    _Rule(SHARE, "otherwise", "cannot tell", lambda c: c.about("share"),
          "{sample}: its interval reaches beyond the margin on one side and into it on the other{caution}"),
    _Rule(TOP, "its rank is one in the whole interval", "agrees", lambda c: c.about("top") and c.limits[1] <= 1,
          "{sample}: no other can lead within its interval{caution}"),
    _Rule(TOP, "its rank is above one in the whole interval", "differs",
          lambda c: c.about("top") and c.limits[0] > 1, "{sample}: within its interval another leads{caution}"),
    _Rule(TOP, "otherwise", "cannot tell", lambda c: c.about("top"),
          "{sample}: within its interval this one leads or another does{caution}"),
)  # fmt: skip


def rules() -> pd.DataFrame:
    """The rules of `evaluate`, in their order, as a table for the page.

    Returns
    -------
    DataFrame
        order, claim (which ones a rule is about), when, verdict; the first rule that holds gives the verdict.

    Examples
    --------
    >>> rules()["verdict"].tolist()[-3:]
    ['agrees', 'differs', 'cannot tell']
    """
    return pd.DataFrame(
        [
            {"order": order, "claim": rule.about, "when": rule.when, "verdict": rule.verdict}
            for order, rule in enumerate(RULES, start=1)
        ]
    )


def evaluate(
    claims: pd.DataFrame,
    registry: pd.DataFrame,
    source: str,
    kind: str,
    whole: bool = True,
    judging: dict[str, Estimate] | None = None,
    journals: Iterable[str] = (),
) -> pd.DataFrame:
    """Give every claim its verdict: that of the first of `RULES` that holds.

    Parameters
    ----------
    claims : DataFrame
        From `ledger`.
    registry : DataFrame
        Recorded numbers, indexed by key, from `record.numbers`.
    source : str
        The source in use: embedded, pilot, release, tables or simulated.
    kind : {'coded', 'simulated'}
        Its data kind. The simulated source gives no verdict that needs papers; a generated database gives verdicts
        marked SIMULATED.
    whole : bool
        Whether all papers of the source are in use; with some set aside, no published number can be recomputed.
    judging : dict of str to Estimate, optional
        From `judged.estimates`: the intervals of another sample, by key.
    journals : iterable of str
        The megajournals that the papers in use are from; a sample from one of four decides no claim about four.

    Returns
    -------
    DataFrame
        One row per claim: id, question, statement, release, board, unit, population, expected, found, interval (the
        one that judges), verdict, reason, notebook, cell, key, source_kind, source, baseline.

    Raises
    ------
    StudyError
        If a claim is judged by a number of another unit.
    """
    held = _release_held(claims, registry) if source == "release" else None
    judging = judging or {}
    return pd.DataFrame(
        [
            _judge(claim, registry, source, kind, held, whole, judging, tuple(journals))
            for claim in claims.to_dict("records")
        ]
    )


def _release_held(claims, registry):
    """The release whose total the database in use has; None if it has none of the published totals."""
    if TOTAL not in registry.index:
        return None
    same = claims[(claims["key"] == TOTAL) & (claims["target"] == float(registry.loc[TOTAL, "value"]))]
    return same["release"].iloc[0] if len(same) == 1 else None


def _judge(claim, registry, source, kind, held, whole, judging, journals):
    key = claim["key"]
    found = registry.loc[key] if key in registry.index and registry.loc[key, "value"] != "" else None
    limits = (judging[key].low, judging[key].high) if key in judging else (float("nan"),) * 2
    case = _Case(claim, found, source, held, whole, limits, journals)
    rule = next(rule for rule in RULES if rule.holds(case))
    if rule.judges and found["unit"] != claim["unit"]:
        refuse(
            f"data/claims.csv, claim {claim['id']}", f"a number of {claim['unit']}",
            f"{key}, of {found['unit'] or 'no unit'}", "name the key that has the unit of the claim",
        )  # fmt: skip
    reason = _reason(rule, case)
    # A generated database shows that the check works; its verdicts say so.
    if kind == "simulated" and rule.verdict != "not checkable" and not case.words:
        reason = f"SIMULATED papers, not evidence: {reason}"
    shown = found if rule.judges else None
    rank = "rank " if claim["check"] == "top" else ""
    return {
        **{name: claim[name] for name in ("id", "question", "statement", "release", "board", "unit", "population")},
        "expected": claim["target_text"],
        "found": "" if shown is None else f"{rank}{shown['text']}",
        "interval": "" if shown is None or case.same else _interval(claim["check"], limits),
        "verdict": rule.verdict,
        "reason": reason,
        "notebook": "" if shown is None else shown["step"],
        "cell": "" if shown is None else str(shown["cell"]),
        "key": "" if shown is None else key,
        **{name: claim[name] for name in ("source_kind", "source", "baseline")},
    }  # fmt: skip


def _reason(rule, case):
    claim, found = case.claim, case.found
    # A caution about comparing with an independent sample does not bear on the data themselves.
    bears = claim["caution"] and (claim["sample"] == "no" or not case.same)
    return rule.reason.format(
        why_not=claim["why_not"] or f"no number {claim['key']} was recorded",
        held=case.held,
        release=claim["release"],
        unit=claim["unit"],
        journals=", ".join(j for j in study.MEGAJOURNALS if j in case.journals) or "no megajournal that is recorded",
        caution=f"; {claim['caution']}" if bears else "",
        sample="" if found is None else f"another sample, of {wording.count(_size(found), found['unit'])}",
    )


def _size(found):
    return float(found["n"]) if found["n"] != "" else float("nan")


def _interval(check, limits):
    if any(pd.isna(end) for end in limits):
        return ""
    show, rank = (wording.count, "rank ") if check == "top" else (wording.percent, "")
    return f"{rank}{show(limits[0])} to {show(limits[1])}"


def verify(values: dict[str, Any], folder: Path | None = None) -> int:
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
