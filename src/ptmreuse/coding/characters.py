"""Characters first, at one place: every text that a coder reads went through :func:`plain`.

Published texts hold four kinds of dash, invisible signs, ligatures, raised marks of citations and words broken over
lines. One such sign in "fine-tuned" or "ResNet-50" would hide the word from every pattern.
"""

import re
import unicodedata
from functools import lru_cache

_DASHES = "‐‑‒–—―−⁃﹘﹣－˗"
_RAISED = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ªº]+")
_MARKED = re.compile(r"<sup>\s*(.*?)\s*</sup>", re.IGNORECASE)  # in text that was once a page
_BROKEN = re.compile(r"-(?<=\w-)[ \t]*\r?\n[ \t]*(?=[A-Za-z0-9])(\w+)")
_LAST = re.compile(r"\w+$")
_SOFT = re.compile("\u00ad\\s*\n\\s*")
_ORDINARY = re.compile(r"[^\x00-\x7f]")
# Words that keep their hyphen when a line ends at it.
_PREFIXES = re.compile(
    "pre|fine|self|non|multi|semi|co|post|re|off|zero|few|cross|long|short|deep|well|time|end|data|half|near|low|high|sub"
    "|inter|intra|micro|encoder|one|two|three|four|first|second|open|feed|back|large|small|state|art|the|to|of"
)


def plain(text):
    """A text in plain characters: one hyphen, no invisible sign, no ligature, no word broken over lines.

    Raised characters stay apart behind ``^``, so that the mark of a reference never becomes part of a name.

    Examples
    --------
    >>> plain("We \\ufb01ne\\u2010tuned Res\\u00adNet\\u201150\\u00b9\\u00b2 and a con-\\nvolutional net")
    'We fine-tuned ResNet-50^12 and a convolutional net'
    """
    if "-" in text and "\n" in text:
        text = _joined(text)
    if "<" in text:
        text = _MARKED.sub(r"^\1", text)
    if text.isascii():
        return text
    text = _RAISED.sub(_raise, _SOFT.sub("", unicodedata.normalize("NFC", text)))
    text = _ORDINARY.sub(lambda match: _character(match.group()), text)
    return _joined(text) if "-\n" in text else text


def _raise(match):
    return "^" + "".join(map(_character, match.group()))


@lru_cache(maxsize=4096)
def _character(character):
    if character in _DASHES or character == "⁻":
        return "-"
    if character in "™℠":
        return ""
    if character.isspace():
        return "\n" if character in "\u2028\u2029\x85" else " "
    if unicodedata.category(character) == "Cf":  # soft hyphens, zero widths, marks of direction
        return ""
    alike = unicodedata.normalize("NFKC", character)
    return character if alike.startswith(" ") else alike  # an accent of its own would become a blank


def _joined(text):
    """Without the line breaks inside words; the hyphen stays where it belongs to the word."""

    def join(match):
        right, before = match.group(1), text[max(match.start() - 60, 0) : match.start()]
        left = _LAST.search(before).group()
        kept = right[0].isupper() or right[0].isdigit() or _PREFIXES.fullmatch(left.lower())
        return f"-{right}" if kept or f"{left}-{right}" in text else right

    return _BROKEN.sub(join, text)
