"""The book as its readers meet it: sound files, hostile text, the same bytes again, and every page in a browser."""

import functools
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import util
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from lxml import html as parser

import made_study
from conftest import bytes_below, offline, run
from ptmreuse import paths
from ptmreuse.analysis import patterns
from ptmreuse.book import catalogue, check, figures, record
from ptmreuse.book.site import weight
from ptmreuse.errors import StudyError
from ptmreuse.evidence import names, simulated

HOSTILE = (
    "<script>document.title = 'run'</script>",
    '"><img src=x onerror="document.title = 1">',
    '=HYPERLINK("http://example.org")',
    "**bold** [link](http://example.org) {num}`claims_all` ```",
    r"$\frac{1}{0}$ \input{/etc/passwd} \(x",
    "نموذج ‮reversed‬ עברית",
    "模型 🧠 \x00\x07 & ' \" ]]> --> </table></svg></style>",
    "a" * 1_000_000,
)


# --- gates: each is broken on purpose ------------------------------------------------------------------------


def site(tmp_path, body):
    (tmp_path / "index.html").write_text(f"<html><body id='top'>{body}</body></html>", encoding="utf-8")
    (tmp_path / "ok.png").write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("<script src='https://cdn.example.org/x.js'></script>", "cdn.example.org"),
        ("<link rel='stylesheet' href='//cdn.example.org/x.css'>", "cdn.example.org"),
        ("<div style='background: url(http://example.org/x.png)'></div>", "example.org"),
        ("<style>@import 'https://example.org/x.css'</style>", "example.org"),
        ("<img src='ok.png'>", "alt None"),
        ("<img src='ok.png' alt='_images/ab12.png'>", "_images/ab12.png"),
        ("<img src='gone.png' alt='four words about it'>", "gone.png"),
        ("<a href='gone.html'>x</a>", "gone.html"),
        ("<a href='#gone'>x</a>", "#gone"),
        ("<a href='index.html#gone'>x</a>", "index.html#gone"),
        ("<svg role='img'></svg>", "without a label"),
        ("<p>&lt;Figure size 500x300 with 1 Axes&gt;</p>", "Figure size"),
    ],
)
def test_check_refuses(tmp_path, body, found):
    with pytest.raises(StudyError, match=re.escape(found)):
        check.check(site(tmp_path, body))


def test_check_refuses_a_style_sheet_that_loads_from_elsewhere(tmp_path):
    (tmp_path / "x.css").write_text("@font-face { src: url(https://fonts.example.org/x.woff2) }", encoding="utf-8")
    with pytest.raises(StudyError, match="fonts.example.org"):
        check.check(site(tmp_path, ""))


def test_check_accepts_sound_pages(tmp_path):
    check.check(
        site(
            tmp_path,
            "<a href='#top'>x</a> <a href='https://example.org'>out</a> <img src='ok.png' alt='A dot'>"
            "<figure class='ptm-table'><td>&lt;Figure size 500x300 with 1 Axes&gt; is a model's name</td></figure>",
        )
    )


def test_unknown_key_and_result_stop_the_build(broken_project):
    """All that is wrong on a page is said at once; the page stands for the book."""
    book = broken_project / "book"
    (book / "_toc.yml").write_text("format: jb-book\nroot: adapt\n", encoding="utf-8")
    wrong = "# X\n\n{num}`claims_al`, {num}`claims_all|intervall`, {kind}`codet`\n\n```{result} no_such\n```\n"
    (book / "adapt.md").write_text(wrong, encoding="utf-8")
    made = run(broken_project, "book")
    assert made.returncode == 1
    assert "unknown key 'claims_al'; did you mean claims_all?" in made.stderr
    assert "expected key or key|interval, found 'claims_all|intervall'" in made.stderr
    assert "unknown key 'codet'" in made.stderr
    assert "no_such" in made.stderr
    assert "adapt.md:" in made.stderr


