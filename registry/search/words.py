"""The words of a text: one tokenizer for what is indexed and what is asked, whatever database keeps the index.

Texts are compared after NFKC and case folding, so that full and half width, upper and lower case are alike. A run of
ideographs (the ranges of 字数) gives its overlapping pairs, 济南市 gives 济南 and 南市; a run of other letters, marks and
digits of any script is one word; everything else ends a run. A lone ideograph gives nothing: search begins at two.
"""

import re
from collections.abc import Iterable, Iterator
from unicodedata import normalize

from registry.law.counting import IDEOGRAPH, WORD, classes_of

MAX_WORD_CHARACTERS = 64
"""Longer words are told apart by their beginning: as long as a SHA-256 in hex."""
_RUNS = re.compile(f"{IDEOGRAPH}{{2,}}|{WORD}+")
_INVISIBLE = re.compile("[\u00ad\u034f\u200b-\u200f\u2060\ufeff\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Soft hyphens, joiners and variation selectors: they change how a text looks, and break no word."""


def fold(text: str) -> str:
    """The text as it is compared. Folding what is folded changes nothing."""
    return normalize("NFKC", normalize("NFKC", _INVISIBLE.sub("", text)).casefold())


def words(text: str) -> Iterator[str]:
    """The words of a text in order, repeated as they stand."""
    folded = fold(text)
    classes = classes_of(folded)
    for run in _RUNS.finditer(classes):
        start, end = run.span()
        if classes[start] == WORD:
            yield folded[start : min(end, start + MAX_WORD_CHARACTERS)]
        else:
            yield from (folded[at : at + 2] for at in range(start, end - 1))


def all_words(texts: Iterable[str]) -> frozenset[str]:
    """The words of several texts; none reaches over the end of a text."""
    return frozenset(word for text in texts for word in words(text))
