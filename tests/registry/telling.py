"""Telling what is kept beside the ledger, reading it, erasing it, and looking for what is left of it."""

from pathlib import Path
from typing import Any

from ledger.encoding import format_base64url
from registry.desk.access import ReadingRoom
from registry.refusals.refusal import RefusedError
from tests.registry.desk import ALL, Actor, Desk, ids, sd

SECRET = "电话0531-88889999"
SCAN = b"scan of an identity card"


def tell(desk: Desk, actor: Actor, name: str = "contact", value: Any = SECRET) -> tuple[str, str, dict[str, Any]]:
    """The digest, disclosure and receipt of a confidential member of the party's own."""
    member, text = sd(name, value)
    receipt = desk.ok("party.update", actor, {name: member}, disclosures=[text])
    return member["sd"], text, receipt


def room(desk: Desk) -> ReadingRoom:
    return desk.registry.reading_room


def read(desk: Desk, reader: Actor, digest: str) -> Any:
    """The value that a party reads; None where nothing is there for it."""
    try:
        return room(desk).disclosure(reader.id, digest, "核对")["value"]
    except RefusedError as refusal:
        assert refusal.code == "NOT_FOUND"
        return None


def erase(desk: Desk, *digests: str, **more: Any) -> dict[str, Any]:
    return desk.ok("disclosure.erase", desk.registrar, {"digests": list(digests), "basis": "request", **more})


def file_with_scan(desk: Desk, by: Actor) -> str:
    """The digest of a document that a filing cites."""
    digest: str = desk.registry.documents.put(SCAN)
    evidence = {"evidence": [{"kind": "identity", "sha256": digest}]}
    desk.ok("case.file", by, desk.filing([{"party": by.id, "rights": ALL}]) | evidence)
    return digest


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def traces(text: str, value: str = SECRET) -> list[bytes]:
    """What of a disclosure would give its value away: any of its middle, and the plain value."""
    return [text.encode()[10:40], value.encode(), format_base64url(value.encode()).encode()[2:-2]]


def file_with_title(desk: Desk, by: Actor, title: str) -> tuple[str, str]:
    """The digest of the confidential title of a document that a filing cites, and the asset that is filed."""
    member, text = sd("title", title)
    filing = desk.filing([{"party": by.id, "rights": ALL}])
    filing["evidence"] = [{"kind": "contract", "sha256": "ab" * 32, "title": member}]
    return member["sd"], ids(desk.ok("case.file", by, filing, disclosures=[text]), "ast")[0]
