"""A student's own spreadsheet of codes, with columns of her own, brought into study tables.

One row is a paper, or a model in a paper; a cell may hold several models, patterns, stages or fields with
semicolons between them. Every column is recognised by its name or named by hand; every cell is read or refused
with its line, and all that is refused is told at once.
"""

import re
import unicodedata

import pandas as pd

from ptmreuse import paths
from ptmreuse.errors import StudyError, StudyErrors, refuse
from ptmreuse.evidence import names, study
from ptmreuse.evidence.folder import SUMS
from ptmreuse.evidence.spreadsheet import read_sheet
from ptmreuse.wording import look

COLUMNS = {  # what a column can hold -> the names it goes by, in small letters, without signs
    "paper": ("paper", "paper id", "id", "article", "article id", "key", "citation key"),
    "doi": ("doi", "doi url", "doi link"),
    "title": ("title", "paper title", "article title", "titel"),
    "year": ("year", "publication year", "pub year", "date", "published", "jahr", "année", "annee"),
    "megajournal": ("megajournal", "journal", "venue", "source", "publisher", "zeitschrift", "revue"),
    "cited_by": ("cited by", "citations", "citation count", "times cited"),
    "natural_science": ("natural science", "in scope", "included"),
    "full_text": ("full text", "fulltext"),
    "field": ("field", "fields", "discipline", "subject", "area", "research field", "domain", "fach", "fachgebiet"),
    "coder": ("coder", "rater", "annotator", "reviewer", "coded by"),
    "uses_dl": ("uses dl", "uses deep learning", "deep learning", "dl"),
    "uses_ptm": (
        "uses ptm", "reuses ptm", "ptm", "reuse", "reuses", "pre trained model", "pretrained model", "reuses a model",
        "uses pre trained model", "reuses pre trained model", "reuses a pre trained model", "ptm reuse", "reuses model",
    ),
    "model": ("model", "models", "model name", "ptm name", "which model", "modell", "modèle"),
    "pattern": ("pattern", "patterns", "reuse pattern", "type of reuse", "reuse type", "kind of reuse", "how reused"),
    "stage": ("stage", "stages", "stage of science", "scientific stage", "process stage", "phase"),
}  # fmt: skip
# The words, and what spreadsheet programs of other languages call true and false.
YES = {
    "yes", "y", "true", "1", "x", "ja", "oui", "si", "sí", "sim", "tak", "да", "是", "wahr", "vrai", "verdadero",
    "verdadeiro", "vero", "waar", "sant", "sand", "prawda",
}  # fmt: skip
NO = {
    "no", "n", "false", "0", "nein", "non", "não", "nao", "nee", "nej", "nie", "нет", "否", "falsch", "faux", "falso",
    "onwaar", "falskt", "falsk", "fałsz",
}  # fmt: skip
UNKNOWN = {"", "unknown", "?", "unclear", "n/a", "na", "-", "–", "nan", "none", "cannot tell", "unbekannt"}
# What a spreadsheet program makes of a code such as 3-5 or 1:2, in figures or with the name of a month; and a percent.
_MONTH = (
    "(?:jan(?:uary?|uar|vier)?|f[eé][bv](?:ruary|ruar|rier)?|m[aä]r(?:ch|s|z)?|mrz|apr(?:il)?|avr(?:il)?|ma[iy]"
    "|ju[nl][eiy]?|juin|juil(?:let)?|aug(?:ust)?|ao[uû]t|sept?(?:ember|embre)?|o[ck]t(?:ober|obre)?"
    "|nov(?:ember|embre)?|d[eé][cz](?:ember|embre)?)\\.?"
)
_MEASURED = re.compile(
    r"\d{4}([-/.])\d\d?\1\d\d?|\d\d?([-/.])\d\d?\2(?:\d\d){1,2}|\d+:\d\d(:\d\d.*)?|\d+([.,]\d+)? ?%"
    rf"|\d+[-. ]+{_MONTH}|{_MONTH}[-. ]+\d+", re.IGNORECASE,
)  # fmt: skip
_SIGNS = {"model": r"\s*,\s*| [/+&] | and "} | dict.fromkeys(("pattern", "stage", "field"), r"\s*[,/+&]\s*| and ")


class _Refused(list):
    """What was refused: each a sentence with its place."""

    def add(self, where, expected, found, do):
        self.append(StudyError(expected=expected, found=found, where=where, do=do))


