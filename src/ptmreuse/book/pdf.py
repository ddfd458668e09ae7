"""The book as one PDF: cover, contents with page numbers, running heads, tagged, the same bytes every time.

Sphinx joins all pages into one; WeasyPrint sets it. Lookups, what is done at a keyboard, folded code and downloads
are left to the web pages.
"""

import gc
import html
import os
import re
import shutil

import yaml
from lxml import html as parser

from ptmreuse import parameters, paths, wording
from ptmreuse.book import catalogue, site, svg, theme
from ptmreuse.errors import StudyError, refuse

FILE = "ptm-reuse.pdf"
# What begins the names of the pages for the screen alone: lookups and what is done at a keyboard.
LEFT_OUT = ("api", "adapt", "calibration", "exercises", "numbers", "parameters", "this_run", "validation")
DROPPED = (
    ".//script", ".//noscript", ".//*[contains(@class, 'headerlink')]", ".//*[contains(@class, 'ptm-narrow')]",
    ".//details[contains(@class, 'hide') or contains(@class, 'ptm-fold')]", ".//*[contains(@class, 'ptm-meta')]",
    ".//*[@class='ptm-filter']", ".//button",
)  # fmt: skip
EPOCH = "1767225600"  # 2026-01-01: a date in the file would differ from day to day


def build(values):
    """Write the PDF from the book as last built.

    Parameters
    ----------
    values : dict
        The parameters of the run; those that differ from the defaults stand on the cover.

    Returns
    -------
    Path
        ``_build/ptm-reuse.pdf``.

    Raises
    ------
    StudyError
        If WeasyPrint or one of its system libraries is missing, or the book was not built.
    """
    setter()
    if not (paths.HTML / "index.html").exists():
        refuse("pdf", "a built book", "none", "run make book first")
    scratch = paths.BUILD / "unfinished" / "pdf"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    site.stage(values)
    site.sphinx(scratch, builder="singlehtml")
    joined = scratch / "_build" / "singlehtml" / "index.html"
    config = yaml.safe_load((paths.STAGE / "_config.yml").read_text(encoding="utf-8"))
    page = printable(joined.read_text(encoding="utf-8"), config, values, simulated=catalogue.simulated())
    set_page(page, scratch / FILE)
    (scratch / FILE).replace(paths.BUILD / FILE)
    shutil.rmtree(scratch)
    return paths.BUILD / FILE


def set_page(page, target):
    """Set a page from `printable` as a PDF: tagged, without network, the same bytes every time.

    Parameters
    ----------
    page : str
    target : Path
    """
    weasyprint = setter()
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = EPOCH
    gc.disable()  # a fifth of the time went into looking for garbage among the boxes of all pages
    try:
        weasyprint.HTML(
            string=page,
            base_url=(paths.BOOK / "static").as_uri() + "/",
            url_fetcher=weasyprint.urls.URLFetcher(allowed_protocols={"file", "data"}),
        ).write_pdf(target, pdf_variant="pdf/ua-1", pdf_identifier=paths.text_sha256(page)[:32].encode())
    finally:
        gc.enable()
        os.environ.pop("SOURCE_DATE_EPOCH") if before is None else os.environ.update(SOURCE_DATE_EPOCH=before)


def setter():
    """WeasyPrint, if it and its system libraries are there.

    Raises
    ------
    StudyError
        With what to install.
    """
    try:
        import weasyprint
    except ModuleNotFoundError as error:
        raise StudyError(
            expected="the package weasyprint", found=f"no module {error.name}", where="pdf",
            do="run python -m pip install weasyprint in the book's environment",
        ) from None  # fmt: skip
    except OSError as error:
        raise StudyError(
            expected="the libraries that WeasyPrint draws with", found=str(error).split(":")[0], where="pdf",
            do="run apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 (macOS: brew install pango)",
        ) from None  # fmt: skip
    return weasyprint


