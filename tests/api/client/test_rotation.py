"""A client that pinned old keys of a log and meets new ones. ledger.md 0.10."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.client import Client, Pins, Profile, TrustError
from api.client.rotation import ShownChange, shown_keys
from api.client.trusted import TrustedKey, TrustedKeys, keys_from_json, keys_to_json
from ledger.checkpoint import Checkpoint, log_verifier_keys, sign_checkpoint, verify_checkpoint
from ledger.errors import SignatureError
from ledger.keys import Algorithm, KeySigner
from ledger.known import KnownReceipt, parse_known
from ledger.note import format_verifier_key, parse_verifier_key
from ledger.proof import parse_proof, verify_proof
from registry.key_ring import later_name
from tests.api.live import ORIGIN, Live


def vkey(signer: Any) -> str:
    return format_verifier_key(*log_verifier_keys(ORIGIN, [signer]))


def rotate(live: Live, retire: str | None = None, algorithm: Algorithm = Algorithm.ED25519) -> str:
    """A new key of the log, which the server holds; another is retired with it."""
    new = KeySigner.generate(algorithm)
    (live.folder / "keys" / f"{later_name('log', new, ORIGIN)}.pem").write_bytes(new.to_pem())
    body = {"use": "log", "add": vkey(new)}
    live.ok("log.key", live.registrar, body | ({"retire": retire} if retire else {}))
    return vkey(new)


def both(live: Live) -> list[str]:
    return live.registry.keys.log_keys(ORIGIN)


def test_a_client_that_slept_over_two_rotations_of_every_key(live: Live, tmp_path: Path) -> None:
    ed25519, ml_dsa = both(live)
    with live.client(tmp_path) as client:
        old = client.register_party()
    kept = Pins(tmp_path / "pins").checkpoint(ORIGIN, client.log_keys)
    first = rotate(live, ed25519)
    ml_dsa_1 = rotate(live, ml_dsa, Algorithm.ML_DSA_44)
    live.party("Firm B")
    second = rotate(live, first)
    ml_dsa_2 = rotate(live, ml_dsa_1, Algorithm.ML_DSA_44)
    for number in range(3):
        live.party(f"Firm {number}")
    with live.client(tmp_path) as client:
        assert set(client.log_keys) == {parse_verifier_key(text) for text in (second, ml_dsa_2)}
        entry = client.verify_entry(old.seq)  # under a checkpoint that only new keys signed
        assert entry.position == old.seq
        client.act("party.update", {"contact": "1"})
    trusted = Pins(tmp_path / "pins").trusted(ORIGIN)
    assert set(trusted.texts(live=False)) == {ed25519, ml_dsa, first, ml_dsa_1}
    assert kept is not None
    # the receipt of before holds for ever, with the keys pinned then and with the pins of today
    proof = parse_proof(old.facts["proof"])
    for keys in ([parse_verifier_key(ed25519)], trusted.for_note(proof.checkpoint)):
        verify_proof(proof, bytes.fromhex(old.facts["leaf_hash"]), keys)


def test_the_published_keys_verify_the_published_checkpoint(live: Live) -> None:
    for retire in both(live):
        kind = Algorithm.ED25519 if retire == both(live)[0] else Algorithm.ML_DSA_44
        rotate(live, retire, kind)
        facts, note = live.get("/.well-known/sanquan"), live.http.get("/checkpoint").text
        verify_checkpoint(note, [parse_verifier_key(text) for text in facts["log_keys"]])


def test_what_well_known_says_of_keys(live: Live) -> None:
    old, ml_dsa = both(live)
    new = rotate(live, old)
    live.party()
    live.app.state.publisher._shown = None  # as if a second had passed
    facts = live.get("/.well-known/sanquan")
    assert (facts["log_keys"], facts["retired_log_keys"]) == ([ml_dsa, new], [old])
    assert facts["log_key_changes"] == [{"seq": 1, "size": 2, "add": new, "retire": old}]
    (seal,) = facts["seal_keys"]
    assert seal.keys() == {"key", "alg", "public", "from"}
    note = parse_proof(live.http.get("/v1/log/inclusion?seq=1&size=2").text).checkpoint
    verify_checkpoint(note, [parse_verifier_key(old)])
    newest = parse_proof(live.http.get("/v1/log/inclusion?seq=1").text).checkpoint
    with pytest.raises(SignatureError):
        verify_checkpoint(newest, [parse_verifier_key(old)])


def test_a_client_that_is_at_work_meanwhile(live: Live, tmp_path: Path) -> None:
    with live.client(tmp_path) as client:
        client.register_party()
        for retire in both(live):
            rotate(live, retire, Algorithm.ED25519 if retire == both(live)[0] else Algorithm.ML_DSA_44)
        live.party("Firm B")
        assert client.act("party.update", {"contact": "1"}).seq
        assert client.verify_entry(1).position == 1
        assert not {vkey(live.registry.keys.log), vkey(live.registry.keys.log_mldsa44)} & {
            format_verifier_key(key) for key in client.log_keys
        }


def test_the_key_given_on_paper_leads_to_the_newest(live: Live, tmp_path: Path) -> None:
    paper = both(live)[0]
    new = rotate(live, paper)
    live.party("Firm B")
    for _ in range(2):
        with live.client(tmp_path, keys=[paper]) as client:
            assert [format_verifier_key(key) for key in client.log_keys] == [new]
            assert client.verify_entry(0).position == 0
    assert Pins(tmp_path / "pins").keys(ORIGIN) == [new]


def test_who_comes_after_every_key_was_replaced(live: Live, tmp_path: Path) -> None:
    """The keys that came and went before are no business of a new client, shown the newest keys or given one of them."""
    ed25519, ml_dsa = both(live)
    for _ in range(2):
        ed25519 = rotate(live, ed25519)
        ml_dsa = rotate(live, ml_dsa, Algorithm.ML_DSA_44)
    live.party("Firm B")
    live.app.state.publisher._shown = None  # as if a second had passed
    for given, folder in ((None, "shown"), ([ed25519], "given")):
        for _ in range(2):
            with live.client(tmp_path / folder, keys=given) as client:
                assert client.verify_entry(0).position == 0
    assert set(Pins(tmp_path / "shown" / "pins").trusted(ORIGIN).texts(live=True)) == {ed25519, ml_dsa}
    third = rotate(live, ed25519)
    live.party("Firm C")
    with live.client(tmp_path / "given") as client:
        assert third in [format_verifier_key(key) for key in client.log_keys]


def test_a_receipt_of_before_still_verifies_as_a_kept_file(live: Live, tmp_path: Path) -> None:
    receipt = live.ok("party.update", live.registrar, {"contact": "1"})
    old = both(live)[0]
    rotate(live, old)
    live.party()
    path = tmp_path / "receipt.json"
    path.write_text(httpx.Response(200, json=receipt).text)
    (known,) = parse_known(path.read_bytes())
    assert isinstance(known, KnownReceipt)
    assert known.leaf is not None
    verify_proof(known.proof, known.leaf, [parse_verifier_key(old)])


# ---- a registry that lies --------------------------------------------------------------------------------------------

Change = Callable[[httpx.Request, httpx.Response], httpx.Response | None]


def lying(live: Live, folder: Path, change: Change) -> Client:
    """A client of the registry behind somebody who changes its answers."""

    def handle(request: httpx.Request) -> httpx.Response:
        answer = live.http.request(
            request.method, str(request.url.copy_with(scheme="http", host=live.http.base_url.host, port=live.http.base_url.port)),
            content=request.content, headers={"Accept": request.headers["Accept"]},
        )  # fmt: skip
        plain = httpx.Response(
            answer.status_code, content=answer.content, headers={"Content-Type": answer.headers["Content-Type"]}
        )
        return change(request, plain) or plain

    pins = Pins(folder / "pins")
    return Client(
        "http://live", Profile.open(folder / "profile", name="A"), pins=pins, transport=httpx.MockTransport(handle)
    )


def showing(**members: Any) -> Change:
    def change(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        if request.url.path == "/.well-known/sanquan":
            return httpx.Response(200, json=answer.json() | members)
        return None

    return change


@pytest.fixture
def pinned(live: Live, tmp_path: Path) -> Path:
    """A folder with a client's pins of the first keys."""
    live.client(tmp_path).close()
    return tmp_path


