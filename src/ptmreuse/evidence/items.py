"""What is counted: pairs, instances and papers.

Three units must not be mixed. A *pair* is a (model, pattern) in a paper; an *instance* is a model in a paper,
whatever the number of patterns; a *paper* reuses at least one model. Pairs of one paper are alike, so a share
of pairs gets an interval in which papers are what was sampled.
"""

import pandas as pd

from ptmreuse.evidence import names
from ptmreuse.evidence.study import FIELDS, PATTERNS, STAGES

OTHER_FIELD = "another field"
CATEGORIES = {"pattern": PATTERNS, "stage": STAGES, "field": FIELDS}


def answered(uses):
    """Papers with a yes, and those whose answer is known, per share that the study reports.

    Parameters
    ----------
    uses : DataFrame
        Study table of one coder.

    Examples
    --------
    >>> dl, ptm = ["yes", "yes", "no", "unknown"], ["yes", "unknown", "yes", "no"]
    >>> answered(pd.DataFrame({"uses_dl": dl, "uses_ptm": ptm}))
    {'uses_dl': (2, 3), 'uses_ptm': (2, 3), 'uses_ptm_given_dl': (1, 1)}
    """
    asked = {q: uses[q] for q in ("uses_dl", "uses_ptm")}
    asked["uses_ptm_given_dl"] = uses.loc[uses["uses_dl"] == "yes", "uses_ptm"]
    return {name: (int((said == "yes").sum()), int((said != "unknown").sum())) for name, said in asked.items()}


def items(tables, question="pattern"):
    """What is counted: one item per paper, canonical model and known pattern (or stage).

    A model written in two ways, or coded twice alike, counts once. Unknown patterns and stages are no items;
    `units` counts them.

    Returns
    -------
    DataFrame
        paper, coder, canonical, family and `question` (*pattern* or *stage*).
    """
    coded = tables["reuse" if question == "pattern" else "stages"]
    if question == "stage":
        coded = coded.assign(canonical=names.normalise(coded["model"])["canonical"])
    coded = coded.loc[coded[question] != "unknown", ["paper", "coder", "canonical", question]]
    found = coded.drop_duplicates(ignore_index=True)
    family = tables["reuse"].drop_duplicates("canonical").set_index("canonical")["family"]
    known = found["canonical"].map(family)
    return found.assign(family=known.where(known.notna(), found["canonical"]))


def fields_used(fields, listed=FIELDS):
    """The fields that tables by field show: those of the codebook, and *another field* for papers of none of them.

    Examples
    --------
    >>> fields_used(pd.DataFrame({"paper": ["a", "a", "b"], "field": ["Chemistry", "Medicine", "Medicine"]}))
      paper          field
    0     a      Chemistry
    1     b  another field
    """
    known = fields[fields["field"].isin(listed)]
    others = fields[~fields["paper"].isin(known["paper"])].assign(field=OTHER_FIELD)
    return pd.concat([known, others]).drop_duplicates().reset_index(drop=True)


def per_field(counted, fields, column):
    """Items per scientific field and category, counted whole and in fractions.

    Fields overlap. Counted whole, an item of a paper in two fields is one in each, so fields add up to more
    than there are items; counted in fractions, it is a half in each.

    Parameters
    ----------
    counted : DataFrame, from `items`
    fields : DataFrame
        Study table; beside one of the study's eight, other fields are left out.
    column : {'pattern', 'stage'}

    Returns
    -------
    DataFrame
        field, one column per category, whole (their sum) and fractional. Items of papers whose fields are all
        outside the eight are in the row *another field*, of papers without a field in *no field recorded*.

    Examples
    --------
    >>> counted = pd.DataFrame({"paper": ["a", "b", "c"], "pattern": ["adaptation", "deployment", "deployment"]})
    >>> fields = pd.DataFrame({"paper": ["a", "a", "b"], "field": ["Chemistry", "Neuroscience", "Medicine"]})
    >>> per_field(counted, fields, "pattern")[["field", "whole", "fractional"]].to_numpy().tolist()
    [['Chemistry', 1, 0.5], ['Neuroscience', 1, 0.5], ['another field', 1, 1.0], ['no field recorded', 1, 1.0]]
    """
    known = fields_used(fields)
    share = 1 / known.groupby("paper")["field"].transform("size")
    rows = counted.merge(known.assign(share=share), on="paper", how="left")
    rows = rows.assign(field=rows["field"].fillna("no field recorded"), share=rows["share"].fillna(1.0))
    table = pd.crosstab(rows["field"], rows[column])
    table = table.assign(whole=table.sum(axis=1), fractional=rows.groupby("field")["share"].sum())
    order = [f for f in (*FIELDS, OTHER_FIELD, "no field recorded") if f in table.index]
    return table.loc[order].rename_axis(columns=None).reset_index()


def units(reuse):
    """How many papers, instances and pairs the codes of one coder hold.

    Examples
    --------
    >>> codes = pd.DataFrame({"paper": ["a", "a", "b"], "canonical": ["U-Net", "U-Net", "U-Net"],
    ...                       "pattern": ["adaptation", "conceptual", "unknown"]})
    >>> units(codes)
    {'papers': 2, 'instances': 2, 'pairs': 3, 'unknown_patterns': 1}
    """
    return {
        "papers": int(reuse["paper"].nunique()),
        "instances": len(reuse.drop_duplicates(["paper", "canonical"])),
        "pairs": len(reuse),
        "unknown_patterns": int((reuse["pattern"] == "unknown").sum()),
    }


def per_paper(counted, category, column="pattern"):
    """Items of one pattern or stage and all items of each paper, as cluster sizes.

    Items whose category is unknown are left out of both; `units` counts them.

    Returns
    -------
    DataFrame
        paper, of_category, items; one row per paper that has an item of known category.

    Examples
    --------
    >>> said = ["adaptation", "deployment", "adaptation", "unknown"]
    >>> counted = pd.DataFrame({"paper": list("aabb"), "pattern": said})
    >>> per_paper(counted, "adaptation").to_numpy().tolist()
    [['a', 1, 2], ['b', 1, 1]]
    """
    known = counted[counted[column] != "unknown"]
    groups = known.assign(of_category=known[column] == category).groupby("paper")["of_category"]
    return groups.agg(of_category="sum", items="size").astype("int64").reset_index()
