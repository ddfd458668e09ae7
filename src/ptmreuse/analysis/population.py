"""What the pilot says about the articles that it was drawn from: PLOS natural science, 2014 to 2024.

The pilot is ten papers of every publication year, the population has many more articles of late years than of early
ones, and deep learning came late: so a share of the pilot is no share of the population. Each paper speaks here for as
many articles as its year holds in the frame, or as are listed as often.
"""

import math

import numpy as np
import pandas as pd

from ptmreuse.errors import refuse
from ptmreuse.evidence import frame, items
from ptmreuse.statistics import estimate, shares, survey

QUESTIONS = {
    "uses_dl": "use deep learning",
    "uses_ptm": "reuse a pre-trained model",
    "uses_ptm_given_dl": "reuse a model, among those that use deep learning",
}
LISTED = {"once": (0, 1), "twice or more": (2, 999)}


def sample(evidence):
    """The coded papers as the sample that they are, or None if they are not the pilot.

    Parameters
    ----------
    evidence : dict of study tables, of one coder

    Returns
    -------
    tuple of DataFrame, or None
        The papers (year, listed, and dl, ptm, both as 0 or 1) and the population (the frame with years, its years cut
        to those that were sampled). None unless every paper is one of the pilot, with at least two from each year and
        every answer known.

    Raises
    ------
    StudyError
        If a pilot paper's year is none of the design.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> papers, population = sample(embedded())
    >>> len(papers), len(population)
    (110, 1340)
    """
    listed = frame.dated()
    pilot = listed.loc[listed["pilot"] == "yes", "doi"]
    papers = evidence["papers"][["paper", "doi", "year"]].merge(evidence["uses"], on="paper")
    if papers.empty or not papers["doi"].isin(pilot).all() or papers["paper"].duplicated().any():
        return None
    if papers[["uses_dl", "uses_ptm"]].isin(["unknown"]).any(axis=None) or papers["year"].isna().any():
        return None
    outside = papers[~papers["year"].between(frame.FIRST, frame.LAST)]
    if len(outside):
        refuse(
            f"pilot paper {outside['paper'].iloc[0]}", f"a year of the pilot's design, {frame.FIRST} to {frame.LAST}",
            str(outside["year"].iloc[0]), "correct the year, or name the correction",
        )  # fmt: skip
    population = _years_that_are_known(listed, evidence["papers"])
    population = population[population["year"].between(papers["year"].min(), papers["year"].max())]
    papers = papers.merge(listed[["doi", "listed"]], on="doi", validate="one_to_one")
    for short, answer in (("dl", "uses_dl"), ("ptm", "uses_ptm")):
        papers[short] = (papers[answer] == "yes").astype("int64")
    papers["both"] = papers["dl"] * papers["ptm"]
    drawn = papers["year"].value_counts().reindex(sorted(population["year"].unique()), fill_value=0)
    return None if (drawn < 2).any() else (papers, population)


def _years_that_are_known(population, papers):
    """The frame with the years of the articles themselves, where the source in use has these."""
    told = population["doi"].map(papers.dropna(subset="year").set_index("doi")["year"])
    years = population[["year", "earliest", "latest"]]
    return population.assign(**{name: told.fillna(written).astype("int64") for name, written in years.items()})


def strata(papers, population):
    """Each year: articles in the population, papers drawn, and the drawn ones with each answer.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> table = strata(*sample(embedded()))
    >>> table.loc[2023, ["articles", "drawn", "dl", "both"]].tolist()
    [187, 10, 9, 4]
    """
    counted = papers.groupby("year")[["dl", "ptm", "both"]].sum()
    size = population["year"].value_counts().sort_index()
    return pd.DataFrame({"articles": size, "drawn": papers["year"].value_counts()}).join(counted).astype("int64")


def by_years(table, question, *, conf):
    """A share of the population, every paper weighted by its year; `table` comes from `strata`."""
    size, drawn = table["articles"], table["drawn"]
    if question == "uses_ptm_given_dl":
        return survey.stratified_ratio(size, drawn, table["both"], table["dl"], conf=conf)
    answered = table[question.removeprefix("uses_")]
    return shares.stratified_share(size, drawn, answered, conf=conf, label="share")


def by_listings(papers, population, question, *, conf):
    """A share of the population, weighted by its years and then by how many articles are listed once or more often.

    A paper that several search terms find is of another kind than one found by one term, and the frame says how many
    articles there are of each. The limits add up those of the two kinds (MOVER).

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> by_listings(*sample(embedded()), "uses_dl", conf=0.95).sentence
    'share 47.9 %, 95 % CI [38.1, 57.0] (MOVER over years and listings), n = 110 papers'
    """
    size = population["year"].value_counts().sort_index()
    drawn = papers["year"].value_counts().reindex(size.index)
    counts, parts, articles = papers.assign(all=1), [], []
    for limits in LISTED.values():
        these = counts[counts["listed"].between(*limits)].groupby("year")[["all", "dl", "ptm"]].sum()
        these = these.reindex(size.index, fill_value=0)
        has = these[question.removeprefix("uses_")]
        parts.append(survey.stratified_ratio(size, drawn, has, these["all"], conf=conf))
        articles.append(int(population["listed"].between(*limits).sum()))
    weight = np.array(articles) / sum(articles)
    value, low, high = np.array([[part.value, part.low, part.high] for part in parts]).T
    centre = float(weight @ value)
    down, up = (float(np.sqrt(((weight * gap) ** 2).sum())) for gap in (value - low, high - value))
    method = "MOVER over years and listings"
    return estimate.Estimate(
        centre, max(0.0, centre - down), min(1.0, centre + up), conf, method, len(papers), "papers"
    )


