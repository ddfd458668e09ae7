"""The answer to each question in a sentence, as far as the source in use has one."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from numpy.typing import ArrayLike

from ptmreuse import wording
from ptmreuse.analysis import patterns
from ptmreuse.evidence import items
from ptmreuse.evidence.answers import UNREADABLE
from ptmreuse.evidence.study import FIELDS
from ptmreuse.findings.claims import VERDICTS
from ptmreuse.statistics import ranks, trend
from ptmreuse.statistics.estimate import Estimate
from ptmreuse.statistics.shares import proportion


class _Source(NamedTuple):
    """What the pages say of a source: its papers, who coded them, how far they go, how they came about."""

    papers: str
    who: str
    scope: str
    design: str


SOURCES = {
    "embedded": _Source(
        "the pilot that the study's authors coded by hand",
        "People, in the authors' pilot",
        "Its papers are real: a random sample, ten per publication year, of the natural-science PLOS articles "
        "that the study's search had found. They speak of these articles, not of other journals.",
        "The authors' pilot drew ten papers from every year at random, out of the natural-science PLOS "
        "articles that the search had found. Early years, when deep learning was rare, therefore weigh more here "
        "than among these articles.",
    ),
    "release": _Source(
        "the study's released database, coded by a language model",
        "The coded papers in use",
        "Its codes are what the study itself counted; only checked papers tell how often they are right.",
        "The database holds the papers that the searches found, as many from each year as there were.",
    ),
    "plos": _Source(
        "the PLOS articles of the pilot's frame, coded by rules",
        "The PLOS articles in use",
        "Its codes are those of a rule coder; chapter 3 corrects its shares by the papers that people coded too.",
        "The articles are all that the study's search found in PLOS natural science, 2014 to 2024.",
    ),
    "tables": _Source(
        "your own tables of coded papers",
        "Your coded papers",
        "What they say about the study depends on how their papers were chosen and coded.",
        "How the papers were chosen decides what their shares speak of.",
    ),
    "simulated": _Source(
        "a simulated corpus, which says nothing about the world",
        "Simulated papers",
        "Nothing that it shows is a finding.",
        "The simulated papers grow in number from year to year.",
    ),
}
SOURCES["pilot"] = SOURCES["embedded"]._replace(papers="the pilot workbook that the study's authors coded by hand")
WHO = {source: words.who for source, words in SOURCES.items()}
NO_FIELDS = "The data in use record no fields, so they cannot check this."
NO_REUSING_FIELD = "No paper with a field of the study reuses a model."
NO_STAGES = "The data in use record no stages, so they cannot check this."
NO_REUSE = "The data in use hold no reuse with a known pattern."


def evidence(source: str, papers: int, kind: str = "coded") -> str:
    """What the evidence is, for a sentence; simulated papers are called so wherever they come from.

    Examples
    --------
    >>> evidence("embedded", 110)
    "the pilot that the study's authors coded by hand (110 papers)"
    >>> evidence("release", 500, kind="simulated")
    'a simulated corpus, which says nothing about the world (500 papers)'
    """
    return f"{SOURCES['simulated' if kind == 'simulated' else source].papers} ({wording.count(papers, 'papers')})"


def scope(source: str, kind: str = "coded") -> str:
    """How far the evidence goes, in a sentence.

    Examples
    --------
    >>> scope("release", kind="simulated")
    'Nothing that it shows is a finding.'
    """
    return SOURCES["simulated" if kind == "simulated" else source].scope


def reliability(known: Sequence[str]) -> str:
    """How reliably the papers were coded, as far as the source in use tells.

    Parameters
    ----------
    known : list of str
        Coders whose codes the source holds.

    Examples
    --------
    >>> reliability(["authors"])
    'How reliably they were coded cannot be told: the source in use holds one coding only.'
    """
    if len(known) < 2:
        return "How reliably they were coded cannot be told: the source in use holds one coding only."
    return f"Two coders, {known[0]} and {known[1]}, are compared at the end of this chapter."


def raters(pair: Sequence[str]) -> str:
    """Whose agreement is shown, in a sentence.

    Parameters
    ----------
    pair : list of str
        The first two coders of the source in use.

    Examples
    --------
    >>> raters(["ada", "ben"])
    'The coders ada and ben are compared on the papers for which both gave a yes or a no.'
    """
    if len(pair) == 2:
        return f"The coders {pair[0]} and {pair[1]} are compared on the papers for which both gave a yes or a no."
    return (
        "The data in use hold one coding, so their own agreement cannot be told; what follows are raters of another "
        "study."
    )


def design(source: str, kind: str = "coded") -> str:
    """How the papers in use came about, in a sentence or two.

    Examples
    --------
    >>> design("tables")
    'How the papers were chosen decides what their shares speak of.'
    """
    return SOURCES["simulated" if kind == "simulated" else source].design


def answers(read: pd.DataFrame) -> str:
    """What was made of the model answers in the source in use, for a sentence.

    Parameters
    ----------
    read : DataFrame
        Columns status and answers (a count).

    Examples
    --------
    >>> answers(pd.DataFrame({"status": ["ok", "error"], "answers": [3, 1]}))
    'Of 4 model answers, 3 gave a record and 1 gave none.'
    """
    total = int(read["answers"].sum())
    good = int(read.loc[~read["status"].isin(UNREADABLE), "answers"].sum())
    if not total:
        return "The data in use hold no model answers."
    return f"Of {wording.count(total, 'model answers')}, {good:,} gave a record and {total - good:,} gave none."


def reuse_by_field(
    uses: pd.DataFrame, fields: pd.DataFrame, *, conf: float, listed: Sequence[str] = FIELDS
) -> pd.DataFrame:
    """Papers and reusing papers of each of the study's fields, with the share that reuses.

    A paper counts whole in each of its fields. Papers whose answer is unknown are left out of the share and
    counted.

    Parameters
    ----------
    uses, fields : DataFrame
        Study tables of one coder.
    conf : float
    listed : tuple of str
        The fields of the codebook.

    Returns
    -------
    DataFrame
        field, papers, reusing, unknown, share, low, high; most reusing papers first. Empty without fields.

    Examples
    --------
    >>> uses = pd.DataFrame({"paper": ["a", "b"], "uses_ptm": ["yes", "no"]})
    >>> fields = pd.DataFrame({"paper": ["a", "b"], "field": "Chemistry"})
    >>> reuse_by_field(uses, fields, conf=0.95)[["field", "papers", "reusing", "share"]].to_numpy().tolist()
    [['Chemistry', 2, 1, 0.5]]
    """
    rows = items.fields_used(fields, listed).merge(uses, on="paper")
    answers = rows.groupby("field")["uses_ptm"]
    table = answers.agg(
        papers="size", reusing=lambda a: int((a == "yes").sum()), unknown=lambda a: int((a == "unknown").sum())
    ).reset_index()
    for column in ("papers", "reusing", "unknown"):
        table[column] = table[column].astype("int64")
    shares = [proportion(row.reusing, row.papers - row.unknown, conf=conf) for row in table.itertuples(index=False)]
    table = table.assign(share=[s.value for s in shares], low=[s.low for s in shares], high=[s.high for s in shares])
    return table.sort_values(["reusing", "field"], ascending=[False, True], ignore_index=True)


def answer_fields(by_field: pd.DataFrame) -> str:
    """RQ1 in a sentence: which field leads, in papers and in the share of its papers.

    Parameters
    ----------
    by_field : DataFrame, from `reuse_by_field`

    Examples
    --------
    >>> one = {"field": ["Chemistry"], "papers": [4], "reusing": [2], "share": [0.5], "low": [0.15], "high": [0.85]}
    >>> answer_fields(pd.DataFrame(one)).replace(chr(160), " ")
    'Chemistry has the most reusing papers (2) and the largest share of its papers (50.0 %, interval 15.0 % to 85.0 %).'
    """
    if by_field.empty:
        return NO_FIELDS
    if not by_field["reusing"].sum():
        return NO_REUSING_FIELD
    most, rate = by_field.iloc[0], by_field.sort_values("share", ascending=False, kind="stable").iloc[0]
    leads = f"{most['field']} has the most reusing papers ({wording.count(most['reusing'])})"
    limits = f"{wording.percent(rate['low'])} to {wording.percent(rate['high'])}"
    largest = f"the largest share of its papers ({wording.percent(rate['share'])}, interval {limits})"
    return f"{leads} and {largest}." if rate["field"] == most["field"] else f"{leads}; {rate['field']} has {largest}."


def answer_patterns(codes: pd.DataFrame, *, conf: float, resamples: int, seed: int) -> str:
    """RQ2 in a sentence: which pattern occurs in most papers, if these papers can tell.

    Parameters
    ----------
    codes : DataFrame, from `items.items`
    conf, resamples, seed
        Of the rank's interval; papers are resampled.

    Examples
    --------
    >>> sure = pd.DataFrame({"paper": range(9), "pattern": "deployment"})
    >>> answer_patterns(sure, conf=0.95, resamples=199, seed=1)
    'Deployment is the most common: it occurs in 9 of 9 papers whose pattern is known.'
    """
    if codes.empty:
        return NO_REUSE
    papers = codes.drop_duplicates(["paper", "pattern"])
    counts = papers["pattern"].value_counts().sort_index()
    first, of = counts.idxmax(), f"{wording.count(papers['paper'].nunique(), 'papers')} whose pattern is known"
    if patterns.rank(papers, "pattern", first, conf=conf, resamples=resamples, seed=seed).high <= 1:
        return f"{first[0].upper()}{first[1:]} is the most common: it occurs in {counts[first]:,} of {of}."
    return f"Which pattern is the most common, {of} cannot tell."


def answer_stages(stages: pd.DataFrame, *, conf: float, resamples: int, seed: int) -> str:
    """RQ3 in a sentence: which stage leads, by instances, and how sure that is.

    Parameters
    ----------
    stages : DataFrame
        From `items.items` with question *stage*.

    Examples
    --------
    >>> answer_stages(pd.DataFrame(columns=["paper", "stage"]), conf=0.95, resamples=199, seed=1) == NO_STAGES
    True
    >>> answer_stages(pd.DataFrame({"paper": ["a"], "stage": ["Test"]}), conf=0.95, resamples=199, seed=1)
    'The Test stage leads with 1 of 1 instance, all in one paper.'
    """
    if stages.empty:
        return NO_STAGES
    counts = stages["stage"].value_counts()
    first = counts.sort_index().idxmax()
    rank = patterns.rank(stages, "stage", first, conf=conf, resamples=resamples, seed=seed)
    leads = f"The {first} stage leads with {wording.count(counts[first])} of {wording.count(len(stages), 'instances')}"
    if "leads" not in rank.detail:
        return f"{leads}, all in one paper."
    return f"{leads}; it is first in {wording.percent(rank.detail['leads'], 0)} of the resamples."


def left_out(k: ArrayLike, n: ArrayLike, year: ArrayLike) -> str:
    """The range of a trend when each year is left out once, for a sentence.

    Parameters
    ----------
    k, n, year : array-like
        As in `trend.trend`.

    Examples
    --------
    >>> left_out([1, 2, 4, 5], [10] * 4, [2020, 2021, 2022, 2023])
    '1.96 to 2.49'
    """
    least, most = (wording.decimal(ratio) for ratio in trend.without_each_year(k, n, year))
    return least if least == most else f"{least} to {most}"


def what_holds(verdicts: pd.DataFrame) -> str:
    """What the claims about fields, patterns and stages come to, for a sentence; `verdicts` is from `claims.evaluate`.

    Counts of the pilot and of the corpus only show that the tables are complete; they answer no question.

    Examples
    --------
    >>> verdicts = pd.DataFrame({"question": ["RQ1", "pilot"], "verdict": ["agrees", "reproduced"]})
    >>> what_holds(verdicts).partition(": ")[2]
    'none reproduced, 1 agrees, none differs, none cannot tell, none not checkable.'
    """
    asked = verdicts.loc[verdicts["question"].str.startswith("RQ"), "verdict"]
    counts = asked.value_counts()
    parts = ", ".join(f"{counts.get(verdict, 'none')} {verdict}" for verdict in VERDICTS)
    return f"The {len(asked)} claims about fields, patterns and stages: {parts}."


# question, column, the category claimed to lead, words for "as many papers ... as ..."
LEADERS = (
    ("RQ1", "field", FIELDS[1], "reuse in"),
    ("RQ2", "pattern", "adaptation", "reuse by"),
    ("RQ3", "stage", "Test", "reuse in"),
)


def primary_tests(tables: dict[str, pd.DataFrame], growth: Estimate, *, conf: float, adjustment: str) -> pd.DataFrame:
    """One test per claim of the study that says "more": of growth, and of the leading field, pattern and stage.

    Parameters
    ----------
    tables : dict of study tables, of one coder
    growth : Estimate
        The trend of reuse over the years that can hold it, from `trend.trend`.
    conf : float
    adjustment : {'holm', 'bh'}

    Returns
    -------
    DataFrame
        question, null_hypothesis, result, p, adjusted_p; NaN where the tables hold nothing to test.

    Examples
    --------
    >>> from ptmreuse.evidence import sources
    >>> pilot = sources.load_source("embedded")
    >>> from ptmreuse.statistics import estimate
    >>> nothing = estimate.undefined(0, "papers", "no years", label="trend")
    >>> primary_tests(pilot, nothing, conf=0.95, adjustment="holm")["adjusted_p"].round(2).tolist()
    [nan, nan, 1.0, nan]
    """
    reusing = tables["uses"].loc[tables["uses"]["uses_ptm"] == "yes", "paper"]
    fields = tables["fields"]
    counted = {
        "field": fields[fields["field"].isin(FIELDS) & fields["paper"].isin(reusing)],
        "pattern": items.items(tables),
        "stage": items.items(tables, "stage"),
    }
    rows = [("RQ1", "reuse does not change over the years, from the first with deep learning", growth)]
    for question, column, leader, words in LEADERS:
        rival = patterns.runner_up(counted[column], leader, column)
        lead = patterns.lead_over(counted[column], leader, rival, column, conf=conf)
        against = rival if len(counted[column]) else f"any other {column}"
        rows.append((question, f"as many papers {words} {against} as {words} {leader}", lead))
    tests = pd.DataFrame(
        [{"question": q, "null_hypothesis": null, "result": found.sentence} for q, null, found in rows]
    )
    p = [found.p for _, _, found in rows]
    return tests.assign(p=pd.Series(p, dtype="float64"), adjusted_p=ranks.adjust(p, adjustment))
