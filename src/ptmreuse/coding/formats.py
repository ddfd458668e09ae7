"""What people have: packed files, many articles in one file, TEI from GROBID, BioC in XML or JSON.

:func:`members` opens any of them, one article after the other. A wrapper (Europe PMC ``<articles>``, an OAI-PMH answer,
``<pmc-articleset>``) is read as a stream, so that memory holds one article of it.
"""

import gzip
import io
import json
import re
import zlib

from lxml import etree

from ptmreuse.coding.articles import LARGEST, Article, read_article, whole
from ptmreuse.coding.characters import plain
from ptmreuse.coding.jats import NOT_ONE, parse, read_element, refuse, set_apart, text_of
from ptmreuse.errors import StudyError
from ptmreuse.evidence import study

SUFFIXES = (".xml", ".nxml", ".txt", ".json")
PACKED = ".gz"
LARGEST_FILE = 8 * LARGEST  # of a file with many articles, unpacked
PDF = "a PDF file holds no readable text: turn it into TEI (GROBID) or plain text and code that"
_ARTICLE = re.compile(rb"<(?:[\w.-]+:)?article[\s>]")
_TEI, _SECTION = "{http://www.tei-c.org/ns/1.0}", re.compile(r"[_\W]+")
_BIOC = {  # section types of BioC: heading and kind
    "TITLE": ("Title", "title"), "ABSTRACT": ("Abstract", "abstract"), "KEYWORD": ("Keywords", "keywords"),
    "INTRO": ("Introduction", ""), "METHODS": ("Methods", ""), "RESULTS": ("Results", ""),
    "DISCUSS": ("Discussion", ""), "CONCL": ("Conclusions", ""), "FIG": ("Figures", "caption"),
    "TABLE": ("Tables", "table"), "SUPPL": ("Supplementary material", "back"), "ACK_FUND": ("Acknowledgments", "back"),
    "AUTH_CONT": ("Author contributions", "back"), "COMP_INT": ("Competing interests", "back"),
    "REF": None, "REVIEW_INFO": None,
}  # fmt: skip


def readable(name):
    """Whether a file's name says that it may hold articles.

    Examples
    --------
    >>> [readable(name) for name in ("a.nxml", "b.XML.gz", "c.pdf")]
    [True, True, False]
    """
    return name.lower().removesuffix(PACKED).endswith(SUFFIXES)


def stem(name):
    """A file's name without the ending that says what it is.

    Examples
    --------
    >>> stem("a/b.nxml.gz"), stem("c.d")
    ('a/b', 'c.d')
    """
    lower = name.lower()
    bare = name[: -len(PACKED)] if lower.endswith(PACKED) else name
    ending = next((e for e in SUFFIXES if bare.lower().endswith(e)), "")
    return bare[: len(bare) - len(ending)] if ending else name


def members(data, name):
    """The articles of a file.

    Parameters
    ----------
    data : bytes
    name : str
        The file's name; its ending says whether it is packed.

    Yields
    ------
    (str, Article or StudyError)
        The article's place in a file of many (``"#3"``; empty for the only one), and the article or why it cannot be
        read.

    Examples
    --------
    >>> wrapped = b"<articles><article><body><p>One.</p></body></article><article><body><p>Two.</p></body></article>"
    >>> [(place, article.sections[0][2]) for place, article in members(wrapped + b"</articles>", "two.xml")]
    [('#1', 'One.'), ('#2', 'Two.')]
    """
    try:
        if name.lower().endswith(PACKED) or data[:2] == b"\x1f\x8b":
            data, name = _unpacked(data, name), name[: -len(PACKED)] if name.lower().endswith(PACKED) else name
        yield from _opened(data, name)
    except StudyError as error:
        yield "", error


def _unpacked(data, name):
    try:
        with gzip.open(io.BytesIO(data)) as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        refuse(name, "a whole gzip file", str(error), "download it again", error)
    return data


