"""Any coder against any other: accuracy, agreement, and disagreements to be settled by people.

Both codings are study tables of one coder each (`study.of_coder`). Papers that only one of them coded are
counted and left out; "unknown" is an answer of its own and never counts as "no".
"""

import pandas as pd

from ptmreuse import paths
from ptmreuse.errors import refuse
from ptmreuse.evidence import study
from ptmreuse.evidence.tables import read, refuse_row
from ptmreuse.statistics import agreement, coder_error, estimate, shares

YES_NO = ("uses_dl", "uses_ptm")
SETTLE = ("paper", "question", "model", "first", "second", "section", "sentence", "rule", "decision", "note")
NOT_NAMED = "not named"


def answers(tables, question):
    """One coder's answer to a yes/no question for every paper it coded.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Study tables of one coder.
    question : str
        ``uses_dl``, ``uses_ptm``, or a pattern: is at least one model reused by it?

    Returns
    -------
    Series
        yes, no or unknown by paper. For a pattern the answer is unknown where none of its models has the
        pattern and one has an unknown one, or where PTM reuse itself is unknown.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> answers(embedded(), "adaptation").value_counts().to_dict()
    {'no': 101, 'yes': 9}
    """
    estimate.one_of("answers, question", question, (*YES_NO, *study.codes(tables, "pattern")))
    uses = _one_coder(tables).set_index("paper")
    if question in uses.columns:
        return uses[question].rename(question)
    patterns = tables["reuse"].groupby("paper")["pattern"].agg(set)
    found = uses["uses_ptm"].where(uses["uses_ptm"] == "unknown", "no")
    named = patterns.reindex(uses.index.intersection(patterns.index))
    found.update(named.map(lambda p: "yes" if question in p else "unknown" if "unknown" in p else "no"))
    nameless = (uses["uses_ptm"] == "yes") & ~uses.index.isin(patterns.index)
    return found.mask(nameless, "unknown").rename(question)


def _one_coder(tables):
    found = study.coders(tables)
    if len(found) > 1:
        refuse("evaluation", "the tables of one coder", ", ".join(found), "choose one with study.of_coder")
    return tables["uses"]


def confusion(truth, coded, question):
    """Cross table of two codings of one question.

    Returns
    -------
    DataFrame
        Papers by answer: the coding taken as right in rows, the other in columns; "not coded" where only one
        of them has the paper.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> pilot = embedded()
    >>> int(confusion(pilot, pilot, "uses_dl").loc["yes", "yes"])
    39
    """
    both = pd.concat([answers(truth, question), answers(coded, question)], axis=1, keys=["truth", "coded"])
    names = [*study.ANSWERS, "not coded"]
    table = pd.crosstab(both["truth"].fillna("not coded"), both["coded"].fillna("not coded"))
    return table.reindex(index=names, columns=names, fill_value=0).rename_axis(index="truth", columns="coded")


def accuracy(truth, coded, question, *, conf=0.95):
    """Sensitivity, specificity, PPV, NPV, accuracy and F1 of a coder on one yes/no question, by paper.

    Returns
    -------
    dict of Estimate
        As `coder_error.coder_accuracy`, over the papers that both decided; and ``decided``, the share of the
        truly decided papers to which the coder answered yes or no.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> pilot = embedded()
    >>> print(accuracy(pilot, pilot, "uses_ptm")["sensitivity"].sentence)
    sensitivity 100.0 %, 95 % CI [85.7, 100.0] (Wilson), 23 of 23 papers
    """
    table = confusion(truth, coded, question).loc[["yes", "no"]]
    cells = [table.loc[t, c] for t, c in (("yes", "yes"), ("no", "yes"), ("yes", "no"), ("no", "no"))]
    rates = coder_error.coder_accuracy(*map(int, cells), conf=conf)
    coded_too = int(table[list(study.ANSWERS)].to_numpy().sum())
    decided = shares.proportion(int(sum(cells)), coded_too, conf=conf, label="decided")
    return {"decided": decided, **rates}


