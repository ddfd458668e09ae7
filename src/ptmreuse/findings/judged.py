"""The numbers by which another sample judges a claim, at a level that no reader's parameter changes.

The pages show each number at the reader's confidence; a verdict must not move with it. So the intervals that judge
are computed here once more. There are several of them, so each is wider than 95 %: all of them together hold what
they should in at least 95 % of repeated samples (Bonferroni).
"""

import pandas as pd

from ptmreuse.analysis import by_people, choices, patterns
from ptmreuse.evidence import items
from ptmreuse.evidence.study import FIELDS
from ptmreuse.statistics import estimate

TOGETHER = 0.95  # of all intervals that judge a claim, together
# What each number counts, and of which papers; a claim that it judges must say the same in the ledger. The hand-coded
# papers are natural-science papers with full text, so their share of all speaks of both.
COUNTED = {
    "evidence_dl_share": ("papers", ("full texts",)),
    "evidence_ptm_share": ("papers", ("full texts", "natural-science papers")),
    "evidence_ptm_given_dl": ("papers", ("deep-learning papers",)),
    "evidence_adaptation_instances_share": ("instances", ("reusing papers",)),
    "evidence_rank_biochemistry": ("paper-field rows", ("reusing papers",)),
    "evidence_rank_adaptation": ("pairs", ("reusing papers",)),
    "evidence_worst_rank_adaptation": ("pairs", ("reusing papers",)),
    "evidence_rank_test": ("instances", ("reusing papers",)),
    "evidence_rank_alexnet": ("instances", ("reusing papers",)),
}


def level(claims: pd.DataFrame) -> float:
    """The level of each interval that judges a claim by another sample.

    Parameters
    ----------
    claims : DataFrame
        From `claims.ledger`. Two claims that one interval judges count once.

    Examples
    --------
    >>> import pandas as pd
    >>> level(pd.DataFrame({"key": ["a", "a", "b", "c"], "sample": ["yes", "yes", "yes", "no"]}))
    0.975
    """
    intervals = claims.loc[claims["sample"] == "yes", "key"].nunique()
    return 1 - (1 - TOGETHER) / max(1, intervals)


def estimates(
    evidence: dict[str, pd.DataFrame],
    *,
    conf: float,
    resamples: int,
    seed: int,
    people: dict[str, pd.DataFrame] | None = None,
) -> dict[str, estimate.Estimate]:
    """Every number that judges a claim by another sample.

    Parameters
    ----------
    evidence : dict of study tables, of one coder
    conf : float, from `level`
    resamples, seed : int
        Of the intervals that resample papers.
    people : dict of str to DataFrame, optional
        From `by_people.people`: they correct the shares.

    Returns
    -------
    dict of str to Estimate
        By registry key; a claim about every field is judged by all fields, each at a level of its own so that they
        hold together.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> found = estimates(embedded(), conf=0.95, resamples=199, seed=1)
    >>> print(found["evidence_ptm_given_dl"].sentence)
    share 57.9 %, 95 % CI [40.5, 74.1] (Korn-Graubard over 11 strata), n = 39 papers
    >>> list(found) == list(COUNTED)
    True
    """
    again = {"resamples": resamples, "seed": seed}
    uses, fields, codes = evidence["uses"], evidence["fields"], items.items(evidence)
    found = {
        "evidence_dl_share": by_people.share(evidence, "uses_dl", conf=conf, people=people),
        "evidence_ptm_share": by_people.share(evidence, "uses_ptm", conf=conf, people=people),
        "evidence_ptm_given_dl": by_people.share(evidence, "uses_ptm_given_dl", conf=conf, people=people),
        "evidence_adaptation_instances_share": choices.adaptation_of_instances(evidence, conf=conf),
    }
    reusing = uses.loc[uses["uses_ptm"] == "yes", "paper"]
    in_field = fields[fields["paper"].isin(reusing) & fields["field"].isin(FIELDS)]
    models = codes.drop_duplicates(["paper", "canonical"])
    found["evidence_rank_biochemistry"] = patterns.rank(
        in_field, "field", FIELDS[1], unit="paper-field rows", conf=conf, **again
    )
    found["evidence_rank_adaptation"] = patterns.rank(codes, "pattern", "adaptation", conf=conf, **again)
    found["evidence_worst_rank_adaptation"] = _everywhere(codes, in_field, conf, again)
    found["evidence_rank_test"] = patterns.rank(
        items.items(evidence, "stage"), "stage", "Test", unit="instances", conf=conf, **again
    )
    found["evidence_rank_alexnet"] = patterns.rank(models, "canonical", "AlexNet", unit="instances", conf=conf, **again)
    return found


def _everywhere(codes, in_field, conf, again):
    """Adaptation in the field where it ranks lowest; each field's interval is as much wider as there are fields."""
    parts = [part for _, part in codes.merge(in_field, on="paper").groupby("field")]
    if not parts:
        return estimate.undefined(0, "pairs", "no field recorded", conf=conf, label="rank", scale="rank")
    each = 1 - (1 - conf) / len(parts)
    return patterns.worst_rank([patterns.rank(part, "pattern", "adaptation", conf=each, **again) for part in parts])
