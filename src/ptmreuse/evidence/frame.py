"""The pilot's frame: the PLOS natural-science articles that the study's own search found, and their years.

The list states no publication year. PLOS numbers its articles in the order in which they come in, so an article's year
follows from the articles of the same journal whose dates are known: those of the pilot and of the negative control.
How far such a date can be wrong is measured by leaving out each known article in turn.
"""

import datetime
from functools import cache

import numpy as np
import pandas as pd

from ptmreuse import paths
from ptmreuse.errors import StudyError, refuse
from ptmreuse.evidence import study, tables

FRAME, PILOT, DATES = "plos_frame.csv", "pilot_papers.csv", "plos_dates.csv"
FIRST, LAST = 2014, 2024  # the design: ten papers of each of these years
SURE = 0.95  # of the known articles, so many lie within the error bound


def read(path=None):
    """The articles of the frame, as listed: by default data/plos_frame.csv, which data/pilot.md describes.

    Returns
    -------
    DataFrame
        doi, listed (how often), pilot, prompt_writing (yes or no), journal (its code), number (within the journal).

    Raises
    ------
    StudyError
        If a DOI is not that of a known PLOS journal or comes twice, or if a cell is not what its column asks for.

    Examples
    --------
    >>> frame = read()
    >>> len(frame), int((frame["listed"] > 1).sum()), int((frame["pilot"] == "yes").sum())
    (1340, 317, 110)
    """
    path = path or paths.DATA / FRAME
    frame = tables.read(path, ("doi", "listed", "pilot", "prompt_writing"))
    parts = _parts(frame["doi"], path)
    whole = frame["listed"].str.fullmatch(r"\d{1,3}")
    tables.refuse_row(~whole, frame["listed"], "a whole number, 0 or more", path)
    for column in ("pilot", "prompt_writing"):
        tables.refuse_row(~frame[column].isin(["yes", "no"]), frame[column], "yes or no", path)
    tables.refuse_row(frame["doi"].duplicated(), frame["doi"], "each article once", path,
                  do="remove the row and keep how often the article was listed in the other")  # fmt: skip
    pilot = study.read_csv(paths.DATA / PILOT)["doi"]
    stray = sorted(set(pilot) ^ set(frame.loc[frame["pilot"] == "yes", "doi"]))
    if stray:
        refuse(
            paths.shown(path), f"as pilot papers those of data/{PILOT}",
            f"{stray[0]} in one of them only", "correct the column pilot",
        )  # fmt: skip
    return frame.assign(listed=frame["listed"].astype("int64"), **parts)


def _parts(dois, path):
    """Journal code and article number of PLOS DOIs."""
    found = dois.str.extract(r"^10\.1371/journal\.([a-z]+)\.(\d{7})$")
    expected = "the DOI of an article in a PLOS journal of data/plos_journals.csv"
    tables.refuse_row(~found[0].isin(journals().index), dois, expected, path, do="correct it or leave the article out")
    return {"journal": found[0], "number": found[1].astype("int64")}


def journals():
    """The PLOS journals of the frame, by the code in their DOIs: journal, first_volume (the year of volume 1).

    Examples
    --------
    >>> journals().loc["pwat", ["journal", "first_volume"]].tolist()
    ['PLOS Water', '2022']
    """
    return study.read_csv(paths.DATA / "plos_journals.csv").set_index("code")


def known():
    """PLOS articles whose date of publication is known: the pilot's, and those of the negative control since 2013.

    Returns
    -------
    DataFrame
        doi, day (a day number, for reckoning), journal, number; one row per article.

    Examples
    --------
    >>> len(known())
    173
    """
    pilot, control = study.read_csv(paths.DATA / PILOT), study.read_csv(paths.DATA / DATES)
    # A corrected year stands beside the date as written; month and day were not in doubt.
    written = [
        f"{date.rpartition('/')[0]}/{year}" for date, year in zip(pilot["date_as_written"], pilot["year"], strict=True)
    ]
    days = [*_days(written, "%m/%d/%Y", PILOT), *_days(control["date"], "%Y-%m-%d", DATES)]
    both = pd.DataFrame({"doi": [*pilot["doi"], *control["doi"]], "day": days}).drop_duplicates("doi")
    return both.assign(**_parts(both["doi"], paths.DATA / DATES)).sort_values(["journal", "number"], ignore_index=True)


