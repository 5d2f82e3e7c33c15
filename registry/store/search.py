"""What is searched by a long random text: fingerprints and identifiers of assets, documents that rights rest on.

A hit says that a digest's first 64 bits are equal; whether the text is, the object itself says.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal

from sqlalchemy import Connection

from ledger.storage.lookup import Lookup, signed_key
from registry.register.values import OBJECTS_PER_STATEMENT
from registry.store.tables import NEWEST_SEARCH, SEARCH

Kind = Literal["fingerprint", "identifier", "evidence", "cited"]
LOOKUP = Lookup(SEARCH, NEWEST_SEARCH, OBJECTS_PER_STATEMENT)


def search_key(kind: Kind, text: str) -> int:
    """The key under which a text of this kind is indexed."""
    return signed_key(hashlib.sha256(f"{kind}:{text}".encode()).digest())


def search_keys(kind: Kind, texts: Iterable[str], ref: int) -> list[tuple[int, int]]:
    """The rows that let the object `ref` be found by each of the texts."""
    return [(search_key(kind, text), ref) for text in texts]


def search(tx: Connection, kind: Kind, texts: Sequence[str]) -> list[int]:
    """References of objects that may have one of the texts, in the order recorded."""
    return sorted({ref for _, ref in LOOKUP.find(tx, [search_key(kind, text) for text in texts])})
