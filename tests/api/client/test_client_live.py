"""The SDK against a real registry: what is known beforehand, files cut, entries, clocks. The rest is in `test_client`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.client import Client, Pins, ProblemError, Profile, Receipt, TransportError, TrustError, identifiers_of
from ledger.encoding import format_base64url
from ledger.errors import FormatError
from ledger.instants import format_instant
from ledger.keys import KeySigner
from ledger.statement import Envelope
from registry.drafting import make_payload, sign_payload
from tests.api.client.fake import Between
from tests.api.live import Live, live_registry, simulated
from tests.registry.desk import ALL, FORM, OWN


@pytest.fixture
def client(live: Live, tmp_path: Path) -> Iterator[Client]:
    with live.client(tmp_path) as opened:
        opened.ensure_registered()
        yield opened


def claims(client: Client, rights: list[str] = ALL) -> list[dict[str, Any]]:
    return [{"party": client.party_id, "rights": rights}]


def filing(client: Client, name: str = "parking") -> dict[str, Any]:
    return {"kind": "initial", "asset": FORM | {"name": name}, "sources": [OWN], "claims": claims(client)}


def envelope(client: Client, name: str) -> Envelope:
    assert client.profile is not None
    return sign_payload(client.payload("case.file", filing(client, name)), [client.profile.signer])


def test_identifiers_are_known_before_anything_is_sent(client: Client) -> None:
    assert client.profile is not None
    signer = client.profile.signer
    payload = client.payload("case.file", filing(client))
    foreseen = identifiers_of(payload)
    receipt = client.submit(sign_payload(payload, [signer]))
    assert foreseen == [(made["id"], made.get("kind")) for made in receipt.facts["ids"]]
    assert [identifier[:3] for identifier, _ in foreseen] == ["ast", "cas", "rgt", "rgt", "rgt"]
    assert client.asset(receipt.id("ast"))["form"]["name"] == "parking"
    assert [client.right(identifier)["kind"] for identifier in receipt.ids("rgt")] == ALL


def test_identifiers_of_a_party_and_of_acts_that_do_not_tell(client: Client) -> None:
    signer = KeySigner.generate()
    body = {
        "name": "Firm B", "kind": "legal_person",
        "keys": [{"alg": signer.algorithm.value, "public": format_base64url(signer.public)}],
    }  # fmt: skip
    party = "pty_" + client.party_id[4:]
    payload = make_payload("party.register", client.origin, party, datetime.now(UTC), body)
    made = identifiers_of(payload)
    assert made is not None
    assert made[0][0].startswith("pty_")
    assert identifiers_of(client.payload("right.revoke", {})) is None
    with pytest.raises(FormatError):
        identifiers_of(b"{}")


def test_a_trial_writes_nothing(client: Client) -> None:
    sent = envelope(client, "trial")
    told = client.try_out(sent)
    assert not {"seq", "leaf_hash", "proof"} & told.keys()
    assert list(client.assets(holder=client.party_id)) == []
    assert told["ids"] == client.submit(sent).facts["ids"]


def test_a_refusal_is_told_in_the_clients_language(live: Live, client: Client, tmp_path: Path) -> None:
    with live.client(tmp_path, language="en") as english:
        details = []
        for speaker in (english, client):
            with pytest.raises(ProblemError) as caught:
                speaker.party("pty_" + "0" * 26)
            details.append(caught.value.detail)
    assert "There is no" in details[0]
    assert "没有" in details[1]


def test_a_long_file_is_cut_and_an_empty_one_is_nothing(
    client: Client, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.client.files._FILE_LINES", 2)
    before = live.size()
    results = list(client.submit_many(envelope(client, f"asset {number}") for number in range(5)))
    assert [r.receipt.seq for r in results if r.receipt] == list(range(before, before + 5))
    monkeypatch.setattr("api.client.files._FILE_BYTES", 10)
    assert len(list(client.submit_many([envelope(client, "x"), envelope(client, "y")]))) == 2
    assert list(client.submit_many([])) == []


def test_all_or_none_is_one_file_however_long(client: Client, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.client.files._FILE_LINES", 2)
    before = live.size()
    assert client.profile is not None
    bad = sign_payload(client.payload("case.file", filing(client) | {"claims": []}), [client.profile.signer])
    sent = [*(envelope(client, f"asset {number}") for number in range(4)), bad]
    results = list(client.submit_many(sent, atomic=True))
    assert [r.receipt for r in results] == [None] * 5
    assert {r.problem.code for r in results[:4] if r.problem} == {"BATCH_REFUSED"}
    assert live.size() == before
    assert all(r.receipt for r in client.submit_many(sent[:4], atomic=True))


def test_lists_ask_only_for_what_is_read(live: Live, client: Client, tmp_path: Path) -> None:
    list(client.submit_many(envelope(client, f"asset {n}") for n in range(5)))
    between = Between()
    with live.client(tmp_path, transport=between) as lazy:
        found = lazy.assets(limit=2)
        assert "/v1/assets" not in between.asked
        next(found)
        next(found)
        assert between.asked.count("/v1/assets") == 1
        assert len(list(found)) == 3
        assert between.asked.count("/v1/assets") == 3


def test_reads_of_the_past(client: Client) -> None:
    receipt = client.file(FORM, [OWN], claims(client))
    with pytest.raises(ProblemError) as caught:
        client.asset(receipt.id("ast"), size=receipt.seq)
    assert (caught.value.status, caught.value.code) == (404, "NOT_FOUND")
    assert client.asset(receipt.id("ast"), size=receipt.size)["size"] == receipt.size
    assert client.case(receipt.id("cas"))["state"] == "deposited"
    assert client.statement(receipt.facts["statement"])["receipt"]["seq"] == receipt.seq
    assert client.entry(receipt.seq)["bytes"].encode() == client.entry_bytes(receipt.seq)


def test_what_stands_in_an_identifier_stays_in_it(client: Client) -> None:
    for odd in ("../parties", f"{client.party_id}?size=1", "a/b", "x#y", "停车"):
        with pytest.raises(ProblemError) as caught:
            client.party(odd)
        assert caught.value.status == 404


def test_an_entry_is_verified_from_its_bytes(live: Live, client: Client, tmp_path: Path) -> None:
    receipt = client.file(FORM, [OWN], claims(client))
    entry = client.verify_entry(receipt.seq)
    assert entry.envelope.digest().hex() == receipt.facts["statement"]
    assert client.verify_entry(0).position == 0

    def ask(request: httpx.Request) -> httpx.Request:
        url = str(request.url).replace(f"/v1/entries/{receipt.seq}", "/v1/entries/1")
        return httpx.Request(request.method, url, headers=request.headers)

    with (
        live.client(tmp_path, transport=Between(ask)) as cheated,
        pytest.raises(TrustError, match="does not hold"),
    ):
        cheated.verify_entry(receipt.seq)


def test_another_entry_with_its_own_proof_is_not_the_one_asked_for(live: Live, client: Client, tmp_path: Path) -> None:
    receipt = client.file(FORM, [OWN], claims(client))

    def ask(request: httpx.Request) -> httpx.Request:
        url = str(request.url).replace(f"/v1/entries/{receipt.seq}", "/v1/entries/1")
        return httpx.Request(request.method, url.replace(f"seq={receipt.seq}", "seq=1"), headers=request.headers)

    with (
        live.client(tmp_path, transport=Between(ask)) as cheated,
        pytest.raises(TrustError, match="stands elsewhere"),
    ):
        cheated.verify_entry(receipt.seq)


def test_a_rulebook_has_the_digest_it_is_asked_by(live: Live, client: Client, tmp_path: Path) -> None:
    (adopted, *_) = client.rulebooks()
    assert b"internal" in client.rulebook(adopted["sha256"])

    def tell(path: str, data: bytes) -> bytes:
        return data + b"\n" if path.startswith("/v1/rulebooks/") else data

    with live.client(tmp_path, transport=Between(tell=tell)) as cheated, pytest.raises(TrustError):
        cheated.rulebook(adopted["sha256"])


def test_something_that_is_no_registry_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    for answer in (
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"origin": "x"}),
        httpx.Response(200, text=""),
    ):
        with pytest.raises(TransportError):
            Client("http://x", pins=Pins(tmp_path), transport=httpx.MockTransport(lambda _, a=answer: a))
    assert list(tmp_path.iterdir()) == []


def test_the_registrar_acts_with_the_key_in_its_folder(live: Live, client: Client, tmp_path: Path) -> None:
    with Client.as_registrar(live.url, live.folder, pins=Pins(tmp_path / "pins")) as registrar:
        receipt = registrar.act("party.verify", {"party": client.party_id, "level": "documented"})
    assert isinstance(receipt, Receipt)
    assert client.party(client.party_id)["level"] == "documented"


def test_a_simulated_clock_dates_what_is_signed(tmp_path: Path) -> None:
    clock = simulated(tmp_path / "data")
    with (
        live_registry(tmp_path / "data", clock=clock, simulated_clock=format_instant(clock.now())) as live,
        live.client(tmp_path) as client,
    ):
        assert client.now() == clock.now()
        later = clock.now() + timedelta(days=40)
        assert client.set_clock(format_instant(later)) == format_instant(later)
        client.ensure_registered()
        assert client.now() == later
        with pytest.raises(ProblemError) as caught:
            client.set_clock("2020-01-01T00:00:00Z")
        assert caught.value.code == "CLOCK_BACKWARDS"


def test_a_registry_in_earnest_does_not_say_what_time_its_parties_sign(tmp_path: Path) -> None:
    between = Between(tell=lambda path, data: b'{"now":"2030-01-01T00:00:00Z"}' if path == "/v1/clock" else data)
    with (
        live_registry(tmp_path / "data", origin="register.example") as live,
        live.client(tmp_path, transport=between) as client,
    ):
        assert abs(client.now() - datetime.now(UTC)) < timedelta(minutes=1)
    assert "/v1/clock" not in between.asked


def test_a_registry_that_was_set_back_is_found_out(tmp_path: Path) -> None:
    with live_registry(tmp_path / "first") as live, live.client(tmp_path) as client:
        client.ensure_registered()
        origin = client.origin
    with (
        live_registry(tmp_path / "second", origin=origin) as live,
        pytest.raises(TrustError, match="other keys than those pinned"),
    ):
        Client(live.url, Profile.open(tmp_path / "profile"), pins=Pins(tmp_path / "pins"))
