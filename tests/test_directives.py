"""What the pages can say beyond MyST, in this process: one page with every role and directive, and what is refused."""

import json
import re
import shutil
import warnings

import nbformat
import pandas as pd
import pytest
from lxml import html as parser
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from ptmreuse import parameters, paths
from ptmreuse.book import catalogue, figures, record, site
from ptmreuse.evidence import study
from ptmreuse.evidence.pilot import embedded
from ptmreuse.statistics import shares


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Some recorded results and a function: the text of a page to its HTML and the warnings about it."""
    for name in ("RESULTS", "STAGE", "TABLES", "EXECUTED"):
        monkeypatch.setattr(paths, name, tmp_path / name.lower())
    monkeypatch.setenv("PTMREUSE_RESULTS", str(paths.RESULTS))
    monkeypatch.setattr(record, "display", lambda *a, **k: None)
    coded = record.Recorder("01_sampling", kind="coded")
    coded.number("share", shares.proportion(39, 110), about="Coded papers")
    coded.of("published").number("published", shares.proportion(631, 4384), about="Published papers")
    coded.number("said", "A sentence of more than four words.", about="An answer")
    coded.number("nothing", shares.proportion(0, 0), about="None")
    frame = pd.DataFrame({"label": ["a"], "value": [0.5], "low": [0.4], "high": [0.6]})
    coded.table("shares", frame, caption="A table of shares")
    words = "one interval from 0.4 to 0.6"
    coded.of("simulated").figure("drawn", figures.intervals(frame), caption=words, alt=words, data=frame)
    coded.say("share", "said")
    study.write(embedded(), paths.TABLES / "evidence")
    shutil.copytree(paths.ROOT / "expected" / "04_findings", paths.RESULTS / "04_findings")
    (paths.RESULTS / "04_findings" / "numbers.csv").unlink()
    paths.STAGE.mkdir()
    (paths.STAGE / "parameters.json").write_text(json.dumps(parameters.table(parameters.DEFAULTS | {"seed": 7})))
    kept = (catalogue.catalogue, catalogue.registry, catalogue.inputs)

    def build(text):
        (paths.STAGE / "index.md").write_text(f"{text}\n```{{toctree}}\nmore\n```\n", encoding="utf-8")
        (paths.STAGE / "more.md").write_text("# More\n", encoding="utf-8")
        said = (tmp_path / "said").open("w+", encoding="utf-8")
        given = {"extensions": ["myst_nb", "sphinx.ext.napoleon", "ptmreuse.book.theme"], "html_theme": "basic"}
        given["templates_path"] = [str(paths.BOOK / "_templates")]
        with said, docutils_namespace(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Sphinx's own; about the page it tells
            app = Sphinx(paths.STAGE, None, tmp_path / "html", tmp_path / "doctrees", "html", given, None, said)
            app.build()
            said.seek(0)
            return parser.parse(str(tmp_path / "html" / "index.html")).getroot(), said.read()

    for cached in kept:
        cached.cache_clear()
    yield build
    for cached in kept:
        cached.cache_clear()


EVERY = """# A page

{num}`share` and {num}`share|interval`; {num}`said` {kind}`simulated` {kind}`published`

```{result} shares
```

```{result} drawn
```

```{datafile} design.csv
:caption: How it was drawn
:kind: published
:columns: topic item
:choose: topic
```

```{claims-board}
```

```{examples}
```

```{registry}
```

```{parameters}
```

