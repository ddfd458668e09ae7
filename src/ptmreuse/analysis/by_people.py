"""A machine's codes of all articles of the pilot's frame, corrected by the codes that people made of the pilot.

Where people's codes alone are in use, their shares of the frame: the pilot weighted by year.
"""

import math

import pandas as pd

from ptmreuse.analysis import population
from ptmreuse.evidence import items, study
from ptmreuse.statistics import estimate, shares

PEOPLE = "authors"  # the coder of the pilot


def people(tables, evidence):
    """The codes that people made of the pilot, where another coder of the same source is analysed; else None.

    Parameters
    ----------
    tables, evidence : dict of study tables, of all coders and of the one in use
    """
    others = set(tables["uses"]["coder"]) - set(evidence["uses"]["coder"])
    return study.of_coder(tables, PEOPLE) if PEOPLE in others else None


def share(evidence, question, *, conf, people=None):
    """One share by what the coded papers stand for: their population if they are the pilot, else papers like them.

    Parameters
    ----------
    evidence : dict of study tables, of one coder
    question : {'uses_dl', 'uses_ptm', 'uses_ptm_given_dl'}
    conf : float
    people : dict of study tables, optional
        From the function of that name; a share by the coder in use is then corrected by them.

    Returns
    -------
    Estimate
        Weighted by the frame's years with finite population correction, or corrected, or Wilson.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> share(embedded(), "uses_ptm_given_dl", conf=0.95).sentence
    'share 57.9 %, 95 % CI [40.5, 74.1] (Korn-Graubard over 11 strata), n = 39 papers'
    """
    drawn = population.sample(people or evidence)
    if people and drawn and question != "uses_ptm_given_dl":
        return corrected(drawn, papers_with(evidence)[question], papers_with(people)[question], conf=conf)
    if drawn is None:
        return shares.proportion(*items.answered(evidence["uses"])[question], conf=conf)
    return population.by_years(population.strata(*drawn), question, conf=conf)


def papers_with(evidence):
    """The DOIs of the papers with uses_dl, uses_ptm, and each pattern, by the coder of the tables.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> {name: len(found) for name, found in papers_with(embedded()).items()}
    {'uses_dl': 39, 'uses_ptm': 23, 'conceptual': 7, 'adaptation': 9, 'deployment': 9}
    """
    doi = evidence["papers"].set_index("paper")["doi"]
    uses, reuse = evidence["uses"], evidence["reuse"]
    found = {q: set(uses.loc[uses[q] == "yes", "paper"].map(doi)) for q in ("uses_dl", "uses_ptm")}
    return found | {p: set(reuse.loc[reuse["pattern"] == p, "paper"].map(doi)) for p in study.PATTERNS}


def corrected(drawn, labelled, yes, *, conf):
    """A share of the population from a machine's codes of all articles, corrected by people's codes of the sample.

    The difference estimator of two-phase sampling, also called prediction-powered (Cochran 1977, section 7.9;
    Angelopoulos et al. 2023). The exact limits of both errors are added up (MOVER), so that an error never seen in the
    sample is not taken as impossible.

    Parameters
    ----------
    drawn : tuple of DataFrame
        From `population.sample`: the people's papers and the population.
    labelled : set of str
        DOIs of the articles to which the machine gave the property. An article that it could not code is as one
        without: that costs precision, never truth.
    yes : set of str
        DOIs to which the people gave it.
    conf : float

    Returns
    -------
    Estimate
        The machine's share, plus the articles it missed, less those it took wrongly, both estimated from the sample by
        years. `detail` has naive (the machine's share), missed, wrong, and people (from the sample alone).
    """
    papers, articles = drawn
    size = articles["year"].value_counts().sort_index()
    count = papers["year"].value_counts().reindex(size.index)
    has, said = papers["doi"].isin(yes), papers["doi"].isin(labelled)
    naive = float(articles["doi"].isin(labelled).mean())
    missed, wrong, alone = (
        shares.stratified_share(size, count, kind.groupby(papers["year"]).sum().reindex(size.index), conf=conf)
        for kind in (has & ~said, said & ~has, has)
    )
    value = naive + missed.value - wrong.value
    down = math.hypot(missed.value - missed.low, wrong.high - wrong.value)
    up = math.hypot(missed.high - missed.value, wrong.value - wrong.low)
    detail = {"naive": naive, "missed": missed.value, "wrong": wrong.value, "people": alone.value}
    reason = "" if 0 <= value <= 1 else f"cut from {100 * value:.1f} %: the machine is wrong too often for this sample"
    low, high, method = max(0.0, value - down), min(1.0, value + up), f"two-phase over {len(size)} strata"
    value = min(1.0, max(0.0, value))
    return estimate.Estimate(
        value, low, high, conf, method, len(papers), "papers", reason=reason, detail=detail, label="share"
    )


def two_phase(evidence, checked, *, conf):
    """Every corrected share, beside the machine's own.

    Parameters
    ----------
    evidence : dict of study tables of the machine, of the frame
    checked : dict of study tables, from `people`
    conf : float

    Returns
    -------
    DataFrame
        property, naive, people, value, low, high, missed, wrong (shares of the articles), papers (checked), reason.
        Empty if the checked papers are not a sample from every year.
    """
    drawn, rows = population.sample(checked), []
    by_people = papers_with(checked)
    for name, labelled in papers_with(evidence).items() if drawn else ():
        found = corrected(drawn, labelled, by_people[name], conf=conf)
        limits = {"value": found.value, "low": found.low, "high": found.high, "papers": found.n, "reason": found.reason}
        rows.append({"property": name} | found.detail | limits)
    columns = ["property", "naive", "people", "value", "low", "high", "missed", "wrong", "papers", "reason"]
    return pd.DataFrame(rows, columns=columns)