def pairs(truth, coded, by="canonical"):
    """The models that either coding names in the papers that both coded.

    Parameters
    ----------
    truth, coded : dict of str to DataFrame
    by : {'canonical', 'family'}
        What counts as the same model.

    Returns
    -------
    DataFrame
        One row per paper and model: ``paper, model, truth, coded`` with the pattern of each coding (several
        joined by "+"), or "not named".
    """
    estimate.one_of("pairs, by", by, ("canonical", "family"))
    both = set(_one_coder(truth)["paper"]) & set(_one_coder(coded)["paper"])
    found = {
        side: tables["reuse"][tables["reuse"]["paper"].isin(both)]
        .groupby(["paper", by])["pattern"]
        .agg(lambda patterns: " + ".join(sorted(set(patterns))))
        for side, tables in (("truth", truth), ("coded", coded))
    }
    table = pd.concat(found, axis=1).astype("str").fillna(NOT_NAMED)
    return table.rename_axis(["paper", "model"]).reset_index()


def model_accuracy(truth, coded, by="canonical", *, conf=0.95):
    """How many of the models were found, and how many of those found are right; papers are the clusters.

    Returns
    -------
    dict of Estimate
        ``sensitivity`` and ``ppv`` of (paper, model) pairs, ``pattern`` the share of pairs named by both
        with the same pattern. There is no specificity: nobody can count the models that are not reused.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> pilot = embedded()
    >>> print(model_accuracy(pilot, pilot)["ppv"].sentence)
    ppv 100.0 %, 95 % CI [85.2, 100.0] (Clopper-Pearson on 23 papers), 44 of 44 pairs; all papers agree
    """
    table = pairs(truth, coded, by)
    table["in_truth"], table["in_coded"] = table["truth"] != NOT_NAMED, table["coded"] != NOT_NAMED
    table["hit"] = table["in_truth"] & table["in_coded"]
    table["same"] = table["hit"] & (table["truth"] == table["coded"])
    by_paper = table.groupby("paper")[["in_truth", "in_coded", "hit", "same"]].sum()
    of = {"sensitivity": ("hit", "in_truth"), "ppv": ("hit", "in_coded"), "pattern": ("same", "hit")}
    return {
        name: shares.clustered_share(by_paper[part], by_paper[whole], conf=conf, label=name)
        for name, (part, whole) in of.items()
    }


def evaluate(truth, coded, *, conf=0.95):
    """Everything at once, as a tidy table.

    Returns
    -------
    DataFrame
        One row per question and measure: ``question, measure, value, low, high, k, n, unit, sentence``. The
        questions are `YES_NO` and each pattern (by paper), "models" (by paper and canonical model) and "families".

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> pilot = embedded()
    >>> table = evaluate(pilot, pilot)
    >>> table[table.measure == "sensitivity"].n.tolist()
    [39.0, 23.0, 9.0, 7.0, 9.0, 44.0, 41.0]
    """
    rows = []

    def add(question, measures):
        for measure, e in measures.items():
            k = e.detail.get("k")
            rows.append([question, measure, e.value, e.low, e.high, k, e.n, e.unit, e.sentence])

    for question in (*YES_NO, *sorted(study.codes(truth, "pattern"))):
        both = pd.concat([answers(truth, question), answers(coded, question)], axis=1, join="inner")
        alike = agreement.agreement(both.iloc[:, 0], both.iloc[:, 1], conf=conf)
        coefficients = {"raw agreement": alike.raw, "kappa": alike.kappa, "alpha": alike.alpha, "ac1": alike.ac1}
        add(question, accuracy(truth, coded, question, conf=conf) | coefficients | {"pabak": alike.pabak})
    add("models", model_accuracy(truth, coded, conf=conf))
    add("families", model_accuracy(truth, coded, by="family", conf=conf))
    columns = ["question", "measure", "value", "low", "high", "k", "n", "unit", "sentence"]
    return pd.DataFrame(rows, columns=columns)


# --- disagreements and their settlement ---------------------------------------------------------------------


def disagreements(first, second, evidence=None):
    """What two coders see differently in the papers that both coded, with the evidence at hand.

    Parameters
    ----------
    first, second : dict of str to DataFrame
        Study tables of one coder each.
    evidence : DataFrame, optional
        As `batch.code_articles` gives it.

    Returns
    -------
    DataFrame
        Columns `SETTLE`: one row per question (uses_dl, uses_ptm; pattern, by canonical model) with both
        answers, the best evidence sentence, and an empty decision and note for the person who settles it.
    """
    rows = []
    for question in ("uses_dl", "uses_ptm"):
        both = pd.concat([answers(first, question), answers(second, question)], axis=1, join="inner")
        both.columns = ["first", "second"]
        rows += [(paper, question, "", *row) for paper, *row in both.itertuples() if row[0] != row[1]]
    for row in pairs(first, second).itertuples(index=False):
        if row.truth != row.coded:
            rows.append((row.paper, "pattern", row.model, row.truth, row.coded))
    table = pd.DataFrame(rows, columns=list(SETTLE[:5]), dtype="str")
    columns = ["paper", "question", "model", "section", "sentence", "rule"]
    if evidence is None:
        best = pd.DataFrame(columns=columns, dtype="str")
    else:
        models = pd.concat([first["reuse"], second["reuse"]]).drop_duplicates(["paper", "model"])
        known = evidence.merge(models[["paper", "model", "canonical"]], on=["paper", "model"], how="left")
        known["model"] = known["canonical"].fillna("")
        known = known.sort_values("confidence", ascending=False, kind="stable")
        best = known.drop_duplicates(["paper", "question", "model"])[columns]
    table = table.merge(best, on=["paper", "question", "model"], how="left").fillna("")
    table = table.assign(decision="", note="").sort_values(["paper", "question", "model"], kind="stable")
    return table[list(SETTLE)].reset_index(drop=True)


