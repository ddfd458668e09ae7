"""A validation sample: papers drawn at random within the coder's own answers, for people to code.

The folder that `write` makes:

================ ============================================================================================
file             what it holds
================ ============================================================================================
README.md        how to fill it in
codes_NAME.csv   one per person: the drawn papers in random order, with an empty column per question
settled.csv      made by people where they differ: the same columns, for as many papers as needed
strata.csv       stratum, N (papers of the frame), sampled (drawn ones); not for the people who code
frame.csv        every paper of the frame with its stratum, and whether it was drawn; not for those people either
================ ============================================================================================

The people who code see neither the coder's answer nor the stratum, which would give it away.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from ptmreuse import paths
from ptmreuse.errors import refuse
from ptmreuse.evidence import items, study
from ptmreuse.evidence.tables import read as read_table
from ptmreuse.evidence.tables import refuse_row

ASKED = ("uses_dl", "uses_ptm", *study.PATTERNS, *(stage.lower() for stage in study.STAGES))
ABOUT = ("paper", "doi", "year", "megajournal")
COLUMNS = ("paper", "stratum", "coder", *ASKED)
SETTLED = "settled"
CELL = "correct this cell"

README = """# Papers to check

{papers} papers, drawn at random from {frame} coded papers, in random order. Two people code each paper, without
seeing what the coder said and without talking about it.

1. Copy `codes_first.csv` for each further person as `codes_NAME.csv`. Leave `frame.csv` and `strata.csv` closed
   while coding: they give the coder's answer away.
2. Work from the top. Per paper write yes, no or unknown into uses_dl (does it use deep learning?) and uses_ptm (does
   it reuse a pre-trained model?). If it reuses one, write yes or no into each pattern ({patterns})
   and, if you like, each stage ({stages}): is at least one model reused
   so? Leave them empty where no model is reused.
3. Who stops early stops: rows at the end may stay empty. Do not skip or remove papers: what is left out must not
   depend on the paper.
4. Where two people differ, write what they settle on into `settled.csv` (same columns). An open difference counts as
   unknown.
5. Build the book with `validation: this folder` among the parameters.
"""


def strata(tables):
    """The stratum of every coded paper: what the coder said about it.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Study tables of one coder.

    Returns
    -------
    DataFrame
        paper, stratum (reuse; deep learning, no reuse; no deep learning; undecided).

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> strata(embedded())["stratum"].value_counts().to_dict()
    {'no deep learning': 71, 'reuse': 23, 'deep learning, no reuse': 16}
    """
    uses = tables["uses"]
    reuse, deep = uses["uses_ptm"], uses["uses_dl"]
    named = np.select(
        [reuse == "yes", (reuse == "unknown") | (deep == "unknown"), deep == "yes"],
        ["reuse", "undecided", "deep learning, no reuse"],
        "no deep learning",
    )
    return uses[["paper"]].assign(stratum=named).reset_index(drop=True)


def coded(tables):
    """The coder's own answer to every question, per paper, as a person would give it.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Study tables of one coder.

    Returns
    -------
    DataFrame
        paper and `ASKED`: yes, no or unknown; a pattern or stage is yes if at least one model has it.

    Examples
    --------
    >>> from ptmreuse.evidence.pilot import embedded
    >>> found = coded(embedded())
    >>> int((found["adaptation"] == "yes").sum()), int((found["uses_dl"] == "yes").sum())
    (9, 39)
    """
    found = tables["uses"][["paper", "uses_dl", "uses_ptm"]].reset_index(drop=True)
    for question in ("pattern", "stage"):
        rows = tables["reuse" if question == "pattern" else "stages"]
        named = items.CATEGORIES[question]
        for name in named:
            has = found["paper"].isin(rows.loc[rows[question] == name, "paper"])
            open_ = found["paper"].isin(rows.loc[rows[question] == "unknown", "paper"]) | (
                found["uses_ptm"] == "unknown"
            )
            bare = (found["uses_ptm"] == "yes") & ~found["paper"].isin(rows["paper"])
            found[name.lower()] = np.select([has, open_ | bare], ["yes", "unknown"], "no")
    return found


def draw(tables, sizes, seed):
    """Draw the papers to check.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Study tables of one coder.
    sizes : dict of str to int
        Papers to draw of each stratum of `strata`; all of it where it has fewer.
    seed : int

    Returns
    -------
    frame : DataFrame
        paper, stratum, place (of a drawn paper in the order of coding, else empty): every coded paper.
    order : list of str
        The drawn papers, in the random order in which people code them.
    """
    frame = strata(tables).sort_values("paper", ignore_index=True)  # the order of the input decides nothing
    rng = np.random.default_rng(seed)
    shuffled = frame.iloc[rng.permutation(len(frame))]
    place = shuffled.groupby("stratum").cumcount()
    chosen = shuffled[place < shuffled["stratum"].map(sizes)]
    order = chosen["paper"].iloc[rng.permutation(len(chosen))].tolist()
    place = {paper: str(number) for number, paper in enumerate(order, start=1)}
    return frame.assign(place=frame["paper"].map(place).fillna("")), order


def write(folder, tables, sizes, seed):
    """Draw a validation sample and write its folder.

    Parameters
    ----------
    folder : Path
        Must not exist yet, or be empty: codes that people wrote are never overwritten.
    tables, sizes, seed
        As in `draw`.

    Returns
    -------
    DataFrame
        stratum, N, sampled.

    Raises
    ------
    StudyError
        If the folder holds something, or there is no coded paper.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        refuse(paths.shown(folder), "a new folder", "one that holds something", "name another one")
    if tables["uses"].empty:
        refuse("draw", "coded papers", "none", "choose another source or coder")
    frame, order = draw(tables, sizes, seed)
    groups = frame.groupby("stratum")["place"]
    counts = groups.agg(N="size", sampled=lambda place: int((place != "").sum())).reset_index()
    papers = tables["papers"].set_index("paper").loc[order].reset_index()[list(ABOUT)]
    sheet = papers.assign(**dict.fromkeys(ASKED, ""), note="")
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in {"codes_first": sheet, SETTLED: sheet.iloc[:0], "strata": counts, "frame": frame}.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    said = README.format(
        papers=len(order), frame=f"{len(frame):,}", patterns=", ".join(study.PATTERNS), stages=", ".join(ASKED[5:])
    )
    (folder / "README.md").write_text(said, encoding="utf-8")
    return counts


