"""The way out of jupyter-book 1.x: today's Sphinx and theme write the same pages without a warning.

Opt-in, for it fetches packages: ``python -m pytest -m next tests/test_next_sphinx.py``.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

PACKAGES = ("sphinx>=9", "sphinx-book-theme>=1.4", "myst-nb>=1.4", "sphinx-external-toc", "sphinxcontrib-bibtex",
            "sphinx-sitemap", "sphinx-copybutton")  # fmt: skip


@pytest.mark.next
def test_todays_sphinx_builds_the_staged_pages(built_project, tmp_path):
    stage, newer = tmp_path / "stage", tmp_path / "packages"
    shutil.copytree(built_project / "_build" / "stage", stage)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(newer), *PACKAGES]
    subprocess.run(install, check=True, capture_output=True)
    config = "from jupyter_book.cli.main import main; main()"
    subprocess.run([sys.executable, "-c", config, "config", "sphinx", str(stage)], check=True, capture_output=True)
    conf = (stage / "conf.py").read_text(encoding="utf-8")
    assert "'jupyter_book', " in conf
    (stage / "conf.py").write_text(conf.replace("'jupyter_book', ", ""), encoding="utf-8")
    made = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(stage), str(tmp_path / "html")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(newer), str(built_project / "src")])},
        cwd=built_project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    old, new = built_project / "_build" / "html", tmp_path / "html"
    pages = {p.name for p in old.glob("*.html")}
    assert pages <= {p.name for p in new.glob("*.html")}
    number = re.compile(r'<a class="ptm-traced[^>]*>([^<]*)<')
    shown = {p.name: number.findall(p.read_text(encoding="utf-8")) for p in old.glob("*.html")}
    assert sum(map(len, shown.values())) > 40
    for name, numbers in shown.items():
        assert number.findall((new / name).read_text(encoding="utf-8")) == numbers