# --- text from data is text everywhere -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory):
    """Hostile model names and titles of a simulated corpus, recorded as a table, a figure and a sentence."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("PTMREUSE_RESULTS", str(tmp_path_factory.mktemp("results")))
        shown = []
        monkeypatch.setattr(record, "display", lambda data, **_: shown.append(data["text/html"]))
        return written(record.Recorder("hostile", kind="simulated"), shown)


def written(notebook, shown):
    tables, _ = simulated.simulate_corpus(7, papers=400)
    codes = tables["reuse"].copy()
    codes["model"] = [HOSTILE[i % len(HOSTILE)] for i in range(len(codes))]
    matched = names.normalise(pd.Series(HOSTILE, name="model"))
    notebook.table("names", matched, caption=f"Names such as {HOSTILE[0]}")
    codes["canonical"] = codes["family"] = codes["model"]
    ranked = patterns.most_reused(codes, "canonical", conf=0.95)
    alt = f"Bars of papers per model. First: {HOSTILE[1]} and {HOSTILE[5]}"
    notebook.figure("ranking", figures.ranking(ranked), caption=f"Models {HOSTILE[3]} here", alt=alt, data=ranked)
    notebook.number("worst", 3, about=HOSTILE[0] + HOSTILE[4], unit=HOSTILE[1])
    notebook.say("worst")
    return notebook.folder, "<!DOCTYPE html><html><meta charset='utf-8'><body>" + "".join(shown) + "</body></html>"


def test_hostile_text_adds_no_element_and_no_attribute(hostile_page):
    folder, page = hostile_page
    root = parser.document_fromstring(page)
    assert not root.xpath("//script | //img | //a | //b | //strong | //iframe")
    assert not root.xpath("//@*[starts-with(name(), 'on')]")
    assert len(root.xpath("//table")) == 1 and len(root.xpath("//svg")) == 2
    cells = [cell.text_content() for cell in root.xpath("//tbody/tr/*[1]")]
    assert set(cells) >= {HOSTILE[0], HOSTILE[1], HOSTILE[3], HOSTILE[4]}
    assert len(page) < 400_000  # the megabyte is cut, and said to be
    assert any("1,000,000 characters" in cell for cell in cells)
    assert not re.search("[\x00-\x08\u202a-\u202e]", page)


def test_hostile_text_is_drawn_as_text(hostile_page):
    folder, _ = hostile_page
    for layout in ("", ".narrow"):
        svg = (folder / f"ranking{layout}.svg").read_text(encoding="utf-8")
        root = parser.etree.fromstring(svg.encode())
        drawn = ["".join(t.itertext()) for t in root.iter("{*}text", "{*}tspan")]
        assert not list(root.iter("{*}script", "{*}img"))
        assert any("$" in text and "frac" in text for text in drawn)
        assert any("模型" in text for text in drawn)


def test_no_cell_of_a_csv_is_a_formula(hostile_page):
    folder, _ = hostile_page
    for path in folder.glob("*.csv"):
        if path.name == "numbers.csv":  # the pipeline's own; the published one is made by results.safe
            continue
        frame = pd.read_csv(path, dtype="str", keep_default_na=False)
        cells = [*frame.columns, *frame.to_numpy().ravel()]
        assert not [c for c in cells if str(c).startswith(("=", "+", "@", "\t")) or re.match(r"-\D", str(c))]
    assert "'=HYPERLINK" in (folder / "names.csv").read_text(encoding="utf-8")


# --- what is bundled -----------------------------------------------------------------------------------------


def test_fonts_are_small_and_licensed():
    folder = paths.BOOK / "static" / "fonts"
    assert sum(p.stat().st_size for p in folder.glob("*.woff2")) <= 150 * 1024
    assert all("SIL Open Font License" in p.read_text(encoding="utf-8") for p in folder.glob("LICENSE*"))


def test_what_notebooks_meet_is_documented_on_one_page_and_modules_are_named_once():
    pages = catalogue.api_pages()
    listed = [name for text in pages.values() for name in re.findall(r"^\.\. helpers:: ([\w.]+)$", text, flags=re.M)]
    assert len(set(listed)) == len(listed) and {"statistics.shares", "book.record"} <= set(listed)
    assert {"statistics.shares.proportion", "book.record.Recorder"} <= catalogue.documented()
    files = [p for p in paths.SOURCE.rglob("*.py") if not p.stem.startswith("__") and p.parent.name != "commands"]
    assert len({p.stem for p in files}) == len(files)  # a page links a helper by its module's name
    toc = (paths.BOOK / "_toc.yml").read_text(encoding="utf-8")
    assert all(f"file: {page}" in toc for page in pages)
    assert catalogue.helpers_in("against_authors.is_number('1')") == []  # its room has no page to link


def test_a_notebook_that_is_no_python_stops_no_book_or_is_named(tmp_path, monkeypatch):
    shutil.copytree(paths.NOTEBOOKS, tmp_path / "notebooks")
    magic = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("%matplotlib inline")])
    nbformat.write(magic, tmp_path / "notebooks" / "Untitled.ipynb")
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "notebooks")
    found = catalogue.documented.__wrapped__
    assert "statistics.shares.proportion" in found()
    nbformat.write(magic, tmp_path / "solutions.ipynb")
    monkeypatch.setattr(paths, "SOLUTIONS", tmp_path / "solutions.ipynb")
    with pytest.raises(StudyError, match="solutions.ipynb: expected cells of plain Python"):
        found()


def test_finding_the_book(built_book):
    root = parser.parse(str(built_book / "claims.html")).getroot()
    assert root.xpath("string(//meta[@name='description']/@content)")
    card = root.xpath("string(//meta[@property='og:image']/@content)").rpartition("/_static/")[2]
    assert (built_book / "_static" / card).exists()
    places = parser.etree.parse(str(built_book / "sitemap.xml")).getroot()
    listed = {loc.text.rpartition("/")[2] for loc in places.iter("{*}loc")}
    assert listed == {p.name for p in built_book.glob("*.html")} - {"search.html", "404.html"}
    assert (built_book / ".nojekyll").exists() and (built_book / "robots.txt").exists()
    assert (built_book / "data" / "notebooks" / "01_sampling.ipynb").exists()


def test_every_icon_is_in_the_bundled_font(built_book):
    from fontTools.ttLib import TTFont

    sheet = (built_book / "_static" / "styles" / "pydata-sphinx-theme.css").read_text(encoding="utf-8")
    codes = {}
    for selectors, code in re.findall(
        r'((?:\.fa-[a-z0-9-]+:{1,2}(?:before|after),?)+)\{content:"\\([0-9a-f]+)"', sheet
    ):
        codes |= dict.fromkeys(re.findall(r"fa-[a-z0-9-]+", selectors), int(code, 16))
    used = set()
    for page in built_book.glob("*.html"):
        used |= set(re.findall(r"fa-(?!solid|lg|regular|brands)[a-z-]+", page.read_text(encoding="utf-8")))
    with TTFont(built_book / "_static" / "fonts" / "icons.woff2") as font:
        assert used and {codes[f] for f in used} <= set(font.getBestCmap())


def test_what_a_page_weighs(built_book):
    """At most 250 KiB for a text page and 400 KiB for a figure page, everything it loads, compressed."""
    weights = {page.name: sum(weight(page).values()) for page in built_book.glob("*.html")}
    heavy = {"01_sampling.html", "02_coding.html", "03_tests.html", "04_findings.html", "claims.html", "index.html"}
    too_heavy = {n: w for n, w in weights.items() if w > (400 if n in heavy or n == "study.html" else 250) * 1024}
    assert not too_heavy


# --- the same bytes again, without network -------------------------------------------------------------------


def test_steps_and_notebooks_run_again_elsewhere_record_the_same_bytes(built_project, tmp_path, monkeypatch):
    """The pages are made again by `release`: see test_review. No command reaches the network: see `conftest.run`."""
    made_study.run_steps(tmp_path, monkeypatch)
    for part in ("tables", "results"):
        # What a cell reads is watched from a process's first import on; the parameters are those of a whole run.
        ours, theirs = (
            {name: data for name, data in bytes_below(folder / part).items()
             if not name.endswith(("reads.json", "parameters.csv"))} for folder in (tmp_path, built_project / "_build")
        )  # fmt: skip
        assert ours.keys() == theirs.keys()
        assert [name for name in ours if ours[name] != theirs[name]] == []


def test_the_block_blocks():
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    tried = subprocess.run([sys.executable, "-c", code], env=offline(), capture_output=True, text=True, check=False)
    assert "network is blocked" in tried.stderr


# --- every page in a browser ---------------------------------------------------------------------------------

PAGES = sorted(
    {p.stem + ".html" for p in paths.BOOK.glob("*.md")} | {p.stem + ".html" for p in paths.NOTEBOOKS.glob("*.ipynb")}
    | {"search.html", "404.html"}
)  # fmt: skip
MISSING = "no page was opened in a browser: install Chromium (apt-get install chromium) or set CHROMIUM to its path"


@pytest.fixture(scope="session")
def browser():
    known = [os.environ.get("CHROMIUM"), *map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))]
    found = next((path for path in known if path), None)
    if not found:
        pytest.skip(MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        started = player.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield started
        started.close()


@pytest.fixture(scope="session")
def served(built_book):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(built_book)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def tab(browser):
    """The one page of the browser that all tests use, and everything that went wrong on it."""
    page = browser.new_context().new_page()
    page.on("request", lambda r: page.asked.append(r.url))
    page.on("requestfailed", lambda r: page.wrong.append(f"failed: {r.url}"))
    page.on("response", lambda r: page.wrong.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
    page.on("console", lambda m: page.wrong.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: page.wrong.append(str(e)))
    return page


@pytest.fixture
def watched(tab):
    """That page, empty, wide and light."""
    tab.asked, tab.wrong = [], []
    tab.set_viewport_size({"width": 1400, "height": 900})
    tab.emulate_media(media="screen", color_scheme="light")
    yield tab
    tab.goto("about:blank")  # what a page still asks for is nothing of the next test


AXE = """async ([rules, every]) => {
  // Colours repeat from row to row and from function to function, and the rule is slow: three texts of every kind
  // are enough, and what was judged at one width is not judged at the next. It does not judge what is drawn.
  const seen = window.judged ||= {};
  const first = every || [...document.querySelectorAll('body *')].filter(e => {
    if (e.closest('svg') || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) return false;
    const kind = [e.tagName, getComputedStyle(e.parentElement).color];
    const {color, fontSize, fontWeight, textDecorationLine} = getComputedStyle(e);
    const large = parseFloat(fontSize) >= (fontWeight < 700 ? 24 : 18.66);  // may be paler
    for (let up = e; up; up = up.parentElement) {
      const {backgroundColor, backgroundImage, opacity} = getComputedStyle(up);
      kind.push(backgroundColor, backgroundImage, opacity);
    }
    const name = [color, large, fontWeight, textDecorationLine, ...new Set(kind)].join();
    return (seen[name] = (seen[name] || 0) + 1) <= 3;
  });
  if (!every) {
    if (!first.length) return [];
    const kept = new Set();
    for (let e of first) for (; e; e = e.parentElement) kept.add(e);
    document.querySelectorAll('.highlight span, tbody tr').forEach(e => { if (!kept.has(e)) e.remove() });
  }
  const options = {resultTypes: ['violations'], preload: false, ...rules};  // nor does it ask for style sheets
  const found = await axe.run(every ? document : {include: first}, options);
  const where = v => v.nodes.slice(0, 3).map(n => n.html.slice(0, 200)).join(' | ');
  return found.violations.map(v => v.id + ' (' + v.impact + '): ' + where(v));
}"""
CUT = """[...document.querySelectorAll('.ptm-scroll')].filter(e => e.scrollWidth > e.clientWidth)
    .map(e => e.parentElement.id)"""
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
OTHERS = {"rules": {name: {"enabled": False} for name in COLOURS["runOnly"]}}


def barriers(page, name):
    """What axe-core finds on the page at both widths: every rule; what depends on colours, in both modes."""
    page.evaluate(Path(util.find_spec("axe_playwright_python").origin).with_name("axe.min.js").read_text("utf-8"))
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    # A colour that is still fading into the other mode is not what a reader sees.
    page.add_style_tag(content="*, *::before, *::after { transition: none !important }")
    found = []
    for rules, widths in ((OTHERS, (390, 1400)), (COLOURS, (1400, 390))):
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")  # scripts hear of it
            for mode in ("dark", "light") if rules is COLOURS else ("light",):
                page.emulate_media(color_scheme=mode)
                if name != "404.html":
                    page.wait_for_function(f"document.documentElement.dataset.theme === '{mode}'")
                found += page.evaluate(AXE, [rules, rules is OTHERS])
        page.evaluate("document.querySelectorAll('svg').forEach(drawn => drawn.replaceChildren())")
    return found


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_only_from_its_folder_and_keeps_nobody_out(name, watched, built_book):
    """From the disk, which is stricter than a server; some come from a server below."""
    watched.goto((built_book / name).as_uri())
    watched.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    for width in (1400, 390):
        watched.set_viewport_size({"width": width, "height": 844})
        assert watched.evaluate("document.documentElement.scrollWidth") <= width
        assert watched.evaluate(CUT) == []
    assert barriers(watched, name) == []
    # Asked at the end: scripts and the browser ask for more when they like.
    broken = watched.evaluate("[...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src)")
    assert broken == []
    assert not watched.wrong
    assert [url for url in watched.asked if not url.startswith((built_book.as_uri() + "/", "data:"))] == []


def test_a_text_that_cannot_be_read_is_seen(watched, built_book):
    watched.goto((built_book / "glossary.html").as_uri())
    watched.add_style_tag(content="html[data-theme=dark] p { color: #444 !important }")
    assert {said.split()[0] for said in barriers(watched, "glossary.html")} == {"color-contrast"}


def test_the_page_text_can_be_read_without_scripts(browser, built_book):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((built_book / "claims.html").as_uri())
    assert (
        page.locator("table.ptm-long tbody tr").count() == page.locator("table.ptm-long tbody tr:visible").count() > 20
    )
    assert not page.locator(".ptm-filter").is_visible()
    context.close()


def test_claims_can_be_filtered_and_linked_to(watched, built_book):
    watched.goto((built_book / "claims.html").as_uri())
    rows = watched.locator("table.ptm-long tbody tr:visible")
    everything = rows.count()
    watched.get_by_label("Verdict", exact=False).and_(watched.locator("select")).select_option("not checkable")
    assert 0 < rows.count() < everything
    watched.get_by_label("Find in this table").fill("zzz")
    assert rows.count() == 0 and watched.locator(".ptm-filter output").inner_text().startswith("0 of")
    watched.get_by_label("Find in this table").fill("")
    claim = pd.read_csv(paths.DATA / "claims.csv")["id"].iloc[-1]
    watched.goto((built_book / "claims.html").as_uri() + f"#{claim}")
    assert watched.locator(f"tr[id='{claim}']").is_visible()


def test_search_finds_claims_and_models(watched, served):
    claim = pd.read_csv(paths.DATA / "claims.csv")["id"].iloc[-1]
    for words, page in {
        "AlexNet": "02_coding",
        claim: "claims",
        "evidence_papers": "numbers",
        "AC1": "references",
    }.items():
        watched.goto(f"{served}search.html?q={words}")
        watched.wait_for_selector("#search-results li a")
        assert f"{page}.html" in " ".join(
            watched.locator("#search-results li a").evaluate_all("a => a.map(x => x.href)")
        )


def test_the_keyboard_reaches_everything(watched, built_book):
    watched.goto((built_book / "claims.html").as_uri())
    watched.keyboard.press("Tab")
    assert watched.evaluate("document.activeElement.textContent") == "Skip to main content"
    wanted = watched.locator(
        "main a:visible, main button:visible, main summary:visible, main input:visible, main select:visible"
    )
    unreachable = wanted.evaluate_all("all => all.filter(e => e.tabIndex < 0).map(e => e.outerHTML.slice(0, 80))")
    assert unreachable == []


def test_hostile_text_does_not_run(hostile_page, watched, tmp_path):
    (tmp_path / "page.html").write_text(hostile_page[1], encoding="utf-8")
    watched.goto((tmp_path / "page.html").as_uri())
    assert watched.title() == ""
    assert watched.wrong == []
    assert watched.get_by_text(HOSTILE[0]).first.is_visible()


def test_from_a_server_pages_load_nothing_else_and_the_layout_stays_put(watched, served):
    for name in ("index.html", "claims.html", "01_sampling.html", "03_tests.html", "references.html", "404.html"):
        watched.goto(served + name)
        watched.wait_for_load_state("networkidle")
        moved = watched.evaluate("""new Promise(done => { new PerformanceObserver(list => done(list.getEntries().reduce(
            (sum, e) => sum + (e.hadRecentInput ? 0 : e.value), 0))).observe({type: 'layout-shift', buffered: true});
            setTimeout(() => done(0), 100) })""")
        assert moved < 0.1, name
        assert not watched.wrong, name
    # Asked at the end: a browser fetches the icon when it likes, perhaps only on the next page.
    assert [url for url in watched.asked if not url.startswith((served, "data:"))] == []


def test_the_parameters_page_is_data_too(built_book):
    rows = parser.parse(str(built_book / "parameters.html")).xpath("//figure[@id='parameters-table']//tbody/tr")
    shown = {row[0].text_content(): row[1].text_content() for row in rows}
    table = pd.read_csv(built_book / "data" / "parameters.csv", dtype="str", keep_default_na=False)
    assert shown == dict(zip(table["name"], table["value"], strict=True)) and shown["seed"] == "20260313"


def test_paper_is_light_and_keeps_titles_and_verdicts(watched, built_book):
    """Printed from dark mode: the title is there, texts are dark, what is drawn by backgrounds is printed."""
    watched.emulate_media(color_scheme="dark")
    watched.goto((built_book / "reproduce.html").as_uri())
    watched.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    watched.emulate_media(media="print", color_scheme="dark")
    assert watched.locator("article h1").is_visible()
    shades = watched.evaluate("""[...document.querySelectorAll('article :is(h1, p, pre, td, span)')].map(e =>
        Math.max(...getComputedStyle(e).color.match(/\\d+/g).slice(0, 3).map(Number)))""")
    assert max(shades) < 170
    watched.goto((built_book / "03_tests.html").as_uri())
    drawn = watched.evaluate("""[...document.querySelectorAll('.ptm-svg text')].map(e => getComputedStyle(e).fill)""")
    assert drawn and not [c for c in drawn if max(map(int, re.findall(r"\d+", c)[:3])) > 170]


def test_on_a_phone_the_rows_of_a_wide_table_are_cards(watched, built_book):
    watched.set_viewport_size({"width": 390, "height": 844})
    watched.goto((built_book / "claims.html").as_uri())
    cells = watched.locator("table.ptm-stack tbody td:visible")
    boxes = cells.evaluate_all("all => all.map(e => { const b = e.getBoundingClientRect(); return [b.left, b.right] })")
    assert boxes and all(left >= 0 and right <= 390 for left, right in boxes)
    assert all(cells.evaluate_all("all => all.map(e => e.dataset.label)"))


def test_every_button_shows_its_focus(watched, built_book):
    watched.goto((built_book / "claims.html").as_uri())
    unseen = []
    for _ in range(30):
        watched.keyboard.press("Tab")
        unseen += watched.evaluate("""(e => ['none', '0px'].some(look => getComputedStyle(e).outline.includes(look))
            ? [e.outerHTML.slice(0, 80)] : [])(document.activeElement)""")
    assert unseen == []


# --- a book that tells a story -------------------------------------------------------------------------------


def test_no_table_or_figure_stands_on_two_pages(built_book):
    places = {}
    for page in built_book.glob("*.html"):
        for name in parser.parse(str(page)).xpath("//figure[contains(@class, 'ptm-')]/@id"):
            places.setdefault(name, []).append(page.name)
    assert len(places) > 30 and {n: p for n, p in places.items() if len(p) > 1} == {}


def test_every_mark_of_the_board_is_a_named_link_to_its_claim(built_book):
    marks = parser.parse(str(built_book / "index.html")).xpath("//dl[@class='ptm-board']//a")
    claims = pd.read_csv(paths.DATA / "claims.csv").query("board == 'study'").set_index("id")["statement"]
    rows = parser.parse(str(built_book / "claims.html")).xpath("//tr/@id")
    assert {a.get("href").partition("#")[2] for a in marks} == set(claims.index) <= set(rows)
    for a in marks:
        assert a.text_content().startswith(claims[a.get("href").partition("#")[2]])


def test_what_rests_on_assumed_rates_says_so(built_book):
    for figure in parser.parse(str(built_book / "validation.html")).xpath("//figure[contains(@class, 'ptm-table')]"):
        assert figure.xpath("string(.//figcaption/span)") == "Assumed, what if", figure.get("id")


@pytest.mark.parametrize(("words", "place"), [
    ("adaptation-share", "claims.html#adaptation-share"),
    ("license", "data.html#rights"),
    ("licence", "data.html#rights"),
])  # fmt: skip
def test_the_search_finds_the_place_first(watched, served, words, place):
    watched.goto(f"{served}search.html?q={words}")
    watched.wait_for_selector("#search-results li a")
    assert watched.locator("#search-results li a").first.get_attribute("href").split("?")[0].endswith(place)


def test_the_pilot_can_be_filtered_by_year_and_pattern(watched, built_book):
    watched.goto((built_book / "data.html").as_uri())
    papers = watched.locator("#pilot_papers-csv")
    papers.locator("label", has_text="Year").locator("select").select_option("2024")
    assert papers.locator("tbody tr:visible").count() == 10
    pairs = watched.locator("#pilot_pairs-csv")
    pairs.locator("label", has_text="Pattern").locator("select").select_option("deployment")
    assert pairs.locator("tbody tr:visible").count() == 10


def test_a_term_says_what_it_means_where_it_stands(built_book):
    terms = parser.parse(str(built_book / "index.html")).xpath("//a[contains(@href, 'glossary.html#term-')]/@title")
    assert any("trained and published" in meaning for meaning in terms)


def test_a_reader_makes_the_choices_of_a_specification_curve(watched, built_book):
    watched.goto((built_book / "04_findings.html").as_uri())
    figure = watched.locator("#curve_adaptation")
    before = figure.locator(".ptm-choose output").inner_text()
    figure.get_by_label("counted").select_option("reusing papers")
    after = figure.locator(".ptm-choose output").inner_text()
    drawn = pd.read_csv(built_book / "data" / "04_findings" / "curve_adaptation.csv").query(
        "claim == 'adaptation leads'"
    )
    first = drawn[drawn["counted"] == "reusing papers"].iloc[0]
    assert after != before and after.startswith(f"{first['value']:.2f}, interval {first['low']:.2f}")


def test_a_large_count_has_its_separators_in_every_table(built_book):
    for path in built_book.glob("*.html"):
        cells = [cell.text_content().strip() for cell in parser.parse(str(path)).getroot().xpath("//article//td")]
        bare = [text for text in cells if re.fullmatch(r"\d{5,}", text)]
        assert path.name == "parameters.html" or not bare  # a parameter stands as it is written
