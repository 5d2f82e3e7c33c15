"""Whether a text in Chinese was left in English."""

import re

_IDENTIFIERS = re.compile(r"^/[^：]*：|`[^`]*`|'[^']*'|\"[^\"]*\"")
"""A pointer before the sentence, and what stands in quotes."""
_RUN = re.compile(r"(?<![\w-])[A-Za-z]{2,}[,;:]?(?: \d+)? [a-z]{2,}")


def english_run(text: str) -> str | None:
    """The first two English words in a row outside of quotes; None if there are none."""
    found = _RUN.search(_IDENTIFIERS.sub("", text))
    return found[0] if found else None
