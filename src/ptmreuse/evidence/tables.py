"""Tables that people write: the columns that must be there, the first wrong row, and the accounts of what was read."""

from ptmreuse import paths
from ptmreuse.errors import refuse
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
        refuse(paths.shown(path), f"the columns {', '.join(columns)}", f"no column {', '.join(missing)}", do)
    return table


def refuse_row(wrong, values, expected, path, do="correct this value"):
    """Refuse a table at its first wrong row; say what a column has there.

    Examples
    --------
    >>> import pandas as pd
    >>> said = pd.Series(["yes", "maybe"], name="pilot")
    >>> refuse_row(said == "maybe", said, "yes or no", paths.DATA / "plos_frame.csv")
    Traceback (most recent call last):
    ptmreuse.errors.StudyError: data/plos_frame.csv, row 2, column pilot: expected yes or no, found 'maybe'; ...
    """
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        where = f"{paths.shown(path)}, row {row + 1}, column {values.name}"
        refuse(where, expected, repr(values.iloc[row])[:80], do)


def account(source, kind, path, read, rejected=0, *, sha256="", version=""):
    """The row of *provenance* for one input: the rows read, kept and rejected.

    Examples
    --------
    >>> account("tables", "coded", "mine/papers.csv", 12, 2)["rows_kept"]
    10
    """
    return {
        "source": source, "kind": kind, "path": path, "sha256": sha256, "version": version,
        "rows_read": read, "rows_kept": read - rejected, "rows_rejected": rejected,
    }  # fmt: skip


def of_file(source, path, read, rejected=0, *, version=""):
    """The `account` of a file of coded papers, with its checksum."""
    return account(source, "coded", paths.shown(path), read, rejected, sha256=paths.sha256(path), version=version)
