"""Copies of the project that tests may run and break."""

import os
import re
import shutil
import subprocess
import sys
import time
import zlib

import pytest
from hypothesis import settings

from ptmreuse import paths

# The same examples in every run, and no stop-watch: a busy machine must not turn a true property red.
settings.register_profile("ptmreuse", deadline=None, derandomize=True)
settings.load_profile("ptmreuse")

NOT_COPIED = shutil.ignore_patterns(
    ".venv", ".git", "_build", "__pycache__", ".pytest_cache", ".hypothesis", ".ruff_cache", "tests", "bench"
)


collect_ignore = ["offline"]  # what runs there blocks the network of the process

BOOKS = {"built_project", "built_book", "broken_project"}
# Seconds of resampling, servers and databases.
SLOW = {"test_calibration", "test_sensitivity", "test_validation_sample", "test_ratings", "test_llm", "test_release"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests that need a whole book or a browser are not quick, as their fixtures tell; books begin, none is last."""

    def haste(item):
        fixtures = set(getattr(item, "fixturenames", ()))
        return 0 if BOOKS & fixtures and "browser" not in fixtures else 1 if BOOKS & fixtures else 2

    for item in items:
        slow = item.path.stem in SLOW or item.path.parent == paths.SOURCE / "analysis"
        if haste(item) < 2 or slow or "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
    items.sort(key=haste)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """In CI a check that did not run is a failure; elsewhere one line says which did not, and what they lack."""
    report = yield
    if report.skipped:
        reason = report.longrepr[2]
        report.longrepr = (str(item.path), None, reason)  # without line numbers pytest joins them into one line
        # What cannot be shipped may be missing in CI as well; it is skipped in sight and counted.
        if os.environ.get("PTMREUSE_NO_SKIP") == "1" and not item.get_closest_marker("fetched"):
            report.outcome, report.longrepr = "failed", f"no test may be skipped here: {reason}"
    return report


def offline(*places):
    """The environment of a process that imports from these places first and can reach this machine alone."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [*places, paths.ROOT / "tests" / "offline"]))}


def run(project, *arguments):
    """Run ``python -m ptmreuse`` of a copy, without network; its helpers, data and outputs are its own."""
    return subprocess.run(
        [sys.executable, "-m", "ptmreuse", *arguments],
        cwd=project,
        env=offline(project / "src"),
        capture_output=True,
        text=True,
        check=False,
    )


def bytes_below(folder):
    """The bytes of all files below a folder, by their names."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def inside_pdf(path):
    """The objects of a PDF, unpacked."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", path.read_bytes(), flags=re.S)
    return b"".join(zlib.decompressobj().decompress(s) for s in streams if s[:1] == b"x")


@pytest.fixture(scope="session")
def built_project(tmp_path_factory, worker_id):
    """A copy of the project with its book built, once for all workers; tests only read it."""
    own = tmp_path_factory.getbasetemp()
    place = (own if worker_id == "master" else own.parent) / "built here"
    project, done = place / "project", place / "done"
    try:
        place.mkdir()
    except FileExistsError:
        give_up = time.monotonic() + 600
        while not done.exists():  # another worker builds it; one that died must not hold the rest for ever
            assert time.monotonic() < give_up, "the worker that builds the book for all tests did not finish"
            time.sleep(0.2)
    else:
        shutil.copytree(paths.ROOT, project, ignore=NOT_COPIED)
        made = run(project, "book")
        (place / "said").write_text(made.stderr if made.returncode else "", encoding="utf-8")
        (place / "said").rename(done)
    assert not done.read_text(encoding="utf-8")
    return project


@pytest.fixture(scope="session")
def built_book(built_project):
    """The folder of the built pages."""
    return built_project / "_build" / "html"


@pytest.fixture
def broken_project(built_project, tmp_path):
    """A copy of the built project that a test may break."""
    project = tmp_path / "project"
    shutil.copytree(built_project, project)
    return project
