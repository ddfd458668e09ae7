"""Sensitivity: would the claims stand had the analyst chosen otherwise, or had the coder erred?

Five parts: `panel` and `survives` (named analyst choices), `tipping` and `if_coder_erred` (how wrong the codes
would have to be), `two_ways` (closed forms beside resampling), `validation_plan` and `pattern_precision` (the
validation sample that would settle it). Sensitivity analyses are not tests: nothing here is adjusted.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from ptmreuse import association, coders, names, reuse, statistics
from ptmreuse.errors import StudyError
from ptmreuse.study import FIELDS, PATTERNS, data_kind

BIOCHEMISTRY = FIELDS[1]
MANY = 3  # papers with more models than this are left out once
MATURE = 2  # years that a paper had to be cited in
OTHERS = [p for p in PATTERNS if p != "adaptation"]
# claim -> what must be true; value and threshold as in `panel`
CLAIMS = {
    "adaptation leads": "adaptation is more frequent than any other pattern",
    "adaptation is the majority": "more than half is adaptation",
    "reuse grew": "the odds of reuse rose over the years",
    "share of reuse": "the share stays within the interval of the main analysis",
    "Biochemistry leads": f"more reusing papers lie in {BIOCHEMISTRY} than in any other field",
}
THRESHOLDS = dict(zip(CLAIMS, (0.0, 0.5, 1.0, math.nan, 0.0), strict=True))
GROUPS = ("main analysis", "papers left out", "counted otherwise", "answers read otherwise")


# The choices ---------------------------------------------------------------------------------------------


class _Choice(NamedTuple):
    """One analyst choice: the tables it leaves, how it counts, or why it does not apply."""

    choice: str
    label: str
    group: str
    tables: dict | None = None
    how: dict = {}  # noqa: RUF012 - read only
    claims: tuple = tuple(CLAIMS)
    reason: str = ""  # for all claims
    otherwise: str = ""  # for the claims that the choice does not concern


def _numbered(evidence):
    """The coded papers alone, numbered: what the choices need, and quick to filter."""
    coded = pd.Index(evidence["papers"]["paper"])
    coded = coded[coded.isin(pd.concat([evidence["uses"]["paper"], evidence["reuse"]["paper"]]))]
    tables = {name: evidence[name] for name in ("papers", "fields", "uses", "reuse")}
    tables = {name: frame.assign(paper=coded.get_indexer(frame["paper"])) for name, frame in tables.items()}
    return {name: frame[frame["paper"] >= 0] for name, frame in tables.items()}


def _keep(tables, papers):
    """The study with these papers only."""
    return {name: frame[frame["paper"].isin(papers)] for name, frame in tables.items()}


def _choices(tables, accuracy):
    papers, fields = tables["papers"], tables["fields"]
    left_out, counted, read = GROUPS[1:]
    yield _Choice("main analysis", "main analysis", GROUPS[0], tables)

    years = sorted(int(y) for y in papers["year"].dropna().unique())
    for choice in ("leave one year out", "without the last year", "only papers that had time"):
        if len(years) < 2:
            reason = "the papers are of one year" if years else "no publication years are recorded"
            yield _Choice(choice, choice, left_out, reason=reason)
    if len(years) > 1:
        for year in years:
            kept = papers.loc[(papers["year"] != year).fillna(True), "paper"]
            yield _Choice("leave one year out", f"without {year}", left_out, _keep(tables, kept))
        for choice, last, label in (
            ("without the last year", years[-1] - 1, f"without the last year, {years[-1]}"),
            ("only papers that had time", years[-1] - MATURE, f"papers up to {years[-1] - MATURE} only"),
        ):
            kept = papers.loc[(papers["year"] <= last).fillna(True), "paper"]
            yield _Choice(choice, label, left_out, _keep(tables, kept))

    # Years in which nothing could be reused make any trend rise.
    deep = tables["uses"].loc[tables["uses"]["uses_dl"] == "yes", "paper"]
    dated = papers.loc[papers["paper"].isin(deep), "year"].dropna()
    growth = {"claims": ("reuse grew",), "otherwise": "the claim is not about years"}
    choice = "since the first deep learning"
    if len(dated):
        kept = papers.loc[(papers["year"] >= dated.min()).fillna(True), "paper"]
        yield _Choice(choice, f"since the first deep learning, {dated.min()}", left_out, _keep(tables, kept), **growth)
        yield _Choice("deep learning only", "among deep-learning papers", left_out, _keep(tables, deep), **growth)
    else:
        for name in (choice, "deep learning only"):
            yield _Choice(name, name, left_out, reason="no dated paper is known to use deep learning")

    known = fields[fields["field"].isin(FIELDS)]
    here = [f for f in FIELDS if f in set(known["field"])]
    if here:
        for field in here:
            outside = papers.loc[~papers["paper"].isin(known.loc[known["field"] == field, "paper"]), "paper"]
            about = tuple(c for c in CLAIMS if c != "Biochemistry leads" or field != BIOCHEMISTRY)
            label = f"without {field.split(',')[0]}"
            yield _Choice("leave one field out", label, left_out, _keep(tables, outside), claims=about,
                          otherwise="the claim is about this field")  # fmt: skip
        first = fields.drop_duplicates("paper")
        first = first[first["field"].isin(FIELDS)]
        label = "first topic only"
        yield _Choice(label, label, left_out, _keep(tables, first["paper"]) | {"fields": first})
    else:
        for choice in ("leave one field out", "first topic only"):
            yield _Choice(choice, choice, left_out, reason="the source in use has no fields")
    field_only = ("Biochemistry leads",)
    label = "fields counted in fractions"
    yield _Choice("fractional counting", label, counted, tables, {"fractional": True}, field_only,
                  "" if here else "the source in use has no fields", "the claim is not about fields")  # fmt: skip

    journals = papers["megajournal"].where(papers["megajournal"] != "").dropna().value_counts().sort_index()
    if len(journals) > 1:
        biggest = journals.idxmax()
        kept = papers.loc[papers["megajournal"] != biggest, "paper"]
        yield _Choice("without the biggest journal", f"without {biggest}", left_out, _keep(tables, kept))
    else:
        reason = "all papers are from one megajournal" if len(journals) else "no megajournal is recorded"
        yield _Choice("without the biggest journal", "without the biggest journal", left_out, reason=reason)

    several = tables["reuse"].groupby("paper")["canonical"].nunique()
    kept = papers.loc[~papers["paper"].isin(several.index[several > MANY]), "paper"]
    label = f"without papers of more than {MANY} models"
    yield _Choice("without model-rich papers", label, left_out, _keep(tables, kept),
                  claims=("adaptation leads", "adaptation is the majority"),
                  otherwise="leaving out reusing papers would lower their share by construction")  # fmt: skip

    patterns = {
        "claims": ("adaptation leads", "adaptation is the majority"),
        "otherwise": "the claim counts papers anyway",
    }
    for unit in ("instances", "papers"):
        yield _Choice(
            f"{unit} instead of pairs", f"{unit} instead of pairs", counted, tables, {"unit": unit}, **patterns
        )
    yield _Choice("aliases merged", "models merged by family", counted, tables, {"by": "family"}, **patterns)

    for word in ("against", "for"):
        choice = f"unknown {word} the claim"
        yield _Choice(choice, choice, read, tables, {"unknown": word})
    label = "corrected for coder error"
    yield _Choice(label, label, read, tables, {"accuracy": accuracy}, ("share of reuse",),
                  "" if accuracy else "the coder's errors were not measured on papers of this frame",
                  "needs the errors per pattern, year or field; a validation sample would measure them")  # fmt: skip


# The claims ----------------------------------------------------------------------------------------------


def _pattern_counts(tables, unit, by, unknown):
    """Per reusing paper: pairs (or instances, or 1) of each pattern, their total, and pairs of unknown pattern."""
    rows = tables["reuse"].drop_duplicates(["paper", by, "pattern"])
    known = rows[rows["pattern"] != "unknown"]
    counts = known.groupby(["paper", "pattern"]).size().unstack(fill_value=0).reindex(columns=PATTERNS, fill_value=0)
    total = counts.sum(axis=1)
    if unit == "instances":
        total = known.drop_duplicates(["paper", by]).groupby("paper").size()
    elif unit == "papers":
        counts, total = counts.clip(upper=1), total.clip(upper=1)
    # A model with a known pattern elsewhere in the paper is no unknown.
    known_keys = pd.MultiIndex.from_frame(known[["paper", by]])
    open_rows = rows[rows["pattern"] == "unknown"]
    open_rows = open_rows[~pd.MultiIndex.from_frame(open_rows[["paper", by]]).isin(known_keys)]
    if unknown and len(open_rows):
        goes_to = "adaptation" if unknown == "for" else counts[OTHERS].sum().idxmax()
        added = open_rows.groupby("paper").size()
        counts = counts.reindex(counts.index.union(added.index), fill_value=0)
        counts[goes_to] = counts[goes_to].add(added, fill_value=0).astype("int64")
        total = total.add(added, fill_value=0).reindex(counts.index).astype("int64")
    return counts, total, len(open_rows)


def _lead(counts, total, leader, *, unit, conf, resamples, seed):
    """Share of one category less that of the next most frequent one; papers are resampled."""
    label = f"lead of {leader}"
    papers, n = len(counts), float(total.sum())
    nothing = {"conf": conf, "label": label, "scale": "points"}
    if papers < 2:
        return statistics.undefined(n, unit, "less than two papers", **nothing)
    # Papers with the same counts are one kind: drawing papers is drawing kinds from a multinomial.
    own = counts[leader].to_numpy(dtype=float)
    others = counts.drop(columns=leader).to_numpy(dtype=float)
    kinds, size = np.unique(np.column_stack([own, total, others]), axis=0, return_counts=True)

    def lead(weights):
        sums = weights @ kinds
        return (sums[..., 0] - sums[..., 2:].max(axis=-1)) / sums[..., 1]

    draws = np.random.default_rng(seed).multinomial(papers, size / papers, size=resamples)
    low, high = np.quantile(lead(draws), [(1 - conf) / 2, (1 + conf) / 2])
    reason = ""
    if high - low < 1e-12:
        low, high, reason = math.nan, math.nan, "no interval: all papers agree"
    rival = counts.drop(columns=leader).sum().idxmax()
    return statistics.Estimate(
        float(lead(size)), float(low), float(high), conf, f"bootstrap of {papers:,} papers", n, unit, None, reason,
        {"rival": rival, "leader": float(own.sum()), "next": float(counts[rival].sum())}, label, "points",
    )  # fmt: skip


def _yearly(tables, unknown):
    """Reusing papers and papers with an answer per year; unknown answers are left out or tell for or against growth."""
    coded = tables["papers"][["paper", "year"]].merge(tables["uses"], on="paper").dropna(subset="year")
    answer = coded["uses_ptm"]
    if unknown:
        # Against growth: unknown answers before the mean year were yes, and later ones no.
        early = coded["year"] < coded["year"].mean()
        answer = answer.where(answer != "unknown", np.where(early == (unknown == "against"), "yes", "no"))
    known = coded.assign(yes=answer == "yes")[answer != "unknown"]
    return known.groupby("year")["yes"].agg(["sum", "size"]).reset_index()


def _estimate(claim, tables, *, conf, resamples, seed, unit="pairs", by="canonical", unknown="", fractional=False,
              accuracy=None):  # fmt: skip
    """The estimate behind a claim under one choice, or the reason (a text) why the choice changes nothing."""
    again = {"conf": conf, "resamples": resamples, "seed": seed}
    uses = tables["uses"]
    open_answers = int((uses["uses_ptm"] == "unknown").sum())
    if claim.startswith("adaptation"):
        counts, total, open_pairs = _pattern_counts(tables, unit, by, unknown)
        if unknown and not open_pairs:
            return "no pattern is unknown"
        if claim == "adaptation leads":
            return _lead(counts, total, "adaptation", unit=unit, **again)
        label = f"adaptation, share of {unit}"
        if unit == "papers":
            return statistics.proportion(int(counts["adaptation"].sum()), len(counts), conf=conf, label=label)
        return statistics.clustered_share(counts["adaptation"], total, unit=unit, label=label, **again)
    if unknown and not open_answers:
        return "no answer is unknown"
    if claim == "reuse grew":
        years = _yearly(tables, unknown)
        return association.trend(years["sum"], years["size"], years["year"], conf=conf)
    if claim == "Biochemistry leads":
        counts, total = _field_counts(tables, unknown, fractional)
        if isinstance(counts, str):
            return counts
        return _lead(counts, total, BIOCHEMISTRY, unit="papers", **again)
    yes, no = (int((uses["uses_ptm"] == answer).sum()) for answer in ("yes", "no"))
    if accuracy:
        return coders.lang_reiczigel(yes, yes + no, **accuracy, conf=conf)
    yes += open_answers if unknown == "for" else 0
    no += open_answers if unknown == "against" else 0
    return statistics.proportion(yes, yes + no, conf=conf, label="share of reuse")


def _field_counts(tables, unknown, fractional):
    known = tables["fields"][tables["fields"]["field"].isin(FIELDS)].drop_duplicates()
    if known.empty:
        return "the source in use has no fields", None
    uses = tables["uses"]
    inside = uses["paper"].isin(known.loc[known["field"] == BIOCHEMISTRY, "paper"])
    counted = (uses["uses_ptm"] == "unknown") & (inside if unknown == "for" else ~inside) & bool(unknown)
    reusing = uses.loc[(uses["uses_ptm"] == "yes") | counted, "paper"]
    rows = known[known["paper"].isin(reusing)]
    if rows.empty:
        return "no reusing paper has a field", None
    counts = rows.groupby(["paper", "field"]).size().unstack(fill_value=0).reindex(columns=FIELDS, fill_value=0)
    if fractional:
        counts = counts.div(counts.sum(axis=1), axis=0)
    return counts, pd.Series(1, index=counts.index)


def panel(evidence, facts, *, conf, resamples, seed, accuracy=None):
    """Every claim under every analyst choice.

    Parameters
    ----------
    evidence : dict of str to DataFrame
        Study tables of one coder.
    facts : DataFrame
        From `study.published`: the published value beside each estimate.
    conf, resamples, seed
        Of every interval.
    accuracy : dict, optional
        tp, n_pos, tn, n_neg of the coder's answers on reuse, measured on papers of this frame, for
        `coders.lang_reiczigel`.

    Returns
    -------
    DataFrame
        One row per claim (of `CLAIMS`) and choice: label, group (main analysis, papers left out, counted
        otherwise, answers read otherwise), value, low, high, choice, claim, threshold (the claim is that the
        value is above it; of the share of reuse, the main interval counts instead), published (share or NaN),
        holds (yes, no, n/a), beyond_chance (the interval too lies above the threshold), n, unit, scale, method,
        reason. The value is a lead in points (of pairs, or of reusing papers), a share, or an odds ratio per
        year. Where a choice does not apply, value is NaN, holds is *n/a* and reason says why.

    Examples
    --------
    >>> from ptmreuse import study
    >>> table = panel(study.embedded(), study.published(), conf=0.95, resamples=199, seed=1)
    >>> row = table[(table["claim"] == "adaptation leads") & (table["label"] == "papers instead of pairs")].iloc[0]
    >>> float(row["value"]), row["holds"]
    (0.0, 'no')
    """
    published = {
        "adaptation is the majority": float(facts.loc["v1_adaptation_share", "value"]) / 100,
        "share of reuse": float(facts.loc["v1_reuse_papers", "value"] / facts.loc["v1_natural_science", "value"]),
    }
    rows, main = {claim: [] for claim in CLAIMS}, {}
    for choice in _choices(_numbered(evidence), accuracy):
        for claim in CLAIMS:
            reason = choice.otherwise if claim not in choice.claims else choice.reason
            found = reason or _estimate(claim, choice.tables, conf=conf, resamples=resamples, seed=seed, **choice.how)
            if isinstance(found, str):
                found = statistics.undefined(0, "papers", found, conf=conf)
            main.setdefault(claim, found)
            row = _panel_row(claim, choice, found, main[claim])
            rows[claim].append(row | {"published": published.get(claim, math.nan)})
    return pd.DataFrame(sum(rows.values(), []))


def _panel_row(claim, choice, found, main):
    threshold, holds, beyond = THRESHOLDS[claim], "n/a", "n/a"
    if not math.isnan(found.value):
        if claim == "share of reuse":
            holds = "n/a" if math.isnan(main.low) else "yes" if main.low <= found.value <= main.high else "no"
        else:
            holds = "yes" if found.value > threshold + 1e-12 else "no"
            beyond = "n/a" if math.isnan(found.low) else "yes" if found.low > threshold else "no"
    return {
        "label": choice.label,
        "group": choice.group,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "choice": choice.choice,
        "claim": claim,
        "threshold": threshold,
        "holds": holds,
        "beyond_chance": beyond,
        "n": found.n or math.nan,
        "unit": found.unit,
        "scale": found.scale,
        "method": found.method,
        "reason": found.reason,
    }


def survives(panel):
    """Does each claim survive every choice, and which choice breaks it?

    Parameters
    ----------
    panel : DataFrame
        From `panel`.

    Returns
    -------
    DataFrame
        One row per claim: claim, statement, main, lowest, highest (values over the choices that apply), choices
        (that apply), not_applicable, holds_under (so many of them), survives (yes: under all; no; n/a), broken_by
        (labels of the choices), beyond_chance (under so many the interval too is on the claim's side).

    Examples
    --------
    >>> from ptmreuse import study
    >>> table = survives(panel(study.embedded(), study.published(), conf=0.95, resamples=199, seed=1))
    >>> table.set_index("claim").loc["reuse grew", "broken_by"]
    'among deep-learning papers'
    """
    rows = []
    for claim, part in panel.groupby("claim", sort=False):
        made = part[part["holds"] != "n/a"]
        broken = made.loc[made["holds"] == "no", "label"].tolist()
        why = "; ".join(broken)
        if part["holds"].iloc[0] == "no":
            why = f"the main analysis already, and {len(broken) - 1} of {len(made) - 1} others"
        rows.append(
            {
                "claim": claim,
                "statement": CLAIMS[claim],
                "main": part["value"].iloc[0],
                "lowest": made["value"].min(),
                "highest": made["value"].max(),
                "choices": len(made),
                "not_applicable": len(part) - len(made),
                "holds_under": len(made) - len(broken),
                "survives": ("no" if broken else "yes") if len(made) else "n/a",
                "broken_by": why if len(made) else part["reason"].iloc[0],
                "beyond_chance": int((made["beyond_chance"] == "yes").sum()),
            }
        )
    return pd.DataFrame(rows)


def forest(panel, claim):
    """The rows of one claim as a forest plot shows them: of many left-out years or fields the lowest and the highest.

    Parameters
    ----------
    panel : DataFrame
        From `panel`.
    claim : str

    Returns
    -------
    DataFrame
        Rows of `panel` with a result, for `figures.intervals`; all other rows stay in the table.
    """
    made = panel[(panel["claim"] == claim) & panel["value"].notna()]
    parts = []
    for choice, part in made.groupby("choice", sort=False):
        if choice.startswith("leave one") and len(part) > 2:
            ends = part.loc[[part["value"].idxmin(), part["value"].idxmax()]]
            words = [
                f"{label} ({end} of {len(part)})"
                for label, end in zip(ends["label"], ("lowest", "highest"), strict=True)
            ]
            part = ends.assign(label=words)
        parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else made


# How wrong the coder would have to be ----------------------------------------------------------------------


def tipping(evidence, facts, *, conf, resamples, seed):
    """How wrong the codes would have to be to overturn each claim.

    Parameters
    ----------
    evidence, facts, conf, resamples, seed
        As in `panel`.

    Returns
    -------
    DataFrame
        One row per claim: claim, data_kind, share (NaN for an order or a trend), low (its lower limit), n, unit,
        lowest_ppv (the positive predictive value that the claim needs, if nothing was missed), lowest_ppv_low
        (the same for the lower limit), highest_fpr (the false positive rate at which it falls, at sensitivity 1,
        the worst case), highest_fpr_80 (at sensitivity 0.8), codes (number that must move to overturn it), of_100
        (the same per 100 codes), reason.

    Notes
    -----
    Codes move to the worst place: an adaptation becomes the runner-up, a reusing paper of the latest year
    becomes a *no*.

    Examples
    --------
    >>> from ptmreuse import study
    >>> table = tipping(study.embedded(), study.published(), conf=0.95, resamples=199, seed=1)
    >>> table.loc[table["codes"] == 3, "claim"].tolist()
    ['adaptation leads by pairs']
    """
    q = float(facts.loc["v1_adaptation_share", "value"]) / 100
    rows = [_majority("adaptation is the majority of instances, v1", "published", q, math.nan, math.nan, "instances")]
    models = facts[facts.index.str.startswith("v1_model_")]
    known = names.normalise(models["quantity"].str.removeprefix("reuse of "))
    for by, word in (("canonical", "versions apart"), ("family", "versions together")):
        counts = (
            models["value"].groupby(known[by].to_numpy()).sum().sort_index().sort_values(ascending=False, kind="stable")
        )
        rows.append(_order(f"{counts.index[0]} leads the published counts, {word}, v1", "published", counts.iloc[0],
                           counts.iloc[1], math.nan, "instances", f"runner-up {counts.index[1]}"))  # fmt: skip
    stage, why = facts.loc["v1_test_instances", "value"], "the counts of the other stages are not published"
    rows.append(
        _row("Test is the most affected stage, v1", "published", "instances", reason=f"{stage:g} in Test; {why}")
    )

    kind, again = data_kind(evidence), {"conf": conf, "resamples": resamples, "seed": seed}
    for unit in ("pairs", "papers"):
        counts, total, _ = _pattern_counts(evidence, unit, "canonical", "")
        n = float(total.sum())
        share = _estimate("adaptation is the majority", evidence, unit=unit, **again)
        claim = f"adaptation is the majority of {unit}"
        if math.isnan(share.value):
            rows.append(_row(claim, kind, unit, n=n, reason=share.reason))
            rows.append(_row(f"adaptation leads by {unit}", kind, unit, n=n, reason=share.reason))
            continue
        rows.append(_majority(claim, kind, share.value, share.low, n, unit))
        rival = counts[OTHERS].sum().idxmax()
        first, second = counts["adaptation"].sum(), counts[rival].sum()
        rows.append(_order(f"adaptation leads by {unit}", kind, first, second, n, unit, f"runner-up {rival}"))
    return pd.DataFrame([*rows, *_growth(evidence, kind, conf)])


def _row(claim, kind, unit, **values):
    columns = ("share", "low", "n", "lowest_ppv", "lowest_ppv_low", "highest_fpr", "highest_fpr_80", "codes", "of_100")
    empty = {"claim": claim, "data_kind": kind} | dict.fromkeys(columns, math.nan) | {"unit": unit, "reason": ""}
    return empty | {key: float(v) if key in columns else v for key, v in values.items()}


def _majority(claim, kind, share, low, n, unit):
    if share <= 0.5:
        return _row(claim, kind, unit, share=share, low=low, n=n, reason="not more than one half")
    point = coders.tipping_point(share)
    weak = coders.tipping_point(share, sensitivity=0.8).detail["fpr_max"]
    reason, needed = "the number of instances is not stated", math.nan
    if not math.isnan(n):
        # The smallest number that leaves half or less.
        reason, needed = "", math.ceil(round(share * n - n / 2, 9))
    below = not math.isnan(low) and low < 0.5
    return _row(
        claim, kind, unit, share=share, low=low, n=n, lowest_ppv=point.value,
        lowest_ppv_low=math.nan if math.isnan(low) or below else 0.5 / low, highest_fpr=point.detail["fpr_max"],
        highest_fpr_80=weak, codes=needed, of_100=100 * (share - 0.5),
        reason="its lower limit is below one half" if below else reason,
    )  # fmt: skip


def _order(claim, kind, first, second, n, unit, about):
    if first <= second:
        return _row(claim, kind, unit, n=n, reason=f"it does not lead: {first:g} against {second:g}, {about}")
    needed = coders.codes_to_flip(int(first), int(second))
    return _row(
        claim, kind, unit, n=n, codes=needed, of_100=100 * needed / n, reason=f"{first:g} against {second:g}, {about}"
    )


def _growth(tables, kind, conf):
    """Reusing papers of the latest years that must be a no for the trend to vanish, in size or beyond chance."""
    years = _yearly(tables, "")
    claims = {"reuse grew": lambda e: e.value, "reuse grew beyond chance": lambda e: e.low}
    now = association.trend(years["sum"], years["size"], years["year"], conf=conf)
    total, rows = int(years["sum"].sum()), []

    def above(moved, read):
        k = years["sum"].to_numpy(dtype="int64").copy()
        for place in range(len(k) - 1, -1, -1):
            taken = min(moved, k[place])
            k[place] -= taken
            moved -= taken
        found = association.trend(k, years["size"], years["year"], conf=conf)
        return not math.isnan(found.value) and read(found) > 1

    for claim, read in claims.items():
        if math.isnan(now.value) or not read(now) > 1:
            reason = now.reason if math.isnan(now.value) else "it does not hold"
            rows.append(_row(claim, kind, "papers", n=int(years["size"].sum()), reason=reason))
            continue
        low, high = 0, total  # holds with `low` codes moved, not with `high`
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if above(middle, read) else (low, middle)
        rows.append(_row(claim, kind, "papers", n=total, codes=high, of_100=100 * high / total,
                         reason="reusing papers, counted from the latest backwards"))  # fmt: skip
    return rows


def if_coder_erred(facts, *, sensitivity=0.9, specificities=(1.0, 0.999, 0.99, 0.98, 0.97), conf=0.95):
    """How many papers really reuse a model, were the coder's specificity this: measurement beats sampling error.

    Parameters
    ----------
    facts : DataFrame
        From `study.published`.
    sensitivity : float
    specificities : sequence of float
    conf : float
        Of the Wilson interval of the share as coded, which covers none of this.

    Returns
    -------
    DataFrame
        release, coded_yes, papers, share, low, high (as coded), sensitivity, specificity, true_papers,
        true_share, wrong_yes (share of the coder's yes), remark.

    Examples
    --------
    >>> from ptmreuse import study
    >>> if_coder_erred(study.published())["true_papers"].round().astype(int).tolist()[:5]
    [701, 682, 512, 319, 121]
    """
    rows = []
    for release, (yes, of) in _RELEASES.items():
        k, n = (int(facts.loc[key, "value"]) for key in (yes, of))
        coded = statistics.proportion(k, n, conf=conf)
        for specificity in specificities:
            found = coders.rogan_gladen(k, n, sensitivity, specificity, refuse=False, conf=conf)
            wrong = min(1.0, (1 - specificity) * (1 - found.value) * n / k)
            rows.append(
                {
                    "release": release,
                    "coded_yes": k,
                    "papers": n,
                    "share": coded.value,
                    "low": coded.low,
                    "high": coded.high,
                    "sensitivity": sensitivity,
                    "specificity": specificity,
                    "true_papers": found.value * n,
                    "true_share": found.value,
                    "wrong_yes": wrong,
                    "remark": found.reason,
                }
            )
    return pd.DataFrame(rows)


# The coder's yes, and the papers among which it was said.
_RELEASES = {
    "v1, all papers analysed": ("v1_reuse_papers", "v1_analysed"),
    "v1, natural science": ("v1_reuse_papers", "v1_natural_science"),
    "May 2026, full texts": ("may2026_reuse_papers", "may2026_full_text"),
}


# Two ways -------------------------------------------------------------------------------------------------


def two_ways(evidence, facts, *, conf, resamples, seed):
    """The headline numbers twice: closed form and resampling.

    Parameters
    ----------
    evidence, facts, conf, resamples, seed
        As in `panel`.

    Returns
    -------
    DataFrame
        One row per number: label, value, low, high, method (closed form), low_resampled, high_resampled,
        method_resampled, apart_low, apart_high (differences of the limits), apart (the larger one as a share of
        the width of the closed form's interval), p, p_resampled (tests only), n, unit, scale, data_kind, reason.

    Notes
    -----
    Resampling 0/1 answers of n independent papers is drawing binomial counts; permuting them among years is
    drawing hypergeometric ones.

    Examples
    --------
    >>> from ptmreuse import study
    >>> table = two_ways(study.embedded(), study.published(), conf=0.95, resamples=999, seed=1)
    >>> bool(table["apart"].max() < 0.2)
    True
    """
    uses, kind = evidence["uses"], data_kind(evidence)
    counts = reuse.answered(uses)
    again = {"conf": conf, "resamples": resamples, "seed": seed}
    rows = [
        _share_twice("share that uses deep learning", *counts["uses_dl"], **again),
        _share_twice("share that reuses a model", *counts["uses_ptm"], **again),
        _share_twice("reuse among deep learning", *counts["uses_ptm_given_dl"], **again),
        _pairs_twice(evidence, **again),
    ]
    counts, _, _ = _pattern_counts(evidence, "papers", "canonical", "")
    rows.append(
        _share_twice("adaptation, share of reusing papers", int(counts["adaptation"].sum()), len(counts), **again)
    )
    for question, about in (("uses_dl", "deep learning"), ("uses_ptm", "reuse")):
        coded = evidence["papers"][["paper", "year"]].merge(uses, on="paper").dropna(subset="year")
        coded = coded[coded[question] != "unknown"]
        years = (coded[question] == "yes").groupby(coded["year"]).agg(["sum", "size"]).reset_index()
        rows.append(_trend_twice(f"odds ratio of {about} per year", years, **again))
    rows = [row | {"data_kind": kind} for row in rows]
    published = facts["value"]
    release = [
        int(published[k])
        for pair in (_RELEASES["May 2026, full texts"], _RELEASES["v1, natural science"])
        for k in pair
    ]
    rows.append(_difference_twice("May 2026 less v1, share of reuse", *release, **again) | {"data_kind": "published"})
    return pd.DataFrame(rows)


def _twice(closed, limits, method, p=None):
    """A row of `two_ways` from an Estimate and resampled limits."""
    low, high = limits
    apart = [low - closed.low, high - closed.high]
    width = closed.high - closed.low
    return {
        "label": closed.label,
        "value": closed.value,
        "low": closed.low,
        "high": closed.high,
        "method": closed.method,
        "low_resampled": float(low),
        "high_resampled": float(high),
        "method_resampled": method,
        "apart_low": apart[0],
        "apart_high": apart[1],
        "apart": max(map(abs, apart)) / width if width > 0 else math.nan,
        "p": math.nan if closed.p is None else closed.p,
        "p_resampled": math.nan if p is None else p,
        "n": closed.n,
        "unit": closed.unit,
        "scale": closed.scale,
        "reason": closed.reason,
    }


_NO_LIMITS = (math.nan, math.nan)


def _quantiles(values, conf):
    return np.quantile(values, [(1 - conf) / 2, (1 + conf) / 2])


def _share_twice(label, k, n, *, conf, resamples, seed):
    closed = statistics.proportion(k, n, conf=conf, label=label)
    if not 0 < k < n:
        return _twice(closed, _NO_LIMITS, "n/a: nothing to resample, all papers alike" if n else "n/a")
    draws = np.random.default_rng(seed).binomial(n, k / n, size=resamples) / n
    return _twice(closed, _quantiles(draws, conf), "percentile bootstrap of papers")


def _pairs_twice(evidence, *, conf, resamples, seed):
    counts, total, _ = _pattern_counts(evidence, "pairs", "canonical", "")
    label = "adaptation, share of pairs"
    resampled = statistics.clustered_share(
        counts["adaptation"], total, conf=conf, resamples=resamples, seed=seed, label=label
    )
    papers, se = resampled.detail["n_clusters"], resampled.detail["se"]
    low = high = math.nan
    if se > 0:
        half = stats.t.ppf((1 + conf) / 2, papers - 1) * se
        low, high = max(0.0, resampled.value - half), min(1.0, resampled.value + half)
    closed = statistics.Estimate(
        resampled.value, low, high, conf, "linearised, t", resampled.n, "pairs", None, resampled.reason, label=label
    )
    return _twice(closed, (resampled.low, resampled.high), resampled.method)


def _trend_twice(label, years, *, conf, resamples, seed):
    k, n, year = (years[c].to_numpy(dtype=float) for c in ("sum", "size", "year"))
    found = association.trend(k, n, year, conf=conf)
    closed = statistics.Estimate(
        found.value, found.low, found.high, conf, found.method, found.n, found.unit, found.p, found.reason, label=label,
        scale="number",
    )  # fmt: skip
    if math.isnan(found.value):
        return _twice(closed, _NO_LIMITS, "n/a")
    rng = np.random.default_rng(seed)
    x, papers = year - (n * year).sum() / n.sum(), int(n.sum())
    cells = rng.multinomial(papers, np.r_[k, n - k] / papers, size=resamples)
    slopes = _slopes(cells[:, : len(k)], cells[:, len(k) :], x)
    method, limits = "percentile bootstrap of papers", _NO_LIMITS
    if np.isfinite(slopes).mean() >= 0.99:
        limits = np.exp(_quantiles(slopes[np.isfinite(slopes)], conf))
    else:
        method = "n/a: too many resamples are separated"
    permuted = rng.multivariate_hypergeometric(n.astype("int64"), int(k.sum()), size=resamples) @ x
    beyond = np.abs(permuted - k.sum() * (n @ x) / papers) >= abs(k @ x) - 1e-9
    return _twice(closed, limits, method, float((1 + beyond.sum()) / (resamples + 1)))


def _slopes(yes, no, x):
    """Logit slopes of many resamples (rows) over years x by Newton's method; NaN where separated."""
    first_yes, last_yes = (np.where(yes > 0, x, s * np.inf) for s in (1, -1))
    first_no, last_no = (np.where(no > 0, x, s * np.inf) for s in (1, -1))
    apart = (first_yes.min(axis=1) >= last_no.max(axis=1)) | (last_yes.max(axis=1) <= first_no.min(axis=1))
    yes, n = yes[~apart], (yes + no)[~apart]
    b = np.zeros((len(yes), 2))
    b[:, 0] = np.log((yes.sum(axis=1) + 0.5) / (n.sum(axis=1) - yes.sum(axis=1) + 0.5))
    for _ in range(50):
        fitted = 1 / (1 + np.exp(-np.clip(b[:, :1] + b[:, 1:] * x, -30, 30)))
        rest, weight = yes - n * fitted, n * fitted * (1 - fitted)
        g0, g1 = rest.sum(axis=1), rest @ x
        w0, w1, w2 = weight.sum(axis=1), weight @ x, weight @ x**2
        step = np.column_stack([w2 * g0 - w1 * g1, w0 * g1 - w1 * g0]) / (w0 * w2 - w1**2)[:, None]
        b += np.clip(step, -1, 1)  # a long step may overshoot
        if np.abs(step).max(initial=0) < 1e-10:
            break
    slopes = np.full(len(apart), np.nan)
    slopes[~apart] = b[:, 1]
    return slopes


def _difference_twice(label, k1, n1, k2, n2, *, conf, resamples, seed):
    closed = statistics.difference(k1, n1, k2, n2, conf=conf, label=label)
    rng = np.random.default_rng(seed)
    draws = rng.binomial(n1, k1 / n1, resamples) / n1 - rng.binomial(n2, k2 / n2, resamples) / n2
    first = rng.hypergeometric(k1 + k2, n1 + n2 - k1 - k2, n1, size=resamples)
    permuted = first / n1 - (k1 + k2 - first) / n2
    p = (1 + (np.abs(permuted) >= abs(closed.value) - 1e-12).sum()) / (resamples + 1)
    return _twice(closed, _quantiles(draws, conf), "percentile bootstrap of papers", float(p))


def largest(table):
    """The largest difference between the two ways, in words.

    Parameters
    ----------
    table : DataFrame
        From `two_ways`.

    Returns
    -------
    str

    Examples
    --------
    >>> from ptmreuse import study
    >>> largest(two_ways(study.embedded(), study.published(), conf=0.95, resamples=999, seed=1))[:39]
    'The two ways differ most for odds ratio'
    """
    made = table.dropna(subset="apart")
    if made.empty:
        return "No number could be computed in both ways."
    row = made.loc[made["apart"].idxmax()]
    side = "lower" if abs(row["apart_low"]) >= abs(row["apart_high"]) else "upper"
    by = row[f"apart_{'low' if side == 'lower' else 'high'}"]
    sizes = {"percent": f"{100 * abs(by):.1f} percentage points", "points": f"{100 * abs(by):.1f} percentage points"}
    size = sizes.get(row["scale"], f"{abs(by):.2f}")
    return (
        f"The two ways differ most for {row['label']}: the resampled {side} limit is {size} "
        f"{'higher' if by > 0 else 'lower'}, {100 * row['apart']:.0f} % of the interval's width."
    )


def side_by_side(table):
    """Shares of the evidence in `two_ways` as `figures.intervals` draws them: two intervals in one line."""
    rows = []
    drawn = (table["scale"] == "percent") & (table["data_kind"] != "published") & table["value"].notna()
    for row in table[drawn].itertuples():
        rows.append({"label": row.label, "group": "closed form", "value": row.value, "low": row.low, "high": row.high})
        rows.append({"label": "", "group": "resampling", "value": row.value, "low": row.low_resampled,
                     "high": row.high_resampled})  # fmt: skip
    return pd.DataFrame(rows, columns=["label", "group", "value", "low", "high"])


# The validation sample to order ------------------------------------------------------------------------------

# Papers to code by hand: the coder's yes, and its no.
DESIGNS = ((100, 200), (100, 500), (150, 500), (150, 1000), (200, 2000))


def _frames(facts):
    """Strata of each published frame, the coder's yes first."""
    v = {key: int(facts.loc[key, "value"]) for key in facts.index if facts.loc[key, "unit"] == "papers"}
    v1, may = v["v1_reuse_papers"], v["may2026_reuse_papers"]
    return {
        "v1, all papers analysed": {"reuse": v1, "no reuse": v["v1_analysed"] - v1},
        "v1, natural science": {"reuse": v1, "no reuse": v["v1_natural_science"] - v1},
        "May 2026, full texts": {
            "reuse": may,
            "deep learning, no reuse": v["may2026_uses_dl"] - may,
            "no deep learning": v["may2026_full_text"] - v["may2026_uses_dl"],
        },
    }


def _allocate(total, sizes, spread):
    """Neyman's allocation: in proportion to size times spread, no more than there are, at least two."""
    share = np.asarray(sizes) * np.asarray(spread)
    return [int(n) for n in np.minimum(np.maximum(np.rint(total * share / share.sum()), 2), sizes)]


def validation_plan(facts, *, ppv=0.9, missed=(0.005, 0.01), missed_no_dl=0.1, designs=DESIGNS, target_cv=0.1,
                    smallest_yes=150, conf=0.95):  # fmt: skip
    """What validation sample to order, and what it would tell: two people, blind to the coder, per paper.

    Parameters
    ----------
    facts : DataFrame
        From `study.published`.
    ppv : float
        Assumed share of the coder's yes that is right.
    missed : sequence of float
        Assumed shares of its no that are wrong; the last one is the one that the design must serve.
    missed_no_dl : float
        Where the coder's *no* is split by deep learning: the share missed among papers without, as a fraction of
        that among papers with deep learning.
    designs : sequence of (int, int)
        Papers to check among the coder's yes and among its no. The no are divided by Neyman's allocation, as is
        one more design of the same cost as the recommended one.
    target_cv : float
        Coefficient of variation of the corrected prevalence that is good enough.
    smallest_yes : int
        Fewest papers among the coder's yes, for accuracy by pattern.
    conf : float
        Of the one-sided bound on missed papers, and of the interval of ppv.

    Returns
    -------
    DataFrame
        One row per frame, design and assumed miss rate: frame, strata (papers of each), design, checked (papers of
        each stratum), papers, ppv, missed, prevalence (expected), cv (expected, of the corrected prevalence), bound
        (missed papers that 0 misses found would still allow), lowest_sensitivity (with that bound, if all the
        coder's yes are right), ppv_low, ppv_high (expected Wilson interval of
        ppv), recommended (yes or no), why.

    Notes
    -----
    Variance of a stratified share, Cochran (1977), section 5.3: W^2 (1 - n/N) p(1-p)/(n-1) per stratum.

    Examples
    --------
    >>> from ptmreuse import study
    >>> plan = validation_plan(study.published())
    >>> plan.loc[plan["recommended"] == "yes", "checked"].unique().tolist()
    ['150 + 1,000', '150 + 500', '150 + 397 + 103']
    """
    where = "validation_plan"
    ppv = statistics.within(f"{where}, ppv", ppv, closed=False)
    missed = [statistics.within(f"{where}, missed", m, closed=False) for m in missed]
    statistics.within(f"{where}, missed_no_dl", missed_no_dl, closed=False)
    if not missed or not designs or any(min(d) < 2 for d in designs):
        raise StudyError(
            expected="a miss rate, and designs of two papers or more each",
            found=f"{missed} and {designs}",
            where=where,
            do="correct the call",
        )
    rows = []
    for frame, strata in _frames(facts).items():
        sizes = list(strata.values())
        rates = {
            m: [ppv, *(m * (missed_no_dl if "no deep" in name else 1) for name in list(strata)[1:])] for m in missed
        }
        plans = []
        for yes, no in designs:
            spread = np.sqrt([r * (1 - r) for r in rates[missed[-1]]])
            checked = [min(yes, sizes[0]), *_allocate(min(no, sum(sizes[1:])), sizes[1:], spread[1:])]
            plans.append((f"{yes} yes + {no} no", checked))
        good = [
            c for _, c in plans if _cv(sizes, c, rates[missed[-1]]) <= target_cv and c[0] >= min(smallest_yes, sizes[0])
        ]
        chosen = min(good, key=sum) if good else None
        if chosen:
            plans.append(("Neyman, same cost", _allocate(sum(chosen), sizes, spread)))
        for name, checked in plans:
            for m in missed:
                rows.append(_plan_row(frame, strata, name, checked, rates[m], m, conf)
                            | _advice(checked, chosen, name, target_cv, smallest_yes, missed[-1]))  # fmt: skip
    return pd.DataFrame(rows)


def _cv(sizes, checked, rates):
    """Expected coefficient of variation of the corrected prevalence."""
    N, n, p = np.array(sizes), np.array(checked), np.array(rates)
    W = N / N.sum()
    return float(np.sqrt((W**2 * (1 - n / N) * p * (1 - p) / (n - 1)).sum()) / (W * p).sum())


def _plan_row(frame, strata, design, checked, rates, missed, conf):
    sizes = list(strata.values())
    bound = _missed_at_most(sizes[1:], checked[1:], conf)
    right = statistics.proportion(round(rates[0] * checked[0]), checked[0], conf=conf)
    return {
        "frame": frame,
        "strata": " + ".join(f"{N:,} {name}" for name, N in strata.items()),
        "design": design,
        "checked": " + ".join(f"{n:,}" for n in checked),
        "papers": sum(checked),
        "ppv": rates[0],
        "missed": missed,
        "prevalence": sum(N * r for N, r in zip(sizes, rates, strict=True)) / sum(sizes),
        "cv": _cv(sizes, checked, rates),
        "bound": bound,
        "lowest_sensitivity": sizes[0] / (sizes[0] + bound),
        "ppv_low": right.low,
        "ppv_high": right.high,
    }


def _missed_at_most(sizes, checked, conf):
    """Most missed papers in all strata together with which finding none is still as likely as 1 - conf."""
    # The price of one more missed paper, in log probability, rises within a stratum: take the cheapest first.
    prices = [
        -np.diff(stats.hypergeom.logpmf(0, N, np.arange(N - n + 1), n)) for N, n in zip(sizes, checked, strict=True)
    ]
    spent = np.cumsum(np.sort(np.concatenate(prices)))
    return int((spent <= -math.log(1 - conf) + 1e-12).sum())


def _advice(checked, chosen, name, target_cv, smallest_yes, missed):
    recommended = checked == chosen and not name.startswith("Neyman")
    if recommended:
        why = (
            f"the smallest design with a relative error of at most {100 * target_cv:g} % at {100 * missed:g} % missed, "
            f"and {smallest_yes} of the coder's yes for accuracy by pattern"
        )
    elif name.startswith("Neyman"):
        few = checked[0] < smallest_yes
        why = "the best for the prevalence alone" + (
            ", but too few of the coder's yes" if few else "; finds fewer misses"
        )
    elif chosen and sum(checked) > sum(chosen):
        why = "more papers than needed"
    elif checked[0] < smallest_yes:
        why = f"too few of the coder's yes for accuracy by pattern ({smallest_yes} wanted)"
    else:
        why = f"relative error above {100 * target_cv:g} % at {100 * missed:g} % missed"
    return {"recommended": "yes" if recommended else "no", "why": why}


def pattern_precision(facts, *, papers=150, each=50, ppv=0.9, conf=0.95):
    """How well the checked positives tell whether each pattern is coded right.

    Parameters
    ----------
    facts : DataFrame
        From `study.published`. The share of adaptation is the published one; the rest is divided as in the pilot.
    papers : int
        Papers of the coder's yes that are checked, one instance of each.
    each : int
        Instances per pattern if they are drawn by the coder's own pattern instead.
    ppv : float
        Assumed share of instances whose pattern is right.
    conf : float

    Returns
    -------
    DataFrame
        pattern, share (expected), at_random (instances expected), low, high (Wilson interval of ppv with so
        many), by_pattern (`each`), low_by_pattern, high_by_pattern.

    Examples
    --------
    >>> from ptmreuse import study
    >>> pattern_precision(study.published())[["pattern", "at_random", "by_pattern"]].to_numpy().tolist()
    [['conceptual', 27, 50], ['adaptation', 105, 50], ['deployment', 17, 50]]
    """
    where = "pattern_precision"
    ppv = statistics.within(f"{where}, ppv", ppv)
    papers, each = (int(statistics.whole_counts(where, n, 0, at_least=1)) for n in (papers, each))
    adaptation = float(facts.loc["v1_adaptation_share", "value"]) / 100
    pilot = {p: float(facts.loc[f"pilot_pairs_{p}", "value"]) for p in OTHERS}
    shares = {p: (1 - adaptation) * k / sum(pilot.values()) for p, k in pilot.items()} | {"adaptation": adaptation}
    rows = []
    for pattern in PATTERNS:
        n = round(papers * shares[pattern])
        wide, narrow = (statistics.proportion(round(ppv * m), m, conf=conf) for m in (n, each))
        rows.append(
            {
                "pattern": pattern,
                "share": shares[pattern],
                "at_random": n,
                "low": wide.low,
                "high": wide.high,
                "by_pattern": each,
                "low_by_pattern": narrow.low,
                "high_by_pattern": narrow.high,
            }
        )
    return pd.DataFrame(rows)
