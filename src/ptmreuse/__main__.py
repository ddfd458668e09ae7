"""Command line of the book: ``python -m ptmreuse COMMAND``."""

import argparse
import os
import sqlite3
import sys

from ptmreuse import errors, paths
from ptmreuse.commands import building, codings, own_papers, upkeep
from ptmreuse.errors import StudyError, refuse


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
        refuse(folder, "a folder with a file study.yml", found, do)
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

    def command(function, name=None):
        help = function.__doc__.rstrip(".")
        help = help[0].lower() + help[1:]
        sub = commands.add_parser(name or function.__name__.replace("_", "-"), help=help, description=help)
        sub.set_defaults(command=function)
        return sub

    building.add(command)
    own_papers.add(command)
    codings.add(command, arguments)
    upkeep.add(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
