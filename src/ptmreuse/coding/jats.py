"""JATS XML to the parts of an article.

Reference lists, peer reviews (``sub-article``, ``response``) and TeX are removed wherever they stand, for
in many files they are not where the standard puts them: they would make every article "use" what it
cites. XML is read without entities, DTD or network.
"""

import html
import re

from lxml import etree

from ptmreuse.coding.characters import plain
from ptmreuse.errors import StudyError
from ptmreuse.evidence import study

NOT_ONE = "check that the file holds one article"

_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']""")
# Encodings in which "<!ENTITY" is spelt as in ASCII (but for zero bytes), so that it can be looked for.
_READABLE = re.compile(r"utf-?8|us-ascii|ascii|utf-?16(le|be)?|iso-8859-\d+|latin-?1|windows-125\d", re.IGNORECASE)
_GONE = ("ref-list", "sub-article", "response", "tex-math")
_SKIPPED_SECTIONS = {"ref-list", "fn-group"}
_APART = ("break", "p", "td", "th", "entry", "title")  # never runs into the text before it
_CAPTIONED = {"fig", "table-wrap", "media", "supplementary-material", "chem-struct-wrap"}
_GROUPS = {"fig-group", "table-wrap-group"}
_TEXTS = {"disp-formula-group", "verse-group", "speech", "attrib", "fn", "array", "code", "preformat"}
_BLOCKS = _CAPTIONED | _GROUPS | {"boxed-text", "disp-quote", "list", "def-list", "statement", "verse-group"}
_BLOCKS |= {"speech", "array", "graphic", "code", "preformat", "table"}
_SECTIONS = {"sec": "", "app": "", "ack": "Acknowledgments", "glossary": "Glossary", "notes": "Notes"}
_SECTIONS |= {"boxed-text": "", "statement": "", "bio": ""}
_HEADS = {"label", "title", "subtitle", "sec-meta", "disp-formula"}
_ELSEWHERE = {"fig", "table", "sec", "disp-formula", "supplementary-material", "app", "boxed-text", "statement", "list"}
_MARK = re.compile(
    r"[\s\[\](),;–‐-―-]*(?:\d{1,3}[a-z]?|[a-z]|[*†‡§¶#]+)(?:[\s,;–‐-―-]+(?:\d{1,3}[a-z]?|[a-z]))*[\s\])]*"
)


def refuse(where, expected, found, do, cause=None):
    """Say in one sentence what is wrong with a file."""
    raise StudyError(expected=expected, found=found, where=where, do=do) from cause


def parse(data, where):
    """The root element of XML that declares no entity."""
    declared = _ENCODING.match(data.replace(b"\0", b"")[:200].lstrip(b"\xef\xbb\xbf\xfe\xff"))
    if declared and not _READABLE.fullmatch(declared.group(1).decode("ascii")):
        found = f"the encoding {declared.group(1).decode('ascii')}"
        refuse(where, "XML in UTF-8", found, "save the file as UTF-8")
    # Before parsing: entities in attributes would be expanded even by a parser that resolves none.
    if b"<!ENTITY" in data.replace(b"\0", b""):
        do = "remove the <!ENTITY ...> lines; they are never read"
        refuse(where, "an article without entity declarations", "a declared entity", do)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        problem = str(error).split(", line")[0].strip() or "no XML"
        do = "save it in the encoding that its first line declares" if "encod" in problem else "download it again"
        refuse(where, "a complete, well-formed JATS XML file", problem, do, error)


def articles_in(root):
    """The article elements of a file, also inside an article set or a harvested record; not those inside others."""
    found = [root] if etree.QName(root).localname == "article" else list(root.iter("{*}article"))
    return [a for a in found if not any(etree.QName(p).localname == "article" for p in a.iterancestors())]


def read_jats(data, where):
    """The parts of the one article in a file, as keywords of :class:`~ptmreuse.coding.articles.Article`.

    Raises
    ------
    StudyError
        In one sentence: not XML, cut off, no article or several, declared entities, nested too deep.
    """
    root = parse(data, where)
    found = articles_in(root)
    if len(found) != 1:
        name = etree.QName(root).localname
        found = f"{len(found)} articles in <{name}>" if found else f"<{name}> without an article"
        refuse(where, "one JATS <article> per file", found, "give JATS XML with one article per file")
    return read_element(found[0], where)


