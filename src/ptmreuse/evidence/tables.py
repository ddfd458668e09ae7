"""Tables that people write: the columns that must be there, and one sentence about the first wrong row."""

from ptmreuse import paths
from ptmreuse.errors import StudyError
from ptmreuse.evidence import study


def read(path, columns, do="restore the header row"):
    """A CSV file as text (`study.read_csv`) that has at least these columns.

    Raises
    ------
    StudyError
        If it cannot be read, or a column is missing.
    """
    table = study.read_csv(path)
    missing = [column for column in columns if column not in table]
    if missing:
        raise StudyError(
            expected=f"the columns {', '.join(columns)}", found=f"no column {', '.join(missing)}",
            where=paths.shown(path), do=do,
        )  # fmt: skip
    return table


def refuse(wrong, values, expected, path, do="correct this value"):
    """Refuse a table at its first wrong row; say what a column has there.

    Examples
    --------
    >>> import pandas as pd
    >>> said = pd.Series(["yes", "maybe"], name="pilot")
    >>> refuse(said == "maybe", said, "yes or no", paths.DATA / "plos_frame.csv")
    Traceback (most recent call last):
    ptmreuse.errors.StudyError: data/plos_frame.csv, row 2, column pilot: expected yes or no, found 'maybe'; ...
    """
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        where = f"{paths.shown(path)}, row {row + 1}, column {values.name}"
        raise StudyError(expected=expected, found=repr(values.iloc[row])[:80], where=where, do=do)
