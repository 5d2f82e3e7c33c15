"""A client that keeps every envelope it sends, so that the demonstration can show the `curl` line that sends it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from api.client import Client, Receipt
from ledger.statement import Envelope, format_envelope, parse_statement


class Shelf:
    """Numbered envelopes in one folder, and the one kept last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self.last: Path | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, envelope: Envelope) -> None:
        """The envelope is in the folder."""
        self._count += 1
        self.last = self._folder / f"{self._count:02d}-{parse_statement(envelope).act}.json"
        self.last.write_text(format_envelope(envelope))


class ScribeClient(Client):
    """See the module."""

    def __init__(self, url: str, *arguments: Any, shelf: Shelf, **more: Any) -> None:
        super().__init__(url, *arguments, **more)
        self._shelf = shelf

    def submit(self, envelope: Envelope, disclosures: Sequence[str] = ()) -> Receipt:
        """See `Client.submit`; the envelope is kept whether it is accepted or refused."""
        self._shelf.keep(envelope)
        return super().submit(envelope, disclosures)