def read_element(article, where):
    """The parts of an article element."""
    if article.tag != "article":  # JATS in a namespace
        space = etree.QName(article).namespace
        for element in article.iter(f"{{{space}}}*"):
            element.tag = etree.QName(element).localname
    for element in article.iter("{*}table", "{*}tr", "{*}row", "{*}td", "{*}th", "{*}entry"):
        element.tag = etree.QName(element).localname  # tables of the OASIS model
    if article.find("front") is None and article.find("body") is None:
        refuse(where, "a JATS article", "an <article> without front and body", "give JATS XML")
    for tag in _GONE:
        for element in list(article.iter(tag)):
            _remove(element)
    _unglue(article)
    set_apart(article)
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
    kind = article.get("article-type", "")
    return {
        "doi": _doi(meta), "title": title, "year": _year(meta), "journal": _journal(front), "article_type": kind,
        "sections": tuple(out),
    }  # fmt: skip


def _unglue(article):
    """Take the marks of references and notes off the words before them: "VGG16<sup>12</sup>" is not VGG-1612."""
    for sup in list(article.iter("sup")):
        if sup.getparent() is None:
            continue
        marks = next(sup.iter("xref", "ext-link", "fn"), None) is not None
        if marks and sup.getparent().tag != "xref" and _marking(sup):
            _remove(sup)
        elif sup.getparent().tag != "xref" and "".join(sup.itertext()).strip() not in ("", "st", "nd", "rd", "th"):
            sup.text = "^" + (sup.text or "")  # a power, an ion or a mark: nothing that continues a name
    for xref in list(article.iter("xref")):
        if xref.getparent() is not None and _marking(xref) and _glued(xref):
            _remove(xref)
    for note in list(article.iter("fn")):
        if note.getparent().tag in ("p", "td", "th", "title", "italic", "bold"):
            for label in note.findall("label"):
                note.remove(label)
            note.text, note.tail = " (" + (note.text or ""), ") " + (note.tail or "").lstrip(" ")


def _marking(element):
    """Whether an element is no more than the mark of a reference or note."""
    if any(x.get("ref-type") in _ELSEWHERE for x in element.iter("xref")):
        return False
    return _MARK.fullmatch("".join(element.itertext())) is not None


def _glued(element):
    """Whether a word, and no blank or bracket, stands right before an element."""
    previous, parent = element.getprevious(), element.getparent()
    while True:
        before = parent.text if previous is None else previous.tail or "".join(previous.itertext())
        if before:
            following = before[-1] in ",;-–" and previous is not None and previous.tag == "xref"
            return before[-1].isalnum() or following
        if previous is not None or parent.tag not in ("italic", "bold", "sup", "xref"):
            return False
        element, previous, parent = parent, parent.getprevious(), parent.getparent()


