"""The rule coder against articles coded by hand: recall, precision, and how often which answer is right.

The texts are real articles that were looked at while rules were written, so every figure is a development figure. They
are not shipped; ``python -m ptmreuse develop TEXTS`` codes them where they are and records each answer beside the
reference, by DOI, in ``data/measured/coder_development.csv`` with the fingerprint of the rules that gave it. The
probabilities that the coder gives with its answers are fitted on the same record
(:meth:`~ptmreuse.coding.codebook.Codebook.chance`).

``python -m ptmreuse develop`` without a folder judges the coder by the study's authors, on the pilot's articles.
"""

import json
import math
from pathlib import Path

import pandas as pd

from ptmreuse import paths
from ptmreuse.coding import batch, rules, two_coders
from ptmreuse.coding.articles import read_article
from ptmreuse.coding.codebook import DEVELOPMENT, STRONG, chance, default_codebook
from ptmreuse.errors import StudyError
from ptmreuse.evidence import fetch, names, pilot, study
from ptmreuse.statistics.shares import clustered_share, proportion

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
    """Recall and precision on the development articles, and how good what is fitted on them is: by five-fold.

    Parameters
    ----------
    record : DataFrame, optional
        As from :func:`write_development`; default the recorded one.
    conf : float
        Confidence level.

    Returns
    -------
    DataFrame
        One row per measure: ``measure, right, of, share, low, high``; where a paper has several answers, papers are
        the clusters. Empty if the record was made by other rules than today's: then it says nothing about them. Papers
        whose reference is unclear are left out; *unknown* is a miss for recall and no error for precision. What is
        fitted on these articles is judged as in :func:`held_out`: in the rows "right of those kept", and in the last
        row, the mean squared error of the probabilities.

    Examples
    --------
    >>> set(accuracy().columns) == {"measure", "right", "of", "share", "low", "high"}
    True
    """
    record = study.read_csv(DEVELOPMENT) if record is None else record
    columns = ["measure", "right", "of", "share", "low", "high"]
    if not of_todays_rules(record):
        return pd.DataFrame(columns=columns)
    rows = []

    def add(measure, among, right):
        share = _share(record["doi"][among], right[among], conf)
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
    judged = held_out(record)
    kept, right = (judged[column].reindex(record.index, fill_value=False) for column in ("kept", "correct"))
    for question in ("pattern", "stage"):
        of = record["question"] == question
        add(f"{question}: same, of shared models", of, record["right"] == "1")
        add(f"{question}: same, where not unknown", of & (record["right"] != ""), record["right"] == "1")
        add(f"{question}: right of those kept, five-fold", of & kept, right)
    error = ((judged["chance"] - judged["correct"]) ** 2).mean()
    rows.append(("mean squared error of the probabilities, five-fold", None, len(judged), error, None, None))
    return pd.DataFrame(rows, columns=columns).astype({"right": "Int64", "of": "Int64"})


def of_todays_rules(record):
    """Whether a record says anything about the rules as they are."""
    return set(record["rules"]) == {default_codebook().fingerprint[:12]}


def _share(papers, right, conf):
    if not papers.duplicated().any():
        return proportion(int(right.sum()), len(right), conf=conf, label="right", unit="answers")
    by_paper = right.groupby(papers)
    return clustered_share(by_paper.sum(), by_paper.size(), conf=conf, label="right", unit="answers")


def held_out(record):
    """The judged answers with what the other four fifths of the papers make of them; a paper is in one fold.

    The rules are written by hand. Two things are fitted: the probability of an answer, and the strength below which an
    answer to a question would better be *unknown* (the line at which right answers less wrong ones are most).

    Returns
    -------
    DataFrame
        The rows with an answer that is right or wrong, and ``chance`` (the probability), ``kept`` (whether the answer
        reaches the line) and ``correct``.

    Examples
    --------
    >>> judged = held_out(study.read_csv(DEVELOPMENT).head(200))
    >>> bool(judged["chance"].between(0, 1).all())
    True
    """
    fold = pd.Series(pd.factorize(record["doi"], sort=True)[0] % FOLDS, index=record.index)
    judged = record[record["right"] != ""]
    strength, correct = pd.to_numeric(judged["strength"]), judged["right"] == "1"
    judged = judged.assign(chance=math.nan, kept=False, correct=correct)
    for (question, here), rows in judged.groupby(["question", fold[judged.index]]):
        others = (fold[judged.index] != here) & (judged["question"] == question)
        judged.loc[rows.index, "kept"] = strength[rows.index] >= _line(strength[others], correct[others])
        for (answer, _), alike in rows.groupby(["answer", strength[rows.index] >= STRONG]):
            seen = chance(record[fold != here], question, answer, strength[alike.index[0]])
            judged.loc[alike.index, "chance"] = seen
    return judged


def _line(strength, correct):
    lines = [0.0, *sorted(strength.unique())]
    return max(lines, key=lambda line: (2 * correct.astype(int) - 1)[strength >= line].sum())


def held_out_sentence(record=None, conf=0.95):
    """What fitting is worth on papers that it has not seen, in words.

    Examples
    --------
    >>> held_out_sentence().split()[0] in ("Fitted", "Not")
    True
    """
    record = study.read_csv(DEVELOPMENT) if record is None else record
    if not of_todays_rules(record):
        return "Not shown: the record was made by other rules than today's. Anew: python -m ptmreuse develop TEXTS."
    judged = held_out(record)
    pattern = judged[judged["question"] == "pattern"]
    kept = pattern[pattern["kept"]]
    every, held = (_share(t["doi"], t["correct"], conf) for t in (pattern, kept))
    return (
        f"Fitted on four fifths of the papers and judged on the rest (five times), such a line keeps {len(kept)} of "
        f"{len(pattern)} patterns: {held.sentence}; without it {every.sentence.removeprefix('right ')}. "
        f"Here it {'helps' if held.value > every.value else 'does not help'}."
    )


def on_pilot(folder=fetch.FOLDER / "jats", conf=0.95):
    """The rule coder on the pilot's articles, against the codes of the study's authors.

    Parameters
    ----------
    folder : path-like
        Where ``make data`` put the articles.
    conf : float
        Confidence level.

    Returns
    -------
    DataFrame
        As from :func:`ptmreuse.coding.two_coders.evaluate`, without the coefficients of agreement.

    Raises
    ------
    StudyError
        If the folder has none of the pilot's articles.
    """
    authors, coded = pilot.embedded(), {}
    if Path(folder).is_dir():
        coded = batch.code_articles([folder])
        del coded["evidence"]
    coded = study.validate(coded, where=paths.shown(folder))
    if authors["papers"]["paper"].isin(coded["papers"]["paper"]).sum() == 0:
        raise StudyError(
            expected="articles of the pilot", found="none", where=paths.shown(folder),
            do="run make data, which fetches them",
        )  # fmt: skip
    table = two_coders.evaluate(authors, coded, conf=conf)
    return table[table["measure"].isin(["decided", "sensitivity", "specificity", "ppv", "pattern"])]
