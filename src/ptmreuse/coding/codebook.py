"""The codebook of the rule coder: the cues of data/cues.csv and the names of data/models.csv, checked when read."""

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property, lru_cache

import pandas as pd

from ptmreuse import paths
from ptmreuse.errors import StudyError
from ptmreuse.evidence import names, study

CUES = paths.DATA / "cues.csv"
DEVELOPMENT = paths.MEASURED / "coder_development.csv"
STRONG = 0.75  # answers of this strength and above are judged apart from weaker ones
DOMAINS = (
    "protein", "genomics", "chemistry", "imaging", "vision", "language", "audio", "ecology", "geoscience",
    "neuroscience", "astronomy", "general",
)  # fmt: skip
JOINT = r"[ \-./@_·]{0,2}"  # what may stand inside a name
ANY_CASE = {"unet", "yolo"}  # short names that people write in any case, and that mean nothing else
DECIDING = (
    "articles",
    "characters",
    "codebook",
    "formats",
    "jats",
    "reading",
    "rules",
)  # the modules on which a code depends
_CUE_COLUMNS = ("rule", "group", "weight", "case", "regex", "example", "note")
_GROUPS = (
    [
        "section",
        "stem",
        "dl",
        "weak",
        "shallow",
        "framework",
        "own",
        "other",
        "cited",
        "denied",
        "review",
        "ptm",
        "trained",
    ]
    + ["clause", "coref", "name", "noname", "netword", "collision", "bare", "against"]
    + list(study.PATTERNS)
    + [f"stage.{stage}" for stage in study.STAGES]
    + [f"context.{domain}" for domain in DOMAINS]
)


# --- the codebook -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Codebook:
    """Cues and model names as the coder uses them; made by :func:`load_codebook`.

    Attributes
    ----------
    cues : dict of str to tuple
        Group to its ``(rule, weight, compiled pattern)`` in the file's order.
    models : dict of str to dict
        Squeezed alias to its row of the alias table.
    fingerprint : str
        SHA-256 of both files and of the code that applies them.
    """

    cues: dict
    models: dict
    fingerprint: str
    record: pd.DataFrame

    def chance(self, question, answer, strength):
        """The probability that an answer is right, fitted on the development articles (:func:`chance`)."""
        key = question, answer, strength >= STRONG
        if key not in self._chances:
            self._chances[key] = chance(self.record, question, answer, strength)
        return self._chances[key]

    @cached_property
    def _chances(self):
        return {}

    def hits(self, group, text):
        """``(rule, weight)`` of every cue of a group that matches."""
        small, cues = text.lower(), self._searched[group]
        return [(rule, weight) for rule, weight, regex, any_case in cues if regex.search(small if any_case else text)]

    @cached_property
    def _searched(self):
        """The cues as they are searched: those of any case in small letters, which takes half the time."""
        return {g: [(rule, weight, *_small(regex)) for rule, weight, regex in cues] for g, cues in self.cues.items()}

    @cached_property
    def name(self):
        """A pattern of every alias in lower case; after its first word a hyphen may stand anywhere in it."""
        firsts = set(self.models)
        for row in self.models.values():
            first = names.squeeze(re.split(r"[^\w+]|_", row["alias"])[0])
            firsts |= {first, first.rstrip("0123456789")}
        return re.compile(r"(?<![^\W_])" + _tree(self.models, r"s?(?![^\W_]|\+)", firsts - {""}))

    @cached_property
    def _stems(self):
        """Patterns of the stems: in any case, and as written."""
        words = [w for _, _, regex in self.cues["stem"] for w in regex.pattern.split("|")]
        return [re.compile(_tree(w for w in words if w.islower() == small)) for small in (True, False)]

    def has_stem(self, text):
        """Whether a text holds a stem: without one it is not worth while to look for terms."""
        any_case, as_written = self._stems
        return any_case.search(text.lower()) is not None or as_written.search(text) is not None

    @cached_property
    def _against(self):
        return {rule.split(".")[1]: regex for rule, _, regex in self.cues["against"]}

    def ambiguous(self, written, row):
        """Whether a name, as written, means something else as well."""
        return row["needs_context"] or any(regex.fullmatch(written) for _, _, regex in self.cues["bare"])

    def means_another(self, written, row, text):
        """Whether words beside an ambiguous name say that it is another thing: MAE beside RMSE."""
        keys = (names.squeeze(written), names.squeeze(row["canonical"]), names.squeeze(row["family"]))
        return any(key in self._against and self._against[key].search(text) for key in keys)

    @cached_property
    def deep_from(self):
        """Family to the first year in which one of its models was deep."""
        years = defaultdict(list)
        for row in self.models.values():
            if row["deep"] == "yes":
                years[row["family"]].append(row["first_year"])
        return {family: min(found) for family, found in years.items()}


def _small(regex):
    """A pattern for a text in small letters, and True, if case does not matter to it."""
    if not regex.flags & re.IGNORECASE:
        return regex, False
    parts = re.split(r"(\\.|\(\?P)", regex.pattern)  # but not what means something else when small
    return re.compile("".join(part if i % 2 else part.lower() for i, part in enumerate(parts))), True


