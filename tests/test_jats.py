"""The article reader on short invented test texts, and on everything a file can do wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ptmreuse.coding import articles
from ptmreuse.coding.articles import read_article
from ptmreuse.coding.characters import plain
from ptmreuse.errors import StudyError

# Invented test text: every trap in one small article.
TRAPS = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE article PUBLIC "-//NLM//DTD JATS//EN" "http://example.invalid/JATS.dtd">
<article article-type="research-article" xmlns:xlink="http://www.w3.org/1999/xlink"><front>
<journal-meta><journal-title-group><journal-title>Test Letters</journal-title></journal-title-group>
</journal-meta>
<article-meta><article-id pub-id-type="pmid">1</article-id>
<article-id pub-id-type="doi">10.1234/ABC.5</article-id>
<title-group><article-title>CO<sub>2</sub> and <italic>Mus</italic><xref ref-type="fn">*</xref></article-title>
</title-group>
<pub-date pub-type="collection"><year>2021</year></pub-date>
<pub-date pub-type="epub"><year>2020</year></pub-date>
<abstract><p>First abstract.</p></abstract>
<abstract abstract-type="summary"><title>Author summary</title><p>Second abstract.</p></abstract>
<kwd-group><kwd>mice</kwd><kwd>air</kwd></kwd-group></article-meta></front>
<body><p>Loose paragraph.</p>
<sec><title>Methods</title><sec><title>Nets</title>
<p>AlexNet<sup><xref ref-type="bibr" rid="r1">12</xref></sup> saw CO<sub>2</sub><!-- not this -->
 where
<inline-formula><alternatives><tex-math>\\usepackage{amsmath}</tex-math></alternatives></inline-formula>x held;
 <fig><label>Fig 1</label><caption><title>Mice.</title><p>Grey ones.</p></caption></fig> tail.</p>
<list><list-item><p>item one</p></list-item></list>
<table-wrap><label>Table 1</label><caption><p>Counts</p></caption>
<table><tr><th>mouse</th><th>n</th></tr><tr><td>grey</td><td>7</td></tr></table>
<table-wrap-foot><fn><p>n: number</p></fn></table-wrap-foot></table-wrap></sec></sec>
<sec sec-type="ref-list"><title>References</title><p>Cited title in a section.</p></sec>
<sec><title>Hidden</title>
<ref-list><ref><mixed-citation>Cited title in a list.</mixed-citation></ref></ref-list></sec>
</body>
<back><ack><p>Thanks.</p></ack><app-group><app><title>Appendix</title><sec><title>More methods</title>
<p>Appended method.</p></sec></app></app-group>
<ref-list><ref><mixed-citation>Cited title.</mixed-citation></ref></ref-list></back>
<floats-group><fig><label>Fig 2</label><caption><p>Floating.</p></caption></fig></floats-group>
<sub-article><front-stub>
<title-group><article-title>Author response</article-title></title-group></front-stub>
<body><p>Reviewer 1: use ResNet.</p></body></sub-article>
<response><body><p>We answer.</p></body></response></article>"""


def article(body, front=""):
    return f"<article><front><article-meta>{front}</article-meta></front><body>{body}</body></article>".encode()


def test_every_trap():
    read = read_article(TRAPS)
    assert (read.doi, read.title, read.year) == ("10.1234/abc.5", "CO2 and Mus", 2020)
    assert (read.journal, read.article_type, read.full_text) == ("Test Letters", "research-article", True)
    assert list(read.sections) == [
        ("Title", "title", "CO2 and Mus"),
        ("Abstract", "abstract", "First abstract."),
        ("Abstract > Author summary", "abstract", "Second abstract."),
        ("Keywords", "keywords", "mice; air"),
        ("", "paragraph", "Loose paragraph."),
        ("Methods > Nets", "paragraph", "AlexNet saw CO2 where x held; tail."),
        ("Methods > Nets", "caption", "Fig 1 Mice. Grey ones."),
        ("Methods > Nets", "paragraph", "item one"),
        ("Methods > Nets", "caption", "Table 1 Counts"),
        ("Methods > Nets", "table", "mouse | n\ngrey | 7"),
        ("Methods > Nets", "caption", "n: number"),
        ("", "caption", "Fig 2 Floating."),
        ("Acknowledgments", "back", "Thanks."),
        ("Appendix > More methods", "paragraph", "Appended method."),
    ]