def test_keys_that_are_only_shown_are_not_believed(live: Live, pinned: Path) -> None:
    other = [vkey(KeySigner.generate()), vkey(KeySigner.generate(Algorithm.ML_DSA_44))]
    with pytest.raises(TrustError, match="other keys than those pinned"):
        lying(live, pinned, showing(log_keys=other))


def test_a_change_that_no_entry_made(live: Live, pinned: Path) -> None:
    a, other, old = live.party(), vkey(KeySigner.generate()), both(live)[0]
    changes = [{"seq": 1, "size": 2, "add": other, "retire": old}]
    with pytest.raises(TrustError, match="does not change its keys as the registry says"):
        lying(live, pinned, showing(log_keys=[other], log_key_changes=changes))
    new = rotate(live, old)
    for wrong in ({"add": other}, {"retire": both(live)[1]}, {"retire": None}):
        change = {"seq": 2, "size": 3, "add": new, "retire": old} | wrong
        with pytest.raises(TrustError, match="does not change its keys"):
            lying(live, pinned, showing(log_key_changes=[change]))
    assert set(Pins(pinned / "pins").keys(ORIGIN)) == set(both(live))
    assert a.id


def test_a_checkpoint_that_no_old_key_signed_proves_nothing(live: Live, pinned: Path) -> None:
    """The entry is real, but it is shown under a later checkpoint."""
    old, ml_dsa = both(live)
    new = rotate(live, old)
    ml_dsa_1 = rotate(live, ml_dsa, Algorithm.ML_DSA_44)
    live.party()
    changes = [
        {"seq": 1, "size": 4, "add": new, "retire": old}, {"seq": 2, "size": 4, "add": ml_dsa_1, "retire": ml_dsa},
    ]  # fmt: skip
    with pytest.raises(TrustError, match="not signed by any of the keys"):
        lying(live, pinned, showing(log_key_changes=changes))


