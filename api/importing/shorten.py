"""Plain text within the form's limits: names of 40 字, overviews of 400 字, whatever a descriptor holds.

字数 is counted as the contract (section 5) says; the hard limits of 200 and 4,000 characters hold besides.
"""

import html
import re
import unicodedata

from registry.law.counting import count_characters

NAME_COUNT, NAME_CHARACTERS = 40, 200
OVERVIEW_COUNT, OVERVIEW_CHARACTERS = 400, 4_000
ELLIPSIS = "…"

_READ_CHARACTERS = 65_536
"""Markup is reduced in this much of a text only: far more than an overview can hold, even of a 600 KB description."""

_BREAK = re.compile(r"<(?:br|/p|/div|/li|/h[1-6]|/tr)\b[^<>]*>", re.IGNORECASE)
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]*)>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--[^<>]*-->")
_MARKDOWN_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
_MARKDOWN_HEADING = re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+", re.MULTILINE)
_MARKDOWN_MARK = re.compile(r"\*\*|`+")
_SOFT_WRAP = re.compile(r"(?<=[^\n.!?。！？:：;；>])\n(?=[^\s\-*•#|<\d])")
_SPACES = re.compile(r"[^\S\n]+")
_NEWLINES = re.compile(r" ?\n[ \n]*")

_SENTENCE_END = re.compile(r"""[。！？][”’」』）]*|[!?]["')\]]*(?=\s|$)|\.["')\]]*(?=\s|$)|(?=\n)""")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[A-Za-z]|e\.g|i\.e|etc|vs|cf|al|Dr|Mr|Mrs|Ms|St|No|Fig|approx|(?:[A-Z]\.)+[A-Z])$"
)
_KEPT_FORMAT = "\u200c\u200d"


def plain_text(text: str) -> str:
    """The text without markup and control characters, in NFC; paragraphs stay apart by one newline."""
    text = text[:_READ_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n")
    text = _AUTOLINK.sub(r"\1", _BREAK.sub("\n\n", _SOFT_WRAP.sub(" ", text)))
    text = html.unescape(_TAG.sub("", text))
    text = _MARKDOWN_MARK.sub("", _MARKDOWN_LINK.sub(r"\1", _MARKDOWN_HEADING.sub("", text)))
    text = "".join(map(_kept, text))
    text = _NEWLINES.sub("\n", _SPACES.sub(" ", text))
    return unicodedata.normalize("NFC", text).strip()


def one_line(text: str) -> str:
    return plain_text(text).replace("\n", " ")


def shorten_name(text: str) -> tuple[str, bool]:
    """A name within its limits, on one line, and whether something was cut."""
    name = one_line(text)
    short = cut(name, NAME_COUNT, NAME_CHARACTERS)
    return short, short != name


def shorten_overview(text: str, characters: int = OVERVIEW_CHARACTERS) -> tuple[str, bool]:
    """An overview within its limits and within `characters`, and whether something was cut."""
    overview = plain_text(text)
    short = cut(overview, OVERVIEW_COUNT, characters)
    return short, short != overview or len(text) > _READ_CHARACTERS


def cut(text: str, count: int, characters: int) -> str:
    """The longest beginning of `text` within both limits that ends with a sentence, else with a word and `…`."""
    if _fits(text, count, characters):
        return text
    low, high = 0, min(len(text), characters - len(ELLIPSIS))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count_characters(text[:middle]) <= count else (low, middle - 1)
    end = _sentence_end(text, low)
    if end is not None:
        return text[:end].rstrip()
    return text[: _word_end(text, low)].rstrip(" \n,;:(-–—，、；：（") + ELLIPSIS


def _fits(text: str, count: int, characters: int) -> bool:
    return len(text) <= characters and count_characters(text) <= count


def _sentence_end(text: str, limit: int) -> int | None:
    """Where the last whole sentence before `limit` ends; none if that would lose more than two thirds."""
    last = None
    for match in _SENTENCE_END.finditer(text, 0, min(len(text), limit + 1)):
        full_stop = text[match.start() : match.start() + 1] == "."
        if match.end() > limit or (full_stop and _ABBREVIATION.search(text, max(0, match.start() - 12), match.start())):
            continue
        last = match.end()
    return last if last is not None and last * 3 >= limit else None


def _word_end(text: str, limit: int) -> int:
    """The last place up to `limit` that does not divide a word; `limit` itself if the text is one endless word."""
    if not (limit < len(text) and _runs_on(text[limit - 1 : limit]) and _runs_on(text[limit])):
        return limit
    end = limit
    while end and _runs_on(text[end - 1]):
        end -= 1
    return end or limit


def _runs_on(character: str) -> bool:
    """Whether the character stands in words that must not be divided: not an ideograph, not a space, not a mark."""
    return character.isalnum() and not "\u3400" <= character <= "\u9fff"


def _kept(character: str) -> str:
    if character in "\n\t":
        return " " if character == "\t" else "\n"
    category = unicodedata.category(character)
    if category in ("Zl", "Zp"):
        return "\n"
    return "" if category in ("Cc", "Cs") or (category == "Cf" and character not in _KEPT_FORMAT) else character
