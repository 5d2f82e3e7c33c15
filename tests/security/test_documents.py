"""Documents: bytes that are not the digest's, too many of them, paths that lead elsewhere, files that a browser would run,
strangers who read, and a process that dies halfway."""  # fmt: skip

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from ledger.instants import parse_instant
from ledger.keys import KeySigner
from ledger.statement import format_envelope
from registry.documents.folder import DamagedError, Documents
from registry.drafting import make_payload, sign_payload
from registry.store.documents import find_document, senders
from tests.api.cli.console import Console
from tests.api.live import Actor, Live, live_registry, party_body, problem
from tests.api.papers import PDF, WHY, ask, put, sha
from tests.api.signing import signed
from tests.registry.desk import FORM


def cite(live: Live, by: Actor, digest: str, **more: str) -> None:
    evidence = {"evidence": [{"kind": "contract", "sha256": digest}]}
    live.ok("case.file", by, live.filing(by, **more) | evidence)


def kept(live: Live) -> list[str]:
    """The names of everything in the folder but the rulebook that was shipped."""
    shipped = live.registry.documents.shipped
    return sorted(
        path.name for path in (live.folder / "documents").rglob("*") if path.is_file() and path.name not in shipped
    )


def test_another_body_than_the_digest(live: Live) -> None:
    for data in (b"another", b"", b"evidence "):
        answer = live.http.put(f"/v1/documents/{sha(b'evidence')}", content=data, headers=PDF)
        problem(answer, 422, "INVALID_VALUE")
    assert kept(live) == []
    assert put(live, b"evidence").status_code == 201
    problem(live.http.put(f"/v1/documents/{sha(b'evidence')}", content=b"x", headers=PDF), 422, "INVALID_VALUE")
    assert ask(live, sha(b"evidence"), live.registrar).content == b"evidence"