def import_codes(path, *, columns=None, coder="", sheet="", codebook=None):
    """Study tables from a spreadsheet of codes.

    Parameters
    ----------
    path : path-like
    columns : dict of str to str, optional
        What a column holds -> its name in the spreadsheet, where the name does not say it; empty: none holds it.
    coder : str
        Who coded, where no column says so.
    sheet : str
    codebook : DataFrame, optional
        A codebook in use. Without one, patterns of which none is the study's make a codebook of their own.

    Returns
    -------
    tables : dict of str to DataFrame
        papers, fields, uses, reuse, stages and codebook.
    report : list of str
        What was understood, in sentences.

    Raises
    ------
    StudyError
        Also for a column that could be two things; and `StudyErrors` with every cell that is refused.
    """
    read = read_sheet(path, sheet)
    where = paths.shown(path)
    named = match_columns(read.header, columns or {}, where)
    report = [f"{where}: {len(read.rows)} rows", *read.notes]
    report += [f"{target}: column {name!r}" for target, name in named.items()]
    held = [name for t, name in named.items() if t in ("field", "model", "pattern", "stage")]
    places = [read.header.index(name) for name in held]
    several = sum(any(";" in cells[i] or "\n" in cells[i] for i in places) for cells in read.rows.values())
    report += [f"several values in one cell, with semicolons between them: {several} rows"] if several else []
    unused = [name for name in read.header if name not in named.values()]
    report += [f"not used (--column WHAT=NAME uses one): {', '.join(map(repr, unused))}"] if unused else []
    key = next((c for c in ("paper", "doi", "title") if c in named), None)
    if key is None or "uses_ptm" not in named:
        papers = "a column that tells papers apart (paper, doi or title)"
        reuse = "a column uses_ptm: does the paper reuse a pre-trained model, yes, no or unknown"
        lacking = papers if key is None else reuse
        do = f"say which one it is: --column {'paper' if key is None else 'uses_ptm'}=NAME"
        refuse(where, lacking, f"the columns {', '.join(map(repr, read.header))}", do)
    report.append(f"papers are told apart by {named[key]!r}")
    if "coder" not in named:
        coder = coder or "coder 1"
        report.append(f"no column says who coded: all by {coder!r} (--coder NAME says otherwise)")
    refused, rows = _Refused(), []
    listed = set() if codebook is None else set(codebook["code"])
    for line, cells in read.rows.items():
        by_name = dict(zip(read.header, cells, strict=True))
        mine = {target: by_name[name] for target, name in named.items()}
        rows.append(_row(mine, key, coder, f"{where}, line {line}", refused, listed))
    known = {q: listed for q, (listed, _) in _listed(codebook).items()}
    _refuse_alike(rows, known, refused)
    _refuse_joined(rows, known, refused)
    tables = {name: _gather(name, rows, where, refused) for name in ("papers", "fields", "uses", "reuse", "stages")}
    tables["codebook"], said = _codebook(tables, codebook, where, refused)
    if refused:
        raise StudyErrors(refused)
    for question in ("uses_dl", "uses_ptm"):
        counted = tables["uses"][question].value_counts()
        report.append(f"{question}: {', '.join(f'{counted.get(a, 0)} {a}' for a in study.ANSWERS)}")
    rows_said = sum(len(row["pattern"]) for row in rows)
    merged = rows_said - len(tables["reuse"])
    report += [f"{merged} codes of a model repeat another one and count once"] if merged else []
    counts = ", ".join(f"{len(frame)} rows of {name}" for name, frame in tables.items() if name != "codebook")
    return tables, [*report, *said, f"made {counts}"]


def match_columns(header, columns, where):
    """Which column holds what: by its name, or as said by hand; never by a guess.

    Examples
    --------
    >>> match_columns(["DOI", "Reuse pattern", "Notes"], {}, "codes.csv")
    {'doi': 'DOI', 'pattern': 'Reuse pattern'}
    >>> match_columns(["DOI", "Pattern", "Reuse type"], {}, "codes.csv")
    Traceback (most recent call last):
    ...
    ptmreuse.errors.StudyError: codes.csv: expected one column for pattern, found 'Pattern' and 'Reuse type'; \
say which one it is: --column pattern="Pattern".
    """
    for target, name in columns.items():
        if target not in COLUMNS or (name and name not in header):
            known, found = (COLUMNS, target) if target not in COLUMNS else (header, name)
            expected = f"{'one of' if target not in COLUMNS else 'a column among'} {', '.join(known)}"
            refuse("--column", expected, repr(found), "write --column pattern=NAME")
    named = {}
    for target, called in COLUMNS.items():
        if target in columns:
            fits = [columns[target]] if columns[target] else []
        else:
            taken = set(columns.values())
            plain = {n: " ".join(re.findall(r"\w+", n.casefold().replace("_", " "))) for n in header if n not in taken}
            fits = [n for n, words in plain.items() if words in called]
        if len(fits) > 1:
            do = f'say which one it is: --column {target}="{fits[0]}"'
            refuse(where, f"one column for {target}", " and ".join(map(repr, fits)), do)
        if fits:
            named[target] = fits[0]
    return named


