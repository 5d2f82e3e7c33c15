"""The `case.file` body of other people's open data, and the size every body is kept within."""

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

from api.importing.messages import note
from api.importing.model import Body, Note, Options
from api.importing.shorten import OVERVIEW_CHARACTERS, one_line, shorten_overview

BODY_BYTES = 24_000
"""Of a payload's 32,768 bytes; the rest is for the members around the body."""

MAX_LINKS, MAX_LINK_CHARACTERS = 10, 500
MAX_FINGERPRINTS = 32
MAX_IDENTIFIER_CHARACTERS = 200
SAFE_INTEGER = 2**53

_URL = re.compile(r"https?://(?:(?![<>\"'`\\{}|^\[\]])[!-~])+", re.IGNORECASE)


def open_data_body(options: Options, form: Body, evidence: Body) -> Body:
    """A body that files open data truthfully: collected in public, holding and processing only."""
    facts = {"is_public": True, "graded": options.graded}
    harms = dict.fromkeys(("intrusion", "disturbance", "circumvention", "harm"), False)
    return {
        "kind": "initial",
        "asset": form,
        "sources": [{"origin": "public_collection", "basis": "public_collection", "facts": facts | harms}],
        "claims": [{"party": options.party, "rights": ["holding", "processing"]}],
        "evidence": [evidence],
    }


def description(raw: bytes, media_type: str, source: str) -> Body:
    """The whole descriptor, by the digest of its exact bytes, as evidence of kind `description`."""
    digest = hashlib.sha256(raw).hexdigest()
    title = one_line(source)[:200]
    return {"kind": "description", "sha256": digest, "bytes": len(raw), "media_type": media_type, "title": title}


def identifier_value(text: str) -> str:
    """The text on one line as an identifier's value; its digest where it is too long to be one."""
    value = one_line(text)
    if len(value) <= MAX_IDENTIFIER_CHARACTERS:
        return value
    return "sha256:" + hashlib.sha256(value.encode()).hexdigest()


def links_in(texts: Iterable[str]) -> list[str]:
    """Every http(s) address in the texts, once, in order, without the punctuation and markup around it."""
    found: dict[str, None] = {}
    for text in texts:
        for match in _URL.finditer(text):
            link = match.group().rstrip(".,;:!?*_")
            while link.count(")") > link.count("("):
                link = link[: link.rindex(")")].rstrip(".,;:!?")
            if len(link) <= MAX_LINK_CHARACTERS and re.match(r"https?://[^/?#]", link, re.IGNORECASE):
                found[link] = None
    return list(found)


def limited_links(form: Body, links: list[str], notes: list[Note]) -> None:
    """Sets `links` of the form to the first ten, absent if there are none."""
    if links:
        form["links"] = links[:MAX_LINKS]
    if len(links) > MAX_LINKS:
        notes.append(note("LINKS_DROPPED", n=len(links) - MAX_LINKS))


def integer(value: int) -> int | str:
    """An integer as payloads write it: from 2^53 on as a decimal string."""
    return value if value < SAFE_INTEGER else str(value)


def json_bytes(value: Any) -> int:
    """Size of the value as ASCII JSON: no other serialisation without spaces is longer."""
    return len(json.dumps(value, ensure_ascii=True, separators=(",", ":")))


def fit(body: Body, notes: list[Note]) -> None:
    """The body is at most `BODY_BYTES` of JSON: links go first, then fingerprints, then the overview's end."""
    asset = body["asset"]
    for member, code in (("links", "LINKS_DROPPED"), ("fingerprints", "FINGERPRINTS_DROPPED")):
        dropped = 0
        while asset.get(member) and json_bytes(body) > BODY_BYTES:
            asset[member].pop()
            dropped += 1
        if dropped:
            notes.append(note(code, n=dropped))
            if not asset[member]:
                del asset[member]
    characters = OVERVIEW_CHARACTERS
    while json_bytes(body) > BODY_BYTES and characters > 1:
        characters //= 2
        asset["overview"] = shorten_overview(asset["overview"], characters)[0]
        if all(each.code != "OVERVIEW_SHORTENED" for each in notes):
            notes.append(note("OVERVIEW_SHORTENED"))
