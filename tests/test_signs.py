"""The sign on everything that a page shows is the kind of the rows behind it."""

import csv
import io
import json

import pytest
from lxml import html as parser

from ptmreuse import paths, wording
from ptmreuse.book import steps
from ptmreuse.evidence import study

# Written by hand: with the words of two kinds exchanged, this fails.
WORDS = {
    "published": "Published facts", "coded": "Coded papers", "assumed": "Assumed, what if",
    "simulated": "Simulated, not evidence",
}  # fmt: skip
# Real papers of other origin than those in use: their signs stay when the source in use changes.
OTHER_PAPERS = (
    "control", "ratings", "rater", "agreement", "people", "paradox", "kappa", "models_", "machine", "splits",
    "coder_development", "coder_held_out", "correction", "checked_", "elsewhere", "comparator",
)  # fmt: skip
BY_CHANCE = (
    "low", "high", "p", "p_first", "apart", "apart_low", "apart_high", "p_resampled", "rank_low", "rank_high",
    "low_resampled", "high_resampled",
)  # fmt: skip


def recorded(project):
    """What a build recorded: name to (kind, what it shows without intervals that were drawn); numbers by their key."""
    found = {}
    for path in sorted((project / "_build" / "results").glob("*/items.json")):
        for item in json.loads(path.read_text(encoding="utf-8")):
            if item["type"] != "sentences":
                rows = study.read_csv(path.parent / f"{item['name']}.csv")
                assert set(rows["data_kind"]) <= {item["kind"], *item.get("beside", ())}, item["name"]
                shown = rows.drop(columns=[c for c in rows if c in BY_CHANCE or c == "data_kind"])
                found[item["name"]] = (item["kind"], shown.to_csv(index=False))
        for row in study.read_csv(path.parent / "numbers.csv").to_dict("records"):
            found[f"number {row['key']}"] = (row["data_kind"], row["text"])
    return found


def wrong_signs(embedded, simulated):
    """Names whose kind cannot be that of their rows, seen from two builds: on coded and on simulated papers."""
    wrong = []
    for name in embedded.keys() & simulated.keys():
        (kind, shown), (other, now) = embedded[name], simulated[name]
        number = name.startswith("number ")
        if kind == other == "coded":
            right = name.removeprefix("number ").startswith(OTHER_PAPERS)
        elif kind == other:
            right = shown == now  # it does not come from the papers in use
        elif (kind, other) == ("coded", "simulated"):
            said = shown.replace(",", "")
            large = said.isdecimal() and int(said) >= 100  # smaller ones may be equal by chance
            right = shown != now or (number and not large)
        else:
            right = False
        wrong += [] if right else [f"{name}: {kind}, {other}"]
    return sorted(wrong)


def test_the_words_of_the_kinds():
    assert {kind: wording.LABELS[kind] for kind in WORDS} == WORDS
    assert set(study.KINDS) <= set(WORDS) == set(wording.LABELS)


@pytest.mark.parametrize(
    ("embedded", "simulated", "wrong"),
    [
        (("published", "a"), ("published", "a"), False),
        (("published", "a"), ("published", "b"), True),  # papers in use, called published
        (("coded", "a"), ("simulated", "b"), False),
        (("coded", "a"), ("simulated", "a"), True),  # published or simulated, called by the papers in use
        (("coded", "a"), ("coded", "b"), True),  # simulated papers, called coded
        (("simulated", "a"), ("simulated", "a"), False),
        (("simulated", "a"), ("coded", "a"), True),
    ],
)
def test_a_wrong_sign_is_seen(embedded, simulated, wrong):
    assert bool(wrong_signs({"table": embedded}, {"table": simulated})) == wrong


def test_every_sign_of_the_built_pages_is_that_of_its_rows(built_project):
    html = built_project / "_build" / "html"
    kinds = {}
    for path in (built_project / "_build" / "results").glob("*/items.json"):
        for item in json.loads(path.read_text(encoding="utf-8")):
            if item["type"] != "sentences":
                kinds[item["name"]] = ([item["kind"], *item.get("beside", ())], path.parent)
    numbers = study.read_csv(html / "data" / "numbers.csv").set_index("key")["data_kind"]
    seen, traced = set(), 0
    for page in sorted(html.glob("*.html")):
        root = parser.parse(str(page)).getroot()
        for figure in root.xpath("//figure[contains(@class, 'ptm-')]"):
            if figure.get("id") not in kinds:
                continue
            own, folder = kinds[figure.get("id")]
            signs = figure.xpath(".//figcaption//span[contains(@class, 'ptm-kind')]")
            assert [(s.get("class"), s.text) for s in signs] == [(f"ptm-kind ptm-{kind}", WORDS[kind]) for kind in own]
            if "ptm-figure" in figure.get("class"):
                first, *more = (WORDS[kind] for kind in own)
                words = ", ".join([first, *(word[0].lower() + word[1:] for word in more)])
                drawn = {"".join(t.itertext()).strip() for t in figure.xpath(".//*[local-name() = 'text']")}
                assert words in drawn and not drawn & (set(WORDS.values()) - {words}), figure.get("id")
                for layout in ("", ".narrow"):
                    svg = (folder / f"{figure.get('id')}{layout}.svg").read_text(encoding="utf-8")
                    assert words in svg and not any(WORDS[kind] in svg for kind in WORDS if kind not in own)
            data = csv.DictReader(io.StringIO((folder / f"{figure.get('id')}.csv").read_text(encoding="utf-8")))
            assert {row["data_kind"] for row in data} <= set(own)
            seen.add(figure.get("id"))
        for link in root.xpath("//a[contains(@class, 'ptm-of-')]"):
            key = link.get("href").partition("#n-")[2]
            assert f"ptm-of-{numbers[key]}" in link.get("class").split(), f"{page.name}, {key}"
            traced += 1
    assert len(seen) > 30 and traced > 60
    registry = parser.parse(str(html / "numbers.html")).getroot()
    for row in registry.xpath("//tr[starts-with(@id, 'n-')]"):
        sign = row.xpath(".//span[contains(@class, 'ptm-kind')]")[0]
        assert sign.text == WORDS[numbers[row.get("id").removeprefix("n-")]]


def test_the_registry_names_the_cell_of_the_notebook_that_records_a_number(built_project):
    checked = 0
    for name in steps.NOTEBOOKS:
        listed = json.loads((paths.ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        cells = ["".join(cell["source"]) for cell in listed if cell["cell_type"] == "code"]
        numbers = study.read_csv(built_project / "_build" / "results" / name / "numbers.csv")
        for row in numbers.itertuples():
            holding = [str(n) for n, source in enumerate(cells, start=1) if f'"{row.key}"' in source]
            if len(holding) == 1:  # else the key is put together, or read again elsewhere
                assert row.cell == holding[0], row.key
                checked += 1
    assert checked > 50
