"""One list of dependencies: the lock and environment.yml never drift from pyproject.toml."""

import ast
import importlib.metadata
import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ptmreuse import paths, pins
from ptmreuse.book import drawing
from ptmreuse.errors import StudyError

PROJECT = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (paths.ROOT / "requirements.lock").read_text(encoding="utf-8")
PINS = [Requirement(pin) for pin in pins.read_pins(LOCK)]


def test_the_lock_was_made_from_this_pyproject():
    assert LOCK.startswith(pins.header(PROJECT)), "run make lock"


def test_every_requirement_has_a_pin_that_satisfies_it_and_every_pin_a_hash():
    wanted = list(PROJECT["dependencies"])
    for extra in pins.EXTRAS:
        wanted += PROJECT["optional-dependencies"][extra]
    for requirement in map(Requirement, wanted):
        pinned = [pin for pin in PINS if pin.name.lower() == requirement.name.lower()]
        assert pinned, requirement
        assert all(requirement.specifier.contains(str(pin.specifier).removeprefix("==")) for pin in pinned), requirement
    blocks = re.split(r"\n(?=[a-z0-9])", LOCK.split("\n", 3)[3])
    assert len(blocks) == len(PINS)
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_lock_names_no_place_to_fetch_from():
    assert not re.search(r"https?:|file:|--index|--find-links|--extra-index", LOCK)


def test_environment_yml_holds_the_versions_of_the_lock():
    text = (paths.ROOT / "environment.yml").read_text(encoding="utf-8")
    assert text == pins.conda(PROJECT, LOCK), "run make lock"
    listed = yaml.safe_load(text)["dependencies"][-1]["pip"]
    assert listed == [p for p in pins.read_pins(LOCK) if not p.startswith(pins.WITHOUT_DEPENDENCIES)]


def test_a_requirement_without_pin_is_named():
    with pytest.raises(StudyError, match="expected a pin of seaborn"):
        pins.conda(PROJECT, LOCK.replace("seaborn==", "gone=="))


def test_the_drawing_of_the_architecture_is_that_of_the_steps_and_rooms():
    text = (paths.ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert text == drawing.with_drawing(text), "run python -m ptmreuse drawing"
    with pytest.raises(StudyError, match="ARCHITECTURE.md: expected .*, once each, found other lines"):
        drawing.with_drawing(text.replace(drawing.END, ""))


def test_the_book_is_installed_without_the_tools_of_tests_models_and_clusters():
    book, rest = ({pin.split("==")[0] for pin in pins.read_pins(part)} for part in LOCK.split(pins.REST))
    assert {"jupyter-book", "weasyprint", "flit-core"} <= book
    for extra in ("test", "llm", "dask"):
        assert {Requirement(r).name for r in PROJECT["optional-dependencies"][extra]} - book <= rest
    assert {"pytest", "playwright", "pyarrow", "openai", "distributed", "ruff"} <= rest


def test_every_package_that_is_imported_is_declared():
    wanted = [*PROJECT["dependencies"], *(r for extra in pins.EXTRAS for r in PROJECT["optional-dependencies"][extra])]
    declared = {Requirement(r).name.lower() for r in wanted}
    whose = importlib.metadata.packages_distributions()
    imported = set()
    for file in paths.SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            imported |= {name.split(".")[0] for name in names}
    found = {name: {w.lower() for w in whose[name]} for name in imported if name in whose and name != "ptmreuse"}
    assert {"numpy", "sphinx", "docutils", "nbformat", "IPython"} <= found.keys()
    assert {name: d for name, d in found.items() if not d & declared} == {}


def test_docker_and_binder_use_a_python_and_commands_that_are_there():
    allowed = SpecifierSet(PROJECT["requires-python"])
    docker = (paths.ROOT / "Dockerfile").read_text(encoding="utf-8")
    binder = (paths.ROOT / ".binder" / "runtime.txt").read_text(encoding="utf-8")
    assert re.search(r"^ARG BASE=python:([\d.]+)-slim$", docker, flags=re.M)[1] + ".0" in allowed
    assert re.fullmatch(r"python-([\d.]+)\n", binder)[1] + ".0" in allowed
    targets = set(re.findall(r"^([a-z-]+):", (paths.ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M))
    command = ast.literal_eval(re.search(r"^CMD (.*)$", docker, flags=re.M)[1])
    assert command[0] == "make" and set(command[1:]) <= targets
    post = (paths.ROOT / ".binder" / "postBuild").read_text(encoding="utf-8")
    assert set(re.findall(r"^make ([a-z-]+)$", post, flags=re.M)) <= targets
    assert "USER reader" in docker and docker.index("USER reader") < docker.index("RUN make")
