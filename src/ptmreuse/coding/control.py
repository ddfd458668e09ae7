"""The negative control: articles from before the models existed, coded by rules; every yes is a false one."""

from importlib import metadata
from pathlib import Path

from ptmreuse.coding import batch
from ptmreuse.errors import refuse
from ptmreuse.evidence import study


def negative_control_files():
    """The 122 PLOS articles of 2003-2016 in the installed package allofplos 0.11.1.

    They were published before this technology spread, so nearly every "yes" is a false positive. Only the
    package's files are read; the package itself is not imported, for its dependencies are not installed.

    Returns
    -------
    list of pathlib.Path

    Raises
    ------
    StudyError
        If the package is missing or is a later version, which has no articles.

    Examples
    --------
    >>> len(negative_control_files())
    122
    """
    try:
        listed = metadata.distribution("allofplos").files or []
    except metadata.PackageNotFoundError:
        listed = []
    found = sorted(Path(f.locate()) for f in listed if f.parent.name == "starter_corpus" and f.suffix == ".xml")
    if not found:
        refuse(
            "negative control", "the articles in the package allofplos 0.11.1",
            "no such package or no article in it", "install it with: pip install --no-deps allofplos==0.11.1",
        )  # fmt: skip
    return found


def write_control(step, values, scratch):
    """The step *control*: code the negative control by rules.

    Parameters
    ----------
    step : steps.Step
    values : dict
        The parameters of the run.
    scratch : Path
        Receives the folder ``tables`` and the file ``evidence.csv``.
    """
    tables = batch.code_articles(negative_control_files())
    evidence = tables.pop("evidence")
    study.accounting(tables)
    study.write(tables, scratch / "tables")
    evidence.to_csv(scratch / "evidence.csv", index=False, lineterminator="\n")