def within_bound(table, population, question) -> tuple[float, float]:
    """The lowest and the highest share if every article were of whichever of its possible years moves it most.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> papers, population = sample(embedded())
    >>> low, high = within_bound(strata(papers, population), population, "uses_dl")
    >>> round(low, 2), round(high, 2)
    (0.4, 0.52)
    """
    has, of = {"uses_dl": ("dl", "drawn"), "uses_ptm": ("ptm", "drawn"), "uses_ptm_given_dl": ("both", "dl")}[question]
    rates = table[[has, of]].div(table["drawn"], axis=0)
    ends = population["earliest"].clip(lower=rates.index[0]), population["latest"].clip(upper=rates.index[-1])
    spans = list(zip(*ends, strict=True))
    possible = {span: rates.loc[slice(*span)].to_numpy() for span in set(spans)}
    limits = []
    for pick in (np.argmin, np.argmax):
        ratio = float((table["articles"] * rates[has]).sum() / (table["articles"] * rates[of]).sum())
        for _ in range(20):  # Dinkelbach's steps; a plain share needs one
            best = {span: years[pick(years[:, 0] - ratio * years[:, 1])] for span, years in possible.items()}
            chosen = np.array([best[span] for span in spans]).sum(axis=0)
            before, ratio = ratio, float(chosen[0] / chosen[1])
            if ratio == before:
                break
        limits.append(ratio)
    return limits[0], limits[1]


def estimates(evidence, *, conf, resamples, seed):
    """The shares of the population, raw and weighted, each with a second way to its limits and the effect of the years.

    Returns
    -------
    DataFrame
        question, weights (none, listings, years, both), value, low, high, low_resampled, high_resampled, lowest and
        highest (within the error bound of the inferred years), n, method. Empty if the coded papers are not the pilot.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> found = estimates(embedded(), conf=0.95, resamples=199, seed=1)
    >>> found.loc[found["question"] == "uses_dl", "value"].round(3).tolist()
    [0.355, 0.406, 0.461, 0.479]
    """
    columns = ["question", "weights", "value", "low", "high", "low_resampled", "high_resampled", "lowest", "highest",
               "n", "method"]  # fmt: skip
    drawn = sample(evidence)
    if drawn is None:
        return pd.DataFrame(columns=columns)
    papers, population = drawn
    table = strata(papers, population)
    answers = [part[["dl", "ptm", "both"]].to_numpy() for _, part in papers.groupby("year")]
    totals = survey.resampled(table["articles"], answers, resamples=resamples, seed=seed)
    dl, ptm, both = totals.T
    again = {"uses_dl": dl / len(population), "uses_ptm": ptm / len(population), "uses_ptm_given_dl": both / dl}
    rows = []
    for question in QUESTIONS:
        raw = shares.proportion(*items.answered(evidence["uses"])[question], conf=conf)
        weighted = by_years(table, question, conf=conf)
        twice = np.quantile(again[question], [(1 - conf) / 2, (1 + conf) / 2])
        rows.append(_row(question, "none: the papers as drawn", raw))
        if question != "uses_ptm_given_dl":
            rows.append(_row(question, "listings", _listings_alone(papers, population, question, conf)))
        rows.append(_row(question, "years", weighted, twice, within_bound(table, population, question)))
        if question != "uses_ptm_given_dl":
            rows.append(_row(question, "years and listings", by_listings(papers, population, question, conf=conf)))
    return pd.DataFrame(rows, columns=columns)


def _listings_alone(papers, population, question, conf):
    has = papers[question.removeprefix("uses_")]
    groups = [(population["listed"].between(*at), papers["listed"].between(*at)) for at in LISTED.values()]
    counts = [(int(listed.sum()), int(drawn.sum()), int(has[drawn].sum())) for listed, drawn in groups]
    return shares.stratified_share(*np.array(counts).T, conf=conf, label="share")


def _row(question, weights, found, twice=(math.nan, math.nan), bound=(math.nan, math.nan)):
    return (
        question, weights, found.value, found.low, found.high, *map(float, twice), *bound, found.n, found.method
    )  # fmt: skip


def known_answer(papers, population, *, conf):
    """A question whose answer the frame knows, asked of the sample: how many articles are listed twice or more?

    The Estimate from the sample, and the true share.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> found, truth = known_answer(*sample(embedded()), conf=0.95)
    >>> bool(found.low <= truth <= found.high), round(truth, 3)
    (True, 0.237)
    """
    table = strata(papers, population)
    often = (papers["listed"] > 1).groupby(papers["year"]).sum()
    found = shares.stratified_share(table["articles"], table["drawn"], often, conf=conf, label="share")
    return found, float((population["listed"] > 1).mean())


def by_listing_counts(papers, *, conf):
    """Deep learning and reuse among the drawn papers that are listed once, and twice or more.

    Returns
    -------
    DataFrame
        listed, question, yes, papers, share, low, high (Wilson).

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> by_listing_counts(sample(embedded())[0], conf=0.95)[["yes", "papers"]].to_numpy().tolist()
    [[24, 93], [15, 93], [15, 17], [8, 17]]
    """
    rows = []
    for words, limits in LISTED.items():
        these = papers[papers["listed"].between(*limits)]
        for question in ("uses_dl", "uses_ptm"):
            found = shares.proportion(int(these[question.removeprefix("uses_")].sum()), len(these), conf=conf)
            rows.append((words, question, found.detail["k"], found.n, found.value, found.low, found.high))
    return pd.DataFrame(rows, columns=["listed", "question", "yes", "papers", "share", "low", "high"])
