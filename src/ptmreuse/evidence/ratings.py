"""Raters who really disagreed: two people's own codes, the codes they agreed on, and five language models' answers.

All are about deep-learning papers on biodiversity: 100 that people coded, and 364 of another search that no person
coded. The people coded whether a thing is available; a model answered whether the text of the paper says so.
"""

from typing import NamedTuple

import pandas as pd

from ptmreuse import paths
from ptmreuse.errors import refuse
from ptmreuse.evidence import study, tables

HUMANS, MODELS = "ratings_humans.csv", "ratings_models.csv"
PEOPLE = ("human 1", "human 2")
AGREED = "humans agreed"
ANSWERS = {"y": "yes", "n": "no", "p": "partly"}
VARIABLES = {
    "V1": "dataset",
    "V2": "source code",
    "V3": "frameworks or environment",
    "V4": "model architecture",
    "V5": "software and hardware",
    "V6": "methods",
    "V7": "hyper-parameters",
    "R": "randomness",
    "S1": "averaging of results",
    "S2": "evaluation metrics",
}
# The model's question about the same thing as a person's variable; the other twenty have no counterpart.
SAME_THING = {"Q9": "V1", "Q8": "V2", "Q19": "V3", "Q12": "V4", "Q20": "V5", "Q13": "V7", "Q24": "R", "Q22": "S2"}
_COLUMNS = {HUMANS: ("paper", "doi", "variable", "rater", "answer"), MODELS: ("paper", "doi", "question")}
_REJECTS = ("file", "row", "reason", "found")


class Ratings(NamedTuple):
    """What was read of the two files.

    `people` has a row per paper and variable: doi, variable, and a column per rater (yes, no, partly; missing where
    the source has no single code). `machines` has a row per paper and comparable question: doi, variable, checked
    (whether people coded the paper), and a column per model (yes, no). `rejects` are the rows that were not used:
    file, row (of the file, without its header), reason, found. `accounts`: per file, rows read, kept, rejected.
    """

    people: pd.DataFrame
    machines: pd.DataFrame
    rejects: pd.DataFrame
    accounts: pd.DataFrame

    @property
    def models(self):
        """Names of the language models."""
        return [c for c in self.machines if c not in ("doi", "variable", "checked")]


def read(folder=None):
    """Read the two files of ratings, by default from ``data/``.

    Raises
    ------
    StudyError
        If a column is missing, a row is there twice, a paper has two DOIs, or a rater, variable or question is
        unknown.

    Examples
    --------
    >>> found = read()
    >>> len(found.people), int(found.machines["checked"].sum()), found.rejects["found"].iloc[0]
    (1000, 800, 'n or y')
    """
    folder = paths.DATA if folder is None else folder
    humans, machines = (_table(folder / name, _COLUMNS[name]) for name in (HUMANS, MODELS))
    models = [c for c in machines if c not in _COLUMNS[MODELS]]
    if not models:
        refuse(
            paths.shown(folder / MODELS), "a column per model",
            f"the columns {', '.join(machines)} only", "restore the models' answers",
        )  # fmt: skip
    _known(humans, folder / HUMANS, "rater", (*PEOPLE, AGREED))
    _known(humans, folder / HUMANS, "variable", VARIABLES)
    _once(humans, folder / HUMANS, ["doi", "variable", "rater"])
    _once(machines, folder / MODELS, ["doi", "question"])
    coded = humans.drop_duplicates("doi").set_index("doi")["paper"]
    alone = humans.drop_duplicates("paper").set_index("paper")["doi"]
    two = humans["doi"].map(coded).ne(humans["paper"]) | humans["paper"].map(alone).ne(humans["doi"])
    tables.refuse_row(two, humans["doi"], "each paper by one number and one DOI", folder / HUMANS)
    stray = machines["paper"].ne("") & machines["doi"].map(coded).ne(machines["paper"])
    tables.refuse_row(stray, machines["doi"], f"the DOI of the paper's number, as in {HUMANS}", folder / MODELS)
    bad = ~humans["answer"].isin(ANSWERS)
    bad |= (humans["rater"] == AGREED) & (humans["answer"] == "p")
    other = ~machines["question"].isin(SAME_THING)
    unread = ~other & ~machines[models].isin(["y", "n"]).all(axis=1)
    rejects = [
        *_rejected(HUMANS, humans[bad], "no single code", "answer"),
        *_rejected(MODELS, machines[other], "people coded nothing that this question asks about", "question"),
        *_rejected(MODELS, machines[unread], "an answer that is neither y nor n", "question"),
    ]
    people = humans[~bad].assign(answer=lambda t: t["answer"].map(ANSWERS))
    people = people.pivot(index=["doi", "variable"], columns="rater", values="answer").reset_index()
    kept = machines[~other & ~unread]
    said = kept[models].apply(lambda column: column.map(ANSWERS))
    asked = pd.DataFrame(
        {"doi": kept["doi"], "variable": kept["question"].map(SAME_THING), "checked": kept["doi"].isin(coded.index)}
    )
    lost = [int(bad.sum()), int((other | unread).sum())]
    accounts = pd.DataFrame({"file": [HUMANS, MODELS], "rows_read": [len(humans), len(machines)]})
    accounts = accounts.assign(rows_kept=accounts["rows_read"] - lost, rows_rejected=lost)
    return Ratings(
        people.rename_axis(columns=None),
        pd.concat([asked, said], axis=1).reset_index(drop=True),
        pd.DataFrame(rejects, columns=list(_REJECTS)),
        accounts,
    )


def _table(path, columns):
    table = tables.read(path, columns)
    return table.assign(doi=table["doi"].map(study.clean_doi))


def _known(table, path, column, allowed):
    tables.refuse_row(~table[column].isin(list(allowed)), table[column], f"one of {', '.join(allowed)}", path)


def _once(table, path, key):
    do = "remove or correct the repeated row"
    tables.refuse_row(table.duplicated(key), table[key[0]], f"each {', '.join(key)} once", path, do)


def _rejected(file, rows, reason, column):
    return [(file, number + 1, reason, value) for number, value in rows[column].items()]
