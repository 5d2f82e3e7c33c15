"""Drafts and documents through the SDK: what is signed is what the bytes say, whatever the registry shows."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from api.client import Client, Draft, ProblemError, Receipt, TrustError
from ledger.keys import KeySigner
from tests.api.client.fake import Between
from tests.api.live import Live
from tests.registry.desk import ALL, FORM, OWN, key_shape, scope


@pytest.fixture
def pair(live: Live, tmp_path: Path) -> Iterator[tuple[Client, Client]]:
    with ExitStack() as opened:
        a, b = (opened.enter_context(live.client(tmp_path / name, name=name)) for name in ("a", "b"))
        for client in (a, b):
            client.register_party()
        yield a, b


def licence(a: Client, b: Client) -> dict[str, Any]:
    filed = a.file(FORM, [OWN], [{"party": a.party_id, "rights": ALL}])
    given = scope(duties=[{"id": "report", "when": "after"}])
    return {"from_right": filed.right("operating"), "to": b.party_id, "rights": ["processing"], "scope": given}


def test_two_parties_sign_a_licence(pair: tuple[Client, Client]) -> None:
    a, b = pair
    draft = a.draft("right.grant", licence(a, b), with_=[b.party_id])
    assert isinstance(draft, Draft)
    assert draft.waiting == [b.party_id]
    assert [found.id for found in b.drafts(waiting_for_me=True)] == [draft.id]
    assert list(a.drafts(waiting_for_me=True)) == []
    receipt = b.sign_draft(draft.id)
    assert isinstance(receipt, Receipt)
    assert b.right(receipt.id("rgt"))["holder"] == b.party_id
    assert list(a.drafts()) == []
    again = b.sign_draft(draft)
    assert isinstance(again, Receipt)
    assert again.seq == receipt.seq


def test_a_key_that_is_added_signs_later_and_a_draft_is_withdrawn(pair: tuple[Client, Client]) -> None:
    a, b = pair
    added = KeySigner.generate()
    draft = a.draft("key.add", key_shape(added))
    assert isinstance(draft, Draft)
    assert isinstance(a.sign_draft(draft.id, signer=added), Receipt)
    other = a.draft("party.update", {"contact": "1"}, with_=[b.party_id])
    assert isinstance(other, Draft)
    a.withdraw_draft(other.id)
    with pytest.raises(ProblemError, match=other.id):
        b.read_draft(other.id)


def test_nobody_signs_what_the_registry_shows_instead_of_what_it_is(live: Live, tmp_path: Path) -> None:
    with live.client(tmp_path / "a", name="a") as a, live.client(tmp_path / "b", name="b") as b:
        for client in (a, b):
            client.register_party()
        one = a.draft("party.update", {"contact": "1", "status": "2"}, with_=[b.party_id], confidential=["/contact"])
        two = a.draft("party.update", {"contact": "3"}, with_=[b.party_id])
        assert isinstance(one, Draft)
        assert isinstance(two, Draft)
        assert b.read_draft(one.id).disclosed == {"/body/contact": "1"}
        for name, value in (
            ("id", two.id), ("act", "key.add"), ("by", b.party_id), ("envelope", two.facts["envelope"]),
            ("envelope", {}), ("disclosures", []),
        ):  # fmt: skip

            def tell(path: str, data: bytes, name: str = name, value: Any = value) -> bytes:
                return json.dumps(json.loads(data) | {name: value}).encode() if "/drafts/" in path else data

            with live.client(tmp_path / "b", transport=Between(tell=tell)) as deceived, pytest.raises(TrustError):
                deceived.sign_draft(one.id)


def test_documents_are_checked_against_their_digest(live: Live, tmp_path: Path) -> None:
    with live.client(tmp_path) as client:
        client.register_party()
        digest = client.send_document(b"a contract", "application/pdf")
        assert client.document(digest, "核对合同") == b"a contract"
        assert [access["digest"] for access in client.accesses()] == [digest]
    forge = Between(tell=lambda path, data: b"another" if "/documents/" in path else data)
    with live.client(tmp_path, transport=forge) as deceived, pytest.raises(TrustError):
        deceived.document(digest, "核对合同")
