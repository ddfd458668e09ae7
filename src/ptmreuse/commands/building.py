"""The commands that run the book and look at what came out."""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

from ptmreuse import parameters, paths
from ptmreuse.book import steps
from ptmreuse.errors import StudyError, refuse
from ptmreuse.one_run import only_run


def add(command: Callable[..., ArgumentParser]) -> None:
    """Declare the commands."""
    for function in (book, notebooks, pdf, review, release, certificate, verify):
        sub = command(function)
        take_parameters(sub)
        if function is not release:
            take_study(sub)
        if function is notebooks:
            sub.add_argument("--upto", choices=steps.NOTEBOOKS, default=steps.NOTEBOOKS[-1], help="the last one wanted")
    serving = command(serve)
    serving.add_argument("--port", type=int, default=8000)
    take_study(serving)
    command(smoke)
    take_study(command(clean))


def take_parameters(sub: ArgumentParser) -> None:
    """Let a command take the parameters of a run, for `values_of`."""
    sub.add_argument("--params", metavar="FILE", help="YAML file with parameters that replace the defaults")
    sub.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="one parameter")


def take_study(sub: ArgumentParser) -> None:
    """Let a command run in the folder of a student's own study."""
    sub.add_argument("--study", metavar="FOLDER", help="your own study, made with the command new")


def values_of(options: Namespace) -> dict[str, Any]:
    """The parameters of the run that a command was given."""
    if not paths.STUDY:
        return parameters.read(options.params or None, options.set)
    if options.params:
        do = "write the parameters there"
        refuse("book --study", "study.yml alone", "--params too", do)
    return parameters.read(paths.STUDY / "study.yml", options.set) | {"source": "tables", "tables": "."}


def _run(upto, options):
    started = time.monotonic()
    from ptmreuse.review import run_record

    ran = run_record.recorded(upto, values_of(options))
    return ran, time.monotonic() - started


def book(options: Namespace) -> None:
    """Execute what is out of date and write the book to _build/html."""
    ran, seconds = _run("book", options)
    page = paths.HTML / "index.html"
    if ran:
        print(f"The book is ready ({seconds:.0f} s): {page}")
    else:
        print(f"Nothing changed; the book is up to date: {page}")


def notebooks(options: Namespace) -> None:
    """Execute the notebooks that are out of date."""
    ran, seconds = _run(options.upto, options)
    print(
        f"Executed notebooks ({seconds:.0f} s): {paths.EXECUTED}"
        if ran
        else "Nothing changed; notebooks are up to date."
    )


def pdf(options: Namespace) -> None:
    """Write the book as one PDF to _build."""
    _run("book", options)
    from ptmreuse.book import pdf

    print(f"The book as a PDF: {pdf.build(values_of(options))}")


def verify(options: Namespace) -> int:
    """Give a verdict per published claim; exit code 3 if one that was reproduced no longer is."""
    _run(steps.NOTEBOOKS[-1], options)
    if paths.STUDY:
        from ptmreuse.findings import own_claims

        print("\n".join(own_claims.printed()))
        return 0
    from ptmreuse.findings import claims

    return claims.verify(values_of(options))


def review(options: Namespace) -> int:
    """Compare the last run with the authors'; exit code 3 if a result is not theirs."""
    from ptmreuse.review import against_authors

    return against_authors.review(values_of(options))


def smoke(options: Namespace) -> int:
    """The shortest run: one notebook, one verdict, under a minute."""
    from ptmreuse.review import smoke

    return smoke.smoke()


def certificate(options: Namespace) -> None:
    """Write the certificate of the last run to _build/certificate."""
    from ptmreuse.review import certificate

    print("\n".join(certificate.write(values_of(options))))


def release(options: Namespace) -> None:
    """Keep the results of the last run in expected/ as the authors' run."""
    _run("book", options)
    from ptmreuse.review import authors_run, package

    authors_run.release(values_of(options))
    wrote = [paths.shown(path) for path in (authors_run.EXPECTED, *package.write())]
    _run("book", options)  # its page about this run speaks of expected/
    print(f"Wrote {', '.join(wrote)}; look at their changes in git before you commit them.")


def serve(options: Namespace) -> None:
    """Show the built book at a local address."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    if not (paths.HTML / "index.html").exists():
        refuse(paths.shown(paths.HTML), "a built book", "none", "run make book first")

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
        found = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise StudyError(
            expected=f"port {options.port} to be free", found=found, where="serve", do="choose another --port"
        ) from None
    print(f"The book is at http://127.0.0.1:{options.port} (stop with Ctrl+C)")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("Stopped serving.")


def clean(options: Namespace) -> None:
    """Remove everything the pipeline wrote (_build)."""
    import shutil

    if paths.BUILD.exists():
        with only_run(paths.BUILD / "lock", paths.shown(paths.BUILD)):
            pass
        shutil.rmtree(paths.BUILD)
    print("Removed _build; data, notebooks and pages are untouched.")
