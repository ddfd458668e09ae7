"""What other published studies report on the same questions, and how much hangs on one definition."""

import pandas as pd

from ptmreuse import paths, wording
from ptmreuse.evidence import tables
from ptmreuse.statistics.shares import proportion

COLUMNS = ("id", "work", "question", "finding", "value", "unit", "source", "seen", "note")
# How feature extraction (a trained model, unchanged, whose output feeds a new classifier) is read.
READINGS = {
    "feature extraction is adaptation": ("scratch", "finetuning", "hybrid", "extractor"),
    "only the hybrid is adaptation": ("scratch", "finetuning", "hybrid"),
    "feature extraction is deployment": ("scratch", "finetuning"),
}


def read(path=None):
    """The facts of other studies in ``data/comparators.csv``, one row each, with the work and where it was read.

    Returns
    -------
    DataFrame
        Indexed by id; value is a float, NaN where the fact has no number.

    Raises
    ------
    StudyError
        If a column or a source is missing, an id is repeated, or a value is no number.

    Examples
    --------
    >>> float(read().loc["kim_extractor", "value"])
    38.0
    """
    path = paths.DATA / "comparators.csv" if path is None else path
    table = tables.read(path, COLUMNS)
    number = pd.to_numeric(table["value"].replace("", None), errors="coerce")
    tables.refuse_row(table["source"].str.strip() == "", table["source"], "a source for every fact", path)
    tables.refuse_row(table["id"].duplicated(), table["id"], "each id once", path)
    bad = number.isna() & (table["value"] != "")
    tables.refuse_row(bad, table["value"], "a number, or nothing where the fact has none", path)
    tables.refuse_row(number.notna() & (table["unit"] == ""), table["unit"], "a unit beside every number", path)
    return table.assign(value=number.astype(float)).set_index("id")


def definition(facts, published, *, conf):
    """The share of adaptation among the transfer-learning papers of one review, under each reading of one word.

    Parameters
    ----------
    facts : DataFrame, from `read`
    published : float
        The published share of adaptation.
    conf : float

    Returns
    -------
    DataFrame
        One row per reading: reading, adaptation and papers (of those with one approach), share, low, high (Wilson), and
        of_published: what the published share would be if its adaptation were made up like these papers (assumed).

    Examples
    --------
    >>> table = definition(read(), 0.7029, conf=0.95)
    >>> table[["reading", "adaptation", "papers"]].to_numpy().tolist()[-1]
    ['feature extraction is deployment', 30, 75]
    """
    counts = {kind: int(facts.loc[f"kim_{kind}", "value"]) for kind in READINGS["feature extraction is adaptation"]}
    rows = []
    for reading, kinds in READINGS.items():
        e = proportion(sum(counts[k] for k in kinds), sum(counts.values()), conf=conf)
        rows.append(
            {"reading": reading, "adaptation": int(e.detail["k"]), "papers": e.n, "share": e.value, "low": e.low,
             "high": e.high, "of_published": published * e.value}
        )  # fmt: skip
    return pd.DataFrame(rows)


def definition_sentence(table, published) -> str:
    """What hangs on the definition, in one sentence; `table` is from `definition`.

    Examples
    --------
    >>> said = definition_sentence(definition(read(), 0.7029, conf=0.95), 0.7029)
    >>> said.replace("\\N{NO-BREAK SPACE}", " ")[-65:]
    'not known), its 70.29 % would be 28.1 % under the latter reading.'
    """
    first, last = table.iloc[0], table.iloc[-1]
    share = wording.percent
    return (
        f"Among {wording.count(first['papers'])} transfer-learning papers of one review, {share(first['share'], 0)} "
        f"adapt a model if feature extraction is adaptation and {share(last['share'], 0)} if it is deployment; were "
        f"the study's adaptation made up alike (assumed, not known), its {share(published, 2)} would be "
        f"{share(last['of_published'])} under the latter reading."
    )
