"""Code very many small made-up articles as one process and as four shards, one of them killed; compare the bytes.

    python bench/shards.py [ARTICLES]

Prints CPU seconds and peak memory of each command, and exits with 1 if the tables differ. One article in three
reuses a model. 100,000 articles take some minutes.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHARES = 4
USED = (
    "We fine-tuned ResNet-50 pretrained on ImageNet on our photographs of leaf {n}.",
    "A convolutional neural network was trained on plot {n} for 30 epochs with Adam.",
    "Leaf {n} was measured by hand and a linear model was fitted to its area.",
)


def write_articles(folder, articles):
    """Short articles of three kinds, a thousand to a folder."""
    for n in range(articles):
        below = folder / f"{n // 1000:04}"
        below.mkdir(exist_ok=True, parents=True)
        text = f"# Leaves of plot {n}\n\nIntroduction\nLeaves differ.\n\nMethods\n{USED[n % 3].format(n=n)}\n"
        (below / f"{n:06}.txt").write_text(text, encoding="utf-8")
    return folder


def start(*command):
    """A command of the package as a process of its own, without its words."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-m", "ptmreuse", *map(str, command)], **quiet)


def finish(name, process):
    """Wait for a command, print what it took, and stop if it failed."""
    _, status, used = os.wait4(process.pid, 0)
    peak = used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    print(f"{name}: {used.ru_utime + used.ru_stime:.0f} CPU-s, peak {peak:.0f} MB", flush=True)
    if status:
        sys.exit(f"{name}: exit status {os.waitstatus_to_exitcode(status)}")


def kill_halfway(out, share, articles):
    """Start a share and kill it when half of its articles are coded; how many lines it left."""
    process, part, lines = start("code", *share, "--out", out), out / "coding" / f"part-2-of-{SHARES}.new", 0
    while process.poll() is None and lines < articles // SHARES // 2:
        time.sleep(0.1)
        lines = part.read_bytes().count(b"\n") if part.exists() else 0
    process.kill()
    if process.wait() != -signal.SIGKILL:
        sys.exit("share 2 ended before it was killed: give more articles")
    return lines


def tables(out):
    """The files that a run wrote for its readers, with their bytes."""
    return {path.name: path.read_bytes() for path in [*out.glob("*.csv"), out / "coding" / "evidence.csv"]}


def main(articles=100_000):
    """Run both ways; 1 if the tables differ."""
    with tempfile.TemporaryDirectory() as scratch:
        whole, shared = Path(scratch) / "whole", Path(scratch) / "shared"
        folder = write_articles(Path(scratch) / "articles", articles)
        finish(f"one process, {articles:,} articles", start("code", folder, "--out", whole))
        for number in range(1, SHARES + 1):
            share, name = (folder, "--shard", f"{number}/{SHARES}"), f"share {number} of {SHARES}"
            if number == 2:
                name += f", killed after {kill_halfway(shared, share, articles):,} articles, the rest"
            finish(name, start("code", *share, "--out", shared))
        finish("merge", start("merge", shared))
        same = tables(whole) == tables(shared) and len(tables(whole)) > 7
        print("same bytes" if same else "THE TABLES DIFFER")
        return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
