"""The rule coder against hand-coded development articles: recall, precision, and how often which answer is right.

The texts are real articles that were looked at while rules were written, so every figure is a development figure. They
are not shipped; ``python -m ptmreuse develop TEXTS`` codes them where they are and records each answer beside the
reference, by DOI, in ``data/coder_development.csv`` with the fingerprint of the rules that gave it. The probabilities
that the coder gives with its answers are fitted on the same record (:meth:`~ptmreuse.coding.codebook.Codebook.chance`).
"""

import json
from pathlib import Path

import pandas as pd

from ptmreuse import paths
from ptmreuse.coding import rules
from ptmreuse.coding.articles import read_article
from ptmreuse.coding.codebook import DEVELOPMENT, chance, default_codebook
from ptmreuse.errors import StudyError
from ptmreuse.evidence import names, study
from ptmreuse.statistics.shares import proportion

COLUMNS = ("doi", "question", "model", "reference", "answer", "strength", "right", "rules")
REFERENCE = {"uses_dl": "uses_dl", "uses_ptm": "uses_ptm_study"}  # question: column of gold.csv, the study's wide sense
FOLDS = 5


def write_development(folder, path=DEVELOPMENT):
    """Code the development texts and record every answer beside the reference.

    Parameters
    ----------
    folder : path-like
        With ``gold.csv`` (columns path, doi, uses_dl, uses_ptm_study, models) and the texts that it names.
    path : path-like
        The record to write.

    Returns
    -------
    DataFrame
        The record, with the columns `COLUMNS`.

    Raises
    ------
    StudyError
        If the folder has no ``gold.csv``, or a text is missing or cannot be read.
    """
    folder, codebook = Path(folder), default_codebook()
    if not (folder / "gold.csv").is_file():
        raise StudyError(
            expected="a folder with gold.csv and the texts it names", found="none", where=paths.shown(folder),
            do="name the folder of the development texts",
        )  # fmt: skip
    rows = []
    for paper in study.read_csv(folder / "gold.csv").itertuples():
        coded = rules.code_article(read_article(folder / paper.path), codebook, paper=paper.doi)
        for row in _compared(paper, coded):
            rows.append(dict(zip(COLUMNS, (paper.doi, *row, codebook.fingerprint[:12]), strict=True)))
    record = pd.DataFrame(rows, columns=list(COLUMNS))
    record.to_csv(path, index=False, lineterminator="\n")
    return record


def _compared(paper, coded):
    """``(question, model, reference, answer, strength, right)`` of every answer about a paper."""
    said = {(e["question"], e["model"]): e for e in reversed(coded["evidence"])}
    for question, column in REFERENCE.items():
        reference, answer = getattr(paper, column), coded["uses"][0][question]
        decided = "unclear" not in (reference, answer) and answer != "unknown"
        right = str(int(reference == answer)) if decided and reference != "unclear" else ""
        yield question, "", reference, answer, said[question, ""]["strength"], right
    wanted = {}
    for model in json.loads(paper.models):
        wanted[names.normalise([model["model"]])["family"].iloc[0]] = model
    found = {row["family"]: row for row in reversed(coded["reuse"])}
    for family in sorted(wanted.keys() | found.keys()):
        reference = "named" if family in wanted else "not named"
        strength = said["model", found[family]["model"]]["strength"] if family in found else ""
        right = str(int(family in wanted)) if family in found else ""
        yield "model", family, reference, "yes" if family in found else "no", strength, right
        if family in found and family in wanted:
            answers = {"pattern": found[family]["pattern"]}
            answers["stage"] = next(s["stage"] for s in coded["stages"] if s["model"] == found[family]["model"])
            for question, answer in answers.items():
                right = "" if answer == "unknown" else str(int(answer == wanted[family][question]))
                strength = said[question, found[family]["model"]]["strength"]
                yield question, family, wanted[family][question], answer, strength, right


def accuracy(record=None, conf=0.95):
    """Recall and precision on the development articles, and how good the coder's probabilities are.

    Parameters
    ----------
    record : DataFrame, optional
        As from :func:`write_development`; default the recorded one.
    conf : float
        Confidence level.

    Returns
    -------
    DataFrame
        One row per measure: ``measure, right, of, share, low, high``. Empty if the record was made by other rules
        than today's: then it says nothing about them. Papers whose reference is unclear are left out; *unknown* is
        a miss for recall and no error for precision. The last row is the mean squared error of the probabilities, each
        paper's from the other four fifths of the papers.

    Examples
    --------
    >>> set(accuracy().columns) == {"measure", "right", "of", "share", "low", "high"}
    True
    """
    record = study.read_csv(DEVELOPMENT) if record is None else record
    columns = ["measure", "right", "of", "share", "low", "high"]
    if record.empty or set(record["rules"]) != {default_codebook().fingerprint[:12]}:
        return pd.DataFrame(columns=columns)
    rows = []

    def add(measure, among, right):
        share = proportion(int(right[among].sum()), int(among.sum()), conf=conf)
        rows.append((measure, int(right[among].sum()), int(among.sum()), share.value, share.low, share.high))

    for question, name in {"uses_dl": "deep learning", "uses_ptm": "reuse"}.items():
        of = record["question"] == question
        yes, said = record["reference"] == "yes", record["answer"] == "yes"
        add(f"{name}: found (recall)", of & yes, said)
        add(f"{name}: right when found (precision)", of & said & (record["reference"] != "unclear"), yes)
        add(f"{name}: not claimed where absent (specificity)", of & (record["reference"] == "no"), ~said)
    model = record["question"] == "model"
    add("models: found (recall)", model & (record["reference"] == "named"), record["answer"] == "yes")
    add("models: right when found (precision)", model & (record["answer"] == "yes"), record["right"] == "1")
    for question in ("pattern", "stage"):
        of = record["question"] == question
        add(f"{question}: same, of shared models", of, record["right"] == "1")
        add(f"{question}: same, where not unknown", of & (record["right"] != ""), record["right"] == "1")
    judged = _held_out(record)
    error = ((judged["chance"] - judged["right"].astype(int)) ** 2).mean()
    rows.append(("mean squared error of the probabilities, five-fold", None, len(judged), error, None, None))
    return pd.DataFrame(rows, columns=columns).astype({"right": "Int64", "of": "Int64"})


def _held_out(record):
    """The judged answers with the probability that the other folds give them; a paper is in one fold."""
    fold = pd.factorize(record["doi"], sort=True)[0] % FOLDS
    judged = record[record["right"] != ""]
    chances = [
        chance(record[fold != fold[i]], row.question, row.answer, float(row.strength or 0))
        for i, row in zip(judged.index, judged.itertuples(), strict=True)
    ]
    return judged.assign(chance=chances)
