"""Articles as sections: JATS XML or plain text to ``(path, kind, text)``.

Reference lists, peer reviews (``sub-article``, ``response``) and TeX are removed wherever they stand, for
in many files they are not where the standard puts them: they would make every article "use" what it
cites. XML is read without entities, DTD or network.
"""

import html
import re
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from ptmreuse.errors import StudyError

LARGEST = 64 * 2**20  # bytes; the longest article met had 2 MB
NOT_ONE = "check that the file holds one article"
KINDS = ("title", "abstract", "keywords", "paragraph", "caption", "table", "back")

_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']""")
# Encodings in which "<!ENTITY" is spelt as in ASCII (but for zero bytes), so that it can be looked for.
_READABLE = re.compile(r"utf-?8|us-ascii|ascii|utf-?16(le|be)?|iso-8859-\d+|latin-?1|windows-125\d", re.IGNORECASE)
_GONE = ("ref-list", "sub-article", "response", "tex-math")
_SKIPPED_SECTIONS = {"ref-list", "fn-group"}
_BLOCKS = {"fig", "fig-group", "table-wrap", "table-wrap-group", "boxed-text", "disp-quote", "list", "def-list"}
_BLOCKS |= {"media", "supplementary-material", "statement", "verse-group", "speech", "array", "graphic"}
_APART = ("break", "p", "td", "th", "title", etree.Entity)  # never runs into the text before it
_CAPTIONED = {"fig", "table-wrap", "media", "supplementary-material"}
_HEADS = {"label", "title", "subtitle", "caption", "sec-meta"}


@dataclass(frozen=True)
class Article:
    """One article as read.

    Attributes
    ----------
    doi : str
        Lower case, empty where the file has none.
    title, journal, article_type : str
        Empty where the file does not say.
    year : int or None
        Year of the earliest publication date.
    sections : tuple of (str, str, str)
        ``(path, kind, text)`` in reading order: the headings joined by ">", one of :data:`KINDS`, and
        the text with single blanks. A table is one text, a row a line, cells separated by "|".
    """

    doi: str
    title: str
    year: int | None
    journal: str
    article_type: str
    sections: tuple

    @property
    def full_text(self):
        """Whether there is more than a title and abstracts."""
        return any(kind in ("paragraph", "table") for _, kind, _ in self.sections)


def read_article(source, name=""):
    """Read one article.

    Parameters
    ----------
    source : path-like or bytes
        A JATS XML or plain text file, or its content.
    name : str, optional
        What messages call content, else its path. Content is taken for XML when it starts with ``<`` or the
        name ends in ``.xml`` or ``.nxml``.

    Returns
    -------
    Article

    Raises
    ------
    StudyError
        In one sentence: no such file, empty, too large, not UTF-8, cut off, not XML, not JATS, several
        articles, nothing to read in it, or a file that declares entities (refused, never expanded).

    Examples
    --------
    >>> article = read_article(
    ...     b"<article><front><article-meta><title-group><article-title>Cats</article-title></title-group>"
    ...     b"</article-meta></front><body><sec><title>Methods</title>"
    ...     b"<p>We counted cats [<xref>1</xref>].</p></sec></body></article>"
    ... )
    >>> article.title, article.sections[1]
    ('Cats', ('Methods', 'paragraph', 'We counted cats [1].'))
    """
    where = name or ("article" if isinstance(source, bytes) else Path(source).name)
    data = source if isinstance(source, bytes) else _bytes(Path(source), where)
    if len(data) > LARGEST:
        _refuse(where, f"an article of at most {LARGEST >> 20} MB", "a larger one", NOT_ONE)
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf\xfe\xff"):
        _refuse(where, "an article", "an empty file", "download the article again")
    named_xml = Path(where).suffix.lower() in (".xml", ".nxml")
    starts = data.lstrip(b"\xef\xbb\xbf\xfe\xff\0 \t\r\n").startswith(b"<")
    article = _read_jats(data, where) if named_xml or starts else _read_text(data, where)
    if not article.sections:
        _refuse(
            where,
            "a title, an abstract or paragraphs",
            "none of them",
            NOT_ONE,
        )
    return article


def _refuse(where, expected, found, do, cause=None):
    raise StudyError(expected=expected, found=found, where=where, do=do) from cause


