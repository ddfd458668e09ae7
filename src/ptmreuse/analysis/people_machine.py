"""People against machine: what people found in the PLOS articles, beside what the study's model counted everywhere."""

import pandas as pd

from ptmreuse import wording
from ptmreuse.statistics import estimate

# What the machine counted: question, release, yes, of, and how many papers the release looked at.
COUNTED = (
    ("uses_dl", "May 2026", "may2026_uses_dl", "may2026_full_text_analysed"),
    ("uses_ptm", "May 2026", "may2026_reuse_papers", "may2026_full_text_analysed"),
    ("uses_ptm_given_dl", "May 2026", "may2026_reuse_papers", "may2026_dl_analysed"),
    ("uses_ptm", "v1", "v1_reuse_papers", "v1_natural_science"),
)
ASSUMED = ((1.0, 1.0), (0.95, 0.95), (0.9, 0.9), (0.9, 0.8), (1.0, 0.8), (1.0, 0.6))  # sensitivity, specificity


def against_machine(facts, found, articles):
    """The people's shares of the PLOS articles beside the machine's shares of all megajournals.

    Parameters
    ----------
    facts : DataFrame, from `study.published`
    found : dict of str to Estimate
        The people's shares by question, of the population of PLOS articles.
    articles : int
        Articles in that population.

    Returns
    -------
    DataFrame
        question, release, machine, people, low, high, outcome (the machine's share is *within*, *above* or *below* the
        people's interval), sensitivity and specificity (if the frames were alike: the highest that a machine could have
        whose other error is nil); others_low and others_high (if the machine is right and the PLOS articles were among
        its papers: the share that the other journals would then have).

    Examples
    --------
    >>> from ptmreuse.evidence import study
    >>> from ptmreuse.statistics.estimate import Estimate
    >>> table = against_machine(study.published(), {"uses_dl": Estimate(0.46, 0.37, 0.55)}, 1340)
    >>> print(table.loc[0, "outcome"], table.loc[0, "specificity"].round(2), table.loc[0, "others_low"].round(2))
    above 0.61 0.7
    >>> print(in_words(table).split(",")[0])
    deep learning in May 2026
    """
    rows = []
    for question, release, yes, of in COUNTED:
        if question not in found:
            continue
        people, papers = found[question], int(facts.loc[of, "value"])
        machine = facts.loc[yes, "value"] / papers
        outcome = "above" if machine > people.high else "below" if machine < people.low else "within"
        row = {"question": question, "release": release, "machine": machine, "people": people.value, "low": people.low,
               "high": people.high, "outcome": outcome, "sensitivity": estimate.NAN, "specificity": estimate.NAN,
               "others_low": estimate.NAN, "others_high": estimate.NAN}  # fmt: skip
        if machine > people.value:  # every paper found, and some that are none
            row["specificity"] = 1 - (machine - people.value) / (1 - people.value)
        elif machine < people.value:
            row["sensitivity"] = machine / people.value
        if question != "uses_ptm_given_dl":
            rest = papers - articles
            row["others_low"], row["others_high"] = (
                min(1.0, max(0.0, (machine * papers - share * articles) / rest)) for share in (people.high, people.low)
            )
        rows.append(row)
    return pd.DataFrame(rows)


WORDS = {"uses_dl": "deep learning", "uses_ptm": "reuse", "uses_ptm_given_dl": "reuse among deep learning"}


def forest(weighted, beside):
    """The lines of a figure: by question the pilot as drawn, the people's weighted shares and the machine's.

    Parameters
    ----------
    weighted : DataFrame, from `population.estimates`
    beside : DataFrame, from `against_machine`

    Returns
    -------
    DataFrame
        label (on the first line of each question), group, value, low, high.

    Examples
    --------
    >>> columns = ["question", "weights", "value", "low", "high"]
    >>> people = pd.DataFrame([("uses_dl", "years", 0.46, 0.37, 0.55)], columns=columns)
    >>> table = pd.DataFrame([("uses_dl", "v1", 0.6)], columns=["question", "release", "machine"])
    >>> forest(people, table)[["label", "group"]].to_numpy().tolist()
    [['deep learning', 'weighted by years'], ['', 'machine, v1']]
    """
    by_people = weighted.assign(
        group=weighted["weights"].str.partition(":")[0].map({"none": "pilot as drawn", "years": "weighted by years"})
    ).dropna(subset="group")
    machine = beside["machine"]
    by_machine = beside.assign(group="machine, " + beside["release"], value=machine, low=machine, high=machine)
    rows = pd.concat([by_people, by_machine])
    rows = rows.assign(label=rows["question"].map(WORDS)).sort_values("label", kind="stable")
    rows.loc[rows["label"].duplicated(), "label"] = ""
    return rows[["label", "group", "value", "low", "high"]]


def in_words(table):
    """Which of the machine's shares lie within the people's intervals, in a sentence."""
    return "; ".join(
        f"{WORDS[row.question]} in {row.release}, {wording.percent(row.machine)}, lies {row.outcome} the people's "
        f"{100 * row.low:.1f} to {wording.percent(row.high)}"
        for row in table.itertuples()
    )


def briefly(table) -> str:
    """The same for May 2026 without numbers, as the title of a figure.

    Examples
    --------
    >>> rows = [("uses_dl", "May 2026", "above"), ("uses_ptm", "May 2026", "within"), ("uses_ptm", "v1", "below")]
    >>> briefly(pd.DataFrame(rows, columns=["question", "release", "outcome"]))
    "The machine's share lies above what people find for deep learning, within it for reuse"
    """
    rows = table[table["release"] == "May 2026"].itertuples()
    first, *others = [(row.outcome, WORDS[row.question]) for row in rows]
    more = "".join(f", {where} it for {what}" for where, what in others)
    return f"The machine's share lies {first[0]} what people find for {first[1]}{more}"


def coder_would_say(found):
    """What a coder with the errors of `ASSUMED` would report of articles whose true shares are the people's.

    Parameters
    ----------
    found : dict of str to Estimate
        The people's shares by question.

    Returns
    -------
    DataFrame
        sensitivity, specificity, and for each question the share that the coder would report (Rogan and Gladen 1978),
        at the people's estimate and at both ends of its interval.

    Examples
    --------
    >>> from ptmreuse.statistics.estimate import Estimate
    >>> table = coder_would_say({"uses_dl": Estimate(0.5, 0.4, 0.6)})
    >>> table.iloc[3].round(2).tolist()
    [0.9, 0.8, 0.55, 0.48, 0.62]
    """
    rows = []
    for sensitivity, specificity in ASSUMED:
        row = {"sensitivity": sensitivity, "specificity": specificity}
        for question, people in found.items():
            for name, share in (("", people.value), ("_low", people.low), ("_high", people.high)):
                row[question + name] = share * sensitivity + (1 - share) * (1 - specificity)
        rows.append(row)
    return pd.DataFrame(rows)
