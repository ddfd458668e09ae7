"""Random valid studies of a student, and the notebooks' cells run on them in this process."""
# ruff: noqa: E501 - one draw is a line

import importlib
import json
import re
import shutil
import warnings

import numpy as np
import pandas as pd
import threadpoolctl

from ptmreuse import parameters, paths
from ptmreuse.book import record, steps
from ptmreuse.evidence import sources, study

HOSTILE = (
    "<script>alert(1)</script>",
    "a|b `c` {num}`x`",
    "$x_1$ & \\alpha",
    "émigré 模型",
    "unknown?",
    "=1+1",
    "_",
    "A" * 90,
)
MODELS = ("ResNet-50", "AlexNet", "BERT", "foo", *HOSTILE[:4])
YEARS = ("spread", "one", "two", "none", "gap", "separated", "any")


def tables(seed, own_codes=False):
    """Study tables: 1 to 200 papers, of every shape that a valid folder may have."""
    r = np.random.default_rng(seed)
    n, shape = int(r.choice([1, 2, 3, 5, 8, 20, 40, 80, 110, 200])), str(r.choice(YEARS))
    spans = {"one": [2021], "two": [2019, 2023], "none": [0], "gap": [1999, 2020, 2024], "any": range(1900, 2101)}
    year = r.choice(spans.get(shape, range(2012, 2025)), n)
    ids = [f"p{i}" if r.random() < 0.9 else f"{HOSTILE[i % len(HOSTILE)]} {i}" for i in range(n)]
    papers = pd.DataFrame(
        {
            "paper": ids, "doi": "", "year": [str(y) if y and r.random() < 0.97 else "" for y in year],
            "megajournal": r.choice(["PLOS", HOSTILE[0], ""], n), "cited_by": r.choice(["", "0", "3"], n),
            "natural_science": r.choice(study.ANSWERS, n), "full_text": r.choice(study.ANSWERS, n),
        }
    )  # fmt: skip
    codes = dict(study.CODES)
    if own_codes:
        codes = {q: tuple(r.permutation(HOSTILE)[: int(r.integers(1, 6))]) for q in codes}
    fields = {"none": (), "one": codes["field"][:1], "all": (*codes["field"], "Medicine")}[
        r.choice(["none", "one", "all"])
    ]
    in_field = [(p, f) for p in ids if fields for f in r.choice(fields, int(r.integers(1, len(fields) + 1)), False)]
    uses, reuse, stages = [], [], []
    prevalence, unknown = r.choice([0, 0.05, 0.3, 1]), r.choice([0, 0.1, 1], p=[0.5, 0.4, 0.1])
    some, no_stage = codes["pattern"][: int(r.integers(1, len(codes["pattern"]) + 1))], r.random() < 0.3
    for coder in (["ada"], ["ada", "ben"], ["ada", "ben", HOSTILE[0]])[int(r.integers(3))]:
        covered = r.choice([1, 0.5, 0.05])
        for p, y in zip(ids, year, strict=True):
            if r.random() > covered:
                continue
            yes = y >= 2019 if shape == "separated" else r.random() < prevalence
            ptm = "unknown" if r.random() < unknown else "yes" if yes else "no"
            uses.append((p, coder, "yes" if ptm == "yes" else str(r.choice(study.ANSWERS)), ptm))
            for m in r.choice(MODELS, int(r.integers(1, 4)), False) if ptm != "no" and r.random() < 0.95 else ():
                reuse += [
                    (p, coder, m, q) for q in r.choice([*some, "unknown"], int(r.integers(1, len(some) + 1)), False)
                ]
                stages += [] if no_stage else [(p, coder, m, r.choice([*codes["stage"], "unknown"]))]
    made = {
        "papers": papers, "fields": pd.DataFrame(in_field, columns=["paper", "field"]),
        "uses": pd.DataFrame(uses, columns=list(study.SCHEMA["uses"])),
        "reuse": pd.DataFrame(reuse, columns=["paper", "coder", "model", "pattern"]),
        "stages": pd.DataFrame(stages, columns=list(study.SCHEMA["stages"])),
    }  # fmt: skip
    if own_codes:
        rows = [(q, code, "", i) for q, listed in codes.items() for i, code in enumerate(listed, start=1)]
        made["codebook"] = pd.DataFrame(rows, columns=list(study.SCHEMA["codebook"]))
    return {name: frame for name, frame in made.items() if len(frame) or r.random() < 0.5}