def _row(cells, key, coder, where, refused, listed):
    """One row of the spreadsheet, its cells read."""
    said = {"coder": coder, "doi": "", "megajournal": ""} | cells | {"paper": cells[key]}
    row = {n: study.clean_doi(" ".join(said[n].split())) for n in ("paper", "coder", "doi", "megajournal")}
    row["where"] = where
    for name in ("paper", "coder"):
        if not row[name]:
            do = f"fill it in, or name a column that has one in every row: --column {name}=NAME"
            refused.add(where, f"who or what: a {name}", "an empty cell", do)
    if SUMS.fullmatch(row["paper"]):
        refused.add(where, "a paper", repr(row["paper"]), "take out the row of sums")
    for name, low, high in (("year", 1900, 2100), ("cited_by", 0, 2**53)):
        row[name] = _whole(cells.get(name, ""), name, low, high, where, refused)
    for name in ("natural_science", "full_text", "uses_dl", "uses_ptm"):
        row[name] = _answer(cells.get(name, ""), name, where, refused)
    for name in ("field", "model", "pattern", "stage"):
        row[name] = [p for part in re.split(r"[;\n]", cells.get(name, "")) if (p := part.strip())]
        odd = (value for value in row[name] if name != "model" and value not in listed)
        if measured := next(filter(_MEASURED.fullmatch, odd), None):
            found = f"{measured!r}, as dates, times and percents look"
            refused.add(f"{where}, {name}", "a code", found, "correct this cell; a spreadsheet may have changed it")
    if row["uses_ptm"] == "no":
        row["model"] = [model for model in row["model"] if model.casefold() not in UNKNOWN]
    if row["model"] and row["uses_ptm"] == "no":
        found = f"the answer no beside the model {row['model'][0]!r}"
        refused.add(where, "uses_ptm yes where a model is named", found, "correct one of the two cells")
    models = len(row["model"])
    for name in ("pattern", "stage"):
        given = [("unknown" if g.casefold() in UNKNOWN else g) for g in row[name]]
        if len(given) > 1 and models > 1 and len(given) != models:
            found = f"{len(given)} for {models} models"
            do = "give each model a row of its own"
            refused.add(f"{where}, {name}", f"one {name} per model, or one for all", found, do)
        if set(given) - {"unknown"} and not models:
            found = f"{given[0]!r} and no model"
            refused.add(f"{where}, {name}", f"a model beside a {name}", found, "name it, or empty the cell")
        given = given or ["unknown"]
        named = row["model"] * len(given) if models == 1 else row["model"]
        row[name] = list(zip(named, given * models if len(given) == 1 else given, strict=False))
    return row


def _whole(text, name, low, high, where, refused):
    """A year or a count; a date gives its year, a decimal comma or point with nothing after it is none."""
    if text.casefold() in UNKNOWN:
        return ""
    dated = re.fullmatch(r"((?:19|20)\d\d)-\d\d?-\d\d?(?:[T ].*)?", text) if name == "year" else None
    whole = dated.group(1) if dated else re.sub(r"[.,]0+$", "", text)
    thousands = re.fullmatch(r"\d{1,3}([.,]000)+", text)  # or decimals: nobody knows
    if thousands or not re.fullmatch(r"[0-9]{1,15}", whole) or not low <= int(whole) <= high:
        expected = "a year from 1900 to 2100 (or a date such as 2021-05-31)" if name == "year" else "a whole number"
        refused.add(f"{where}, {name}", expected, repr(text[:40]), "correct this cell")
        return ""
    return whole


def _answer(text, name, where, refused):
    said = re.sub(r"[.,]0$", "", text.casefold())
    answer = "yes" if said in YES else "no" if said in NO else "unknown"
    if answer == "unknown" and said not in UNKNOWN:
        expected = "yes, no or unknown (also true, false, 1, 0)"
        refused.add(f"{where}, {name}", expected, repr(text[:40]), "correct this cell")
    return answer


def _listed(codebook):
    """What is listed for each question: the codes, and whether the codebook in use lists them or only the study."""
    own = {} if codebook is None else codebook.groupby("question", sort=False)["code"].agg(tuple).to_dict()
    return {q: (own.get(q, codes), q in own) for q, codes in study.CODES.items()}


def _values(row, name):
    """The values of a row: of paper and coder the one, of the others all that its cell held."""
    return [row[name]] if isinstance(row[name], str) else [v if isinstance(v, str) else v[1] for v in row[name]]


