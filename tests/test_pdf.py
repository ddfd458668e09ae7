"""The PDF: what is set, what is left out, and that hostile text stays text."""

import re
import subprocess
import sys
from importlib import util

import pytest
from lxml import html as parser

from conftest import inside_pdf, run
from ptmreuse import parameters
from ptmreuse.book import markup, pdf, svg
from ptmreuse.errors import StudyError

CONFIG = {
    "title": "A <title>",
    "author": "Somebody",
    "copyright": "2026",
    "html": {"baseurl": "https://example.org/b/"},
}


def joined(body):
    return f"<html><body><article>{body}</article></body></html>"


def printed(body, values=parameters.DEFAULTS):
    return parser.document_fromstring(pdf.printable(joined(body), CONFIG, dict(values)))


def test_contents_and_links_lead_to_places_of_the_document():
    root = printed(
        '<section id="s"><h1>Start</h1><a id="k" href="claims.html#c1">in</a><a href="glossary.html#gone">page</a>'
        '<a href="data/x.csv">data</a><a href="gone.html">lost</a></section><span id="document-glossary"></span>'
        '<section id="n"><h2>Words <i>of all</i></h2><p id="c1">x</p></section>'
    )
    ids = set(root.xpath("//@id"))
    inside = [link.get("href") for link in root.iter("a") if link.get("href").startswith("#")]
    assert len(inside) == 4 and {target[1:] for target in inside} <= ids
    assert "https://example.org/b/data/x.csv" in root.xpath("//a/@href")
    assert "gone.html" not in root.xpath("//a/@href") and "lost" in root.text_content()
    assert [li.text_content() for li in root.xpath("//nav//li")] == ["Start", "Words of all"]


def test_only_what_paper_can_show_is_set():
    root = printed(
        '<section id="s"><h1>Start</h1><svg class="ptm-wide"><path style="fill: var(--ptm-ink, #1f2933)"/></svg>'
        '<svg class="ptm-narrow"></svg><details class="hide"><p>folded</p></details><div class="ptm-meta">CSV</div>'
        "<script>1</script></section>"
        '<span id="document-api_book"></span><section id="api"><h2>Helpers</h2></section>'
    )
    assert len(root.xpath("//svg")) == 1 and root.xpath("//svg/path/@style") == ["fill: #1f2933"]
    assert not root.xpath("//script") and not {"folded", "CSV", "Helpers"} & set(root.text_content().split())


def test_the_signs_of_the_data_kinds_have_one_colour_on_pages_in_figures_and_in_print():
    colours = pdf.palette()
    assert {name: colours[name] for name in svg.VARIABLES.values() if not name.startswith("--ptm")} == {
        "--published": svg.PUBLISHED, "--coded": svg.CODED, "--assumed": svg.ASSUMED, "--simulated": svg.SIMULATED,
    }  # fmt: skip
    page = pdf.printable(joined("<section id='s'><h1>x</h1></section>"), CONFIG, dict(parameters.DEFAULTS))
    assert "var(" not in page and f".ptm-assumed {{ color: {colours['--assumed']};" in page


def test_parameters_that_differ_stand_on_the_cover():
    text = printed("<section id='s'><h1>x</h1></section>", parameters.DEFAULTS | {"seed": 7}).text_content()
    assert "Made with seed = 7" in text


def test_simulated_papers_are_called_so_on_the_cover_and_on_every_page():
    page = pdf.printable(
        joined("<section id='s'><h1>x</h1></section>"), CONFIG, dict(parameters.DEFAULTS), simulated=True
    )
    assert page.count("Simulated, not evidence") == 2 and "@bottom-right" in page
    assert "Simulated" not in printed("<section id='s'><h1>x</h1></section>").text_content()


def test_hostile_text_is_set_as_text():
    row = {"sentence": "<script>alert(1)</script> $\\frac{1}{0}$ \u202eabc", "data_kind": "coded", "key": "k"}
    root = printed(f"<section id='s'><h1>&lt;b&gt;x</h1>{markup.sentences_html([row])}</section>")
    assert not root.xpath("//script | //b") and "<script>alert(1)</script> $\\frac{1}{0}$" in root.text_content()


def test_a_missing_library_is_named_for_apt(monkeypatch):
    class Missing:
        def find_spec(self, name, *_):
            if name == "weasyprint":
                raise OSError("cannot load library 'libpango-1.0-0': not found")

    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(StudyError, match="apt-get install libpango-1.0-0"):
        pdf.build(parameters.DEFAULTS)


SETTER = pytest.mark.skipif(not util.find_spec("weasyprint"), reason="no PDF was set: pip install weasyprint")


@SETTER
def test_the_book_is_one_tagged_file_with_an_outline(broken_project):
    made = run(broken_project, "pdf")
    assert made.returncode == 0, made.stderr
    unpacked = inside_pdf(broken_project / "_build" / pdf.FILE)
    assert b"/MarkInfo" in unpacked and b"/StructTreeRoot" in unpacked and b"/Outlines" in unpacked
    assert len(re.findall(rb"/Type /Page\b", unpacked)) < 60  # lookups stay on the screen


@SETTER
@pytest.mark.slow
def test_two_files_have_the_same_bytes(tmp_path):
    """Set here and by another process; the pages that are set have the same bytes as those of the site."""
    body = "<section id='s'><h1>Start</h1><svg class='ptm-wide'><text>x</text></svg><table><tr><td>1</td></tr></table>"
    page = pdf.printable(joined(body), CONFIG, dict(parameters.DEFAULTS))
    (tmp_path / "page").write_text(page, encoding="utf-8")
    pdf.set_page(page, tmp_path / "a")
    code = "import sys; from ptmreuse.book import pdf; pdf.set_page(open(sys.argv[1]).read(), sys.argv[2])"
    subprocess.run([sys.executable, "-c", code, tmp_path / "page", tmp_path / "b"], check=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