@pytest.mark.parametrize("sign", ["‐", "‑", "‒", "–", "—", "−", "﹣", "－"])
def test_every_dash_is_a_hyphen(sign):
    data = article(f"<p>fine{sign}tuned ResNet{sign}50</p>".encode().decode())
    assert read_article(data).sections[0][2] == "fine-tuned ResNet-50"
    assert read_article(f"fine{sign}tuned".encode()).sections[0][2] == "fine-tuned"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Cell\u00adpose and Res\u200bNet\u2060-50", "Cellpose and ResNet-50"),
        ("\ufb01ne-tuned, classi\ufb01ed, \uff32es\uff2eet", "fine-tuned, classified, ResNet"),
        ("a con-\nvolutional net", "a convolutional net"),
        ("pre-\n  trained ResNet-\n50, U-\nNet", "pre-trained ResNet-50, U-Net"),
        ("pre\u2010\ntrained, wave\u00ad\nlength", "pre-trained, wavelength"),
        ("an edge-case and the edge-\ncase", "an edge-case and the edge-case"),
        ("VGG16\u00b9\u00b2 on 10\u2076 m\u207b\u00b2", "VGG16^12 on 10^6 m^-2"),
        ("YOLO<sup>3</sup>, AlphaFold™", "YOLO^3, AlphaFold"),
    ],
)
def test_plain_characters(written, read):
    assert " ".join(plain(written).split()) == read
    assert plain(plain(written)) == plain(written)


CITED = ["<sup><xref>{}</xref></sup>", "<xref ref-type='bibr'><sup>{}</sup></xref>", "<xref>{}</xref>", "<sup>{}</sup>"]
CITED += ["<sup><bold><xref>{}</xref></bold></sup>", "<sup>[<xref ref-type='bibr'>{}</xref>]</sup>"]
CITED += [
    "<sup><ext-link>{}</ext-link></sup>",
    "<fn><label>{}</label><p>A note.</p></fn>",
    "<italic><xref>{}</xref></italic>",
]


@pytest.mark.parametrize("form", CITED)
@pytest.mark.parametrize(
    ("name", "mark"), [("VGG16", "12"), ("ResNet", "50"), ("YOLO", "3"), ("BERT", "1,2"), ("GPT", "a")]
)
def test_the_mark_of_a_reference_is_no_part_of_a_name(form, name, mark):
    text = read_article(article(f"<p>We used {name}{form.format(mark)} here.</p>")).sections[0][2]
    assert text.startswith(f"We used {name}")
    assert not text.startswith(f"We used {name}{mark[0]}")
    assert not text.startswith(f"We used {name}-{mark[0]}")
    assert "here." in text


def test_other_cross_references_and_powers_stay():
    body = "<p>Fig. <xref ref-type='fig'>2</xref>; nets [<xref>3</xref>]; Table<xref ref-type='table'>4</xref>; "
    body += "10<sup>6</sup></p>"
    assert read_article(article(body)).sections[0][2] == "Fig. 2; nets [3]; Table4; 10^6"