```{eval-rst}
.. helpers:: statistics.shares
```
"""


def test_every_role_and_directive_shows_what_was_recorded(page):
    root, said = page(EVERY)
    assert "WARNING" not in said and "ERROR" not in said
    links = root.xpath("//a[contains(@class, 'ptm-traced')]")
    shown = "35.5\N{NO-BREAK SPACE}%"
    assert [a.text_content() for a in links] == [shown, f"{shown} [27.1, 44.7]"]
    assert {a.get("href") for a in links} == {"numbers.html#n-share"}
    origins = root.xpath("//a[contains(@class, 'ptm-origin')]")
    assert [a.get("aria-label") for a in origins] == ["Origin of: An answer"]
    assert root.xpath("//p/span[contains(@class, 'ptm-kind')]/text()")[:2] == [
        "Simulated, not evidence",
        "Published facts",
    ]
    tables = {t.get("id"): t for t in root.xpath("//figure")}
    assert {"shares", "drawn", "design-csv", "registry", "inputs", "parameters-table"} <= tables.keys()
    assert len(tables["registry"].xpath(".//tbody/tr")) == 4
    assert tables["design-csv"].xpath("string(.//table/@data-choose)") == "topic"
    assert "1 of the parameters differ" in tables["parameters-table"].text_content()
    assert (
        "code cell" in tables["drawn"].text_content() and len(tables["drawn"].xpath(".//svg | .//*[name()='svg']")) == 2
    )
    claims = study.read_csv(paths.DATA / "claims.csv").query("board == 'study'")
    assert len(root.xpath("//dl[@class='ptm-board']//a")) == len(claims)
    examples = study.read_csv(paths.DATA / "examples.csv")
    assert [c.text for c in root.xpath("//p[@class='ptm-pattern']")] == examples["pattern"].tolist()
    functions = [dt.get("id").rpartition(".")[2] for dt in root.xpath("//dt[starts-with(@id, 'ptmreuse.')]")]
    assert "proportion" in functions and "wilson_limits" not in functions  # no notebook calls it


def test_what_a_page_asks_for_in_vain_is_a_warning_at_its_line(page):
    asked = "# X\n\n{num}`shar`, {num}`share|intervall`, {kind}`codet`\n\n```{result} no_such\n```\n"
    asked += "```{datafile} design.csv\n:caption: C\n:kind: coded\n:columns: no\n```\n"
    _, said = page(asked)
    for words in (
        "unknown key 'shar'; did you mean share?",
        "found 'share|intervall'",
        "unknown key 'codet'",
        "no_such",
    ):
        assert words in said
    assert "columns of design.csv" in said and said.count("index.md:") == 5


def test_a_notebook_shows_an_item_once_and_hides_what_is_not_hers(page, monkeypatch):
    (paths.STAGE / "other.md").write_text("# The *other* page\n\n```{result} shares\n```\n", encoding="utf-8")
    placed = catalogue.placed()
    assert placed == {"shares": "other"}
    moved = catalogue.shown_once("shares", "record.table('shares', x)", placed)
    assert re.search(r'A table of shares: on the page <a href="other.html#shares">', moved)
    here = catalogue.shown_once("drawn", "record.figure('drawn', figures.intervals(x))", placed)
    assert "api_book.html#ptmreuse.book.figures.intervals" in here
    assert site._not_hers("", ["index.md", "numbers.md", "x.css"]) == ["index.md"]


def test_what_is_staged_and_published(page, tmp_path):
    shown = nbformat.v4.new_output("display_data", {"text/plain": "x"}, metadata={"ptmreuse": {"item": "drawn"}})
    cell = nbformat.v4.new_code_cell("coded.figure('drawn', figures.intervals(x))", outputs=[shown])
    paths.EXECUTED.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), paths.EXECUTED / "01_sampling.ipynb")
    site.stage(parameters.DEFAULTS | {"title": "Mine <here>", "authors": "Ada"})
    staged = nbformat.read(paths.STAGE / "01_sampling.ipynb", 4).cells[0].outputs[0].data
    assert staged.keys() == {"text/html"} and 'id="drawn"' in staged["text/html"]
    config = json.loads((paths.STAGE / "_config.yml").read_text(encoding="utf-8"))
    assert (config["title"], config["author"]) == ("Mine <here>", "Ada")
    site.publish_data(tmp_path / "data")
    numbers = study.read_csv(tmp_path / "data" / "numbers.csv")
    assert numbers["key"].tolist() == ["share", "published", "said", "nothing"]
    given = {path.name for path in (tmp_path / "data").rglob("*.*")}
    assert {"shares.csv", "drawn.svg", "exercises.ipynb", "claims.csv", "inputs.csv"} <= given
    assert not {"drawn.narrow.svg", "items.json", "reads.json"} & given


def test_only_rules_that_a_page_names_stay_in_the_style_sheet(tmp_path):
    sheet = tmp_path / "_static" / "styles" / "pydata-sphinx-theme.css"
    sheet.parent.mkdir(parents=True)
    sheet.write_text("p{a:b}.used,.gone{c:d}.gone p{e:f}@media print{.used:not(.gone){g:h}}", encoding="utf-8")
    (tmp_path / "index.html").write_text("<p class='used'></p>", encoding="utf-8")
    site.drop_unused_rules(tmp_path)
    assert sheet.read_text(encoding="utf-8") == "p{a:b}.used{c:d}@media print{.used:not(.gone){g:h}}"
