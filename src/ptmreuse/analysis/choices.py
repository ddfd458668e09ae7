"""Analyst choices, one at a time: would the claims stand had papers been left out, counted or read otherwise?

`multiverse` combines choices. Sensitivity analyses are not tests: nothing here is adjusted.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from ptmreuse.evidence.study import FIELDS, PATTERNS
from ptmreuse.statistics import estimate, shares, trend

BIOCHEMISTRY = FIELDS[1]
MANY = 3  # papers with more models than this are left out once
MATURE = 2  # years that a paper had to be cited in
OTHERS = [p for p in PATTERNS if p != "adaptation"]
# claim -> what must be true; value and threshold as in `panel`
CLAIMS = {
    "adaptation leads": "adaptation is more frequent than any other pattern",
    "adaptation is the majority": "more than half is adaptation",
    "reuse grew": "the odds of reuse rose over the years",
    "Biochemistry leads": f"more reusing papers lie in {BIOCHEMISTRY} than in any other field",
}
THRESHOLDS = dict(zip(CLAIMS, (0.0, 0.5, 1.0, 0.0), strict=True))
GROUPS = MAIN, LEFT_OUT, COUNTED, READ = (
    "main analysis", "papers left out", "counted otherwise", "answers read otherwise",
)  # fmt: skip


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


def numbered(evidence):
    """The coded papers alone, numbered: what the choices need, and quick to filter."""
    coded = pd.Index(evidence["papers"]["paper"])
    coded = coded[coded.isin(pd.concat([evidence["uses"]["paper"], evidence["reuse"]["paper"]]))]
    tables = {name: evidence[name] for name in ("papers", "fields", "uses", "reuse")}
    tables = {name: frame.assign(paper=coded.get_indexer(frame["paper"])) for name, frame in tables.items()}
    return {name: frame[frame["paper"] >= 0] for name, frame in tables.items()}


def keep(tables, papers):
    """The study with these papers only."""
    return {name: frame[frame["paper"].isin(papers)] for name, frame in tables.items()}


def of_years(tables, inside):
    """The study with the papers whose year lies inside, or is not known."""
    return keep(tables, tables["papers"].loc[inside.fillna(True), "paper"])


def _choices(tables):
    yield _Choice(MAIN, MAIN, MAIN, tables)
    for choices in (
        _years_left_out,
        _since_deep_learning,
        _fields_left_out,
        _journal_left_out,
        _models_otherwise,
        _unknown_otherwise,
    ):
        yield from choices(tables)


def _years_left_out(tables):
    papers = tables["papers"]
    years = sorted(int(y) for y in papers["year"].dropna().unique())
    if len(years) < 2:
        reason = "the papers are of one year" if years else "no publication years are recorded"
        for choice in ("leave one year out", "without the last year", "only papers that had time"):
            yield _Choice(choice, choice, LEFT_OUT, reason=reason)
    else:
        for year in years:
            yield _Choice("leave one year out", f"without {year}", LEFT_OUT, of_years(tables, papers["year"] != year))
        last, mature = years[-1], years[-1] - MATURE
        yield _Choice("without the last year", f"without the last year, {last}", LEFT_OUT,
                      of_years(tables, papers["year"] < last))  # fmt: skip
        yield _Choice("only papers that had time", f"papers up to {mature} only", LEFT_OUT,
                      of_years(tables, papers["year"] <= mature))  # fmt: skip


def _since_deep_learning(tables):
    papers = tables["papers"]
    # Years in which nothing could be reused make any trend rise.
    deep = tables["uses"].loc[tables["uses"]["uses_dl"] == "yes", "paper"]
    dated = papers.loc[papers["paper"].isin(deep), "year"].dropna()
    growth = {"claims": ("reuse grew",), "otherwise": "the claim is not about years"}
    choice = "since the first deep learning"
    if len(dated):
        since = of_years(tables, papers["year"] >= dated.min())
        yield _Choice(choice, f"since the first deep learning, {dated.min()}", LEFT_OUT, since, **growth)
        yield _Choice("deep learning only", "among deep-learning papers", LEFT_OUT, keep(tables, deep), **growth)
    else:
        for name in (choice, "deep learning only"):
            yield _Choice(name, name, LEFT_OUT, reason="no dated paper is known to use deep learning")


def _fields_left_out(tables):
    papers, fields = tables["papers"], tables["fields"]
    known = fields[fields["field"].isin(FIELDS)]
    here = [f for f in FIELDS if f in set(known["field"])]
    if here:
        for field in here:
            outside = papers.loc[~papers["paper"].isin(known.loc[known["field"] == field, "paper"]), "paper"]
            about = tuple(c for c in CLAIMS if c != "Biochemistry leads" or field != BIOCHEMISTRY)
            label = f"without {field.split(',')[0]}"
            yield _Choice("leave one field out", label, LEFT_OUT, keep(tables, outside), claims=about,
                          otherwise="the claim is about this field")  # fmt: skip
        first = fields.drop_duplicates("paper")
        first = first[first["field"].isin(FIELDS)]
        label = "first topic only"
        yield _Choice(label, label, LEFT_OUT, keep(tables, first["paper"]) | {"fields": first})
    else:
        for choice in ("leave one field out", "first topic only"):
            yield _Choice(choice, choice, LEFT_OUT, reason="the source in use has no fields")
    field_only = ("Biochemistry leads",)
    label = "fields counted in fractions"
    yield _Choice("fractional counting", label, COUNTED, tables, {"fractional": True}, field_only,
                  "" if here else "the source in use has no fields", "the claim is not about fields")  # fmt: skip


def _journal_left_out(tables):
    papers = tables["papers"]
    journals = papers["megajournal"].where(papers["megajournal"] != "").dropna().value_counts().sort_index()
    if len(journals) > 1:
        biggest = journals.idxmax()
        kept = papers.loc[papers["megajournal"] != biggest, "paper"]
        yield _Choice("without the biggest journal", f"without {biggest}", LEFT_OUT, keep(tables, kept))
    else:
        reason = "all papers are from one megajournal" if len(journals) else "no megajournal is recorded"
        yield _Choice("without the biggest journal", "without the biggest journal", LEFT_OUT, reason=reason)


def _models_otherwise(tables):
    papers = tables["papers"]
    several = tables["reuse"].groupby("paper")["canonical"].nunique()
    kept = papers.loc[~papers["paper"].isin(several.index[several > MANY]), "paper"]
    label = f"without papers of more than {MANY} models"
    about = ("adaptation leads", "adaptation is the majority")
    yield _Choice("without model-rich papers", label, LEFT_OUT, keep(tables, kept), claims=about,
                  otherwise="leaving out reusing papers would lower their share by construction")  # fmt: skip
    patterns = {"claims": about, "otherwise": "the claim counts papers anyway"}
    for unit in ("instances", "papers"):
        choice = f"{unit} instead of pairs"
        yield _Choice(choice, choice, COUNTED, tables, {"unit": unit}, **patterns)
    yield _Choice("aliases merged", "models merged by family", COUNTED, tables, {"by": "family"}, **patterns)
    # Whether a model run unchanged as a feature extractor is adapted or deployed is a matter of definition.
    yield _Choice("feature extraction is adaptation", "feature extraction is adaptation, at most", COUNTED,
                  widest_adaptation(tables), **patterns)  # fmt: skip
    choice = "feature extraction is deployment"
    yield _Choice(choice, choice, COUNTED, reason="the codes do not say which adaptations left the model unchanged")


def _unknown_otherwise(tables):
    for word in ("against", "for"):
        choice = f"unknown {word} the claim"
        yield _Choice(choice, choice, READ, tables, {"unknown": word})


def widest_adaptation(tables):
    """The study if feature extraction is adaptation and all deployment were feature extraction: the most it can add.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> widest_adaptation(embedded())["reuse"]["pattern"].value_counts().to_dict()
    {'adaptation': 31, 'conceptual': 16}
    """
    reuse = tables["reuse"]
    return tables | {"reuse": reuse.assign(pattern=reuse["pattern"].replace("deployment", "adaptation"))}


# The claims ----------------------------------------------------------------------------------------------


def pattern_counts(tables, unit, by, unknown):
    """Per reusing paper: pairs (or instances, or 1) of each pattern, their total, and pairs of unknown pattern."""
    rows = tables["reuse"].drop_duplicates(["paper", by, "pattern"])
    known = rows[rows["pattern"] != "unknown"]
    counts = known.groupby(["paper", "pattern"]).size().unstack(fill_value=0).reindex(columns=PATTERNS, fill_value=0)
    total = counts.sum(axis=1)
    if unit == "instances":
        total = known.drop_duplicates(["paper", by]).groupby("paper").size()
    open_rows = rows[rows["pattern"] == "unknown"]
    if len(open_rows):  # a model with a known pattern elsewhere in the paper is no unknown
        known_keys = pd.MultiIndex.from_frame(known[["paper", by]])
        open_rows = open_rows[~pd.MultiIndex.from_frame(open_rows[["paper", by]]).isin(known_keys)]
    if unknown and len(open_rows):
        goes_to = "adaptation" if unknown == "for" else counts[OTHERS].sum().idxmax()
        added = open_rows.groupby("paper").size()
        counts = counts.reindex(counts.index.union(added.index), fill_value=0)
        counts[goes_to] = counts[goes_to].add(added, fill_value=0).astype("int64")
        total = total.add(added, fill_value=0).reindex(counts.index).astype("int64")
    if unit == "papers":  # last: an unknown pattern beside a known one is still one paper
        counts, total = counts.clip(upper=1), total.clip(upper=1)
    return counts, total, len(open_rows)


def adaptation_of_instances(tables, *, conf):
    """Share of the reuse instances (paper x model) that are adaptation: the unit of the published share."""
    counts, total, _ = pattern_counts(tables, "instances", "canonical", "")
    label = "adaptation, share of instances"
    return shares.clustered_share(counts["adaptation"], total, unit="instances", label=label, conf=conf)


def _lead(counts, total, leader, *, unit, conf, resamples, seed):
    """Share of one category less that of the next most frequent one; papers are resampled."""
    label, resamples = f"lead of {leader}", estimate.draws_of("lead", resamples)
    papers, n = len(counts), float(total.sum())
    nothing = {"conf": conf, "label": label, "scale": "points"}
    if papers < 2:
        return estimate.undefined(n, unit, "less than two papers", **nothing)
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
    return estimate.Estimate(
        float(lead(size)), float(low), float(high), conf, f"bootstrap of {papers:,} papers", n, unit, None, reason,
        {"rival": rival, "leader": float(own.sum()), "next": float(counts[rival].sum())}, label, "points",
    )  # fmt: skip


def yearly(tables, unknown):
    """Reusing papers and papers with an answer per year; unknown answers are left out or tell for or against growth."""
    coded = tables["papers"][["paper", "year"]].merge(tables["uses"], on="paper").dropna(subset="year")
    answer = coded["uses_ptm"]
    if unknown:
        # Against growth: unknown answers before the mean year were yes, and later ones no.
        early = coded["year"] < coded["year"].mean()
        answer = answer.where(answer != "unknown", np.where(early == (unknown == "against"), "yes", "no"))
    known = coded.assign(yes=answer == "yes")[answer != "unknown"]
    return known.groupby("year")["yes"].agg(["sum", "size"]).reset_index()


def estimate_under(claim, tables, *, conf, resamples, seed, unit="pairs", by="canonical", unknown="", fractional=False):
    """The estimate behind a claim under one choice, or the reason (a text) why the choice changes nothing."""
    again = {"conf": conf, "resamples": resamples, "seed": seed}
    uses = tables["uses"]
    open_answers = int((uses["uses_ptm"] == "unknown").sum())
    if claim.startswith("adaptation"):
        if unknown and not (tables["reuse"]["pattern"] == "unknown").any():
            return "no pattern is unknown"
        counts, total, open_pairs = pattern_counts(tables, unit, by, unknown)
        if unknown and not open_pairs:
            return "no pattern is unknown"
        if claim == "adaptation leads":
            return _lead(counts, total, "adaptation", unit=unit, **again)
        label = f"adaptation, share of {unit}"
        if unit == "papers":
            return shares.proportion(int(counts["adaptation"].sum()), len(counts), conf=conf, label=label)
        return shares.clustered_share(counts["adaptation"], total, unit=unit, label=label, conf=conf)
    if unknown and not open_answers:
        return "no answer is unknown"
    if claim == "reuse grew":
        years = yearly(tables, unknown)
        return trend.trend(years["sum"], years["size"], years["year"], conf=conf)
    counts, total = _field_counts(tables, unknown, fractional)
    if isinstance(counts, str):
        return counts
    return _lead(counts, total, BIOCHEMISTRY, unit="papers", **again)


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


def panel(evidence, *, conf, resamples, seed):
    """Every claim under every analyst choice.

    Parameters
    ----------
    evidence : dict of study tables, of one coder
    conf, resamples, seed
        Of every interval.

    Returns
    -------
    DataFrame
        One row per claim (of `CLAIMS`) and choice: label, group (main analysis, papers left out, counted otherwise,
        answers read otherwise), choice, and the columns of `outcome`. The value is a lead in points (of pairs, or of
        reusing papers), a share, or an odds ratio per year. Where a choice does not apply, value is NaN, holds is
        *n/a* and reason says why.

    Examples
    --------
    >>> from ptmreuse.evidence import pilot
    >>> table = panel(pilot.embedded(), conf=0.95, resamples=199, seed=1)
    >>> row = table[(table["claim"] == "adaptation leads") & (table["label"] == "papers instead of pairs")].iloc[0]
    >>> float(row["value"]), row["holds"]
    (0.0, 'no')
    """
    rows = {claim: [] for claim in CLAIMS}
    for choice in _choices(numbered(evidence)):
        for claim in CLAIMS:
            reason = choice.otherwise if claim not in choice.claims else choice.reason
            found = reason or estimate_under(
                claim, choice.tables, conf=conf, resamples=resamples, seed=seed, **choice.how
            )
            named = {"label": choice.label, "group": choice.group, "choice": choice.choice}
            rows[claim].append(named | outcome(claim, found, conf))
    return pd.DataFrame(sum(rows.values(), []))


def outcome(claim, found, conf):
    """What a claim comes to under a choice, as a row: does the estimate, and does its interval, lie on its side?

    Parameters
    ----------
    claim : str
        Of `CLAIMS`.
    found : Estimate or str, from `estimate_under`
    conf : float

    Returns
    -------
    dict
        claim, threshold (the claim is that the value is above it), value, low, high, holds (yes, no, n/a),
        beyond_chance (the interval too lies above the threshold), n, unit, scale, method, reason.

    Examples
    --------
    >>> row = outcome("reuse grew", estimate.Estimate(1.2, 0.9, 1.6), 0.95)
    >>> row["holds"], row["beyond_chance"]
    ('yes', 'no')
    """
    if isinstance(found, str):
        found = estimate.undefined(0, "papers", found, conf=conf)
    threshold, holds, beyond = THRESHOLDS[claim], "n/a", "n/a"
    if not math.isnan(found.value):
        holds = "yes" if found.value > threshold + 1e-12 else "no"
        beyond = "n/a" if math.isnan(found.low) else "yes" if found.low > threshold else "no"
    return {
        "claim": claim, "threshold": threshold, "value": found.value, "low": found.low, "high": found.high,
        "holds": holds, "beyond_chance": beyond, "n": found.n or math.nan, "unit": found.unit, "scale": found.scale,
        "method": found.method, "reason": found.reason,
    }  # fmt: skip


def forest(panel, claim):
    """The rows of one claim for a forest plot: of many left-out years or fields the lowest and the highest."""
    made = panel[(panel["claim"] == claim) & panel["value"].notna()]
    parts = []
    for choice, part in made.groupby("choice", sort=False):
        if choice.startswith("leave one") and len(part) > 2:
            ends = part.loc[[part["value"].idxmin(), part["value"].idxmax()]]
            part = ends.assign(label=ends["label"] + [f" (lowest of {len(part)})", f" (highest of {len(part)})"])
        parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else made
