"""Model names: from what an article writes to one canonical name and its family.

The alias table ``data/models.csv`` is the only place where names are decided; nothing is merged by
similarity beyond one typing error. A *family* is one published design in its sizes and versions
("AlphaFold" and "AlphaFold 2" share a family and stay two canonical names); a design published as
another model (U-Net++, Wide ResNet) is a family of its own.
"""

import re
import unicodedata
from functools import lru_cache

import pandas as pd
from rapidfuzz.distance import OSA

from ptmreuse import paths
from ptmreuse.errors import StudyError
from ptmreuse.evidence import tables

MODELS = paths.DATA / "models.csv"
COLUMNS = ["family", "canonical", "alias", "needs_context", "kind", "deep", "domain", "first_year", "origin"]
ALLOWED = {
    "needs_context": {"0", "1"},
    "kind": {"tool", "weights", "architecture"},
    "deep": {"yes", "no", "unclear"},
}

# Words before a name that do not belong to it ("ImageNet pre-trained ResNet-50").
_LEADING = re.compile(
    r"^(?:the|an?|our|this|(?:imagenet[\s-]+)?pre-?\s?trained|fine-?\s?tuned|modified|original|standard)[\s-]+",
    re.IGNORECASE,
)
# Words and codes after a name that do not change which model it is: sizes, data sets, "network", ...
_NEUTRAL = re.compile(
    r"""(?:layers?|net|network|networks|model|models|architecture|algorithm|classifier|encoder|decoder|backbone|based
    |pre|pretrained|trained|fine|finetuned|tuned|weights|checkpoint|features?|extractor|detector|embeddings?|variant
    |version|segmentation|seg|cls|pose|bn|base|large|small|tiny|medium|mini|nano|huge|xl|xxl|xlarge|uncased|cased
    |imagenet\d*k?|coco|in\d+k|[nsmlxb]|turbo|instruct|chat|hf|api|server|webserver|web|software|tool|package
    |t\d+|ur?\d+d?|p(?:atch)?\d+|\d+[mbk]|\d+x\d+d?|ptm)""",
    re.IGNORECASE | re.VERBOSE,
)
_VERSION = re.compile(r"v?\d+(?:\.\d+)*[a-z]?|version|v", re.IGNORECASE)
# Joined to a name, these make another model ("ResNet LSTM", "U-Net Plus").
_HYBRID = re.compile(
    r"transformers?|attention|(?:bi)?lstm|(?:bi)?gru|r?cnns?|rnn|gan|vae|gcn|gnn|crf|svm|rf|plus|ensemble|lite",
    re.IGNORECASE,
)


def squeeze(name):
    """The key on which names are compared: lower case, letters and digits only, ``+`` kept.

    Examples
    --------
    >>> squeeze("ResNet-50"), squeeze("Inception V3"), squeeze("U-Net++")
    ('resnet50', 'inceptionv3', 'unet++')
    """
    text = unicodedata.normalize("NFKC", str(name)).casefold()
    return "".join(c for c in text if c.isalnum() or c == "+")


def load_aliases(path=MODELS):
    """Read and check the alias table; all its cells are text but ``needs_context`` (bool).

    One row per alias, with the columns `COLUMNS`, the canonical name being an alias of itself.

    Raises
    ------
    StudyError
        A missing file or column, an empty or unknown value, one canonical name in two families, one
        alias (after `squeeze`) for two canonical names.

    Examples
    --------
    >>> aliases = load_aliases()
    >>> sorted(aliases.loc[aliases.family == "AlphaFold", "canonical"].unique())[:2]
    ['AlphaFold', 'AlphaFold 2']
    """
    table = tables.read(path, COLUMNS, do="add the column; data/models.md says what each one holds")

    def refuse(row, expected, found):
        do = "correct that row of the alias table"
        raise StudyError(expected=expected, found=found, where=f"{paths.shown(path)}, row {row + 2}", do=do)

    family, owner = {}, {}
    for row, record in enumerate(table[COLUMNS].itertuples(index=False)):
        for column in ("family", "canonical", "alias"):
            if not squeeze(getattr(record, column)):
                refuse(row, f"a {column} with a letter or digit", repr(getattr(record, column)))
        for column, allowed in ALLOWED.items():
            if getattr(record, column) not in allowed:
                refuse(row, f"{column} to be one of {sorted(allowed)}", repr(getattr(record, column)))
        known = family.setdefault(record.canonical, record.family)
        if known != record.family:
            refuse(row, f"{record.canonical!r} in one family", f"{known!r} and {record.family!r}")
        known = owner.setdefault(squeeze(record.alias), record.canonical)
        if known != record.canonical:
            refuse(row, f"alias {record.alias!r} for one model", f"{known!r} and {record.canonical!r}")
    return table.assign(needs_context=table.needs_context == "1")


