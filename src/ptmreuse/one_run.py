"""One run at a time in a place: a lock that ends with its process, however that ends."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ptmreuse.errors import StudyError


@contextmanager
def only_run(file: str | os.PathLike, where: str) -> Iterator[None]:
    """Hold a lock while the block runs.

    SQLite's own lock is used, as the system takes it back when a process is killed; the file stays empty.

    Parameters
    ----------
    file : path-like
        The lock file; made if needed.
    where : str
        The place that is locked, for the message.

    Raises
    ------
    StudyError
        If another run holds the lock.
    """
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as held:
        try:
            held.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            do, found = "wait until it ends and run the same command again", "another run that uses it"
            raise StudyError(expected="one run at a time", found=found, where=where, do=do) from None
        yield