def write(seed, folder, own_codes=False):
    """Such tables as a folder."""
    folder.mkdir(exist_ok=True)
    for name, frame in tables(seed, own_codes).items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


def speaks_of_the_study(page, name):
    """The names, codes and numbers of the published study that a page of a student's book holds.

    Its comparison with the study may hold them, and so may the rows of the registry that the comparison recorded.
    """
    if name in ("3_comparison", "references"):
        return []
    for part in page.xpath("//script | //style | //nav | //tr[contains(., '3_comparison')] | //*[@id='sidebar']"):
        part.drop_tree()
    facts = study.published()["value"]
    numbers = {f"{n:,.0f}" for n in facts[facts >= 1000]}
    codes = {code for codes in study.CODES.values() for code in codes} | set(study.MEGAJOURNALS)
    names = {"Synovic", "2603.13584", "pilot", "replication", "the authors", "database", "AlexNet", "the study's"}
    words = page.text_content().replace("\N{NO-BREAK SPACE}", " ")
    return sorted(w for w in names | codes | numbers if re.search(rf"(?<![\w.]){re.escape(w)}(?!\w)", words))


def run_steps(place, monkeypatch):
    """Run all steps but the pages in this process, the notebooks cell by cell; `place` gets what `_build` holds."""
    monkeypatch.setattr(paths, "TABLES", place / "tables")
    monkeypatch.setattr(paths, "RESULTS", place / "results")
    for step in steps.STEPS[:-1]:
        scratch = place / step.name
        scratch.mkdir()
        if step.name in steps.NOTEBOOKS:
            with threadpoolctl.threadpool_limits(1):  # as in a kernel: sums over threads differ in the last digit
                run_cells(paths.NOTEBOOKS / f"{step.name}.ipynb", parameters.DEFAULTS, scratch, monkeypatch)
            shutil.copytree(scratch / step.name, place / "results" / step.name)
            continue
        module, function = step.run.split(":")
        getattr(importlib.import_module(module), function)(step, parameters.DEFAULTS, scratch)
        for inside, target in step.outputs.items():
            (place / "tables").mkdir(exist_ok=True)
            (scratch / inside).rename(place / "tables" / target.name)


def run_study(notebooks, folder, place, monkeypatch):
    """Run the cells of notebooks on a student's folder; results below `place`. Gives the variables of the last."""
    monkeypatch.setattr(paths, "TABLES", place / "tables")
    monkeypatch.setattr(paths, "RESULTS", place / "results")
    loaded = sources.load_source("tables", tables=folder, last_year=2100)
    study.write(loaded, place / "tables" / "evidence")
    values = parameters.DEFAULTS | {"source": "tables", "resamples": 199}
    for notebook in notebooks:
        space = run_cells(notebook, values, place / "results", monkeypatch)
    return space


def run_cells(notebook, values, results, monkeypatch):
    """Run the cells of one notebook with parameters of a run; every warning is an error. Gives its variables."""
    monkeypatch.setenv("PTMREUSE_RESULTS", str(results))
    monkeypatch.setattr(record, "display", lambda *a, **k: None)
    space, count = {}, 0
    monkeypatch.setattr(record, "_cell", lambda: count)
    for number, cell in enumerate(json.loads(notebook.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] != "code":
            continue
        count += 1
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(compile("".join(cell["source"]), f"{notebook.name}[{number}]", "exec"), space)
        if "parameters" in cell["metadata"]["tags"]:
            space |= {name: values[name] for name in space if name in values}
    return space