def test_a_retired_key_signs_nothing_more(live: Live, tmp_path: Path) -> None:
    """Whoever stole a key before it was retired signs with it afterwards; the log's own history, even."""
    stolen = live.registry.keys.log
    old = both(live)[0]
    with live.client(tmp_path, keys=[old]) as client:
        client.register_party()
    rotate(live, old)
    live.party("Firm B")
    with live.client(tmp_path) as client:
        assert len(client.log_keys) == 1
    with live.registry.engine.connect() as tx:
        head = live.registry.log.storage.head(tx)
    forged = sign_checkpoint(Checkpoint(ORIGIN, head.size, head.root), [stolen], 0)

    def change(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        return httpx.Response(200, text=forged) if request.url.path == "/checkpoint" else None

    with pytest.raises(TrustError, match="not signed by any of the keys"):
        lying(live, tmp_path, change)


@pytest.mark.parametrize(
    "changes",
    [1, [1], [{"seq": 1}], [{"seq": -1, "size": 2}], [{"seq": True, "size": 2}], [{"seq": 1, "size": 2, "add": 3}]],
)
def test_what_is_no_list_of_changes(live: Live, pinned: Path, changes: Any) -> None:
    with pytest.raises(Exception, match="not what a registry answers"):
        lying(live, pinned, showing(log_key_changes=changes))


# ---- files -----------------------------------------------------------------------------------------------------------


def test_pins_of_rotated_keys_round_trip() -> None:
    keys = [parse_verifier_key(vkey(KeySigner.generate())) for _ in range(3)]
    trusted = TrustedKeys((TrustedKey(keys[0], until=7), TrustedKey(keys[1]), TrustedKey(keys[2], since=5)))
    assert set(keys_from_json(keys_to_json(trusted)).keys) == set(trusted.keys)
    assert trusted.at(5) == (keys[0], keys[1])
    assert trusted.at(8) == (keys[1], keys[2])
    assert keys_from_json({"origin": ORIGIN, "keys": [format_verifier_key(keys[1])]}).live == (keys[1],)


def test_only_news_are_asked_for() -> None:
    (old, new) = (vkey(KeySigner.generate()) for _ in range(2))
    trusted = TrustedKeys.of([parse_verifier_key(new)])
    assert not ShownChange(1, 2, new, None).is_news(trusted)
    assert not ShownChange(1, 2, None, old).is_news(trusted)
    assert ShownChange(1, 2, None, new).is_news(trusted)
    assert shown_keys({"log_keys": [new]}).changes == ()
