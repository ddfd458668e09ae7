"""Benchmark: read and count a messy released database of the study's size, beside seven queries as its authors wrote.

    python bench/release.py [PAPERS] [TEXT_KB] [FIGURES]

Writes the database (18,091 papers with 45 kB texts: about 1.9 GB) into a temporary folder. Then two sides, every
process alone: this package, with nothing kept from before (cold) and again (kept); and the authors' way, a process
per figure that joins in SQL, decodes and draws. Before each side the file is read once, so that which
side comes first does not matter. Prints wall and processor seconds, which other work on the machine disturbs less,
their ratios, peak memory, and whether all counts equal the truth. This process imports nothing large: a process
begins with the peak memory of the one that started it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_YEAR = "json_extract(json_data, '$.publication_year')"
_PER_YEAR = (
    f"SELECT {_YEAR} AS class, model_response AS text FROM openalex JOIN natural_science_article_dois USING (doi)"
)
# What their figures show, in the columns that we give a common name: a class to count by, a text to decode.
FIGURES = (
    (  # papers per journal: all, cited, in natural science
        "SELECT megajournal AS class, '' AS text FROM articles",
        "SELECT megajournal AS class, '' AS text FROM articles JOIN openalex USING (doi)"
        " WHERE json_extract(json_data, '$.cited_by_count') IS NOT 0",
        "SELECT megajournal AS class, '' AS text FROM articles JOIN natural_science_article_dois USING (doi)",
    ),
    ("SELECT topic_0 AS class, json_data AS text FROM uses_dl_analysis JOIN openalex USING (doi)",),
    ("SELECT topic_0 AS class, json_data AS text FROM uses_ptms_analysis JOIN openalex USING (doi)",),
    (f"{_PER_YEAR} JOIN uses_dl_analysis USING (doi)",),
    (f"{_PER_YEAR} JOIN uses_ptms_analysis USING (doi)",),
    (f"{_PER_YEAR} JOIN identify_ptm_reuse_analysis USING (doi)",),
    (f"{_PER_YEAR} JOIN identify_ptm_impact_analysis USING (doi)",),
)


def write(path, papers, text_kb):
    """Write the database; print its truth."""
    import sqlite3
    from contextlib import closing

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    import made_release

    truth = made_release.write_release(path, seed=1, papers=int(papers), messy=True, text_kb=float(text_kb))
    with closing(sqlite3.connect(path)) as database, database:
        # The authors' queries stop at a record that is no JSON. It says as much as an empty one.
        database.execute("UPDATE openalex SET json_data = '{}' WHERE NOT json_valid(json_data)")
    print(json.dumps(truth))


def count(path, build):
    """All counts of this package; what it keeps goes into a folder of the bench."""
    from ptmreuse import paths

    paths.BUILD = Path(build)
    from ptmreuse.evidence import sources

    print(json.dumps(sources.counts(sources.load_source("release", release=path))))


def draw(path, number):
    """One figure in the authors' way."""
    import sqlite3
    from contextlib import closing

    import matplotlib.pyplot as plt
    import pandas as pd

    def decoded(text):
        try:
            return json.loads(text)
        except (TypeError, ValueError):
            return None

    for query in FIGURES[int(number)]:
        with closing(sqlite3.connect(path)) as database:
            rows = pd.read_sql(query, database)
        rows["text"] = rows["text"].map(decoded)
        rows["class"].value_counts().plot.bar()
    plt.savefig(f"{path}.pdf")


def run(*call):
    """Run one function above in a process of its own: wall and processor seconds, peak MB, what it printed."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen([sys.executable, __file__, *map(str, call)], stdout=out)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"{call[0]} failed")
        out.seek(0)
        printed = out.read().decode()
    peak = used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return time.monotonic() - started, used.ru_utime + used.ru_stime, peak, printed


def read_once(path):
    """Bring the file into the machine's memory, as far as it goes."""
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def main(papers=18091, text_kb=45.0, figures=7):
    """Write, measure both sides, compare."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "release.db"
        *_, truth = run("write", path, papers, text_kb)
        print(f"database: {path.stat().st_size / 1e9:.2f} GB")
        read_once(path)
        cold = run("count", path, folder)
        kept = run("count", path, folder)
        read_once(path)
        theirs = [run("draw", path, number) for number in range(int(figures))]
    wall, processor = (sum(took[at] for took in theirs) for at in (0, 1))
    for name, took in (("cold", cold), ("kept", kept)):
        print(f"{name}: {took[0]:.1f} s, {took[1]:.1f} s of processor, peak memory {took[2]:.0f} MB")
    print(f"{len(theirs)} figures in the authors' way: {wall:.1f} s, {processor:.1f} s of processor")
    print(f"cold is {wall / cold[0]:.1f} times as fast, {processor / cold[1]:.1f} times by processor")
    equal = all(json.loads(took[3]) == json.loads(truth) for took in (cold, kept))
    print(f"counts equal the truth: {equal}")
    return 0 if equal else 1


if __name__ == "__main__":
    made = {work.__name__: work for work in (write, count, draw)}.get(sys.argv[1]) if sys.argv[1:] else None
    sys.exit(made(*sys.argv[2:]) if made else main(*sys.argv[1:]))
