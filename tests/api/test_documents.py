"""Documents over HTTP: kept once under their digest, served to those concerned, gone where nobody cites them."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from registry.documents.media import EXTENSIONS
from registry.refusals.refusal import Words
from registry.registry import Options, open_registry
from tests.api.live import Actor, Live, live_registry, problem, simulated
from tests.api.papers import PDF, WHY, ask, put, sha


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with live_registry(tmp_path / "data", clock=simulated(tmp_path / "data")) as found:
        yield found


def citing(live: Live, by: Actor, *digests: str) -> dict[str, Any]:
    """The receipt of a filing that cites documents as its evidence."""
    evidence = [{"kind": "contract", "sha256": digest} for digest in digests]
    return live.ok("case.file", by, live.filing(by) | {"evidence": evidence})


def test_a_document_of_a_kind_not_named_is_octets(live: Live) -> None:
    data = b"a paper of some kind"
    answer = live.http.put(f"/v1/documents/{sha(data)}", content=data)
    assert answer.request.headers.get("content-type") is None
    assert answer.status_code == 201, answer.text
    assert answer.json()["media_type"] == "application/octet-stream"


def test_a_document_is_kept_once_and_read_by_those_concerned(live: Live) -> None:
    a, data = live.party("Firm A"), b"%PDF-1.7 a contract"
    first = put(live, data)
    assert first.status_code == 201, first.text
    assert first.headers["location"] == f"/v1/documents/{sha(data)}"
    assert first.json() == {
        "sha256": sha(data), "bytes": len(data), "media_type": "application/pdf", "received": "2026-01-01T00:00:00.000Z",
    }  # fmt: skip
    again = put(live, data, **{"Content-Type": "text/plain"})
    assert (again.status_code, again.json()) == (200, first.json())
    assert [path.name for path in (live.folder / "documents").iterdir() if len(path.name) == 64].count(sha(data)) == 1
    problem(ask(live, sha(data), a), 404, "NOT_FOUND")
    citing(live, a, sha(data))
    found = ask(live, sha(data), a)
    assert (found.status_code, found.content) == (200, data)
    headers = {name: found.headers[name] for name in ("content-type", "content-disposition", "content-length")}
    assert headers == {
        "content-type": "application/pdf",
        "content-disposition": f'attachment; filename="{sha(data)}.pdf"',
        "content-length": str(len(data)),
    }
    head = ask(live, sha(data), a, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert {name: head.headers[name] for name in headers} == headers


def test_who_sent_it_reads_it_and_who_is_named_where_it_is_cited(live: Live) -> None:
    a, b, other = live.party("Firm A"), live.party("Firm B"), live.party("Firm C")
    data = b"power of attorney"
    assert put(live, data, a).status_code == 201
    assert ask(live, sha(data), a).status_code == 200
    problem(ask(live, sha(data), b), 404, "NOT_FOUND")
    filing = live.filing(a, ["holding"]) | {"evidence": [{"kind": "contract", "sha256": sha(data)}]}
    filing["claims"].append({"party": b.id, "rights": ["processing"]})
    live.ok("case.file", a, filing, with_=[b])
    assert ask(live, sha(data), b).content == data
    problem(ask(live, sha(data), other), 404, "NOT_FOUND")
    assert put(live, data, other).status_code == 200
    assert ask(live, sha(data), other).content == data


def test_staff_and_authorities_read_every_document(live: Live) -> None:
    officer, data = live.party("Office"), b"evidence"
    put(live, data)
    problem(ask(live, sha(data), officer), 404, "NOT_FOUND")
    for role in ("reviewer", "approver", "authority", "regulator"):
        live.ok("role.grant", live.registrar, {"party": officer.id, "role": role})
        assert ask(live, sha(data), officer).content == data
        live.ok("role.revoke", live.registrar, {"party": officer.id, "role": role})
        problem(ask(live, sha(data), officer), 404, "NOT_FOUND")
    assert ask(live, sha(data), live.registrar).content == data


def test_a_purpose_is_needed(live: Live) -> None:
    data = b"evidence"
    put(live, data)
    problem(ask(live, sha(data), live.registrar, why=""), 400, "MALFORMED")
    for why in ("?purpose=", "?purpose=%20", "?purpose=" + "x" * 201, "?purpose=a%0ab"):
        problem(ask(live, sha(data), live.registrar, why=why), 422, "INVALID_VALUE")
    assert ask(live, sha(data), live.registrar, why="?purpose=" + "x" * 200).status_code == 200
    problem(live.http.get(f"/v1/documents/{sha(data)}{WHY}"), 401, "TOKEN_MISSING")
    for digest in ("0" * 64, "x", sha(data).upper()):
        problem(ask(live, digest, live.registrar), 404, "NOT_FOUND")


def test_a_registrar_sends_a_rulebook_and_adopts_it(live: Live) -> None:
    text = live.registry.documents.get(live.get("/v1/rulebooks")["items"][0]["sha256"])
    assert text is not None
    text = text.replace(b'version = "1"', b'version = "2"', 1)
    body = {"id": "internal", "version": "2", "sha256": sha(text), "default": True}
    problem(live.send(live.envelope("rulebook.adopt", live.registrar, body)), 404, "NOT_FOUND")
    answer = put(live, text, live.registrar, **{"Content-Type": "application/toml"})
    assert answer.status_code == 201
    live.ok("rulebook.adopt", live.registrar, body)
    assert live.http.get(f"/v1/rulebooks/{sha(text)}").content == text
    live.forward(days=40)
    assert live.registry.keeper.sweep() == 0
    assert live.http.get(f"/v1/rulebooks/{sha(text)}").content == text


def test_what_nobody_cites_for_fifteen_days_is_removed_and_what_somebody_cites_stays(live: Live) -> None:
    a, kept, lost, later = live.party("Firm A"), b"cited", b"not cited", b"not cited, later"
    for data in (kept, lost):
        put(live, data)
    citing(live, a, sha(kept))
    live.forward(days=10)
    put(live, later)
    live.forward(days=5)
    assert live.registry.keeper.sweep() == 0
    live.forward(seconds=1)
    assert live.registry.keeper.sweep() == 1
    assert [live.registry.documents.has(sha(data)) for data in (kept, lost, later)] == [True, False, True]
    assert put(live, lost).status_code == 201
    live.forward(days=400)
    assert live.registry.keeper.sweep() == 2
    assert live.registry.documents.has(sha(kept))


def test_who_sends_again_what_is_there_may_rely_on_it(live: Live) -> None:
    data = b"sent twice"
    put(live, data)
    live.forward(days=14)
    assert put(live, data).status_code == 200
    live.forward(days=14)
    assert live.registry.keeper.sweep() == 0
    live.forward(days=2)
    assert live.registry.keeper.sweep() == 1


def test_a_start_removes_what_is_over(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    clock = simulated(folder)
    with live_registry(folder, clock=clock) as live:
        put(live, b"not cited")
    clock.set(clock.now() + timedelta(days=16))
    registry = open_registry(Options(folder, live.registry.origin), clock)
    registry.close()
    assert not registry.documents.has(sha(b"not cited"))


def test_a_case_and_an_asset_show_which_cited_documents_are_missing(live: Live) -> None:
    a, b = live.party("Firm A"), live.party("Firm B")
    one, two, three = b"one", b"two", b"three"
    filing = live.filing(a) | {"evidence": [{"kind": "contract", "sha256": sha(one)}]}
    filing["sources"] = [{"origin": "generated", "basis": "data_source", "facts": {"contract": sha(two)}}]
    receipt = live.ok("case.file", a, filing)
    asset, case, *rights = [made["id"] for made in receipt["ids"]]
    scope = {"purposes": ["research"], "territory": ["CN"], "fields": ["*"], "until": None}
    live.ok(
        "right.grant", a,
        {"from_right": rights[2], "to": b.id, "rights": ["processing"], "scope": scope,
         "evidence": [{"kind": "contract", "sha256": sha(three)}]},
    )  # fmt: skip
    later = live.filing(b) | {"asset": asset, "evidence": [{"kind": "contract", "sha256": sha(b"four")}]}
    other = live.ok("case.file", b, later, with_=[a])["ids"][0]["id"]
    assert live.get(f"/v1/cases/{other}")["missing"] == [sha(b"four")]
    put(live, b"four")
    assert set(live.get(f"/v1/cases/{case}")["missing"]) == {sha(one), sha(two)}
    assert set(live.get(f"/v1/assets/{asset}")["missing"]) == {sha(one), sha(two), sha(three)}
    for data in (one, two, three):
        put(live, data)
    assert live.get(f"/v1/cases/{case}")["missing"] == live.get(f"/v1/assets/{asset}")["missing"] == []
    at, size = "2026-01-01T00:00:00Z", live.size()
    assert "missing" in live.get(f"/v1/assets/{asset}", size=size)
    for path in (f"/v1/assets/{asset}", f"/v1/cases/{case}"):
        assert "missing" not in live.get(path, at=at, size=size)


def test_nothing_is_taken_while_the_registry_is_read_only(live: Live) -> None:
    live.registry.office.read_only = Words("The database is behind.", "数据库落后。")
    problem(put(live, b"evidence"), 503, "READ_ONLY")
    problem(live.http.post("/v1/drafts", json={}), 503, "READ_ONLY")
    assert not live.registry.documents.has(sha(b"evidence"))


def test_large_documents_come_in_pieces(live: Live) -> None:
    data = os.urandom(3 << 20)

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(data), 100_003):
            yield data[start : start + 100_003]

    answer = live.http.put(f"/v1/documents/{sha(data)}", content=pieces(), headers=PDF)
    assert answer.status_code == 201, answer.text
    assert ask(live, sha(data), live.registrar).content == data
    assert list((live.folder / "documents" / ".incoming").iterdir()) == []


def test_media_types_are_kept_without_parameters(live: Live) -> None:
    for sent, kept in (
        ("application/pdf; charset=binary", "application/pdf"), ("TEXT/CSV", "text/csv"), ("image/jpeg", "image/jpeg"),
    ):  # fmt: skip
        data = sent.encode()
        assert put(live, data, **{"Content-Type": sent}).json()["media_type"] == kept
        found = ask(live, sha(data), live.registrar)
        assert found.headers["content-type"] == kept
        assert found.headers["content-disposition"].endswith(f'.{EXTENSIONS[kept]}"')


def test_an_empty_document_is_one_too(live: Live) -> None:
    assert put(live, b"").status_code == 201
    assert ask(live, sha(b""), live.registrar).content == b""