def read(folder, tables):
    """Read a validation folder that people filled in, and check it against the coded papers that it was drawn from.

    Parameters
    ----------
    folder : Path
    tables : dict of str to DataFrame
        Study tables of one coder.

    Returns
    -------
    DataFrame
        `COLUMNS`: a row per paper of the frame with empty answers and coder; a row per checked paper and person; and
        a row per checked paper for the coder *settled*: what all people say, else what they settled on, else unknown.

    Raises
    ------
    StudyError
        With file, row and column: a missing file or column, an answer that is none, a paper that was not drawn, one
        that stands twice, one skipped, strata that do not add up, or a frame that is not the papers in use.
    """
    folder = Path(folder)
    where = paths.shown(folder)
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
        refuse(where, "a folder of checked papers", found, "make one with python -m ptmreuse draw")
    frame = _frame(folder, tables)
    drawn = frame.loc[frame["place"] != ""].set_index("paper")["place"].astype("int64").sort_values()
    files = sorted(folder.glob("codes_*.csv"))
    if not files:
        refuse(where, "a file codes_NAME.csv per person", "none", "restore it")
    people = {re.fullmatch(r"codes_(.*)", file.stem).group(1): _codes(file, drawn) for file in files}
    people = {name: codes for name, codes in people.items() if len(codes)}
    if not people:
        refuse(where, "answers in column uses_ptm", "none", "code the papers from the top down")
    final = folder / f"{SETTLED}.csv"
    settled = _codes(final, drawn, skips=True) if final.exists() else next(iter(people.values())).iloc[:0]
    rows = [codes.assign(coder=name) for name, codes in people.items()]
    rows.append(_agreed(people, settled).assign(coder=SETTLED))
    found = pd.concat([frame.assign(coder="", **dict.fromkeys(ASKED, "")), *rows], ignore_index=True)
    found["stratum"] = found["paper"].map(frame.set_index("paper")["stratum"])
    return found[list(COLUMNS)].fillna("")


