"""What is private to a party, through the SDK: confidential members, reading them, tokens."""

from pathlib import Path

import pytest

from api.client import ClientError, ProblemError, TrustError
from ledger.statement import Envelope
from registry.desk.hiding import make_disclosure
from registry.drafting import sign_payload
from tests.api.live import Live


def test_a_confidential_member_is_read_back_and_the_reading_is_shown(live: Live, tmp_path: Path) -> None:
    with live.client(tmp_path) as client:
        client.register_party()
        client.act("party.update", {"contact": "0531-1", "status": "开业"}, confidential=["/contact"])
        party = client.party(client.party_id)
        assert party["status"] == "开业"
        assert client.disclosure(party["contact"]["sd"], "核对")["value"] == "0531-1"
        assert [(item["reader"], item["purpose"]) for item in client.accesses()] == [(client.party_id, "核对")]


def test_what_cannot_be_confidential_is_said_before_anything_is_sent(live: Live, tmp_path: Path) -> None:
    with live.client(tmp_path) as client:
        client.register_party()
        for act, pointers in (("party.update", ["/subkind"]), ("party.dance", ["/x"])):
            with pytest.raises(ClientError, match="confidential"):
                client.act(act, {"subkind": "enterprise"}, confidential=pointers)
    assert live.size() == 2


def test_disclosures_travel_in_files_of_statements(live: Live, tmp_path: Path) -> None:
    with live.client(tmp_path) as client:
        client.register_party()
        texts: dict[Envelope, list[str]] = {}
        for number in range(40):
            digest, text = make_disclosure("contact", str(number))
            payload = client.payload("party.update", {"contact": {"sd": digest}})
            assert client.profile is not None
            texts[sign_payload(payload, [client.profile.signer])] = [text]
        results = list(client.submit_many(texts, disclosures=texts))
        assert [result.status for result in results] == [201] * 40
        assert [result.status for result in client.submit_many(texts)] == [200] * 40
        assert client.disclosure(digest, "核对")["value"] == "39"


def test_tokens(live: Live, tmp_path: Path) -> None:
    with live.client(tmp_path) as client:
        client.register_party()
        made = client.make_token(scopes=["read"], name="ERP", expires=None)
        assert [token["id"] for token in client.tokens()] == [made["id"]]
        client.revoke_token(made["id"])
        assert "revoked" in client.tokens()[0]
        with pytest.raises(ProblemError, match="没有"):
            client.revoke_token("../x")


def test_a_registry_that_shows_another_value_is_not_believed(live: Live, tmp_path: Path) -> None:
    with live.client(tmp_path) as client:
        client.register_party()
        client.act("party.update", {"contact": "0531-1"}, confidential=["/contact"])
        digest = client.party(client.party_id)["contact"]["sd"]
        other = make_disclosure("contact", "0531-2")[1]
        with live.registry.engine.begin() as tx:
            tx.exec_driver_sql("UPDATE sanquan_disclosure SET disclosure = ?", (other,))
        with pytest.raises(TrustError, match="another value"):
            client.disclosure(digest, "核对")