def _bytes(path, where):
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)  # enough to see that a file is too large
    except OSError as error:
        _refuse(where, "a readable file", error.strerror, "correct the path or the rights", error)


# --- JATS ---------------------------------------------------------------------------------------------------


def _read_jats(data, where):
    declared = _ENCODING.match(data.replace(b"\0", b"")[:200].lstrip(b"\xef\xbb\xbf\xfe\xff"))
    if declared and not _READABLE.fullmatch(declared.group(1).decode("ascii")):
        _refuse(
            where,
            "XML in UTF-8",
            f"the encoding {declared.group(1).decode('ascii')}",
            "save the file as UTF-8",
        )
    # Before parsing: entities in attributes would be expanded even by a parser that resolves none.
    if b"<!ENTITY" in data.replace(b"\0", b""):
        _refuse(
            where,
            "an article without entity declarations",
            "a declared entity",
            "remove the <!ENTITY ...> lines; they are never read",
        )
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        problem = str(error).split(", line")[0].strip() or "no XML"
        _refuse(where, "a complete, well-formed JATS XML file", problem, "download the article again", error)
    article = _article(root, where)
    for tag in _GONE:
        for element in list(article.iter(tag)):
            _remove(element)
    for xref in list(article.iter("xref")):
        parent = xref.getparent()
        if xref.get("ref-type") == "bibr" and parent.tag == "sup" and parent.getparent() is not None:
            _remove(parent)  # "AlexNet<sup>12</sup>" must not become AlexNet12
    out = []
    front = article.find("front")
    meta = front.find("article-meta") if front is not None else None
    title = _title(meta)
    if title:
        out.append(("Title", "title", title))
    if meta is not None:
        _front(meta, out)
    for tag, kind in (("body", "paragraph"), ("floats-group", "paragraph"), ("back", "back")):
        part = article.find(tag)
        if part is not None:
            _walk(part, "", kind, out, where)
    return Article(
        doi=_doi(meta),
        title=title,
        year=_year(meta),
        journal=_journal(front),
        article_type=article.get("article-type", ""),
        sections=tuple(out),
    )


def _article(root, where):
    """The one article element of a file, also inside an article set or a harvested record."""
    name = etree.QName(root).localname
    found = [root] if name == "article" else list(root.iter("{*}article"))
    found = [a for a in found if not any(etree.QName(p).localname == "article" for p in a.iterancestors())]
    if len(found) != 1:
        found = f"{len(found)} articles in <{name}>" if found else f"<{name}> without an article"
        _refuse(where, "one JATS <article> per file", found, "give JATS XML with one article per file")
    article = found[0]
    if article.tag != "article":  # JATS in a namespace
        space = etree.QName(article).namespace
        for element in article.iter(f"{{{space}}}*"):
            element.tag = etree.QName(element).localname
    if article.find("front") is None and article.find("body") is None:
        _refuse(where, "a JATS article", "an <article> without front and body", "give JATS XML")
    return article


