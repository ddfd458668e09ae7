"""What the coder's numbers become once people have checked a random part of its papers: naive beside corrected.

Shares come from the two-phase estimator, which is exact within the strata; patterns, stages, trends and fields from
design-based supervised learning. Both need only that the checked papers were drawn at random within their strata; they
hold whatever the coder gets wrong, also where it errs more in some years or fields.
"""

import numpy as np
import pandas as pd

from ptmreuse.evidence import checked, study
from ptmreuse.statistics import agreement, coder_error, design_based, shares, trend

NAMES = {"uses_dl": "use deep learning", "uses_ptm": "reuse a pre-trained model"}


def frame(rows, tables, question):
    """One question on the frame: what the coder said, and what people found where they checked.

    Parameters
    ----------
    rows : DataFrame, from `checked.read`
    tables : dict of study tables, of one coder
    question : str
        Of `checked.ASKED`.

    Returns
    -------
    papers : Series
        Ids, in the order of the sample.
    sample : design_based.Sample
        A paper that people could not decide counts as not checked.
    """
    whole = rows[rows["coder"] == ""].sort_values("paper")
    found = rows[rows["coder"] == checked.SETTLED].set_index("paper")[question]
    said = checked.coded(tables).set_index("paper").loc[whole["paper"], question]
    truth = whole["paper"].map(found).map({"yes": 1.0, "no": 0.0}).astype(float)
    return whole["paper"], design_based.sample(said.to_numpy(), truth.to_numpy(), whole["stratum"].to_numpy())


def asked(rows) -> list[str]:
    """The questions that people answered for at least one paper; `rows` is from `checked.read`."""
    settled = rows[rows["coder"] == checked.SETTLED]
    return [question for question in checked.ASKED if settled[question].isin(["yes", "no"]).any()]


def side_by_side(rows, tables, *, conf):
    """Every headline number twice: as coded, and corrected by the checked papers.

    Parameters
    ----------
    rows : DataFrame, from `checked.read`
    tables : dict of study tables, of one coder
    conf : float

    Returns
    -------
    DataFrame
        Empty without checked papers; else quantity, scale (percent or number), naive, naive_low, naive_high,
        corrected, low, high, checked (papers), undecided (checked papers that people could not decide), method,
        reason (why there is no correction).
    """
    found, questions = [], asked(rows) if len(rows) else []
    for question in [q for q in NAMES if q in questions]:
        papers, sample = frame(rows, tables, question)
        cells = design_based.cells(sample)
        right = coder_error.two_phase(cells["N"], cells["n"], cells["k"], cells["positive"], conf=conf)["prevalence"]
        naive = _as_coded(sample, conf)
        found.append(_row(f"papers that {NAMES[question]}", naive, right, rows, question))
        found += _trends(rows, tables, question, papers, sample, conf)
    if "uses_ptm" in questions:
        found += _parts(rows, tables, [q for q in questions if q not in NAMES], conf)
        found += _fields(rows, tables, conf)
    return pd.DataFrame(found)


def _as_coded(sample, conf, inside=True):
    known = (sample.coded != "unknown") & inside
    return shares.proportion(int(((sample.coded == "yes") & known).sum()), int(known.sum()), conf=conf)


def _row(quantity, naive, right, rows, question):
    settled = rows.loc[rows["coder"] == checked.SETTLED, question]
    return {
        "quantity": quantity, "scale": right.scale, "naive": naive.value, "naive_low": naive.low,
        "naive_high": naive.high, "corrected": right.value, "low": right.low, "high": right.high,
        "checked": int(right.n), "undecided": int((settled == "unknown").sum()), "method": right.method,
        "reason": right.reason,
    }  # fmt: skip


def _trends(rows, tables, question, papers, sample, conf):
    """The trend over the years of papers whose year is known; the others are left out of both."""
    year = papers.map(tables["papers"].set_index("paper")["year"]).astype("Float64").to_numpy(float, na_value=np.nan)
    dated = ~np.isnan(year)
    label = f"odds ratio per year: {NAMES[question]}"
    sample = design_based.Sample(*(part[dated] for part in sample))
    right = design_based.corrected_logit(
        sample, year[dated], groups=year[dated], conf=conf, label="odds ratio per year"
    )
    return [_row(label, _trend_as_coded(sample.coded, year[dated], conf), right, rows, question)]


def _trend_as_coded(said, x, conf):
    """The logit of the coder's yes on the year, or on lying in a field: the trend of two groups."""
    known = said != "unknown"
    yes = pd.Series(said[known] == "yes").groupby(x[known].astype(float)).agg(["sum", "size"])
    return trend.trend(yes["sum"], yes["size"], yes.index, conf=conf)