def test_boxes_groups_lists_code_and_other_tables_are_read():
    body = """<sec><title>Methods</title><boxed-text><label>Box 1</label>
    <caption><title>Training</title><p>Boxed.</p></caption><p>More.</p></boxed-text>
    <fig-group><caption><title>Group.</title></caption><fig><label>Fig 1</label><attrib>By us.</attrib></fig>
    </fig-group>
    <list><title>Steps</title><list-item><p>one</p></list-item></list><code>import x</code>
    <p>Before <preformat>run y</preformat> after.</p>
    <o:table xmlns:o="oasis"><o:tgroup><o:row><o:entry>a</o:entry>
    <o:entry>b</o:entry></o:row></o:tgroup></o:table></sec>"""
    assert list(read_article(article(body)).sections) == [
        ("Methods > Training", "paragraph", "Boxed."),
        ("Methods > Training", "paragraph", "More."),
        ("Methods", "caption", "Group."),
        ("Methods", "caption", "Fig 1"),
        ("Methods", "caption", "By us."),
        ("Methods", "paragraph", "Steps"),
        ("Methods", "paragraph", "one"),
        ("Methods", "paragraph", "import x"),
        ("Methods", "paragraph", "Before after."),
        ("Methods", "paragraph", "run y"),
        ("Methods", "table", "a | b"),
    ]


def test_harvested_record_with_namespaces():
    data = b"""<record xmlns="http://www.openarchives.org/OAI/2.0/"><metadata>
    <article xmlns="https://jats.nlm.nih.gov/ns/archiving/1.3/"><body><sec><title>Results</title>
    <p>Two cats.</p></sec></body></article></metadata></record>"""
    assert read_article(data).sections == (("Results", "paragraph", "Two cats."),)


def test_undeclared_character_entities_of_the_dtd_are_characters():
    data = b'<!DOCTYPE article SYSTEM "x.dtd"><article><body><p>5&nbsp;&alpha;m</p></body></article>'
    assert read_article(data).sections == (("", "paragraph", "5 αm"),)


def test_abstract_alone_is_not_full_text():
    read = read_article(article("", "<abstract>Only this.</abstract>"))
    assert not read.full_text
    assert read.sections == (("Abstract", "abstract", "Only this."),)


