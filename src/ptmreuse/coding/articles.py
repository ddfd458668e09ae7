"""Articles as sections: what every coder reads, whatever the file was.

:func:`read_article` reads one article from JATS XML or plain text. What else people have (packed files, many articles
in one file, TEI, BioC) is opened by :mod:`ptmreuse.coding.formats`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from ptmreuse.coding.characters import plain
from ptmreuse.coding.jats import NOT_ONE, read_jats, refuse
from ptmreuse.evidence import study

LARGEST = 64 * 2**20  # bytes; the longest article met had 2 MB
KINDS = ("title", "abstract", "keywords", "paragraph", "caption", "table", "back")


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
    data = source if isinstance(source, bytes) else content(source)
    if isinstance(data, str):
        refuse(where, "a readable file", data, "correct the path or the rights")
    if len(data) > LARGEST:
        refuse(where, f"an article of at most {LARGEST >> 20} MB", "a larger one", NOT_ONE)
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf\xfe\xff"):
        refuse(where, "an article", "an empty file", "download the article again")
    named_xml = Path(where).suffix.lower() in (".xml", ".nxml")
    starts = data.lstrip(b"\xef\xbb\xbf\xfe\xff\0 \t\r\n").startswith(b"<")
    article = Article(**read_jats(data, where)) if named_xml or starts else _read_text(data, where)
    return whole(article, where)


def whole(article, where):
    """The article, refused if there is nothing to read in it."""
    if not article.sections:
        refuse(where, "a title, an abstract or paragraphs", "none of them", NOT_ONE)
    return article


def content(path):
    """The bytes of a file, or in words why there are none."""
    try:
        with Path(path).open("rb") as file:
            return file.read(LARGEST + 1)  # enough to see that a file is too large
    except OSError as error:
        return error.strerror


# --- plain text ---------------------------------------------------------------------------------------------

_HEADING = re.compile(r"(#{1,6})\s+(\S.*)")
_PLAIN_HEADING = re.compile(
    r"(?:(?:\d+(?:\.\d+)*|[IVX]{1,4}|[A-H]\.)[.)]?\s+(?:\|\s*)?)?(?:abstract|summary|highlights|introduction|background"
    r"|related works?|literature review|(?:materials?|data|patients|subjects|participants)(?: and |, | & |/)+methods?"
    r"|(?:online |star |star★)?methods?(?:(?: and | & )materials?)?|methodology"
    r"|experimental(?: section| procedures?| methods?)?|experiments?|results?(?: and discussions?)?|discussions?"
    r"|(?:discussions? and )?conclusions?|concluding remarks|acknowledge?ments?|funding|references"
    r"|bibliography|supporting information|supplementary (?:materials?|information)"
    r"|data availability(?: statement)?|author contributions|conflicts? of interest|competing interests)\.?:?",
    re.IGNORECASE,
)
_REFERENCES = re.compile(
    r"(?:(?:\d+|[IVX]+)\.?\s+(?:\|\s*)?)?(?:references|bibliography|literature cited)\.?:?", re.IGNORECASE
)


def _read_text(data, where):
    if b"\0" in data:
        refuse(where, "plain text in UTF-8", "zero bytes (a binary file or UTF-16)", "save the file as UTF-8 text")
    try:
        lines = plain(data.decode("utf-8-sig")).splitlines()
    except UnicodeDecodeError as error:
        found = f"a byte that is not UTF-8 at position {error.start}"
        refuse(where, "plain text in UTF-8", found, "save the file as UTF-8 text", error)
    start = next((i for i, line in enumerate(lines) if _heading(line, [])), None)
    head = [line.strip() for line in lines[: len(lines) if start is None else start] if line.strip()]
    journal, year, doi = "", None, ""
    if start is not None:  # lines before the first heading: title or authors, journal and year
        for line in head[:12]:
            if match := re.fullmatch(r"(.{2,80}), ((?:19|20)\d\d)", line):
                journal, year = match.group(1), int(match.group(2))
            if (cleaned := study.clean_doi(line)) != line or line.startswith("10."):
                doi = cleaned.rstrip(".,;")
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
