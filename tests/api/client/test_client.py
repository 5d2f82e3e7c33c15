"""The SDK against a real registry, and against one whose answers are changed on the way."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.client import Client, Pins, ProblemError, Profile, TransportError, TrustError
from ledger.keys import KeySigner
from ledger.statement import parse_statement
from registry.drafting import sign_payload
from tests.api.live import ALL, FORM, OWN, Live

Change = Callable[[httpx.Request, httpx.Response], httpx.Response]


class Meddler(httpx.BaseTransport):
    """Passes everything to the real registry and may change the answer."""

    def __init__(self, change: Change | None = None) -> None:
        self._inner = httpx.HTTPTransport()
        self.change = change
        self.seen: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(f"{request.method} {request.url.path}")
        answer = self._inner.handle_request(request)
        answer.read()
        return self.change(request, answer) if self.change else answer

    def close(self) -> None:
        self._inner.close()


def changed(answer: httpx.Response, content: bytes) -> httpx.Response:
    headers = {"content-type": answer.headers.get("content-type", "application/json")}
    return httpx.Response(answer.status_code, headers=headers, content=content)


def posted(edit: Callable[[Any], Any]) -> Change:
    """Changes the receipts of single statements."""

    def change(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        if request.method != "POST" or not answer.is_success:
            return answer
        if answer.headers["content-type"] != "application/x-ndjson":
            return changed(answer, json.dumps(edit(answer.json())).encode())
        lines = [json.loads(line) for line in answer.content.splitlines()]
        return changed(
            answer, b"\n".join(json.dumps(item | {"receipt": edit(item["receipt"])}).encode() for item in lines)
        )

    return change


@pytest.fixture
def client(live: Live, tmp_path: Path) -> Iterator[Client]:
    with live.client(tmp_path) as found:
        found.ensure_registered()
        yield found


def claim(client: Client) -> dict[str, Any]:
    return {"party": client.party_id, "rights": ALL}


def filing(client: Client, name: str = "数据") -> bytes:
    body = {"kind": "initial", "asset": FORM | {"name": name}, "sources": [OWN], "claims": [claim(client)]}
    return client.payload("case.file", body)


def signed(client: Client, payload: bytes) -> Any:
    assert client.profile is not None
    return sign_payload(payload, [client.profile.signer])


def test_ids_computed_beforehand_are_those_of_the_receipt(client: Client) -> None:
    envelope = signed(client, filing(client))
    ids = parse_statement(envelope).objects()
    receipt = client.submit(envelope)
    wanted = [ids.identifier("ast"), ids.identifier("cas"), *(ids.identifier("rgt", n) for n in range(3))]
    assert [made["id"] for made in receipt.facts["ids"]] == wanted
    assert receipt.right("operating") == wanted[4]
    assert receipt.size == receipt.seq + 1
    assert client.submit(envelope).facts["leaf_hash"] == receipt.facts["leaf_hash"]
    assert client.try_out(signed(client, filing(client, "other")))["ids"]


def test_registering_twice_registers_once(client: Client) -> None:
    client.ensure_registered()
    assert client.is_registered()
    assert len(list(client.parties())) == 3


def test_grant_check_and_revoke(live: Live, client: Client, tmp_path: Path) -> None:
    filed = client.file(FORM, [OWN], [claim(client)])
    with live.client(tmp_path / "b", "Firm B") as other:
        other.ensure_registered()
        scope = {"purposes": ["research"], "territory": ["CN"], "fields": ["*"], "until": None}
        granted = client.grant(filed.right("operating"), other.party_id, ["processing"], scope)
        question = (other.party_id, filed.id("ast"), "research")
        assert other.check(*question, territory="CN")["decision"]
        assert [
            a["decision"] for a in client.checks([{"party": question[0], "asset": question[1], "purpose": "x"}])
        ] == [False]
        client.revoke([granted.id("rgt")], "agreement")
        assert not other.check(*question, territory="CN")["decision"]
        assert other.check(*question, territory="CN", size=granted.size)["decision"]


def test_a_refusal_is_an_error_with_code_and_reasons(client: Client) -> None:
    with pytest.raises(ProblemError) as caught:
        client.file(FORM | {"form": "nonsense"}, [OWN], [claim(client)])
    assert caught.value.status in (400, 422)
    assert caught.value.reasons[0]["pointer"].startswith("/body/asset")


def set_(**members: Any) -> Callable[[Any], Any]:
    return lambda receipt: receipt | members


TAMPERED: dict[str, Callable[[Any], Any]] = {
    "statement": set_(statement="0" * 64),
    "seq": lambda r: r | {"seq": r["seq"] + 1},
    "seq as text": lambda r: r | {"seq": str(r["seq"])},
    "time": set_(time="2020-01-01T00:00:00.000Z"),
    "leaf_hash": set_(leaf_hash="ab" * 32),
    "ids none": set_(ids=[]),
    "ids less": lambda r: r | {"ids": r["ids"][:-1]},
    "ids other": lambda r: r | {"ids": [{"id": "ast_" + "0" * 26}, *r["ids"][1:]]},
    "ids order": lambda r: r | {"ids": r["ids"][::-1]},
    "ids kind": lambda r: r | {"ids": [*r["ids"][:-1], r["ids"][-1] | {"kind": "holding"}]},
    "folios none": set_(folios=[]),
    "folios n": lambda r: r | {"folios": [r["folios"][0] | {"n": 9, "prev": 1}]},
    "folios id": lambda r: r | {"folios": [r["folios"][0] | {"id": "pty_" + "0" * 26}]},
    "proof index": lambda r: r | {"proof": r["proof"].replace(f"index {r['seq']}", "index 0")},
    "proof size": lambda r: r | {"proof": r["proof"].replace(f"\n{r['seq'] + 1}\n", f"\n{r['seq'] + 2}\n")},
    "proof unsigned": lambda r: r | {"proof": r["proof"].split("—")[0]},
    "proof none": set_(proof=""),
    "missing proof": lambda r: {k: v for k, v in r.items() if k != "proof"},
    "missing ids": lambda r: {k: v for k, v in r.items() if k != "ids"},
    "a list": lambda _r: [],
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_tampered_receipt_is_refused(live: Live, tmp_path: Path, what: str) -> None:
    meddler = Meddler()
    with live.client(tmp_path, transport=meddler) as client:
        client.ensure_registered()
        meddler.change = posted(TAMPERED[what])
        with pytest.raises(TrustError):
            client.submit(signed(client, filing(client)))
        if what != "a list":
            with pytest.raises(TrustError):
                list(client.submit_many([signed(client, filing(client, "乙")), signed(client, filing(client, "丙"))]))


def test_a_receipt_of_another_statement_is_refused(live: Live, client: Client, tmp_path: Path) -> None:
    other = dict(client.submit(signed(client, filing(client))).facts)
    with live.client(tmp_path, transport=Meddler(posted(lambda _: other))) as deceived, pytest.raises(TrustError):
        deceived.submit(signed(deceived, filing(deceived, "other")))


def test_a_file_is_answered_in_order_and_a_bad_line_stops_nothing(client: Client) -> None:
    envelopes = [signed(client, filing(client, f"数据{n}")) for n in range(4)]
    envelopes[2] = sign_payload(filing(client, "x"), [KeySigner.generate()])
    results = list(client.submit_many(envelopes))
    assert [result.status for result in results] == [201, 201, 403, 201]
    assert results[2].problem is not None
    assert [r.receipt.seq for r in results if r.receipt] == [2, 3, 4]
    again = list(client.submit_many(envelopes))
    assert [result.status for result in again] == [200, 200, 403, 200]
    assert list(client.submit_many([])) == []


def test_a_file_that_stands_or_falls_together(client: Client) -> None:
    good, bad = signed(client, filing(client)), sign_payload(filing(client, "x"), [KeySigner.generate()])
    assert [r.status for r in client.submit_many([good, bad], atomic=True)] == [409, 403]
    assert list(client.assets()) == []


def test_line_separators_in_an_answer_do_not_end_a_line(client: Client) -> None:
    payload = client.payload("party.update", {"colour\u2028\u0085": "red"})
    (result,) = client.submit_many([signed(client, payload)])
    assert result.problem is not None
    assert result.problem.code == "UNKNOWN_MEMBER"


def test_an_answer_broken_off_is_no_answer(live: Live, tmp_path: Path) -> None:
    meddler = Meddler()
    with live.client(tmp_path, transport=meddler) as client:
        client.ensure_registered()
        for cut in (lambda c: c[: len(c) // 2], lambda c: c.split(b"\n")[0], lambda _c: b"", lambda _c: b"null"):
            meddler.change = lambda q, a, cut=cut: changed(a, cut(a.content)) if q.method == "POST" else a
            with pytest.raises(TransportError):
                list(client.submit_many([signed(client, filing(client, f"n{n}{cut}")) for n in range(2)]))


def test_lists_go_through_all_pages(live: Live, client: Client) -> None:
    list(client.submit_many([signed(client, filing(client, f"数据{n}")) for n in range(7)]))
    names = [item["form"]["name"] for item in client.assets(limit=3, applicant=client.party_id)]
    assert names == [f"数据{n}" for n in range(7)]
    assert len(list(client.rights(limit=4))) == 21
    assert len(list(client.cases(state="deposited"))) == 7
    assert [entry["seq"] for entry in client.entries(limit=2)] == list(range(live.size()))


def test_reads(live: Live, client: Client) -> None:
    receipt = client.file(FORM, [OWN], [claim(client)])
    assert client.asset(receipt.id("ast"))["id"] == receipt.id("ast")
    assert client.right(receipt.id("rgt"))["kind"] == "holding"
    assert client.case(receipt.id("cas"))["state"] == "deposited"
    assert client.party(client.party_id, size=receipt.size)["name"] == "Firm A"
    assert client.entry(receipt.seq)["bytes"].encode() == client.entry_bytes(receipt.seq)
    assert client.statement(receipt.facts["statement"])["receipt"]["seq"] == receipt.seq
    assert [e["seq"] for e in client.history(receipt.id("ast"))] == [receipt.seq]
    assert client.inclusion(receipt.seq, size=receipt.size).startswith("c2sp.org/tlog-proof@v1\n")
    assert client.rulebook(client.rulebooks()[0]["sha256"])
    assert len(client.consistency(1, receipt.size)) >= 1
    with pytest.raises(ProblemError):
        client.clock()


def test_a_server_that_is_busy_is_asked_again(live: Live, tmp_path: Path) -> None:
    busy = [503, 503]

    def change(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        if busy and request.url.path == "/v1/rulebooks":
            return httpx.Response(busy.pop(), headers={"retry-after": "0"})
        return answer

    meddler = Meddler(change)
    with live.client(tmp_path, transport=meddler) as client:
        assert client.rulebooks()
    assert meddler.seen.count("GET /v1/rulebooks") == 3


def test_a_lost_answer_is_asked_for_again_and_nothing_is_doubled(live: Live, tmp_path: Path) -> None:
    lost = [True]

    def change(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        if request.method == "POST" and lost:
            lost.pop()
            raise httpx.ReadError("the connection broke")
        return answer

    with live.client(tmp_path, transport=Meddler(change)) as client:
        client.ensure_registered()
        assert client.party(client.party_id)["recorded"]["seq"] == 1
    assert live.size() == 2


def test_what_cannot_be_reached_or_read(live: Live, tmp_path: Path) -> None:
    with pytest.raises(TransportError):
        Client("http://127.0.0.1:1", pins=Pins(tmp_path))
    for status, content in ((200, b"<html>"), (502, b"bad gateway")):
        transport = httpx.MockTransport(lambda _r, s=status, c=content: httpx.Response(s, content=c))
        with pytest.raises(TransportError):
            Client(live.url, pins=Pins(tmp_path), transport=transport)


def test_keys_that_were_given_must_be_shown(live: Live, tmp_path: Path) -> None:
    shown = live.registry.keys.log_keys(live.registry.origin)
    with Client(live.url, pins=Pins(tmp_path), keys=shown[:1]) as client:
        assert client.origin == live.registry.origin
    with pytest.raises(TrustError):
        Client(live.url, pins=Pins(tmp_path / "other"), keys=["desk.test+00000000+AQ=="])


def test_clients_that_share_pins_and_follow_each_other_closely(live: Live, tmp_path: Path) -> None:
    pins = Pins(tmp_path / "pins")
    for number in range(6):
        profile = Profile.open(tmp_path / f"p{number}", name=f"Firm {number}")
        with Client(live.url, profile, pins=pins) as client:
            client.ensure_registered()
    assert live.size() == 7


def test_a_registry_that_lost_entries_is_not_trusted(live: Live, tmp_path: Path) -> None:
    old = {"/checkpoint": live.http.get("/checkpoint").content}
    with live.client(tmp_path) as client:
        client.ensure_registered()

    def rolled_back(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        if request.url.path == "/v1/log/consistency":
            problem = {"status": 409, "code": "BEHIND", "title": "behind"}
            return httpx.Response(409, headers={"content-type": "application/problem+json"}, json=problem)
        return changed(answer, old[request.url.path]) if request.url.path in old else answer

    with pytest.raises(TrustError):
        live.client(tmp_path, transport=Meddler(rolled_back))
