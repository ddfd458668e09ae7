"""What leads a reader on: the board of claims, cards of papers, entries for the search, terms with their meaning."""

import html
import re
from functools import cache

from sphinx import addnodes

from ptmreuse import paths
from ptmreuse.book import markup
from ptmreuse.book.directives import Html
from ptmreuse.errors import refuse
from ptmreuse.evidence import study

HEADINGS = {"frame": "How many papers", "RQ1": "Fields and years", "RQ2": "Patterns and models", "RQ3": "Stages"}


def claims():
    """The claims of the study with their verdicts, as the last chapter judged them."""
    return study.read_csv(paths.RESULTS / "04_findings" / "claims.csv")


class ClaimsBoard(Html):
    """Every claim of the study as one mark: a link to the claim, named by what it says and by its verdict."""

    def html(self):
        """The marks, a line per question, with their legend."""
        from ptmreuse.findings.claims import VERDICTS

        judged = claims()
        judged = judged.assign(order=judged["verdict"].map(VERDICTS.index)).sort_values("order", kind="stable")
        lines = []
        for question, words in HEADINGS.items():
            marks = "".join(_mark(claim) for claim in judged[judged["question"] == question].to_dict("records"))
            if marks:
                lines.append(f"<dt>{words}</dt><dd><ul>{marks}</ul></dd>")
        counts = judged["verdict"].value_counts()
        legend = "".join(f"<li>{counts.get(v, 0)} {markup.verdict_html(v)}</li>" for v in VERDICTS)
        return f'<dl class="ptm-board">{"".join(lines)}</dl><ul class="ptm-legend">{legend}</ul>'


def _mark(claim):
    said = html.escape(f"{markup.plain(claim['statement'])}: {claim['verdict']}")
    sign = f'<span class="ptm-verdict ptm-{claim["verdict"].replace(" ", "-")}"></span>'
    return (
        f'<li><a href="claims.html#{claim["id"]}" title="{said}">{sign}<span class="ptm-unseen">{said}</span></a></li>'
    )


class Examples(Html):
    """Papers of the pilot that show what reuse looks like, a card each, from ``data/examples.csv``."""

    def html(self):
        """A card per row; each must be a pair that the study's authors coded."""
        coded = study.read_csv(paths.DATA / "pilot_pairs.csv")
        papers = study.read_csv(paths.DATA / "pilot_papers.csv").set_index("doi")
        examples = study.read_csv(paths.DATA / "examples.csv")
        known = examples.merge(coded, on=["doi", "model", "pattern"], how="left", indicator=True)
        for row in known[known["_merge"] != "both"].itertuples():
            refuse(
                "data/examples.csv", "pairs of data/pilot_pairs.csv",
                f"{row.doi}, {row.model}, {row.pattern}", "correct the row",
            )  # fmt: skip
        cards = [
            f'<div class="ptm-card"><p class="ptm-pattern">{row.pattern}</p><p>{markup.escaped(row.did)}</p>'
            f'<p class="ptm-source">{markup.escaped(row.model)}, {markup.escaped(row.field)}<br>'
            f'<a href="https://doi.org/{row.doi}">{markup.escaped(papers.loc[row.doi, "journal"])} '
            f"{papers.loc[row.doi, 'year']}, doi {row.doi}</a></p></div>"
            for row in examples.itertuples()
        ]
        return f'<p>{markup.badge("coded")}</p><div class="ptm-answers">{"".join(cards)}</div>'


def search_entries(app, doctree):
    """What the search finds first: a claim by its id, on the page of claims; both spellings of licence."""
    page = app.env.docname
    if page.startswith("api"):  # found as objects; without a second entry the index is a fifth lighter
        for node in list(doctree.findall(addnodes.index)):
            node.parent.remove(node)
    words = {"data": [("license", "rights"), ("licence", "rights")]}.get(page, [])
    if page == "claims" and (paths.RESULTS / "04_findings").exists():
        words = [(name, name) for name in claims()["id"]]
    if words:
        doctree += addnodes.index(entries=[("single", word, place, "main", None) for word, place in words])


@cache
def terms():
    """The glossary: term to what it means."""
    text = (paths.BOOK / "glossary.md").read_text(encoding="utf-8")
    return {
        re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"): " ".join(meaning.split())
        for name, meaning in re.findall(r"^(\w.*)\n((?:  .*\n)+)", text, flags=re.M)
    }


def explain(body):
    """Links to the glossary with what the term means, so that a reader need not leave the sentence.

    Examples
    --------
    >>> explain('<a href="glossary.html#term-Frame">frame</a>')[:56]
    '<a title="The list of papers from which a sample is draw'
    """

    def titled(link):
        name = re.sub(r"[^a-z0-9]+", "-", link[2].lower()).strip("-")
        meaning = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", terms().get(name, ""))
        return f'<a title="{html.escape(meaning)}"{link[1]}glossary.html#term-{link[2]}"' if meaning else link[0]

    return re.sub(r'<a((?: [a-z]+="[^"]*")*? href=")glossary\.html#term-([^"]+)"', titled, body)
