"""Random valid studies of a student, each through a whole book: ``python bench/studies.py [FIRST LAST]``.

Seeds 0 to 19 if none are named. A study counts as right if its book is built, and if every page names the study and
speaks of nothing that only the published study has. Prints a row per seed; ends with 1 if one was not right.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lxml import html

from ptmreuse import paths
from ptmreuse.evidence import study

sys.path.insert(0, str(paths.ROOT / "tests"))
import made_study  # noqa: E402 - the studies of the tests


def ptmreuse(*arguments):
    """Run a command; gives what it complained of."""
    command = [sys.executable, "-m", "ptmreuse", *map(str, arguments)]
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=False)
    return (done.stderr.strip() or f"exit code {done.returncode}") if done.returncode else ""


def wrong(seed, folder):
    """What is wrong with the book about the study of this seed; nothing if it is right."""
    ptmreuse("new", folder)
    for name in (*study.CODED, "codebook"):
        (folder / f"{name}.csv").unlink()
    made_study.write(seed, folder, own_codes=seed % 3 > 0)
    (folder / "study.yml").write_text(f"title: Study {seed}\nauthors: A student\nresamples: 199\n", encoding="utf-8")
    said = ptmreuse("validate", folder) or ptmreuse("book", "--study", folder)
    if said:
        return said
    own = "" if (folder / "codebook.csv").exists() else str(study.CODES)
    hers = "\n".join([own, *(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.csv")))])
    for page in sorted((folder / "_build" / "html").glob("*.html")):
        root = html.parse(str(page)).getroot()
        if page.stem not in ("404", "search") and f"Study {seed}: a study of its own." not in root.text_content():
            return f"{page.name} does not name the study"
        foreign = [word for word in made_study.speaks_of_the_study(root, page.stem) if word not in hers]
        if foreign:
            return f"{page.name} speaks of {', '.join(foreign)}"
    return ""


def main():
    """Print a row per seed."""
    first, last = map(int, sys.argv[1:3] or (0, 19))
    failed = []
    for seed in range(first, last + 1):
        with tempfile.TemporaryDirectory() as place:
            start = time.monotonic()
            said = wrong(seed, Path(place) / "mine")
            papers = len(study.read_csv(Path(place) / "mine" / "papers.csv"))
        print(f"seed {seed}: {papers} papers, {time.monotonic() - start:.0f} s: {said or 'right'}", flush=True)
        failed += [seed] * bool(said)
    print(f"{last + 1 - first - len(failed)} of {last + 1 - first} studies gave a book about themselves alone")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