def _parts(rows, tables, questions, conf):
    """Patterns and stages: of the papers that reuse a model, those that reuse it so."""
    _, whole = frame(rows, tables, "uses_ptm")
    found = []
    for question in questions:
        _, part = frame(rows, tables, question)
        both = whole.taken & part.taken
        truth = [np.where(both, sample.truth, np.nan) for sample in (part, whole)]
        part, whole_ = (design_based.sample(s.coded, t, s.stratum) for s, t in zip((part, whole), truth, strict=True))
        reusing = whole_.coded == "yes"
        naive = _as_coded(part, conf, reusing)
        right = design_based.corrected_ratio(part, whole_, conf=conf, label=f"{question}, share of reusing papers")
        found.append(_row(f"reusing papers: {question}", naive, right, rows, question))
    return found


def _fields(rows, tables, conf):
    """Each field against all other papers: the odds of reuse."""
    papers, sample = frame(rows, tables, "uses_ptm")
    found = []
    for field, own in _in_fields(tables):
        inside = papers.isin(own).to_numpy()
        if not inside.any() or inside.all():
            continue
        right = design_based.corrected_logit(sample, inside.astype(float), conf=conf)
        naive = _trend_as_coded(sample.coded, inside, conf)
        found.append(_row(f"odds ratio of reuse: {field} against all others", naive, right, rows, "uses_ptm"))
    return found


def _in_fields(tables):
    fields = tables["fields"]
    for field in study.FIELDS:
        yield field, set(fields.loc[fields["field"] == field, "paper"])


def errors(rows, tables, question, *, conf):
    """Where the coder errs: by year, megajournal and field. Errors that differ fake a trend or a difference.

    Parameters
    ----------
    rows, tables, conf
        As in `side_by_side`.
    question : {'uses_dl', 'uses_ptm'}

    Returns
    -------
    DataFrame
        by, group, papers, naive (share as coded), corrected, low, high, ppv, ppv_low, ppv_high, ppv_n (checked yes),
        missed, missed_low, missed_high, missed_n (checked no). A group in which nothing was checked is left out.
    """
    papers, sample = frame(rows, tables, question)
    about = tables["papers"].set_index("paper")
    groups = [("all", "all papers", np.ones(len(papers), dtype=bool))]
    for column in ("year", "megajournal"):
        value = papers.map(about[column]).astype("str").replace({"": "not recorded", "<NA>": "not recorded"}).to_numpy()
        groups += [(column, name, value == name) for name in sorted(set(value))]
    for field, own in _in_fields(tables):
        inside = papers.isin(own).to_numpy()
        groups += [("field", field, inside)] if inside.any() else []
    found = []
    for by, name, inside in groups:
        cells = design_based.cells(sample, inside)
        two = coder_error.two_phase(cells["N"], cells["n"], cells["k"], cells["positive"], conf=conf)
        if by != "all" and not cells["n"].sum():
            continue
        row = {"by": by, "group": name, "papers": int(inside.sum()), "naive": _as_coded(sample, conf, inside).value}
        row |= {"corrected": two["prevalence"].value, "low": two["prevalence"].low, "high": two["prevalence"].high}
        for measure in ("ppv", "missed"):
            share = two[measure]
            row |= {measure: share.value, f"{measure}_low": share.low, f"{measure}_high": share.high}
            row[f"{measure}_n"] = int(share.n)
        found.append(row)
    return pd.DataFrame(found)


def people(rows, *, conf):
    """How far the people who checked agree with each other, per question, on the papers that two of them coded.

    Returns
    -------
    DataFrame
        question, first, second, papers, agreement, low, high, kappa, kappa_low, kappa_high; empty if one person coded.
    """
    names = [name for name in rows["coder"].unique() if name not in ("", checked.SETTLED)]
    found = []
    for first, second in [names[:2]] if len(names) > 1 else []:
        for question in asked(rows):
            codes = rows[rows[question] != ""].pivot(index="paper", columns="coder", values=question)
            both = codes.reindex(columns=[first, second]).dropna()
            if both.empty:
                continue
            told = agreement.agreement(both[first].to_numpy(), both[second].to_numpy(), conf=conf)
            found.append(
                {"question": question, "first": first, "second": second, "papers": len(both),
                 "agreement": told.raw.value, "low": told.raw.low, "high": told.raw.high,
                 "kappa": told.kappa.value, "kappa_low": told.kappa.low, "kappa_high": told.kappa.high}
            )  # fmt: skip
    return pd.DataFrame(found)


def said(table) -> str:
    """What the correction changed, in a sentence; `table` is from `side_by_side`.

    Examples
    --------
    >>> said(pd.DataFrame())
    'No checked papers are in use, so nothing here corrects the codes.'
    """
    if table.empty:
        return "No checked papers are in use, so nothing here corrects the codes."
    told = table[table["low"].notna()]
    outside = told[(told["naive"] < told["low"]) | (told["naive"] > told["high"])]
    n = int(table["checked"].max())
    what = "none lies" if outside.empty else f"{len(outside)} {'lies' if len(outside) == 1 else 'lie'}"
    names = f" ({'; '.join(outside['quantity'])})" if len(outside) else ""
    return (
        f"People checked {n:,} papers. Of {len(told)} numbers that this corrects, as coded {what} outside the "
        f"corrected interval{names}."
    )
