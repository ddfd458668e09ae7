"""The check of the finished site: no broken reference, no request to another host, no image without a text."""

import re

from lxml import html as parser

from ptmreuse.errors import refuse


def check(folder):
    """Refuse pages with a broken reference, a request to another host or an image without alternative text.

    Parameters
    ----------
    folder : Path
        The built site.

    Raises
    ------
    StudyError
        With the page and the first problem.
    """
    pages = {path: parser.parse(str(path)).getroot() for path in sorted(folder.rglob("*.html"))}
    anchors = {p: set(root.xpath("//@id")) | set(root.xpath("//a/@name")) for p, root in pages.items()}
    problems = [(page, p) for page, root in pages.items() for p in _page_problems(page, root, anchors)]
    for sheet in sorted(folder.rglob("*.css")):
        problems += [(sheet, p) for p in _style_problems(sheet.read_text(encoding="utf-8"))]
    for page, (expected, found) in problems:
        refuse(f"page {page.name}", expected, found, "correct the page or notebook")


LOADED = (
    ("script", "src"), ("link", "href"), ("img", "src"), ("img", "srcset"), ("iframe", "src"), ("source", "src"),
    ("video", "src"), ("audio", "src"), ("embed", "src"), ("object", "data"), ("image", "href"), ("use", "href"),
)  # fmt: skip
NOT_LOADED = ("canonical", "author", "license")  # links of a page's head that a browser does not follow
LOST = re.compile(r"<Figure size |<IPython\.|<matplotlib\.|\b0x[0-9a-f]{9,}")


def _page_problems(page, root, anchors):
    for tag, attribute in LOADED:
        for element in root.iter(tag):
            target = element.get(attribute) or ""
            external = re.match(r"(https?:)?//", target)
            if external and not (tag == "link" and element.get("rel") in NOT_LOADED):
                yield "nothing loaded from another host", target
            elif target and not external and not target.startswith("data:"):
                yield from _missing_target(page, target, anchors)
    for style in [*root.xpath("//@style"), *root.xpath("//style/text()")]:
        yield from _style_problems(style)
    for image in root.iter("img"):
        alt = image.get("alt")
        if alt is None or re.search(r"\.(svg|png|jpe?g)$|/", alt.strip()):
            yield "an alternative text in words", f"{image.get('src')} with alt {alt!r}"
    for figure in root.xpath("//svg[@role='img']"):
        if not (figure.get("aria-label") or "").strip():
            yield "an alternative text in words", "a drawing without a label"
    for link in root.iter("a"):
        target = link.get("href") or ""
        if not re.match(r"[a-z]+:|//", target):
            yield from _missing_target(page, target, anchors)
    # In what results.py writes the same words are somebody's data: a model may be called so.
    ours = "ancestor::figure or ancestor::*[contains(@class, 'ptm-')]"
    for text in root.xpath(f"//body//text()[not(ancestor::pre or ancestor::code or ancestor::script or {ours})]"):
        if LOST.search(text):
            yield "a table or figure", text.strip()[:80]


def _style_problems(style):
    for target in re.findall(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]*)""", style):
        yield "nothing loaded from another host", target


def _missing_target(page, target, anchors):
    name, _, anchor = target.partition("#")
    file = (page.parent / name.split("?")[0]).resolve() if name else page
    if name and not file.exists():
        yield "a link to an existing file", target
    elif anchor and file in anchors and anchor not in anchors[file]:
        yield "a link to an existing place", target
