"""Every read of contract section 6, pages as iterators."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from api.client.errors import TransportError, TrustError
from api.client.transport import MAX_FILE_BYTES, MAX_NOTE_BYTES, Transport, query
from ledger.encoding import parse_hex
from ledger.errors import FormatError
from ledger.strict_json import format_compact

View = dict[str, Any]
_PAGE = 200


def _step(text: str) -> str:
    """One step of a path, whatever stands in the text."""
    return quote(text, safe="")


class Reads:
    """Reads of one registry. `at` is an RFC 3339 instant, `size` a size of the log."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def close(self) -> None:
        """Connections are released."""
        self._transport.close()

    def _get(self, path: str, **members: Any) -> Any:
        return self._transport.json("GET", path, params=query(members))

    def well_known(self) -> View:
        """Origin, keys, registrar, rulebooks."""
        found: View = self._transport.json("GET", "/.well-known/sanquan", limit=MAX_NOTE_BYTES)
        return found

    def checkpoint(self) -> str:
        """The newest published checkpoint: a signed note, not verified here."""
        return self._transport.send("GET", "/checkpoint", accept="text/plain", limit=MAX_NOTE_BYTES).text

    def party(self, identifier: str, *, at: str | None = None, size: int | None = None) -> View:
        """A party."""
        found: View = self._get(f"/v1/parties/{_step(identifier)}", at=at, size=size)
        return found

    def asset(self, identifier: str, *, at: str | None = None, size: int | None = None) -> View:
        """An asset with its rights and cases."""
        found: View = self._get(f"/v1/assets/{_step(identifier)}", at=at, size=size)
        return found

    def right(self, identifier: str, *, at: str | None = None, size: int | None = None) -> View:
        """A right."""
        found: View = self._get(f"/v1/rights/{_step(identifier)}", at=at, size=size)
        return found

    def case(self, identifier: str, *, at: str | None = None, size: int | None = None) -> View:
        """A case."""
        found: View = self._get(f"/v1/cases/{_step(identifier)}", at=at, size=size)
        return found

    def entry(self, seq: int) -> View:
        """An entry, decoded."""
        found: View = self._get(f"/v1/entries/{seq}")
        return found

    def entry_bytes(self, seq: int) -> bytes:
        """The raw bytes of an entry."""
        path, accept = f"/v1/entries/{seq}", "application/octet-stream"
        return self._transport.send("GET", path, accept=accept, limit=MAX_NOTE_BYTES).content

    def statement(self, identifier: str) -> View:
        """An envelope and its receipt."""
        found: View = self._get(f"/v1/statements/{_step(identifier)}")
        return found

    def history(self, asset: str, *, size: int | None = None) -> list[View]:
        """The entries of an asset's folio."""
        found: list[View] = self._get(f"/v1/assets/{_step(asset)}/history", size=size)["items"]
        return found

    def evidence_bytes(self, identifier: str, *, size: int | None = None) -> bytes:
        """The evidence bundle of an asset, right or case, not verified here."""
        what = {"rgt": "rights", "cas": "cases"}.get(identifier[:3], "assets")
        path = f"/v1/{what}/{_step(identifier)}/evidence"
        return self._transport.send("GET", path, params=query({"size": size})).content

    def assets(self, **filters: Any) -> Iterator[View]:
        """Assets by holder, applicant, form, state, identifier, fingerprint, words (`q`)."""
        return self._pages("/v1/assets", filters)

    def rights(self, **filters: Any) -> Iterator[View]:
        """Rights by asset, holder, kind, status, evidence."""
        return self._pages("/v1/rights", filters)

    def cases(self, **filters: Any) -> Iterator[View]:
        """Cases by state, kind, applicant, rule."""
        return self._pages("/v1/cases", filters)

    def parties(self, **filters: Any) -> Iterator[View]:
        """Parties by kind, level, identifier, role, words (`q`)."""
        return self._pages("/v1/parties", filters)

    def entries(self, **filters: Any) -> Iterator[View]:
        """Entries by act, by, folio."""
        return self._pages("/v1/entries", filters)

    def export(self, what: str, media_type: str, **filters: Any) -> bytes:
        """A whole list as a file: `assets`, `rights`, `cases`, `parties` or `entries`, as `text/csv` or a workbook."""
        path = f"/v1/{_step(what)}"
        params = query(filters)
        return self._transport.send("GET", path, params=params, accept=media_type, limit=MAX_FILE_BYTES).content

    def _pages(self, path: str, filters: Mapping[str, Any]) -> Iterator[View]:
        cursor: str | None = None
        while True:
            page = self._get(path, **{"limit": _PAGE, **filters, "cursor": cursor})
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def check(self, party: str, asset: str, purpose: str, **more: Any) -> View:
        """May `party` do this with these data? `more`: action, right, territory, fields, basis, explain, at, size."""
        found: View = self._get("/v1/check", party=party, asset=asset, purpose=purpose, **more)
        return found

    def checks(self, questions: Sequence[Mapping[str, Any]], **moment: Any) -> list[View]:
        """Up to 10,000 questions at once, answered in order."""
        content = format_compact({"checks": [dict(question) for question in questions]})
        found: list[View] = self._transport.json("POST", "/v1/checks", params=query(moment), content=content)["answers"]
        return found

    def inclusion(self, seq: int, *, size: int | None = None) -> str:
        """The tlog-proof of an entry."""
        members = query({"seq": seq, "size": size})
        path, accept = "/v1/log/inclusion", "text/plain"
        return self._transport.send("GET", path, params=members, accept=accept, limit=MAX_NOTE_BYTES).text

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the log of size `new` begins with that of size `old`."""
        params = query({"from": old, "to": new})
        answer = self._transport.json("GET", "/v1/log/consistency", params=params, limit=MAX_NOTE_BYTES)
        try:
            return [parse_hex(text) for text in answer["hashes"]]
        except (KeyError, TypeError, FormatError) as error:
            raise TransportError("the consistency proof cannot be read") from error

    def rulebooks(self) -> list[View]:
        """Every rulebook that was ever adopted."""
        found: list[View] = self._get("/v1/rulebooks")["items"]
        return found

    def rulebook(self, sha256: str) -> bytes:
        """The bytes of a rulebook, which have this digest.

        Raises:
            TrustError: they have not.
        """
        data = self._transport.send("GET", f"/v1/rulebooks/{_step(sha256)}", accept="*/*").content
        if hashlib.sha256(data).hexdigest() != sha256:
            raise TrustError(f"the registry answers other bytes than those of the rulebook {sha256}", "content_changed")
        return data

    def clock(self) -> str:
        """The simulated clock."""
        return str(self._get("/v1/clock")["now"])

    def set_clock(self, now: str) -> str:
        """The simulated clock shows `now`."""
        return str(self._transport.json("POST", "/v1/clock", content=format_compact({"now": now}))["now"])