def _frame(folder, tables):
    """The frame with its strata, as it was drawn: its counts add up, and it is the papers in use."""
    frame = read_table(folder / "frame.csv", ("paper", "stratum", "place"))
    counts = read_table(folder / "strata.csv", ("stratum", "N", "sampled"))
    where = paths.shown(folder / "frame.csv")
    if frame["paper"].duplicated().any():
        twice = frame.loc[frame["paper"].duplicated(), "paper"].iloc[0]
        refuse(where, "each paper once", f"{twice} twice", "restore the file")
    in_use, listed = set(tables["uses"]["paper"]), set(frame["paper"])
    if in_use != listed:
        found = f"{len(listed):,}, {len(listed - in_use):,} of them others"
        do = "use the source, coder and last_year from which the sample was drawn, or draw again"
        refuse(where, f"the {len(in_use):,} coded papers in use", found, do)
    given = frame["place"][frame["place"] != ""]
    if sorted(given) != sorted(map(str, range(1, len(given) + 1))):
        refuse(f"{where}, column place", f"the places 1 to {len(given)}", "others", "restore the file")
    groups = frame.groupby("stratum")["place"]
    real = {name: (str(len(part)), str(int((part != "").sum()))) for name, part in groups}
    said = {row.stratum: (row.N, row.sampled) for row in counts.itertuples()}
    if real != said:
        wrong = sorted(name for name in real.keys() | said.keys() if real.get(name) != said.get(name))[0]
        expected, found = (" and ".join(counts.get(wrong, ("no", "such stratum"))) for counts in (real, said))
        place = f"{paths.shown(folder / 'strata.csv')}, stratum {wrong}"
        refuse(place, f"N and sampled as in frame.csv: {expected}", found, "restore the two files")
    return frame


def _codes(path, drawn, skips=False):
    """One person's answers; a question that is no column was not asked."""
    table = read_table(path, ("paper", "uses_dl", "uses_ptm")).reset_index(drop=True)
    table = table.reindex(columns=["paper", *ASKED], fill_value="")
    table = table.apply(lambda column: column.str.strip())
    table["paper"] = table["paper"].map(study.clean_doi)
    for column in ASKED:
        table[column] = table[column].str.lower()
        refuse_row(~table[column].isin([*study.ANSWERS, ""]), table[column], "yes, no, unknown or nothing", path, CELL)
    refuse_row(~table["paper"].isin(drawn.index), table["paper"], "a paper that was drawn", path, CELL)
    refuse_row(table["paper"].duplicated(), table["paper"], "each paper once", path, CELL)
    # Reuse is not asked of a paper without deep learning.
    table.loc[(table["uses_ptm"] == "") & (table["uses_dl"] == "no"), "uses_ptm"] = "no"
    if not skips:
        _complete(path, table, drawn)
    for column in ASKED[2:]:
        against = (table[column] == "yes") & (table["uses_ptm"] == "no")
        refuse_row(against, table[column], "no or nothing, as uses_ptm is no", path, CELL)
    asked = [c for c in ASKED[2:] if (table.loc[table["uses_ptm"] == "yes", c] != "").any()]
    for column in asked:  # who reuses nothing reuses it in no way
        table.loc[(table[column] == "") & (table["uses_ptm"] == "no"), column] = "no"
        table.loc[(table[column] == "") & (table["uses_ptm"] != ""), column] = "unknown"
    return table[table["uses_ptm"] != ""]


def _complete(path, table, drawn):
    """Every drawn paper is listed, and none was skipped, whatever the order of the rows now."""
    lacking = drawn.index.difference(table["paper"])
    if len(lacking):
        do = "restore the row; a paper that cannot be coded is unknown"
        refuse(paths.shown(path), f"the {len(drawn):,} drawn papers", f"no {lacking[0]}", do)
    place = table["paper"].map(drawn)
    for column in ("uses_dl", "uses_ptm"):
        skipped = (table[column] == "") & (place < place[table[column] != ""].max())
        refuse_row(skipped, table[column], "an answer, as a paper drawn later has one (unknown is one)", path, CELL)


def _agreed(people, settled):
    """What counts: what everybody who coded a paper says, else what was settled, else unknown."""
    stacked = pd.concat(people.values(), ignore_index=True)

    def one(answers):
        said = set(answers) - {""}
        return "" if not said else said.pop() if len(said) == 1 else "unknown"

    agreed = stacked.groupby("paper", sort=False).agg(dict.fromkeys(ASKED, one))
    final = settled.set_index("paper")
    for question in ASKED:
        given = final.loc[final[question] != "", question]
        agreed.loc[agreed.index.intersection(given.index), question] = given
    return agreed.reset_index()
