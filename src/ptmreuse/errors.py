"""The one error a user meets: what was expected, what was found, where, what to do."""


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

    def __init__(self, *, expected, found, where, do):
        self.expected, self.found, self.where, self.do = expected, found, where, do
        end = "" if do.endswith(("?", ")", ".")) else "."
        super().__init__(f"{where}: expected {expected}, found {found}; {do}{end}")
