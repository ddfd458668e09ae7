"""Benchmark: read and count a messy released database of the study's size.

    python bench/release.py [PAPERS] [TEXT_KB]

Writes the database (18,091 papers with 45 kB texts: about 1.8 GB) into a temporary folder, reads and counts it in
a process of its own, prints seconds, peak memory and whether all counts equal the truth, and removes it.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import made_release  # noqa: E402
from ptmreuse.evidence import release, sources, study  # noqa: E402


def measure(path):
    """Read and count in this process; print what it took as JSON."""
    started = time.monotonic()
    tables = release.extract(path)
    study.accounting(tables)
    extracted = time.monotonic()
    result = sources.counts(sources.until(tables, 2025, "release"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    seconds = {"extract": extracted - started, "count": time.monotonic() - extracted}
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "counts": result}))


def main(papers=18091, text_kb=45.0):
    """Write, measure, compare."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "release.db"
        started = time.monotonic()
        truth = made_release.write_release(path, seed=1, papers=papers, messy=True, text_kb=text_kb)
        print(f"written: {path.stat().st_size / 1e9:.2f} GB in {time.monotonic() - started:.1f} s")
        child = subprocess.run(
            [sys.executable, __file__, "--measure", path], check=True, capture_output=True, encoding="utf-8"
        )
    took = json.loads(child.stdout)
    for step, seconds in took["seconds"].items():
        print(f"{step}: {seconds:.1f} s")
    print(f"peak memory: {took['peak_mb']:.0f} MB")
    print(f"counts equal the truth: {took['counts'] == truth}")
    return 0 if took["counts"] == truth else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]))
    else:
        sys.exit(main(*(kind(text) for kind, text in zip((int, float), sys.argv[1:], strict=False))))
