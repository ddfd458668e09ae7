"""The commands that code articles, and that judge codings."""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

from ptmreuse import paths
from ptmreuse.errors import refuse


def add(command: Callable[..., ArgumentParser], arguments: Sequence[str]) -> None:
    """Declare the commands; those of code-llm only where it is asked for, as they take a while to import."""
    rules = command(code)
    rules.add_argument("inputs", nargs="+", metavar="FILE_OR_FOLDER")
    rules.add_argument("--out", required=True, metavar="DIR", help="folder for the study tables and the evidence")
    rules.add_argument("--workers", type=int, default=1, help="processes on this machine")
    rules.add_argument("--scheduler", metavar="ADDRESS", help="an existing Dask cluster (extra: dask)")
    rules.add_argument("--fresh", action="store_true", help="code everything again instead of going on")
    rules.add_argument("--shard", metavar="I/N", help="code share I of N alone; merge joins them")
    joining = command(merge)
    joining.add_argument("out", metavar="DIR", help="the folder that all shares were given as --out")
    for sub in (rules, joining):
        sub.add_argument("--format", default="csv", choices=("csv", "parquet"), help="of the study tables")
    command(develop).add_argument(
        "folder", nargs="?", help="gold.csv and the texts that it names: writes data/measured/coder_development.csv; "
        "without, the authors' codes of the articles that make data fetched",
    )  # fmt: skip
    asking = command(code_llm)
    if "code-llm" in arguments:
        from ptmreuse.coding import language_model

        language_model.add_arguments(asking)
    comparing = command(compare)
    comparing.add_argument("first", help="folder of study tables: the reference")
    comparing.add_argument("second", help="folder of study tables: the coding to judge")
    comparing.add_argument("--evidence", metavar="FILE", help="evidence.csv of the code command")
    comparing.add_argument("--out", metavar="FILE", help="write the disagreements as CSV, with a column for decisions")
    comparing.add_argument("--decisions", metavar="FILE", help="that file with the decisions filled in")
    comparing.add_argument("--settled", metavar="DIR", help="with --decisions: folder for the settled tables")


def code(options: Namespace) -> int:
    """Code articles (JATS, TEI, BioC, text; also .gz) by rules into study tables."""
    from ptmreuse.coding import batch

    shard = re.fullmatch(r"(\d+)/(\d+)", options.shard or "1/1")
    if shard is None:
        refuse("--shard", "I/N, for example 2/8", repr(options.shard), "correct it")
    found = batch.code_files(
        options.inputs, options.out, workers=options.workers, resume=not options.fresh, scheduler=options.scheduler,
        shard=tuple(map(int, shard.groups())), format=options.format,
    )  # fmt: skip
    if "papers" in found:
        return _coded(found, options.out)
    print(f"files: {found['files']}; when all shares are done: python -m ptmreuse merge {options.out}")
    return 0


def merge(options: Namespace) -> int:
    """Join the shares of a job array of the command code to study tables."""
    from ptmreuse.coding import merge

    return _coded(merge.merge(options.out, options.format), options.out)


def _coded(found, out):
    print("; ".join(f"{name}: {count}" for name, count in found.items()))
    if not found["papers"]:
        print(f"No article could be read; the reasons are in {out}, table rejects.")
        return 1
    print(f"Study tables in {out}; a book about them: --set source=tables --set tables={out}")
    return 0


def develop(options: Namespace) -> None:
    """Judge the rule coder by people, on the pilot's articles or on your own."""
    from ptmreuse.coding import codebook, development

    if options.folder is None:
        found = development.on_pilot()
        print("The rule coder against the authors' codes of the pilot's articles:")
        for row in found.itertuples():
            print(f"{row.question}, {row.measure}: {row.sentence}")
        return
    development.write_development(options.folder)
    codebook.default_codebook.cache_clear()
    print(development.accuracy().to_string(index=False))


def code_llm(options: Namespace) -> int:
    """Code articles with a language model at an OpenAI-compatible endpoint."""
    from ptmreuse.coding import language_model

    return language_model.main_code_llm(options)


def compare(options: Namespace) -> None:
    """Compare two codings of the same papers; list and settle what differs."""
    from ptmreuse.coding import two_coders
    from ptmreuse.evidence import study
    from ptmreuse.evidence.folder import read_folder

    first, second = (study.of_coder(read_folder(tables)) for tables in (options.first, options.second))
    if not set(first["papers"]["paper"]) & set(second["papers"]["paper"]):
        refuse(
            "compare", "papers that both folders hold", "none in both", "write their ids alike in the two tables papers"
        )
    table = two_coders.evaluate(first, second)
    for row in table.itertuples():
        print(f"{row.question}, {row.measure}: {row.sentence}")
    evidence = study.read_csv(options.evidence) if options.evidence else None
    differing = two_coders.disagreements(first, second, evidence)
    print(f"{len(differing)} disagreements")
    if options.out:
        two_coders.write_disagreements(differing, options.out)
    if options.decisions:
        if not options.settled:
            refuse("compare --decisions", "--settled DIR", "none", "name a folder for the tables")
        settled = two_coders.settle(
            first, second, two_coders.read_decisions(options.decisions, study.codes(first, "pattern"))
        )
        study.write({"papers": first["papers"], "codebook": first["codebook"], **settled}, paths.Path(options.settled))
        print(f"Settled tables in {options.settled}")
