"""The commands for papers of one's own, and for what is not shipped."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from ptmreuse import parameters, paths
from ptmreuse.commands.building import take_parameters, values_of
from ptmreuse.errors import refuse


def add(command: Callable[..., ArgumentParser]) -> None:
    """Declare the commands."""
    command(new).add_argument("folder")
    importing = command(import_, "import")
    importing.add_argument("file", help="xlsx, ods or csv, with columns of your own")
    importing.add_argument("--out", metavar="FOLDER", help="where the tables go; without it nothing is written")
    importing.add_argument("--replace", action="store_true", help="write over the codes that the folder holds")
    importing.add_argument("--column", metavar="WHAT=NAME", action="append", default=[], help="which column holds what")
    importing.add_argument("--coder", default="", help="who coded, where no column says so")
    importing.add_argument("--sheet", default="", help="which sheet of the workbook")
    command(validate).add_argument("folder", help="CSV or Parquet files as in data/template")
    checked = command(draw)
    checked.add_argument("folder", help="a new folder; its README says how to fill it in")
    checked.add_argument("--yes", type=int, default=150, help="papers among those coded as reuse (default 150)")
    checked.add_argument("--no", type=int, default=500, help="papers among all others (default 500)")
    take_parameters(checked)
    counting = command(counts)
    counting.add_argument("--source", default="embedded", choices=parameters.SCHEMA[0].allowed)
    for name in ("release", "tables", "pilot", "coder"):
        counting.add_argument(f"--{name}", default="")
    for name in ("last-year", "seed", "simulated-papers"):
        counting.add_argument(f"--{name}", type=int, default=parameters.DEFAULTS[name.replace("-", "_")])
    fetching = command(data)
    fetching.add_argument("--release", metavar="NAME", help="also fetch this file of the release")
    fetching.add_argument(
        "--frame", action="store_true", help="instead fetch and code all articles of the pilot's frame"
    )


def new(options: Namespace) -> None:
    """Begin a study of your own in a new folder."""
    import shutil

    place = paths.Path(options.folder)
    if not options.folder or (place.exists() and (not place.is_dir() or any(place.iterdir()))):
        found = "none" if not options.folder else "one that holds something" if place.is_dir() else "a file"
        refuse("new", "a new or empty folder", found, "name one: make new STUDY=folder")
    shutil.copytree(paths.SCAFFOLD, place, dirs_exist_ok=True)
    print(f"{place} is ready: read its README.md, put your papers in, then\n  python -m ptmreuse validate {place}")
    print(f"  python -m ptmreuse book --study {place}")


def import_(options: Namespace) -> None:
    """Read a spreadsheet of codes; say what was understood; write study tables."""
    from ptmreuse.evidence import folder, importing, study

    columns = {}
    for said in options.column:
        what, equals, name = said.partition("=")
        if not equals:
            refuse("--column", "WHAT=NAME", repr(said), "write --column model=Modell")
        columns[what] = name
    out = paths.Path(options.out) if options.out else None
    book = folder.own_codebook(out, again=options.replace) if out else None
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


def validate(options: Namespace) -> None:
    """Check a folder of your own coded papers."""
    from ptmreuse.analysis import student
    from ptmreuse.evidence import folder
    from ptmreuse.findings import own_claims

    if not options.folder:
        refuse("validate", "a folder", "none", "run make validate TABLES=my_folder")
    print(folder.validate_folder(options.folder).to_string(index=False))
    print("\n".join(f"- {note}" for note in folder.remarks(folder.read_folder(options.folder))))
    own_claims.read_claims(paths.Path(options.folder) / "claims.csv")
    student.uncoded(paths.Path(options.folder))
    settings = paths.Path(options.folder) / "study.yml"
    own = settings.exists()
    if own and parameters.read(settings)["authors"] == parameters.read(paths.SCAFFOLD / "study.yml")["authors"]:
        print("- study.yml still names the example's authors")
    use = f"python -m ptmreuse book --study {options.folder}" if own else "--set source=tables --set tables="
    print(f"All rows fit; use them with {use}{'' if own else options.folder}")


def draw(options: Namespace) -> None:
    """Draw papers for people to check, into a new folder."""
    from ptmreuse.analysis import validation
    from ptmreuse.evidence import checked, sources, study

    values = values_of(options)
    tables = study.of_coder(sources.load_source(**values), values["coder"])
    sizes = validation.to_draw(checked.strata(tables)["stratum"].value_counts().to_dict(), options.yes, options.no)
    print(checked.write(options.folder, tables, sizes, values["seed"]).to_string(index=False))
    print(f"Code {paths.Path(options.folder) / 'codes_first.csv'}, then: --set validation={options.folder}")


def counts(options: Namespace) -> None:
    """Print what a source comes to, as one JSON object."""
    import json

    from ptmreuse.evidence import sources

    found = sources.counts(sources.load_source(**vars(options)), options.coder)
    print(json.dumps(found, indent=1, ensure_ascii=False))


def data(options: Namespace) -> None:
    """Fetch the pilot workbook and its open articles; list the released files."""
    from ptmreuse.evidence import fetch, pilot

    if options.frame:
        _frame()
        return
    print(f"pilot workbook: {paths.shown(fetch.fetch_pilot())}")
    articles = fetch.fetch_articles(pilot.read_pilot(fetch.PILOT)["papers"]["doi"])
    print(f"articles of the pilot: {len(articles)} in {paths.shown(articles[0].parent)}")
    print(f"files of the released record ({fetch.RECORD_PAGE}):")
    for file in fetch.list_release():
        print(f"  {file['size'] / 1e6:10,.1f} MB  {file['name']}")
    if options.release:
        print(f"released file: {paths.shown(fetch.fetch_release(options.release))}")
    else:
        print("none of these was fetched; name one to fetch it")
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