def test_plain_text_with_marked_headings(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text(
        "Doe, Jane\nTest Letters, 2019\ndoi:10.1234/X.Y\n\n# Title\n\nOn cats\n\n# Abstract\nShort.\n\n"
        "# Body\n## Methods\n### Cats\n\nWe counted\ncats.\n\n## References\n\nCited title.\n",
        encoding="utf-8",
    )
    read = read_article(file)
    assert (read.title, read.year, read.journal, read.doi) == ("On cats", 2019, "Test Letters", "10.1234/x.y")
    assert read.sections[1:] == (
        ("Title", "title", "On cats"),
        ("Abstract", "abstract", "Short."),
        ("Methods > Cats", "paragraph", "We counted cats."),
    )


def test_plain_text_with_bare_headings_and_none():
    read = read_article(b"On cats\n\nAbstract\nShort.\n\n2. Materials and Methods\nWe counted.\n\nReferences\nCited.")
    assert read.title == "On cats"
    assert read.sections[1:] == (
        ("Abstract", "abstract", "Short."),
        ("2. Materials and Methods", "paragraph", "We counted."),
    )
    for heading in ("2 | MATERIALS AND METHODS", "II. METHODS", "2. Materials & Methods", "3.1 | Methods"):
        assert read_article(f"Abstract\nShort.\n\n{heading}\nWe counted.".encode()).sections[1][0] == heading
    assert read_article(b"Just one paragraph.").sections == (("", "paragraph", "Just one paragraph."),)


LAUGHS = b"""<!DOCTYPE article [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>
<article><body><p>&b;</p></body></article>"""
XXE = b"""<!DOCTYPE article [<!ENTITY x SYSTEM "file:///etc/hostname">]><article><body><p>&x;</p></body></article>"""
IN_ATTRIBUTE = LAUGHS.replace(b"<p>&b;</p>", b'<p id="&b;"/>')


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty file"),
        (b" \n\t", "empty file"),
        (b"\xef\xbb\xbf", "empty file"),
        (TRAPS[: len(TRAPS) // 2], "well-formed JATS XML"),
        (b"<html><body><p>No article.</p></body></html>", "<html> without an article"),
        (b"<article/>", "without front and body"),
        (b"<article><front/></article>", "none of them"),
        (b"<set><article><body/></article><article><body/></article></set>", "2 articles in <set>"),
        (article("<p>caf\xe9</p>").decode().encode("latin-1"), "well-formed JATS XML"),
        (b'<?xml version="1.0" encoding="UTF-7"?><article/>', "the encoding UTF-7"),
        (b'<?xml version="1.0" encoding="nonsense"?><article/>', "the encoding nonsense"),
        (article("<p>\0</p>"), "well-formed JATS XML"),
        (article("<sec>" * 120 + "<p>deep</p>" + "</sec>" * 120), "nested at most 100"),
        (article("<sec>" * 9999 + "<p>deep</p>" + "</sec>" * 9999), "well-formed JATS XML"),
        (LAUGHS, "without entity declarations"),
        (XXE, "without entity declarations"),
        (IN_ATTRIBUTE, "without entity declarations"),
        (LAUGHS.decode().encode("utf-16"), "without entity declarations"),
        (b"plain \xff text", "not UTF-8 at position 6"),
        (b"PK\x03\x04\0\0binary", "zero bytes"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(data, says):
    with pytest.raises(StudyError, match=says) as error:
        read_article(data)
    assert "\n" not in str(error.value)


def test_bad_paths_are_refused_in_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(StudyError, match=r"none\.xml: expected a readable file"):
        read_article(tmp_path / "none.xml")
    with pytest.raises(StudyError, match="readable file"):
        read_article(tmp_path)
    (tmp_path / "text.xml").write_text("not XML")
    with pytest.raises(StudyError, match=r"text\.xml.*well-formed"):
        read_article(tmp_path / "text.xml")
    monkeypatch.setattr(articles, "LARGEST", 3)
    with pytest.raises(StudyError, match="at most"):
        read_article(tmp_path / "text.xml")


def test_no_external_file_is_read(tmp_path):
    (tmp_path / "secret.dtd").write_text('<!ENTITY s "secret">')
    data = f'<!DOCTYPE article SYSTEM "{tmp_path}/secret.dtd"><article><body><p>a &s; b</p></body></article>'
    assert "secret" not in read_article(data.encode()).sections[0][2]


WORDS = st.lists(st.text("abc é<&", min_size=1, max_size=8), min_size=1, max_size=4)


@given(st.lists(st.tuples(WORDS, st.booleans()), min_size=1, max_size=6))
def test_all_paragraphs_in_order_and_no_reference(paragraphs):
    """Whatever is written comes out, whatever is cited does not."""
    root = etree.Element("article")
    sec = etree.SubElement(etree.SubElement(root, "body"), "sec")
    for words, citing in paragraphs:
        p = etree.SubElement(sec, "p")
        p.text = words[0]
        for word in words[1:]:
            child = etree.SubElement(p, "ref-list" if citing else "italic")
            child.text, child.tail = ("ZZZ" if citing else ""), word
    expected = [" ".join("".join(words).split()) for words, _ in paragraphs]
    if any(expected):
        read = read_article(etree.tostring(root))
        assert [text for *_, text in read.sections] == [e for e in expected if e]


@settings(max_examples=200)
@given(st.binary(max_size=200), st.sampled_from([b"", b"<article><body><p>", TRAPS[:700]]))
def test_any_bytes_are_read_or_refused(tail, head):
    try:
        read = read_article(head + tail)
    except StudyError:
        return
    assert read.sections


@given(st.text(max_size=200))
def test_plain_text_keeps_every_word_outside_headings_and_references(text):
    data = text.replace("\0", "").replace("#", "").encode("utf-8", "ignore")
    if data.lstrip().startswith(b"<") or not data.strip():
        return
    try:
        read = read_article(data)
    except StudyError:
        return
    kept = " ".join(t for *_, t in read.sections).split()
    if not any(p for p, *_ in read.sections):
        assert kept == plain(data.decode().lstrip("\ufeff")).split()