def _refuse_alike(rows, known, refused):
    """Refuse two ways to write one thing: other capitals, or letters that only look alike."""
    for name in ("paper", "coder", "field", "pattern", "stage"):
        first = {look(code): (code, "the codebook") for code in known.get(name, ())}
        for row in rows:
            for value in _values(row, name):
                before, place = first.setdefault(look(value), (value, row["where"].rpartition(", ")[2]))
                capitals = value.casefold() == before.casefold()
                if value == before or (capitals and place == "the codebook"):
                    continue
                odd = next((letter for letter in value if letter not in before), value[0])
                how = "in other capitals" if capitals else f"with {unicodedata.name(odd, 'another sign')}"
                expected, found = f"one way to write {before!r} ({place})", f"{value!r} {how}"
                refused.add(f"{row['where']}, {name}", expected, found, "correct one of the two")


def _refuse_joined(rows, known, refused):
    """Refuse what looks like several values with another sign than a semicolon between them."""
    for name, signs in _SIGNS.items():
        alone = {value for row in rows for value in _values(row, name)} | set(known.get(name, ()))
        for row in rows:
            for value in _values(row, name):
                parts = re.split(signs, value)
                if len(parts) < 2 or value in known.get(name, ()):
                    continue
                models = name == "model" and (names.normalise(pd.Series(parts))["how"] != "unmatched").all()
                if models or alone.issuperset(parts):
                    do = "write semicolons" + ("" if name == "model" else ", or list it in codebook.csv")
                    refused.add(f"{row['where']}, {name}", "semicolons between several values", repr(value), do)


def _gather(name, rows, where, refused):
    """One study table from the rows that were read; what contradicts itself is refused."""
    wanted = list(study.SCHEMA[name])
    if name in ("papers", "uses"):
        keys, seen = study.KEYS[name], {}
        for row in rows:
            cells, key = {c: row[c] for c in wanted}, tuple(row[c] for c in keys)
            before = seen.setdefault(key, (cells, row["where"]))
            for column in wanted:
                if before[0][column] != cells[column]:
                    found = f"{cells[column]!r}, but {before[0][column]!r} in {before[1].rpartition(', ')[2]}"
                    said = f"the same {column} in every row of {' and '.join(key)}"
                    refused.add(f"{row['where']}, {column}", said, found, "correct one of the two")
        return pd.DataFrame([cells for cells, _ in seen.values()], columns=wanted)
    made = []
    for row in rows:
        if name == "fields":
            made += [{"paper": row["paper"], "field": field} for field in row["field"]]
        else:
            column = "pattern" if name == "reuse" else "stage"
            made += [{"paper": row["paper"], "coder": row["coder"], "model": m, column: v} for m, v in row[column]]
    if name == "reuse":
        wanted = ["paper", "coder", "model", "pattern"]
    table = pd.DataFrame(made, columns=wanted, dtype="str").drop_duplicates(ignore_index=True)
    # A row that is unknown beside a known one of the same model says nothing more.
    if name in ("reuse", "stages"):
        known = table[table[wanted[-1]] != "unknown"].groupby(wanted[:-1]).size()
        again = (table[wanted[-1]] == "unknown") & pd.MultiIndex.from_frame(table[wanted[:-1]]).isin(known.index)
        table = table[~again].reset_index(drop=True)
    return table if name != "stages" or (table["stage"] != "unknown").any() else table.iloc[:0]


def _codebook(tables, codebook, where, refused):
    """Match codes in spite of capitals; find the codebook that the codes are from."""
    parts, said = [] if codebook is None else [codebook], []
    for question, (known, own) in _listed(codebook).items():
        name = {"pattern": "reuse", "stage": "stages", "field": "fields"}[question]
        alike = {code.casefold(): code for code in (*known, "unknown")}
        column = tables[name][question].map(lambda c, alike=alike: alike.get(c.casefold(), c)).astype("str")
        tables[name][question] = column
        counted = column[column != "unknown"].value_counts()
        others = [code for code in counted.index if code not in known]
        if len(counted):
            said.append(f"{question}: {', '.join(f'{code!r} ({n})' for code, n in counted.items())}")
        if own and (unused := [code for code in known if code not in counted]):
            said.append(f"{question}: codebook.csv lists what no row holds: {', '.join(map(repr, unused))}")
        if question != "field" and others and (own or len(others) < len(counted)):
            do = "correct these cells, or write a codebook.csv that lists all your codes"
            expected = f"codes among {', '.join(known)}"
            refused.add(f"{where}, {question}", expected, ", ".join(map(repr, others)), do)
        elif len(counted) and not own:
            listed = counted.index if others else known
            order = range(1, len(listed) + 1)
            parts.append(pd.DataFrame({"question": question, "code": listed, "definition": "", "order": order}))
            if others and question != "field":
                said.append(f"none of these is a {question} of the study: codebook.csv lists them, for you to define")
    return pd.concat(parts) if parts else study.empty("codebook"), said
