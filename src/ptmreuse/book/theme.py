"""The Sphinx extension of the book: roles and directives of `directives`, and what the templates need to know."""

import html
import re

import yaml
from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode

from ptmreuse import paths
from ptmreuse.book import cards, catalogue, directives, markup, steps

OF_CELLS = ("clipboard", "copybutton", "mystnb", "pygments")  # files that only pages with code need


def setup(app):
    """Register with Sphinx."""
    app.add_role("num", directives.Number())
    app.add_role("kind", directives.Kind())
    for name, directive in {
        "result": directives.Result, "claims-board": cards.ClaimsBoard,
        "examples": cards.Examples,
        "datafile": directives.DataFile, "registry": directives.Registry, "parameters": directives.Parameters,
        "helpers": directives.Helpers,
    }.items():  # fmt: skip
        app.add_directive(name, directive)
    app.add_config_value("repository_url", "", "html")
    app.add_node(HideCodeCellNode, override=True, html=(open_folded, close_folded))
    app.connect("doctree-read", cards.search_entries)
    app.connect("html-page-context", page_context)
    app.connect("html-collect-pages", lambda app: [("404", not_found(app), "404.html")])
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def page_context(app, pagename, templatename, context, doctree):
    """What a page needs beyond its text: links to its notebook, sound list markup."""
    context["page_links"] = page_links(pagename, app.config.repository_url)
    context["book_version"] = version()
    context["simulated"] = markup.badge("simulated") if catalogue.simulated() else ""
    context["own"] = own_banner() if paths.STUDY else ""
    context["html_baseurl"] = app.config.html_baseurl
    if pagename == "search":  # it loads the words of the whole book and shows no cell
        for files in ("script_files", "css_files"):
            context[files] = [
                f for f in context[files] if not any(part in str(getattr(f, "filename", f)) for part in OF_CELLS)
            ]
    if doctree is not None:
        context["description"] = next((shortened(p.astext()) for p in doctree.findall(nodes.paragraph)), "")
    if "body" in context:
        # docutils marks references as a list whose entries are no list items.
        body = context["body"].replace(' role="list"', "").replace(' role="doc-biblioentry"', "")
        context["body"] = cards.explain(
            re.sub(r'(class="ptm-origin[^>]* title=)("[^"]*")', r"\1\2 aria-label=\2", body)
        )


def version():
    """The version of the book, as its citation gives it."""
    return yaml.safe_load((paths.ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"]


def not_found(app):
    """What the page for unknown addresses shows: every page of the book but those of the helper functions."""
    titles = app.env.titles
    listed = [page for page in app.env.toctree_includes[app.config.root_doc] if not page.startswith("api")]
    return {"html_baseurl": app.config.html_baseurl, "places": [(page, titles[page].astext()) for page in listed]}


def own_banner():
    """Whose papers a student's book is about."""
    numbers = catalogue.registry()["text"]
    return f"{numbers.get('evidence_papers', 'No')} papers, coded by {numbers.get('coders', 'nobody')}."


def shortened(text, longest=200):
    """The beginning of a text in whole words, for search engines and previews.

    Examples
    --------
    >>> shortened("How many papers remain after each filter?", longest=20)
    'How many papers…'
    """
    text = " ".join(text.replace(directives.SIGN, "").split())
    return text if len(text) <= longest else text[:longest].rsplit(" ", 1)[0] + "…"


def page_links(pagename, repository_url):
    """Ways to open the notebook behind a page; the first is a file of the book, the others need its repository.

    Examples
    --------
    >>> [link["text"] for link in page_links("01_sampling", "https://github.com/owner/name")]
    ['Notebook', 'Binder', 'Colab']
    >>> page_links("claims", "")
    []
    """
    if pagename not in steps.NOTEBOOKS:
        return []
    links = [{"text": "Notebook", "href": f"data/notebooks/{pagename}.ipynb", "download": True}]
    if repository_url:
        name = repository_url.rstrip("/").removeprefix("https://github.com/")
        links += [
            {
                "text": "Binder",
                "href": f"https://mybinder.org/v2/gh/{name}/HEAD?urlpath=lab/tree/notebooks/{pagename}.ipynb",
            },
            {
                "text": "Colab",
                "href": f"https://colab.research.google.com/github/{name}/blob/HEAD/notebooks/{pagename}.ipynb",
            },
        ]
    return links


def open_folded(self, node):
    """Begin a folded cell (a Sphinx visitor); myst-nb's own label hides the visible words from screen readers."""
    self.body.append(
        f'<details class="hide above-input"><summary><span class="collapsed">{html.escape(node["prompt_show"])}</span>'
        f'<span class="expanded">{html.escape(node["prompt_hide"])}</span></summary>\n'
    )


def close_folded(self, node):
    """End a folded cell (a Sphinx visitor)."""
    self.body.append("</details>\n")