def normalise(names):
    """Give every model name as written its canonical name and family.

    In order: exact match on the squeezed key; the longest alias that starts the name and ends at a
    sensible boundary ("VGG 16-layer net", "GPT2-XL"; never "ResNet" for "ResNet-200" nor "SAM" for
    "SAM-Med2D"); one typing error, for keys of six or more letters whose digits all agree
    ("RestNet50"). A name that remains is its own canonical name and family, marked ``unmatched``.

    Parameters
    ----------
    names : Series or iterable of str
        One name per item; missing values count as empty names, which stay unmatched.

    Returns
    -------
    DataFrame
        ``as_written, canonical, family, how`` with ``how`` one of exact, prefix, edit, unmatched; one
        row per input, in the order given and with the index of a Series.

    Examples
    --------
    >>> found = normalise(["resnet50", "VGG 16-layer net", "RestNet50", "U-Net++", "FooNet"])
    >>> list(found.canonical)
    ['ResNet-50', 'VGG-16', 'ResNet-50', 'U-Net++', 'FooNet']
    >>> list(found.how)
    ['exact', 'prefix', 'edit', 'exact', 'unmatched']
    """
    lookup = _lookup()
    index = names.index if isinstance(names, pd.Series) else None
    written = ["" if name is None or name is pd.NA or name != name else str(name) for name in names]
    found = {name: _match(name, lookup) for name in dict.fromkeys(written)}
    rows = [(name, *found[name]) for name in written]
    return pd.DataFrame(rows, columns=["as_written", "canonical", "family", "how"], index=index, dtype="str")


@lru_cache(maxsize=1)
def _lookup():
    """The alias table as a dict: key -> (canonical, family, kind, one model in its family)."""
    aliases = load_aliases()
    members = aliases.groupby("family")["canonical"].nunique()
    rows = zip(aliases.alias, aliases.canonical, aliases.family, aliases.kind, strict=True)
    return {squeeze(a): (c, f, k, members[f] == 1) for a, c, f, k in rows}


def _match(name, lookup):
    """``(canonical, family, how)`` of one name."""
    whole = " ".join(unicodedata.normalize("NFKC", name).split())
    text = whole
    while len(shorter := _LEADING.sub("", text)) < len(text):
        text = shorter
    key = squeeze(text)
    for candidate in (squeeze(whole), key):
        if candidate in lookup:
            return (*lookup[candidate][:2], "exact")
    hit = _by_prefix(text, key, lookup)
    if hit is not None:
        return (*hit[:2], "prefix")
    hit = _by_edit(squeeze(re.split(r"[(\[]", text)[0]), lookup)
    if hit is not None:
        return (*hit[:2], "edit")
    return whole, whole, "unmatched"


def _by_prefix(text, key, lookup):
    longest = max(map(len, lookup))  # no alias is longer: a megabyte of text must not cost a megabyte squared
    if len(text) > 20 * longest:
        text, key = text[: 20 * longest], squeeze(text[: 20 * longest])
    ends = [i + 1 for i, c in enumerate(text) for _ in squeeze(c)]  # where each key character ends in text
    if len(ends) != len(key):  # a character that folds differently alone: no safe boundary to find
        return None
    for length in range(min(len(key) - 1, longest), 1, -1):
        hit = lookup.get(key[:length])
        if hit is not None and ends[length - 1] != ends[length]:
            tail = text[ends[length - 1] :]
            if _same_model(key[length - 1], tail, hit, lookup):
                return _more_specific(hit, tail, lookup)
    return None


def _same_model(last, tail, hit, lookup):
    """Whether what follows an alias leaves it the same model."""
    canonical, _, kind, alone = hit
    if tail[0].isalnum() and not (last.isdigit() and tail[0].isalpha()):
        return False  # in the middle of a word or of a number
    if re.match(r"\s*[/+&,;]|\s+(?:and|or|vs)\b", tail, re.IGNORECASE):
        return False  # two models in one name
    if re.match(r"\s*[(\[]", tail):
        return True
    if kind == "tool" and last.isdigit() and re.match(r"\.\d", tail):
        return True  # a minor version: AlphaFold 2.3
    joint, token = re.match(r"([^\w]*|_)([^\W_]*)", tail).groups()
    if not token:
        return "+" not in tail
    if _VERSION.fullmatch(token) and not _NEUTRAL.fullmatch(token):
        return kind == "tool" and alone  # another version, unless the table keeps this tool as one
    if _NEUTRAL.fullmatch(token):
        return True
    if squeeze(token) in lookup or _HYBRID.match(token):
        return False
    return kind == "tool" or joint.isspace()


def _more_specific(hit, tail, lookup):
    """The bracket's model where the name alone is only the family: "VGGNet (VGG-16)"."""
    inside = re.match(r"\s*[(\[]([^)\]]*)[)\]]", tail)
    if inside and hit[0] == hit[1]:
        other = lookup.get(squeeze(inside.group(1)))
        if other is not None and other[1] == hit[1]:
            return other
    return hit


def _by_edit(key, lookup):
    if sum(c.isalpha() for c in key) < 6:
        return None
    runs = re.findall(r"\d+|\D+", key)
    hits = {
        value[:2]: value
        for alias, value in lookup.items()
        if abs(len(alias) - len(key)) <= 1
        and alias[0] == key[0]
        and OSA.distance(alias, key, score_cutoff=1) <= 1
        and _one_typing_error(runs, re.findall(r"\d+|\D+", alias))
    }
    return next(iter(hits.values())) if len(hits) == 1 else None  # two candidates: a person decides


def _one_typing_error(a, b):
    """One edit inside a word of four or more letters, everything else and every digit the same.

    A single letter beside a number is a variant (ResNet-50d), and so are ``+`` and net/next
    (ResNet and ResNeXt are both real).
    """
    if len(a) != len(b):
        return False
    x, y = next((p, q) for p, q in zip(a, b, strict=True) if p != q)
    if min(len(x), len(y)) < 4 or not (x.isalpha() and y.isalpha()):
        return False
    return x.replace("next", "net") != y.replace("next", "net")