def _remove(element):
    """Take an element out and leave the text that follows it."""
    parent, tail = element.getparent(), element.tail or ""
    previous = element.getprevious()
    if previous is not None:
        previous.tail = (previous.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


def set_apart(root):
    """Put a blank before what the layout sets apart, and in the place of an entity what it stands for."""
    for entity in list(root.iter(etree.Entity)):
        entity.tail = html.unescape(entity.text) + (entity.tail or "")
        _remove(entity)
    for element in root.iter(*_APART):
        element.text = " " + (element.text or "")


def text_of(element, skip=()):
    """Text of an element in plain characters, without the parts named in `skip` (their tails stay)."""
    if skip and next(element.iterdescendants(*skip), None) is not None:
        parts, walk = [], etree.iterwalk(element, events=("start", "end"))
        for event, node in walk:
            if event == "end":
                parts.append(node.tail or "")
            elif node is not element and node.tag in skip:
                walk.skip_subtree()
            else:
                parts.append(node.text or "")
        parts.pop()  # what follows the element itself
    else:
        parts = element.itertext() if len(element) else [element.text or ""]
    return " ".join(plain("".join(parts)).split())


def _title(meta):
    element = meta.find("title-group/article-title") if meta is not None else None
    if element is None:
        return ""
    subtitle = meta.find("title-group/subtitle")
    parts = [text_of(element, {"xref", "fn"}), text_of(subtitle, {"xref", "fn"}) if subtitle is not None else ""]
    return ": ".join(p for p in parts if p)


def _doi(meta):
    for element in meta.findall("article-id") if meta is not None else ():
        if element.get("pub-id-type") == "doi" and element.text:
            return study.clean_doi(element.text.strip()).lower()
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
            return text_of(element)
    element = front.find("journal-meta/journal-id")
    return text_of(element) if element is not None else ""


def _front(meta, out):
    for abstract in [*meta.findall("abstract"), *meta.findall("trans-abstract")]:
        heading = abstract.find("title")
        name = text_of(heading) if heading is not None else ""
        kind = abstract.get("abstract-type", "")
        path = name if name.lower().startswith("abstract") else " > ".join(p for p in ("Abstract", name or kind) if p)
        start = len(out)
        _walk(abstract, path, "abstract", out, "")
        if len(out) == start and (text := text_of(abstract, {"title"})):  # text without a paragraph around it
            out.append((path, "abstract", text))
    words = [text_of(k) for k in meta.iterfind("kwd-group//kwd")]
    if any(words):
        out.append(("Keywords", "keywords", "; ".join(w for w in words if w)))


def _walk(parent, path, kind, out, where, depth=0):
    """Append the sections below an element, in reading order."""
    if depth > 100:
        refuse(where, "sections nested at most 100 deep", "deeper ones", NOT_ONE)
    for element in parent:
        tag = element.tag
        if tag in _SECTIONS:
            if element.get("sec-type") not in _SKIPPED_SECTIONS:
                heading = element.find("title")
                heading = element.find("caption/title") if heading is None else heading
                name = text_of(heading) if heading is not None else _SECTIONS[tag]
                below = f"{path} > {name}" if path and name else path or name
                # methods in an appendix are methods, wherever the appendix stands
                inner = "paragraph" if tag in ("sec", "app", "boxed-text") and kind == "back" else kind
                _walk(element, below, inner, out, where, depth + 1)
        elif tag == "p":
            holds = next(element.iterdescendants(*_BLOCKS), None) is not None
            _add(out, path, kind, text_of(element, _BLOCKS if holds else ()))
            if holds:
                _blocks(element, path, kind, out, where, depth)
        elif tag in _CAPTIONED:
            _captioned(element, path, kind, out, where, depth)
        elif tag == "table":
            _table(element, path, out)
        elif tag == "def-item":
            _add(out, path, kind, text_of(element, _BLOCKS))
        elif tag in _TEXTS or tag == "title" and element.getparent().tag in ("list", "def-list"):
            _add(out, path, kind, text_of(element))
        elif tag == "caption":  # of a box or a group; its title is a heading where the box has no other
            around = element.getparent()
            boxed = around.tag in _SECTIONS
            if not boxed or around.find("title") is not None:
                _add(out, path, "caption", " ".join(text_of(t) for t in element.findall("title")))
            _walk(element, path, kind if boxed else "caption", out, where, depth + 1)
        elif isinstance(tag, str) and tag not in _HEADS:
            _walk(element, path, kind, out, where, depth + 1)


def _add(out, path, kind, text):
    if text:
        out.append((path, kind, text))


def _blocks(element, path, kind, out, where, depth):
    """The figures, tables and lists that stand inside a paragraph."""
    if depth > 100:
        refuse(where, "elements nested at most 100 deep", "deeper ones", NOT_ONE)
    for child in element:
        if child.tag in _BLOCKS:
            _walk([child], path, kind, out, where, depth + 1)
        elif len(child):
            _blocks(child, path, kind, out, where, depth + 1)


def _captioned(element, path, kind, out, where, depth):
    parts = [text_of(e) for e in (element.find("label"), element.find("caption")) if e is not None]
    _add(out, path, "caption", " ".join(p for p in parts if p))
    for table in element.iter("table"):
        _table(table, path, out)
    for foot in [*element.iterfind("table-wrap-foot"), *element.iterfind("attrib")]:
        _add(out, path, "caption", text_of(foot))
    for child in element:
        if child.tag in ("p", "list", "fig", "table-wrap", "media", "code", "preformat"):
            _walk([child], path, "caption" if child.tag == "p" else kind, out, where, depth + 1)


def _table(table, path, out):
    rows = [" | ".join(c for c in map(text_of, row) if c) for row in table.iter("tr", "row")]
    _add(out, path, "table", "\n".join(r for r in rows if r))