def _days(dates, form, name):
    days = []
    for row, date in enumerate(dates, start=1):
        try:
            days.append(datetime.datetime.strptime(date, form).toordinal())
        except ValueError:
            raise StudyError(
                expected="a date of the calendar", found=repr(date), where=f"data/{name}, row {row}",
                do="correct the date",
            ) from None  # fmt: skip
    return days


def _day(year, month, day):
    return datetime.date(year, month, day).toordinal()


def errors(dates):
    """By how many days the date of each known article is wrong when it is inferred from the others of `known`.

    Returns
    -------
    DataFrame
        The articles that have known neighbours on both sides: doi, journal, error (days, later is positive), year,
        inferred (year).

    Examples
    --------
    >>> found = errors(known())
    >>> len(found), int(found["error"].abs().median())
    (157, 12)
    """
    rows = []
    for _, part in dates.groupby("journal"):
        number, written = part["number"].to_numpy(), part["day"].to_numpy()
        for at, row in enumerate(part.itertuples()):
            if 0 < at < len(part) - 1:
                day = np.interp(row.number, number[[at - 1, at + 1]], written[[at - 1, at + 1]])
                rows.append((row.doi, row.journal, day - row.day, _year(row.day), _year(day)))
    return pd.DataFrame(rows, columns=["doi", "journal", "error", "year", "inferred"])


def _year(day):
    return datetime.date.fromordinal(round(day)).year


def with_years(frame):
    """The frame with the year of every article, and the years that it could be of; `frame` is from `read`.

    Returns
    -------
    DataFrame
        As given, with year, earliest and latest (years), and basis. *known*; *between* two articles of known date:
        interpolated, wrong by the bound that holds `SURE` of the `errors`; *open*, with known neighbours on one side or
        none: spread evenly in their order, any year from there to the end of the design, or from the journal's first
        volume.

    Examples
    --------
    >>> dated = with_years(read())
    >>> dated["basis"].value_counts().to_dict()
    {'between': 1038, 'open': 192, 'known': 110}
    """
    dates = known()
    bound = float(errors(dates)["error"].abs().quantile(SURE))
    begun = journals()["first_volume"].astype("int64")
    parts = [
        _dated(part.sort_values("number"), dates[dates["journal"] == code], max(FIRST, begun[code]), bound)
        for code, part in frame.groupby("journal")
    ]
    told = pd.concat(parts).sort_index()
    for column in ("year", "earliest", "latest"):
        told[column] = [_year(day) for day in told[column].clip(_day(FIRST, 1, 1), _day(LAST, 12, 31))]
    return told


@cache
def dated():
    """All articles of the frame with their years, as `with_years` finds them once; not to be changed."""
    return with_years(read())


def _dated(part, dates, first, bound):
    """One journal's articles, in the order of their numbers, with their days."""
    start, end = _day(first, 1, 1), _day(LAST, 12, 31)
    number, day = dates["number"].to_numpy(), dates["day"].to_numpy()
    rows = []
    gap = np.searchsorted(number, part["number"], side="right")  # known articles up to this one
    for place, at in enumerate(part["number"]):
        before = gap[place]
        if before and number[before - 1] == at:
            rows.append((day[before - 1], day[before - 1], day[before - 1], "known"))
        elif 0 < before < len(number):
            middle = np.interp(at, number, day)
            rows.append((middle, middle - bound, middle + bound, "between"))
        else:
            low, high = (day[-1], end) if before else (start, day[0] if len(day) else end)
            low, high = min(low, high), max(low, high)
            alike = np.flatnonzero(gap == before)
            middle = low + (high - low) * (place - alike[0] + 1) / (len(alike) + 1)
            rows.append((middle, low - bound if before else low, high if before else high + bound, "open"))
    columns = ["year", "earliest", "latest", "basis"]
    return part.join(pd.DataFrame(rows, columns=columns, index=part.index))