def _opened(data, name):
    if len(data) > LARGEST_FILE:
        refuse(name, f"a file of at most {LARGEST_FILE >> 20} MB", "a larger one", "split it")
    if data.startswith(b"%PDF"):
        refuse(name, "text or XML", "a PDF file", PDF.partition(": ")[2])
    head = data[:4000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if name.lower().endswith(".json") or head[:1] in (b"{", b"["):
        yield from _bioc_json(data, name)
    elif head.startswith(b"<") and _root(head) == "TEI":
        yield "", _tei(parse(data, name), name)
    elif head.startswith(b"<") and _root(head) == "collection":
        yield from _bioc_xml(parse(data, name), name)
    elif head.startswith(b"<") and _root(head) != "article" and len(_ARTICLE.findall(data)) > 1:
        yield from _wrapped(data, name)
    else:
        yield "", read_article(data, name)


def _root(head):
    """The local name of the first element."""
    match = re.search(rb"<(?![?!])(?:[\w.-]+:)?([\w.-]+)", re.sub(rb"<!--.*?-->", b"", head, flags=re.DOTALL))
    return match.group(1).decode("ascii", "replace") if match else ""


def _wrapped(data, name):
    """The articles of a wrapper, one at a time; a file that is cut gives those before the cut, and says so."""
    if b"<!ENTITY" in data:
        refuse(name, "articles without entity declarations", "a declared entity", "remove the <!ENTITY ...> lines")
    stream = etree.iterparse(
        io.BytesIO(data), events=("end",), tag="{*}article", resolve_entities=False, no_network=True, load_dtd=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    number = 0
    try:
        for _, element in stream:
            if any(etree.QName(p).localname == "article" for p in element.iterancestors()):
                continue
            number += 1
            place = f"#{number}"
            try:
                lone = etree.fromstring(etree.tostring(element, with_tail=False))
                yield place, whole(Article(**read_element(lone, name + place)), name + place)
            except StudyError as error:
                yield place, error
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        problem = StudyError(
            expected="a whole file", found=str(error).split(", line")[0], where=name, do="download it again"
        )
        yield f"#{number + 1}", problem


def _tei(root, name):
    """TEI as GROBID writes it."""
    for element in root.iter(f"{_TEI}*"):
        element.tag = element.tag.removeprefix(_TEI)
    for element in list(root.iter("listBibl", "formula")):
        element.getparent().remove(element)
    for ref in root.iter("ref"):
        if ref.get("type") == "bibr" and ref.text and ref.text.strip().isdigit():
            ref.text = f" [{ref.text.strip()}]"  # never part of the name before it
    set_apart(root)
    header = root.find("teiHeader")
    title, doi, year, journal = "", "", None, ""
    if header is not None:
        found = header.find(".//titleStmt/title")
        title = text_of(found) if found is not None else ""
        doi = next(
            (study.clean_doi(e.text.strip()) for e in header.iter("idno") if e.get("type") == "DOI" and e.text), ""
        )
        years = [
            int(d.get("when")[:4]) for d in header.iter("date") if re.match(r"(?:1[89]|20)\d\d", d.get("when", ""))
        ]
        year = min(years, default=None)
        found = header.find(".//monogr/title[@level='j']")
        journal = text_of(found) if found is not None else ""
    out = [("Title", "title", title)] if title else []
    for abstract in root.iterfind(".//abstract"):
        out += [("Abstract", "abstract", text) for p in abstract.iter("p") if (text := text_of(p))]
    text = root.find("text")
    for tag, kind in (("body", "paragraph"), ("back", "back")):
        part = text.find(tag) if text is not None else None
        for div in part.iter("div", "figure") if part is not None else ():
            head = div.find("head")
            path = text_of(head) if head is not None else ""
            if div.tag == "figure":
                caption = " ".join(text_of(e) for e in (head, div.find("figDesc")) if e is not None)
                out += [("", "caption", caption)] if caption.strip() else []
            out += [(path, kind, words) for p in div.findall("p") if (words := text_of(p))]
        out += [("", kind, words) for p in (part.findall("p") if part is not None else ()) if (words := text_of(p))]
    return whole(Article(doi.lower(), title, year, journal, "", tuple(out)), name)


def _bioc_xml(root, name):
    documents = root.findall("document")
    if not documents:
        refuse(name, "BioC XML with a <document>", "none", NOT_ONE)
    for number, document in enumerate(documents, start=1):
        place = f"#{number}" if len(documents) > 1 else ""
        passages = [
            ({i.get("key"): i.text or "" for i in p.findall("infon")}, text_of(p.find("text")))
            for p in document.findall("passage")
            if p.find("text") is not None
        ]
        try:
            yield place, _bioc(passages, name + place)
        except StudyError as error:
            yield place, error


def _bioc_json(data, name):
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        refuse(name, "BioC JSON", f"no whole JSON ({str(error)[:60]})", "download it again", error)
    collections = value if isinstance(value, list) else [value]
    documents = [d for c in collections if isinstance(c, dict) for d in c.get("documents", [c]) if isinstance(d, dict)]
    if not any("passages" in d for d in documents):
        refuse(name, "BioC JSON with documents and passages", "other JSON", "give JATS, TEI, BioC or plain text")
    for number, document in enumerate(documents, start=1):
        place = f"#{number}" if len(documents) > 1 else ""
        try:
            passages = [
                ({k: str(v) for k, v in p.get("infons", {}).items()}, " ".join(plain(str(p.get("text", ""))).split()))
                for p in document.get("passages", [])
            ]
            yield place, _bioc(passages, name + place)
        except AttributeError:
            yield place, StudyError(expected="passages with infons", found="others", where=name + place, do=NOT_ONE)
        except StudyError as error:
            yield place, error


def _bioc(passages, name):
    """An article from ``(infons, text)`` of its passages."""
    out, path, said = [], "", {}
    for infons, text in passages:
        said = {**infons, **said}
        section = infons.get("section_type", "").upper()
        heading, kind = _BIOC.get(section, (section.title(), "")) or (None, None)
        if heading is None or not text:
            continue
        if infons.get("type", "").startswith("title"):
            path = f"{heading} > {text}" if _SECTION.sub("", heading.lower()) not in text.lower() else text
            continue
        below = path if kind == "" and path.startswith(heading) else heading
        out.append((below or heading, kind or "paragraph", text))
    title = next((text for _, kind, text in out if kind == "title"), "")
    doi = study.clean_doi(said.get("article-id_doi", "").strip()).lower()
    year = said.get("year", "")
    year = int(year) if re.fullmatch(r"(?:1[89]|20)\d\d", year) else None
    journal = said.get("journal-title", said.get("journal", "").partition(";")[0])
    return whole(Article(doi, title, year, journal, "", tuple(out)), name)