def test_more_than_is_taken_declared_and_undeclared(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", max_document_bytes=2_000_000) as live:
        data = bytes(2_000_001)

        def pieces() -> Iterator[bytes]:
            for start in range(0, len(data), 65_536):
                yield data[start : start + 65_536]

        path = f"/v1/documents/{sha(data)}"
        problem(live.http.put(path, content=data, headers=PDF), 413, "TOO_LARGE")
        problem(live.http.put(path, content=pieces(), headers=PDF), 413, "TOO_LARGE")
        assert kept(live) == []
        assert put(live, data[:-1]).status_code == 201


def test_a_declared_length_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", max_document_bytes=1_000) as live:
        place = urlsplit(live.url)
        with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
            head = f"PUT /v1/documents/{'0' * 64} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/pdf\r\n"
            connection.sendall(f"{head}Content-Length: 1001\r\n\r\n".encode())
            assert b" 413 " in connection.recv(4096).split(b"\r\n")[0]


ELSEWHERE = (
    "..%2f..%2fadmin.token", "%2e%2e", "....//admin.token", ".incoming", "%00", "0" * 63 + "%2f", "A" * 64, "0" * 65,
    "..%5c..%5cadmin.token", "０" * 64,
)  # fmt: skip


def test_path_traversal(live: Live) -> None:
    for name in ELSEWHERE:
        sent = live.http.put(f"/v1/documents/{name}", content=b"x", headers=PDF, follow_redirects=True)
        assert sent.status_code in (404, 405, 422), name
        request = signed(live.url, "GET", f"/v1/documents/{name}{WHY}", live.registrar.signers[0])
        found = live.http.send(request, follow_redirects=True)
        assert found.status_code in (401, 403, 404), name
        assert live.registry.admin_token not in found.text
    assert kept(live) == []


RUN_BY_BROWSERS = (
    "text/html",
    "image/svg+xml",
    "application/xhtml+xml",
    "text/javascript",
    "application/wasm",
    "x",
    "",
)


def test_html_and_svg_are_not_taken(live: Live) -> None:
    for media_type in RUN_BY_BROWSERS:
        problem(put(live, b"<svg/>", **{"Content-Type": media_type}), 415, "MEDIA_TYPE")
    assert kept(live) == []


def test_a_signature_that_leaves_the_document_out(live: Live) -> None:
    a, data = live.party("Firm A"), b"evidence"
    path = f"/v1/documents/{sha(data)}"
    bare = signed(live.url, "PUT", path, a.signers[0], body=data, covered=("@method", "@target-uri"))
    other = signed(live.url, "PUT", path, a.signers[0], body=b"another")
    for request in (bare, other):
        sent = httpx.Request("PUT", live.url + path, headers=PDF | dict(request.headers), content=data)
        sent.headers["content-length"] = str(len(data))
        problem(live.http.send(sent), 403, "SIGNATURE_INVALID")
    assert kept(live) == []


def test_html_called_something_else_is_never_shown_inline(live: Live) -> None:
    page = b"<html><script>alert(1)</script></html>"
    for data, media_type in (
        (page, "text/plain"),
        (b"<svg onload='x'/>", "application/xml"),
        (page + b" ", "text/xml"),
    ):
        assert put(live, data, **{"Content-Type": media_type}).status_code == 201
        found = ask(live, sha(data), live.registrar)
        assert found.headers["content-disposition"].startswith("attachment; ")
        assert found.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in found.headers["content-security-policy"]
        assert "default-src 'none'" in found.headers["content-security-policy"]
        assert found.headers["cache-control"] == "private, no-store"
        assert found.headers["content-type"] == media_type


def test_headers_through_the_media_type(live: Live) -> None:
    data = b"evidence"
    written = 'text/plain; charset="x"; name="a\\"; filename=evil.html"'
    assert put(live, data, **{"Content-Type": written}).status_code == 201
    found = ask(live, sha(data), live.registrar)
    assert found.headers["content-type"] == "text/plain"
    assert found.headers["content-disposition"] == f'attachment; filename="{sha(data)}.txt"'
    place = urlsplit(live.url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        head = f"PUT /v1/documents/{sha(b'x')} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 1\r\nConnection: close\r\n"
        connection.sendall(f"{head}Content-Type: text/plain\rX-Evil: 1\r\n\r\nx".encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b" 4" in answer.split(b"\r\n")[0]
    assert b"x-evil" not in answer.lower()


def test_a_compressed_or_partial_body(live: Live) -> None:
    problem(put(live, b"evidence", **{"Content-Encoding": "gzip"}), 415, "MEDIA_TYPE")
    problem(put(live, b"evidence", **{"Content-Range": "bytes 0-7/8"}), 400, "MALFORMED")
    assert kept(live) == []


def test_a_stranger_reads_nothing(live: Live) -> None:
    a, stranger, data = live.party("Firm A"), live.party("Stranger"), b"a contract of Firm A"
    put(live, data, a)
    problem(ask(live, sha(data), stranger), 404, "NOT_FOUND")
    cite(live, a, sha(data))
    for method in ("GET", "HEAD"):
        assert ask(live, sha(data), stranger, method).status_code == 404
    problem(live.http.get(f"/v1/documents/{sha(data)}{WHY}"), 401, "TOKEN_MISSING")
    missing = problem(ask(live, "0" * 64, stranger), 404, "NOT_FOUND")
    there = problem(ask(live, sha(data), stranger), 404, "NOT_FOUND")
    assert there["detail"].replace(sha(data), "0" * 64) == missing["detail"]


def test_a_stranger_who_cites_what_stands_in_public_reads_nothing(live: Live) -> None:
    """The digest of every document stands on the ledger: to cite it is not to have it."""
    a, stranger, accomplice = live.party("Firm A"), live.party("Stranger"), live.party("Accomplice")
    data = b"a contract of Firm A"
    put(live, data)
    cite(live, a, sha(data))
    cite(live, stranger, sha(data), name="another")
    live.ok("case.file", stranger, _naming(live, stranger, accomplice, sha(data)), with_=[accomplice])
    for party in (stranger, accomplice):
        problem(ask(live, sha(data), party), 404, "NOT_FOUND")
    assert ask(live, sha(data), a).content == data


def _naming(live: Live, by: Actor, other: Actor, digest: str) -> dict[str, object]:
    filing = live.filing(by, ["holding"], name="a third")
    filing["claims"].append({"party": other.id, "rights": ["processing"]})
    return filing | {"evidence": [{"kind": "contract", "sha256": digest}]}


def test_who_is_not_verified_sends_nothing_where_admission_is_verified(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", admission="verified") as live:
        a = live.party("Firm A")
        problem(put(live, b"evidence"), 401, "TOKEN_MISSING")
        problem(put(live, b"evidence", a), 403, "NOT_ADMITTED")
        assert kept(live) == []
        live.ok("party.verify", live.registrar, {"party": a.id, "level": "documented"})
        assert put(live, b"evidence", a).status_code == 201
        assert put(live, b"rulebook", live.registrar).status_code == 201


def test_through_a_proxy_to_a_server_that_is_for_its_own_machine(live: Live) -> None:
    problem(put(live, b"evidence", **{"X-Forwarded-For": "203.0.113.7"}), 403, "NOT_ADMITTED")


def test_so_many_documents_from_one_address(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", quota_address="2/hour") as live:
        assert [put(live, bytes([n])).status_code for n in range(3)] == [201, 201, 429]


def test_every_reading_is_logged_for_those_concerned(live: Live) -> None:
    a, data = live.party("Firm A"), b"a contract of Firm A"
    put(live, data, a)
    assert ask(live, sha(data), live.registrar).status_code == 200
    problem(ask(live, sha(data), live.party("Stranger")), 404, "NOT_FOUND")
    log = live.http.send(signed(live.url, "GET", f"/v1/parties/{a.id}/accesses", a.signers[0])).json()["items"]
    assert [(item["reader"], item["kind"], item["digest"], item["purpose"]) for item in log] == [
        (live.registrar.id, "document", sha(data), "review of the contract")
    ]


def test_who_has_a_document_too_is_not_shown_who_reads_what_others_cite(live: Live) -> None:
    a, other, data = live.party("Firm A"), live.party("Other"), b"a form that many have"
    put(live, data, a)
    cite(live, a, sha(data))
    put(live, data, other)
    assert ask(live, sha(data), other).status_code == 200
    assert ask(live, sha(data), live.registrar).status_code == 200

    def readers(party: Actor) -> list[str]:
        path = f"/v1/parties/{party.id}/accesses"
        found = live.http.send(signed(live.url, "GET", path, party.signers[0])).json()["items"]
        return [item["reader"] for item in found]

    assert readers(a) == [other.id, live.registrar.id]
    assert readers(other) == [other.id]


def test_an_erased_document_is_gone_and_does_not_come_back(live: Live) -> None:
    a, data = live.party("Firm A"), b"a letter of Firm A"
    put(live, data, a)
    live.ok("party.verify", live.registrar, {"party": a.id, "level": "documented", "evidence": [
        {"kind": "identity", "sha256": sha(data)}]})  # fmt: skip
    assert ask(live, sha(data), a).status_code == 200
    live.ok("disclosure.erase", live.registrar, {"digests": [sha(data)], "basis": "order", "document": sha(b"order")})
    assert kept(live) == []
    with live.registry.engine.connect() as tx:
        assert (find_document(tx, sha(data)), senders(tx, sha(data))) == (None, [])
    problem(ask(live, sha(data), a), 404, "NOT_FOUND")
    problem(put(live, data, a), 422, "INVALID_VALUE")


def test_a_file_that_somebody_changed_is_not_served_whole(tmp_path: Path) -> None:
    data = bytes(700_000)
    documents = Documents(tmp_path)
    digest = documents.put(data)
    (tmp_path / digest).write_bytes(data[:-1] + b"x")
    found = documents.stream(digest)
    assert found is not None
    received = bytearray()
    with pytest.raises(DamagedError):
        for piece in found[1]:
            received += piece
    assert len(received) < len(data)
    (tmp_path / digest).write_bytes(data)
    found = documents.stream(digest)
    assert found is not None
    (tmp_path / digest).unlink()
    with pytest.raises(DamagedError):
        list(found[1])


def test_a_damaged_file_breaks_the_connection(live: Live) -> None:
    data = bytes(700_000)
    put(live, data)
    (live.folder / "documents" / sha(data)).write_bytes(data[:-1] + b"x")
    with pytest.raises(httpx.RemoteProtocolError):
        ask(live, sha(data), live.registrar)


def test_files_are_their_owners_alone(live: Live) -> None:
    put(live, b"evidence")
    path = live.folder / "documents" / sha(b"evidence")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_crash_between_document_and_statement_leaves_nothing_half(sanquan: Console) -> None:
    """A process is killed while it receives one document and after it answered for another."""
    whole, half = b"whole " * 100_000, b"half " * 100_000
    folder = sanquan.home / "data" / "documents"
    with sanquan.serve("--simulated-clock", "now") as served:
        answer = httpx.put(f"{served.url}/v1/documents/{sha(whole)}", content=whole, headers=PDF, trust_env=False)
        assert answer.status_code == 201
        place = urlsplit(served.url)
        with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
            head = (
                f"PUT /v1/documents/{sha(half)} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/pdf\r\n"
            )
            connection.sendall(f"{head}Content-Length: {len(half)}\r\n\r\n".encode() + half[:200_000])
            while not _unfinished(folder):
                httpx.get(f"{served.url}/healthz", trust_env=False)
            served.end(signal.SIGKILL)
        assert len(_unfinished(folder)) == 1
        assert not (folder / sha(half)).exists()
    with (
        sanquan.serve("--simulated-clock", "now") as served,
        httpx.Client(base_url=served.url, trust_env=False) as http,
    ):
        assert _unfinished(folder) == []
        assert (folder / sha(whole)).read_bytes() == whole
        sender = _Sender(http, Actor("Firm A", [KeySigner.generate()]))
        asset = sender.file(sha(whole), sha(half))
        assert http.get(f"/v1/assets/{asset}").json()["missing"] == [sha(half)]
        assert http.put(f"/v1/documents/{sha(half)}", content=half, headers=PDF).status_code == 201
        assert http.get(f"/v1/assets/{asset}").json()["missing"] == []
        found = http.send(signed(served.url, "GET", f"/v1/documents/{sha(whole)}{WHY}", sender.actor.signers[0]))
        assert found.content == whole


def _unfinished(folder: Path) -> list[Path]:
    return list((folder / ".incoming").glob("*"))


class _Sender:
    """A party that talks to a server in another process."""

    def __init__(self, http: httpx.Client, actor: Actor) -> None:
        self.http, self.actor = http, actor
        self.origin = http.get("/.well-known/sanquan").json()["origin"]
        self.send("party.register", party_body(actor))

    def send(self, act: str, body: dict[str, object]) -> dict[str, object]:
        now = parse_instant(self.http.get("/v1/clock").json()["now"])
        payload = make_payload(act, self.origin, self.actor.id, now, body)
        content = format_envelope(sign_payload(payload, self.actor.signers))
        answer = self.http.post("/v1/statements", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 201, answer.text
        receipt: dict[str, object] = json.loads(answer.content)
        return receipt

    def file(self, *digests: str) -> str:
        evidence = [{"kind": "contract", "sha256": digest} for digest in digests]
        source = {"origin": "generated", "basis": "own_operation", "facts": {}}
        claim = {"party": self.actor.id, "rights": ["holding"]}
        body = {"kind": "initial", "asset": FORM, "sources": [source], "claims": [claim], "evidence": evidence}
        ids = self.send("case.file", body)["ids"]
        assert isinstance(ids, list)
        return str(ids[0]["id"])