def _remove(element):
    """Take an element out and leave the text that follows it."""
    parent, tail = element.getparent(), element.tail or ""
    previous = element.getprevious()
    if previous is not None:
        previous.tail = (previous.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


def _text(element, skip=frozenset()):
    """Text of an element with single blanks, without the parts named in `skip` (their tails stay)."""
    if not len(element):
        return " ".join((element.text or "").split())
    if next(element.iterdescendants(*_APART, *skip), None) is None:  # the common case, fast
        return " ".join("".join(element.itertext()).split())
    parts = []
    _collect(element, skip, parts)
    return " ".join("".join(parts).split())


def _collect(element, skip, parts):
    # A stack and not recursion: XML may nest deeper than Python does.
    stack = [(element, False)]
    while stack:
        node, done = stack.pop()
        if done:
            parts.append(node.tail or "")
        elif node.tag is etree.Entity:
            parts.append(html.unescape(node.text))
        elif node is element or node.tag not in skip:
            if node.tag in _APART:
                parts.append(" ")
            parts.append(node.text or "")
            for child in reversed(node):
                stack.append((child, True))
                stack.append((child, False))


def _title(meta):
    element = meta.find("title-group/article-title") if meta is not None else None
    if element is None:
        return ""
    subtitle = meta.find("title-group/subtitle")
    parts = [_text(element, {"xref", "fn"}), _text(subtitle, {"xref", "fn"}) if subtitle is not None else ""]
    return ": ".join(p for p in parts if p)


def _doi(meta):
    if meta is None:
        return ""
    for element in meta.findall("article-id"):
        if element.get("pub-id-type") == "doi" and element.text:
            return re.sub(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", "", element.text.strip().lower())
    return ""


def _year(meta):
    if meta is None:
        return None
    dates = meta.findall("pub-date/year") or meta.findall("history/date/year")
    years = [int(d.text) for d in dates if d.text and re.fullmatch(r"\s*(?:1[89]|20)\d\d\s*", d.text)]
    return min(years, default=None)


def _journal(front):
    if front is None:
        return ""
    for path in ("journal-meta/journal-title-group/journal-title", "journal-meta/journal-title"):
        element = front.find(path)
        if element is not None:
            return _text(element)
    element = front.find("journal-meta/journal-id")
    return _text(element) if element is not None else ""


def _front(meta, out):
    for abstract in [*meta.findall("abstract"), *meta.findall("trans-abstract")]:
        heading = abstract.find("title")
        name = _text(heading) if heading is not None else ""
        kind = abstract.get("abstract-type", "")
        path = name if name.lower().startswith("abstract") else " > ".join(p for p in ("Abstract", name or kind) if p)
        start = len(out)
        _walk(abstract, path, "abstract", out, "")
        if len(out) == start and (text := _text(abstract, {"title"})):  # text without a paragraph around it
            out.append((path, "abstract", text))
    words = [_text(k) for k in meta.iterfind("kwd-group//kwd")]
    if any(words):
        out.append(("Keywords", "keywords", "; ".join(w for w in words if w)))


def _walk(parent, path, kind, out, where, depth=0):
    """Append the sections below an element, in reading order."""
    if depth > 100:
        _refuse(where, "sections nested at most 100 deep", "deeper ones", NOT_ONE)
    for element in parent:
        tag = element.tag
        if tag in ("sec", "app", "ack", "glossary", "notes", "boxed-text", "statement", "bio"):
            if element.get("sec-type") not in _SKIPPED_SECTIONS:
                heading = element.find("title")
                name = _text(heading) if heading is not None else ""
                if not name and tag in ("ack", "glossary", "notes"):
                    name = {"ack": "Acknowledgments", "glossary": "Glossary", "notes": "Notes"}[tag]
                below = f"{path} > {name}" if path and name else path or name
                # methods in an appendix are methods, wherever the appendix stands
                inner = "paragraph" if tag in ("sec", "app", "boxed-text") and kind == "back" else kind
                _walk(element, below, inner, out, where, depth + 1)
        elif tag == "p":
            text = _text(element, _BLOCKS)
            if text:
                out.append((path, kind, text))
            if next(element.iterdescendants(*_BLOCKS), None) is not None:
                _blocks(element, path, kind, out, where, depth)
        elif tag in _CAPTIONED:
            _captioned(element, path, kind, out, where, depth)
        elif tag == "def-item":
            text = _text(element, _BLOCKS)
            if text:
                out.append((path, kind, text))
        elif tag in ("disp-formula", "disp-formula-group", "verse-group", "speech", "attrib", "fn", "array"):
            text = _text(element)
            if text and tag != "disp-formula":
                out.append((path, kind, text))
        elif isinstance(tag, str) and tag not in _HEADS:
            _walk(element, path, kind, out, where, depth + 1)


def _blocks(element, path, kind, out, where, depth):
    """The figures, tables and lists that stand inside a paragraph."""
    for child in element:
        if child.tag in _CAPTIONED:
            _captioned(child, path, kind, out, where, depth)
        elif child.tag in _BLOCKS:
            _walk(
                [child] if child.tag in ("boxed-text", "statement") else child,
                path,
                kind,
                out,
                where,
                depth + 1,
            )
        elif len(child):
            if depth > 100:
                _refuse(
                    where,
                    "elements nested at most 100 deep",
                    "deeper ones",
                    NOT_ONE,
                )
            _blocks(child, path, kind, out, where, depth + 1)


def _captioned(element, path, kind, out, where, depth):
    label, caption = element.find("label"), element.find("caption")
    parts = [_text(e) for e in (label, caption) if e is not None]
    text = " ".join(p for p in parts if p)
    if text:
        out.append((path, "caption", text))
    for table in element.iter("table"):
        rows = [" | ".join(c for c in map(_text, row) if c) for row in table.iter("tr")]
        if any(rows):
            out.append((path, "table", "\n".join(r for r in rows if r)))
    for foot in element.iterfind("table-wrap-foot"):
        if text := _text(foot):
            out.append((path, "caption", text))
    for child in element:
        if child.tag in ("p", "list", "fig", "table-wrap", "media"):
            _walk([child], path, "caption" if child.tag == "p" else kind, out, where, depth + 1)


# --- plain text ---------------------------------------------------------------------------------------------

_HEADING = re.compile(r"(#{1,6})\s+(\S.*)")
_PLAIN_HEADING = re.compile(
    r"(?:\d+(?:\.\d+)*\.?\s+)?(?:abstract|summary|highlights|introduction|background|related works?"
    r"|literature review|(?:materials?|data|patients|subjects|participants)(?: and |, |/)+methods?"
    r"|methods?(?: and materials?)?|methodology"
    r"|experimental(?: section| procedures?)?|experiments?|results?(?: and discussions?)?|discussions?"
    r"|(?:discussions? and )?conclusions?|concluding remarks|acknowledge?ments?|funding|references"
    r"|bibliography|supporting information|supplementary (?:materials?|information)"
    r"|data availability(?: statement)?|author contributions|conflicts? of interest|competing interests)\.?:?",
    re.IGNORECASE,
)
_DOI_LINE = re.compile(r"(?:doi:?\s*)?(?:https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_REFERENCES = re.compile(r"(?:\d+\.?\s+)?(?:references|bibliography|literature cited)\.?:?", re.IGNORECASE)


def _read_text(data, where):
    if b"\0" in data:
        _refuse(
            where,
            "plain text in UTF-8",
            "zero bytes (a binary file or UTF-16)",
            "save the file as UTF-8 text",
        )
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        found = f"a byte that is not UTF-8 at position {error.start}"
        _refuse(where, "plain text in UTF-8", found, "save the file as UTF-8 text", error)
    start = next((i for i, line in enumerate(lines) if _heading(line, [])), None)
    head = [line.strip() for line in lines[: len(lines) if start is None else start] if line.strip()]
    journal, year, doi = "", None, ""
    if start is not None:  # lines before the first heading: title or authors, journal and year
        for line in head[:12]:
            if match := re.fullmatch(r"(.{2,80}), ((?:19|20)\d\d)", line):
                journal, year = match.group(1), int(match.group(2))
            if match := _DOI_LINE.fullmatch(line):
                doi = match.group(1).rstrip(".,;").lower()
    sections = _text_sections(lines)
    title = next((text for path, _, text in sections if path.lower() == "title"), "")
    if not title and start is not None and head and not _heading(head[0], []):
        title = head[0]
    return Article(doi=doi, title=title, year=year, journal=journal, article_type="", sections=tuple(sections))


def _heading(line, open_headings):
    """The open headings after this line if it is a heading, else None."""
    line = line.strip()
    if match := _HEADING.fullmatch(line):
        level = len(match.group(1))
        return [h for h in open_headings if h[0] < level] + [(level, match.group(2).strip())]
    if len(line) < 60 and _PLAIN_HEADING.fullmatch(line):
        return [(1, line.rstrip(":."))]
    return None


def _text_sections(lines):
    out, headings, block = [], [], []

    def close():
        text = " ".join(" ".join(block).split())
        block.clear()
        names = [name for _, name in headings if name.lower() not in ("body", "text", "full text")]
        if text and not (names and _REFERENCES.fullmatch(names[0])):
            first = names[0].lower() if names else ""
            kind = {"title": "title", "keywords": "keywords", "abstract": "abstract"}.get(first, "paragraph")
            out.append((" > ".join(names), kind, text))

    for line in lines:
        opened = _heading(line, headings)
        if opened is not None or not line.strip():
            close()
        if opened is not None:
            headings = opened
        elif line.strip():
            block.append(line)
    close()
    return out
