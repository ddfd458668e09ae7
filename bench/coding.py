"""How fast articles are read and coded, and how fast ten million coded rows are summarised.

Run with ``python bench/coding.py``; prints one line per measurement. The articles are the 122 of the negative
control, twice over for the processes.
"""

import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from ptmreuse.coding import batch, control, rules
from ptmreuse.coding.articles import read_article
from ptmreuse.evidence import study

ROWS = 10_000_000


def seconds(function):
    """Wall-clock seconds of one call, and its result."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def cpu_seconds(function):
    """Processor seconds of one call at its best of three, and its result; the first call fills the caches."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        result = function()
        best = min(best, time.process_time() - start)
    return best, result


def copies(files, folder, times):
    """The articles several times, each copy with a DOI of its own."""
    for number in range(times):
        for file in files:
            text = file.read_bytes().replace(b"10.1371/", b"10.1371/copy%d." % number)
            (folder / f"{number}-{file.name}").write_bytes(text)
    return folder


def coded_rows(rng):
    """Ten million coded (paper, model, pattern) rows with a field and a year."""
    return pd.DataFrame(
        {
            "paper": rng.integers(0, ROWS // 3, ROWS),
            "model": pd.Categorical.from_codes(rng.integers(0, 500, ROWS), [f"model {i}" for i in range(500)]),
            "pattern": pd.Categorical.from_codes(rng.integers(0, 3, ROWS), study.PATTERNS),
            "field": pd.Categorical.from_codes(rng.integers(0, 8, ROWS), study.FIELDS),
            "year": rng.integers(2000, 2026, ROWS),
        }
    )


def summarise(rows):
    """Items, papers and patterns per field and year, and the most reused models."""
    items = rows.drop_duplicates(["paper", "model", "pattern"])
    table = items.groupby(["field", "year", "pattern"], observed=True)["paper"].agg(["size", "nunique"])
    return table, items["model"].value_counts().head(20)


def main():
    """Print the table."""
    files = control.negative_control_files()
    size = sum(file.stat().st_size for file in files) / 1e6
    reading, articles = cpu_seconds(lambda: [read_article(file) for file in files])
    coding, _ = cpu_seconds(lambda: [rules.code_article(article) for article in articles])
    print(f"read JATS: {len(files) / reading:.0f} articles, {size / reading:.0f} MB per CPU-second")
    print(f"read and code: {len(files) / (reading + coding):.0f} articles, {size / (reading + coding):.0f} MB")
    for times in (2_000, 20_000):  # the worst text: one line of nothing but names
        text = b"Methods\nWe used " + b", ".join([b"ResNet-50", b"VGG-16", b"U-Net", b"AlphaFold 2", b"SAM"] * times)
        spent, _ = cpu_seconds(lambda t=text: rules.code_article(read_article(t), paper="worst"))
        print(f"one line of {5 * times:,} names ({len(text) / 1e3:.0f} kB): {spent:.1f} CPU-s")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        many = copies(files, folder, 4)
        for workers in (1, 2):
            out = Path(tempfile.mkdtemp())
            spent, counts = seconds(lambda w=workers, o=out: batch.code_files([many], o, workers=w))
            print(f"read, code and write, {workers} process(es): {counts['papers'] / spent:.0f} articles/s")
            shutil.rmtree(out)
    rows = coded_rows(np.random.default_rng(1))
    spent, _ = seconds(lambda: summarise(rows))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"summarise {ROWS:,} coded rows (pandas): {spent:.1f} s, peak {peak:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
