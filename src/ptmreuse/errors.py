"""The one error a user meets: what was expected, what was found, where, what to do."""

import errno
from collections.abc import Sequence
from typing import NoReturn


class StudyError(ValueError):
    """A problem in the user's input or in the book, said in one sentence.

    Parameters
    ----------
    expected, found : str
        What the step needed and what it got instead.
    where : str
        File, row, cell or parameter, as precisely as known.
    do : str
        The next thing the reader should do.

    Examples
    --------
    >>> from ptmreuse.errors import StudyError
    >>> print(StudyError(expected="a whole number", found="'ten'", where="my.yml, line 2, seed", do="write seed: 10"))
    my.yml, line 2, seed: expected a whole number, found 'ten'; write seed: 10.
    """

    def __init__(self, *, expected: str, found: str, where: str, do: str) -> None:
        self.expected, self.found, self.where, self.do = expected, found, where, do
        end = "" if do.endswith(("?", ")", ".")) else "."
        super().__init__(f"{where}: expected {expected}, found {found}; {do}{end}")


def refuse(where: str, expected: str, found: str, do: str) -> NoReturn:
    """Raise the one error.

    Raises
    ------
    StudyError
    """
    raise StudyError(expected=expected, found=found, where=where, do=do)


class StudyErrors(StudyError):
    """Several problems at once: the first, and how many more; the command line prints each.

    Parameters
    ----------
    errors : list of StudyError

    Examples
    --------
    >>> one = StudyError(expected="yes or no", found="'ja?'", where="line 3", do="correct it")
    >>> print(StudyErrors([one, one]))
    line 3: expected yes or no, found 'ja?'; correct it (and 1 more).
    """

    def __init__(self, errors: Sequence[StudyError]) -> None:
        first = errors[0]
        super().__init__(expected=first.expected, found=first.found, where=first.where, do=first.do)
        self.errors = list(errors)
        if len(self.errors) > 1:
            self.args = (f"{str(first).removesuffix('.')} (and {len(self.errors) - 1} more).",)


_SYSTEM = {
    errno.ENOENT: ("a file or folder", "nothing there", "restore it or correct the path"),
    errno.EACCES: ("permission to use it", "none", "change its permissions or choose another place"),
    errno.EPERM: ("permission to use it", "none", "change its permissions or choose another place"),
    errno.EROFS: ("a place that can be written", "a read-only one", "choose another place"),
    errno.ENOSPC: ("room on the disk", "none left", "make room and run the same command again"),
    errno.EDQUOT: ("room on the disk", "your quota is used up", "make room and run the same command again"),
    errno.EISDIR: ("a file", "a folder", "move the folder away or correct the path"),
    errno.ENOTDIR: ("a folder", "a file", "move the file away or correct the path"),
    errno.EEXIST: ("a free name", "a file or folder of this name", "move it away or correct the path"),
    errno.ENAMETOOLONG: ("a shorter name", "one that this system does not take", "shorten it"),
    errno.ELOOP: ("a file or folder", "links that lead in a circle", "correct the links"),
    errno.EMFILE: ("another open file", "as many as this system allows", "close other programs, or raise ulimit -n"),
}


def of_machine(error: Exception) -> StudyError:
    """What the machine refused, as the one sentence.

    Parameters
    ----------
    error : Exception
        An OSError (with its path, where the system names one), MemoryError, sqlite3.Error or RecursionError.

    Returns
    -------
    StudyError

    Examples
    --------
    >>> print(of_machine(PermissionError(13, "Permission denied", "my/papers.csv")))
    my/papers.csv: expected permission to use it, found none; change its permissions or choose another place.
    """
    if isinstance(error, MemoryError):
        do = "close other programs or use a larger machine, then run it again"
        return StudyError(expected="enough memory", found="too little", where="this machine", do=do)
    if not isinstance(error, OSError):
        found = str(error) or type(error).__name__
        return StudyError(expected="a file that can be used", found=found, where="a file", do="restore it")
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    other = ("a file that can be used", error.strerror or str(error) or type(error).__name__, "mend it and run again")
    expected, found, do = _SYSTEM.get(error.errno or 0, other)
    return StudyError(expected=expected, found=found, where=" and ".join(names) or "this machine", do=do)