def _tree(words, end="", firsts=frozenset(), before="", joint=""):
    """A regular expression of many words that reads each beginning once; after one of `firsts` they may be parted."""
    joint = JOINT if before in firsts else joint
    following = defaultdict(set)
    for word in words:
        following[word[:1]].add(word[1:])
    ends = [end] if following.pop("", ()) else []
    parts = [re.escape(c) + _tree(rest, end, firsts, before + c, joint) for c, rest in sorted(following.items())]
    if len(parts) > 1:
        parts = [f"(?:{'|'.join(parts)})"]  # a group for branches alone: patterns must not nest deep
    parts = [joint + part for part in parts] + ends
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


def chance(record, question, answer, strength):
    """The share of answers of a kind that were right, drawn towards one half where few were seen.

    Parameters
    ----------
    record : DataFrame
        As ``data/measured/coder_development.csv``.
    question, answer : str
        A model's pattern counts by question alone, for the patterns are few.
    strength : float
        At or above `STRONG`, or below.

    Returns
    -------
    float
        ``(right + 1) / (n + 2)`` (Laplace); 0.5 for *unknown* and for what was never seen.

    Examples
    --------
    >>> seen = pd.DataFrame({"question": ["model"] * 3, "answer": "yes", "strength": "0.9", "right": ["1", "1", "0"]})
    >>> chance(seen, "model", "yes", 0.8), chance(seen, "model", "yes", 0.6)
    (0.6, 0.5)
    """
    if answer == "unknown":
        return 0.5
    alike = (record["question"] == question) & (record["right"] != "") & (record["strength"] != "")
    if question in ("uses_dl", "uses_ptm"):
        alike &= record["answer"] == answer
    found = record[alike]
    found = found[(found["strength"].astype(float) >= STRONG) == (strength >= STRONG)]
    return float((found["right"] == "1").sum() + 1) / (len(found) + 2)


def load_codebook(path=CUES, aliases=None):
    """Read and check the cues, and join them with the model names.

    Parameters
    ----------
    path : path-like
        A CSV file with the columns ``rule, group, weight, case, regex, example, note`` (see
        ``data/cues.md``); each example must be matched by its own cue.
    aliases : DataFrame, optional
        As from :func:`ptmreuse.evidence.names.load_aliases`; default the project's own table.

    Returns
    -------
    Codebook

    Raises
    ------
    StudyError
        With file and row: a missing column, an unknown group, a rule named twice, a weight that is no
        number, a pattern that is no regular expression or does not match its own example.

    Examples
    --------
    >>> book = load_codebook()
    >>> book.hits("own", "We then trained a network.")
    [('own.we', 2.0)]
    """
    cues = study.read_csv(path)
    where = paths.shown(path)
    missing = [c for c in _CUE_COLUMNS if c not in cues.columns]
    if missing:
        raise StudyError(
            expected=f"the columns {', '.join(_CUE_COLUMNS)}",
            found=f"no column {', '.join(missing)}",
            where=where,
            do="add the column; data/cues.md says what each one holds",
        )
    groups, rules = {group: [] for group in _GROUPS}, set()
    for row, cue in enumerate(cues.itertuples(index=False), start=2):
        problem = _problem(cue, rules)
        if problem:
            raise StudyError(expected=problem[0], found=problem[1], where=f"{where}, row {row}", do="correct this cue")
        rules.add(cue.rule)
        flag = re.NOFLAG if cue.case == "1" else re.IGNORECASE
        groups[cue.group].append((cue.rule, float(cue.weight), re.compile(cue.regex, flag)))
    table = names.load_aliases() if aliases is None else aliases
    models = {}
    for row in table.to_dict("records"):
        row["first_year"] = int(row["first_year"])
        key = names.squeeze(row["alias"])
        exact = row["needs_context"] or (len(key) <= 4 and key not in ANY_CASE)
        row["letters"] = letters(row["alias"]) if exact else None
        row["joined"] = re.fullmatch(r"[^\W\d_]+", row["alias"]) is not None
        models.setdefault(key, row)
    files = [paths.SOURCE / "coding" / f"{name}.py" for name in DECIDING] + [paths.SOURCE / "evidence" / "names.py"]
    code = [paths.sha256(file) for file in files]
    record = study.read_csv(DEVELOPMENT)
    content = [cues.to_csv(index=False), table.to_csv(index=False), *code]
    return Codebook({g: tuple(c) for g, c in groups.items()}, models, paths.text_sha256("\n".join(content)), record)


def _problem(cue, rules):
    if cue.group not in _GROUPS:
        return f"a group among {', '.join(_GROUPS)}", repr(cue.group)
    if not cue.rule or cue.rule in rules:
        return "a rule name of its own", repr(cue.rule)
    if cue.case not in ("0", "1"):
        return "case 0 or 1", repr(cue.case)
    try:
        float(cue.weight)
    except ValueError:
        return "a number as weight", repr(cue.weight)
    try:
        regex = re.compile(cue.regex, re.NOFLAG if cue.case == "1" else re.IGNORECASE)
    except re.error as error:
        return "a regular expression", f"{cue.regex!r} ({error})"
    if not regex.search(cue.example):
        return "a pattern that matches its own example", f"{cue.example!r} for {cue.rule}"
    return None


def letters(text):
    """Letters, digits and plus as written: what a bare token must look like."""
    return "".join(c for c in text if c.isalnum() or c == "+")


@lru_cache(maxsize=1)
def default_codebook():
    """The cues and names of `data/`, read once."""
    return load_codebook()