def write_disagreements(table, path):
    """Write disagreements as a CSV file in which a person fills in ``decision`` (and ``note``)."""
    table.to_csv(path, index=False, lineterminator="\n")


def read_decisions(path, patterns=study.PATTERNS):
    """Read a file of `write_disagreements` after a person has filled it in.

    Returns
    -------
    DataFrame
        Columns `SETTLE`; rows without a decision stay open.

    Raises
    ------
    StudyError
        With the row: a missing column, a repeated question, or a decision that the question does not know.
        For uses_dl and uses_ptm: yes, no, unknown; for a pattern: conceptual, adaptation, deployment (several
        joined by "+"), unknown, or "not named" where the model is not reused.
    """
    table, where = read(path, SETTLE, "restore the header that was exported"), paths.shown(path)
    for number, row in enumerate(table.itertuples(index=False), start=1):
        known = (*patterns, "unknown", NOT_NAMED) if row.question == "pattern" else study.ANSWERS
        given = row.decision.split(" + ") if row.question == "pattern" else [row.decision]
        alone = len(given) > 1 and not set(given) <= set(patterns)
        if row.decision and (alone or not set(given) <= set(known)):
            refuse(
                f"{where}, row {number}, column decision", f"a decision among {', '.join(known)}, or none",
                repr(row.decision), "correct this decision",
            )  # fmt: skip
    again = table.duplicated(["paper", "question", "model"])
    refuse_row(again, table["paper"], "each paper, question and model once", path, "remove the repeated row")
    return table[list(SETTLE)]


def settle(first, second, decisions):
    """A third coding: what both coders say, and where they differ what a person decided.

    Returns
    -------
    dict of str to DataFrame
        Tables ``uses`` and ``reuse`` of the new coder, *settled*, for the papers that both coded. What is still
        open is unknown.

    Raises
    ------
    StudyError
        If the decisions are not about these disagreements.
    """
    key = ["paper", "question", "model"]
    open_rows = disagreements(first, second).set_index(key)
    decided = decisions.set_index(key)["decision"]
    stray = decided.index.difference(open_rows.index)
    if len(stray):
        refuse(
            "settle", "decisions about what these coders see differently",
            " ".join(filter(None, stray[0])), "export the disagreements of these two codings again",
        )  # fmt: skip
    decided = decided[decided != ""].to_dict()
    uses = None
    for question in ("uses_dl", "uses_ptm"):
        both = pd.concat([answers(first, question), answers(second, question)], axis=1, join="inner")
        said = [a if a == b else decided.get((paper, question, ""), "unknown") for paper, a, b in both.itertuples()]
        column = pd.Series(said, index=both.index, name=question)
        uses = column.to_frame() if uses is None else uses.join(column)
    uses = uses.rename_axis("paper").reset_index()
    uses.insert(1, "coder", "settled")
    names = pd.concat([first["reuse"], second["reuse"]]).drop_duplicates(["paper", "canonical"])
    names = names.set_index(["paper", "canonical"])
    rows = []
    for row in pairs(first, second).itertuples(index=False):
        agreed = row.truth == row.coded
        said = row.truth if agreed else decided.get((row.paper, "pattern", row.model), "unknown")
        named = names.loc[(row.paper, row.model)]
        for pattern in said.split(" + ") if said != NOT_NAMED else []:
            rows.append((row.paper, "settled", named["model"], row.model, named["family"], pattern))
    return {"uses": uses, "reuse": pd.DataFrame(rows, columns=list(study.SCHEMA["reuse"]), dtype="str")}
