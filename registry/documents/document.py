"""What is known of a document besides its bytes."""

from datetime import datetime
from typing import NamedTuple


class Document(NamedTuple):
    """A document that was sent."""

    sha256: str
    size: int
    media_type: str
    received: datetime


class Readable(NamedTuple):
    """A document that a party may read, and the parties that it concerns."""

    document: Document
    concerned: frozenset[str]
