"""What a statement cites that is kept beside the ledger."""

import re
from collections.abc import Iterator
from typing import Any

from ledger.statement import Statement
from registry.documents.disclosures import confidential_members
from registry.register.citation import Cited

_DOCUMENT_MEMBERS = ("sha256", "document", "contract", "evidence")
"""Wherever they hold a digest; `evidence` does in an input from outside."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PARTY = re.compile(r"pty_[0-9a-hjkmnp-tv-z]{26}")
_MARKS = (b'"sd"', b'"sha256"', b'"document"', b'"contract"', b'"external"', b"\\u")
"""A payload without any of them cites nothing; the last covers names written with escapes."""


def cited_by(statement: Statement, payload: bytes) -> Cited | None:
    """What the statement cites; None if nothing."""
    if not any(mark in payload for mark in _MARKS):
        return None
    digests = tuple(dict.fromkeys(digest for _, _, digest in confidential_members(statement.body)))
    documents = tuple(dict.fromkeys(_documents(statement.body)))
    if not digests and not documents:
        return None
    principals = (statement.for_,) if statement.for_ else ()
    signers = (statement.by, *statement.with_)
    parties = dict.fromkeys((*signers, *principals, *_parties(statement.body)))
    return Cited(digests, documents, tuple(parties), len(signers))


def is_document_digest(text: str) -> bool:
    """Whether `text` is written as the digest of a document is."""
    return _DIGEST.fullmatch(text) is not None


def _documents(value: Any) -> Iterator[str]:
    for name, item in _texts(value, ""):
        if name in _DOCUMENT_MEMBERS and _DIGEST.fullmatch(item):
            yield item


def _parties(value: Any) -> Iterator[str]:
    for _, item in _texts(value, ""):
        if _PARTY.fullmatch(item):
            yield item


def _texts(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Every string in a body, with the name of the member that it stands in."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, name)
