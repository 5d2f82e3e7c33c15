"""The documents that a statement cites, by the names of the members that may hold a digest of one.

`document`, `contract` and the `sha256` of evidence are digests of documents wherever they stand (contract, "Shapes");
so are the rulebook of `log.open` and the `evidence` of an input from outside.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_MEMBERS = ("sha256", "document", "contract", "rulebook_sha256", "evidence")
_MARKS = (b'"sha256"', b'"document"', b'"contract"', b'_sha256"', b'"evidence"', b"\\u")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def may_cite(payload: bytes) -> bool:
    """False where the payload has none of these members; the last mark covers names written with escapes."""
    return any(mark in payload for mark in _MARKS)


def cited_documents(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The digests of the documents that a body cites, each once, in order."""
    return tuple(dict.fromkeys(_cited(body)))


def is_digest(text: str) -> bool:
    """Whether `text` is written as the digest of a document is."""
    return _DIGEST.fullmatch(text) is not None


def _cited(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            if isinstance(member, str):
                if name in _MEMBERS and is_digest(member):
                    yield member
            else:
                yield from _cited(member)
    elif isinstance(value, list):
        for item in value:
            yield from _cited(item)