def printable(joined, config, values, simulated=False):
    """The joined pages as a book to be set: cover, contents, chapters; nothing to click on, fold or load.

    Parameters
    ----------
    joined : str
        What Sphinx's singlehtml builder wrote.
    config : dict
        The book's ``_config.yml``.
    values : dict
        The parameters of the run.
    simulated : bool
        Whether the papers in use are simulated: the cover and the foot of every page then say so.

    Returns
    -------
    str
        An HTML page.
    """
    article = parser.document_fromstring(joined).xpath("//article")[0]
    for page in LEFT_OUT:
        for mark in article.xpath(f".//span[starts-with(@id, 'document-{page}')]"):
            following = mark.getnext()
            if following is not None:
                following.drop_tree()
    for path in DROPPED:
        for element in article.xpath(path):
            if element.getparent() is not None:
                element.drop_tree()
    for details in article.iter("details"):
        details.set("open", "")
    for cell in article.xpath(".//div[contains(@class, 'cell')][not(normalize-space(.)) and not(.//svg)]"):
        if cell.getparent() is not None:
            cell.drop_tree()
    _plain_svg(article)
    _links(article, config["html"]["baseurl"])
    entries = []
    for heading in article.xpath(".//section/h1 | .//section/h2 | .//section/h3"):
        section = heading.getparent().get("id")
        heading.set("id", f"h-{len(entries)}-{section}")
        # The first page holds all others; its own sections are no chapters.
        chapter = heading.tag != "h2" or heading.xpath("ancestor::*[contains(@class, 'toctree-wrapper')]")
        entries.append((heading.tag if chapter else "h3", heading.get("id"), heading.text_content().strip()))
    contents = "".join(
        f'<li class="{tag}"><a href="#{name}">{html.escape(title)}</a></li>' for tag, name, title in entries
    )
    differ = {k: v for k, v in values.items() if v != parameters.DEFAULTS.get(k)}
    run = ", ".join(f"{name} = {value}" for name, value in differ.items()) or "the default parameters"
    colours = palette()
    style = (paths.BOOK / "static" / "css" / "print.css").read_text(encoding="utf-8")
    style = re.sub(r"var\((--[\w-]+)\)", lambda named: colours[named[1]], style)  # also where @page has no variables
    about, edition = ("", "") if paths.STUDY else ("A replication book", f", version {html.escape(theme.version())}")
    note = wording.LABELS["simulated"] if simulated else ""
    if simulated:
        style += (
            f'@page {{ @bottom-right {{ content: "{note}"; font: 600 9pt "Source Sans 3"; color: {svg.SIMULATED} }} }}'
        )
    body = parser.tostring(article, encoding="unicode", method="html")
    title, author = html.escape(config["title"]), html.escape(config["author"])
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="author" content="{author}"><style>{style}</style></head><body>'
        f'<header class="cover"><img src="logo.svg" alt=""><p class="title">{title}</p><p>{about}</p>'
        f'<p class="made">{author}, {html.escape(config["copyright"])}{edition}<br>'
        f"Made with {html.escape(run)}<br>{note}<br>"
        "Text CC BY 4.0, code BSD-3-Clause</p></header>"
        f'<nav class="contents" aria-label="Contents"><p class="heading">Contents</p><ol>{contents}</ol></nav>'
        f"<main>{body}</main></body></html>"
    )


def palette() -> dict[str, str]:
    """The light colours of the pages by name, from ``book.css``, where they have their one place.

    Examples
    --------
    >>> palette()["--simulated"] == svg.SIMULATED
    True
    """
    style = (paths.BOOK / "static" / "css" / "book.css").read_text(encoding="utf-8")
    light = style[style.index('html[data-theme="light"]') : style.index("@media screen")]
    return dict(re.findall(r"(--[\w-]+): (#[0-9a-f]+);", light))


# What the pages' style sheet says about the drawings, which WeasyPrint sets without it.
def _plain_svg(article):
    for element in article.xpath(".//*[local-name()='svg']/descendant-or-self::*[@style]"):
        element.set("style", re.sub(r"var\(--[\w-]+,\s*(#[0-9a-f]+)\)", r"\1", element.get("style")))


def _links(article, baseurl):
    known = set(article.xpath(".//@id"))
    for link in article.xpath(".//a[@href]"):
        page, _, anchor = link.get("href").partition("#")
        if re.match(r"[a-z]+:", page):
            continue
        if page.startswith("data/"):
            link.set("href", baseurl + page)
            continue
        wanted = anchor if anchor in known else f"document-{page.removesuffix('.html')}"
        if wanted in known and wanted != "document-":
            link.set("href", f"#{wanted}")
        else:
            link.drop_tag()
