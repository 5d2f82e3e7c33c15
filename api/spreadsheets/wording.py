"""A cell as text, and the words of a vocabulary that a text may name."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from api.spreadsheets.errors import CellFaultError

SAFE_INTEGER = 2**53
DIGEST = re.compile(r"[0-9a-f]{64}")


def text_of(value: Any) -> str:
    """A cell's value as the text that a person meant: whole numbers without a point, dates as days."""
    match value:
        case str():
            return value.replace("\r\n", "\n").replace("\r", "\n").strip()
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < SAFE_INTEGER:
            return str(int(value))
        case float():
            return repr(value)
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime() | time():
            return value.isoformat()
        case _:
            return str(value)


def folded(text: str) -> str:
    """The text as labels are compared: without regard to case, width and blanks."""
    return re.sub(r"[\s_]+", " ", unicodedata.normalize("NFKC", text)).strip().casefold()


_FOLDED: dict[int, dict[str, str]] = {}
"""Words by everything that names them, for each vocabulary; vocabularies are constants, so their identity names them."""


def word_of(text: str, words: Mapping[str, tuple[str, ...]]) -> str:
    """The word that the text names, by itself or by a label."""
    index = _FOLDED.get(id(words))
    if index is None:
        index = {folded(name): word for word, labels in words.items() for name in (*labels, word)}
        _FOLDED[id(words)] = index
    word = index.get(folded(text))
    if word is None:
        raise CellFaultError("NOT_IN_LIST", allowed=allowed(words))
    return word


def allowed(words: Mapping[str, tuple[str, ...]]) -> str:
    """The words and their labels, as an error lists them."""
    return " | ".join(word if word in labels else f"{labels[0]} {word}" for word, labels in words.items())
