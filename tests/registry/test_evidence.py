"""Evidence bundles from a real register: what they hold, and that every line left out is noticed but a folio's last."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.checkpoint import log_verifier_keys
from ledger.identifiers import ObjectIdentifiers, key_identifier
from ledger.instants import format_instant
from ledger.keys import Algorithm, KeySigner
from ledger.note import format_verifier_key
from registry.evidence import Evidencer
from registry.key_ring import later_name
from registry.refusals.refusal import RefusedError
from tests.registry.desk import ALL, ORIGIN, Actor, Desk, ids, key_shape, newcomer, open_desk, party_body, sd
from tests.registry.proving import bundle, examine, failing, holding, lines, must_notice_what_is_left_out, without

SCAN = [{"kind": "identity", "sha256": "7a" * 32}]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path / "data") as opened:
        yield opened


def right_of(receipt: dict[str, Any], kind: str) -> str:
    return next(made["id"] for made in receipt["ids"] if made.get("kind") == kind)


def derive(desk: Desk, by: Actor, asset: str, right: str, **form: Any) -> dict[str, Any]:
    """The receipt of an asset made from another by a right to process it."""
    facts = {"change": "derivative", "value_increase": True, "activity_time": format_instant(desk.clock.now())}
    source = {"origin": "derived", "basis": "derived", "facts": facts, "inputs": [{"asset": asset, "right": right}]}
    return desk.register(by, ["holding", "processing"], source, form="derived", **form)


def code(desk: Desk, subject: str, size: int | None = None, most: int = 20_000) -> str:
    """The code of the refusal."""
    registry = desk.registry
    evidencer = Evidencer(registry.engine, registry.log, registry.documents.get, most)
    with pytest.raises(RefusedError) as refusal:
        evidencer.bundle(subject, size)
    assert all(reason.message.en and reason.message.zh for reason in refusal.value.reasons)
    return refusal.value.code


def test_it_holds_whoever_is_named_and_whatever_the_asset_descends_from(desk: Desk) -> None:
    owner, deriver, stranger, last = (desk.party(name) for name in "甲乙丙丁")
    first = desk.register(owner)
    raw = ids(first, "ast")[0]
    desk.register(stranger, name="无关的数据")
    desk.ok("party.verify", desk.registrar, {"party": owner.id, "level": "documented"})
    grant = desk.grant(owner, right_of(first, "operating"), deriver, ["processing"])
    middle = derive(desk, deriver, raw, ids(grant, "rgt")[0])
    asset = ids(middle, "ast")[0]
    subject = ids(derive(desk, deriver, asset, right_of(middle, "processing"), name="再加工"), "ast")[0]
    desk.ok("party.update", last, {"contact": "1"})
    registry = desk.registry.reader.registry()
    desk.ok("party.verify", desk.registrar, {"party": registry.clerk, "level": "documented"})

    evidence = bundle(desk, subject)
    report = holding(desk, evidence, subject)
    shown = lines(report)
    assert report.assets == (subject,) == holding(desk, replace(evidence, subject=None)).assets
    assert set(shown) == {subject, asset, raw, owner.id, deriver.id, registry.registrar, registry.clerk}
    assert (shown[raw], shown[owner.id], shown[deriver.id], shown[registry.clerk]) == (2, 2, 1, 2)
    assert (report.checkpoint.size, report.unseen) == (desk.size(), ())
    assert list(evidence.rulebooks) == [registry.rulebooks[0].sha256]
    assert evidence.log_keys == registry.log_keys
    assert all(entry.data == desk.registry.reader.entry(entry.seq).data for entry in evidence.entries)
    must_notice_what_is_left_out(desk, subject)


def test_a_right_and_a_case_have_the_evidence_of_their_asset(desk: Desk) -> None:
    owner, other = desk.party("甲"), desk.party("乙")
    receipt = desk.register(owner)
    grant = desk.grant(owner, right_of(receipt, "operating"), other, ["processing"])
    asset = ids(receipt, "ast")[0]
    of_asset = bundle(desk, asset)
    for subject in (*ids(receipt, "rgt"), *ids(receipt, "cas"), *ids(grant, "rgt")):
        found = bundle(desk, subject)
        assert found == replace(of_asset, subject=subject)
        assert holding(desk, found, subject).assets == (asset,)
    another = ids(desk.register(owner, name="另一"), "ast")[0]
    assert failing(examine(desk, of_asset, another)) == ["subject"]
    assert failing(examine(desk, replace(of_asset, subject=another))) == ["subject"]


def test_keys_of_every_kind_are_judged_at_every_position(desk: Desk) -> None:
    owner = desk.party("甲", Algorithm.ML_DSA_44)
    old, added = owner.signers[0], KeySigner.generate(Algorithm.ES256)
    assert desk.deliver(desk.payload("key.add", owner, key_shape(added)), [old, added]).refusal is None
    asset = ids(desk.register(owner), "ast")[0]
    revoking = desk.payload("key.revoke", owner, {"key": key_identifier(old.public), "reason": "1"})
    assert desk.deliver(revoking, [added]).refusal is None
    case = desk.payload("evidence.attach", owner, {"target": asset, "evidence": SCAN})
    assert desk.deliver(case, [added]).refusal is None
    assert lines(holding(desk, bundle(desk, asset)))[owner.id] == 3
    must_notice_what_is_left_out(desk, asset)


def test_a_recovered_key_and_one_that_its_owner_stopped(desk: Desk) -> None:
    owner, other = desk.party("甲"), desk.party("乙")
    new, stopped = KeySigner.generate(), KeySigner.generate()
    for party, key in ((owner, new), (other, stopped)):
        desk.ok("key.recover", desk.registrar, {"party": party.id, **key_shape(key), "document": "d" * 64}, extra=[key])
    desk.ok("party.update", other, {"contact": "1"})
    desk.pass_time(hours=72)
    claims = [{"party": owner.id, "rights": ALL}, {"party": other.id, "rights": ["processing"]}]
    payload = desk.payload("case.file", owner, desk.filing(claims), with_=[other])
    answer = desk.deliver(payload, [new, other.signers[0]])
    assert answer.receipt is not None
    must_notice_what_is_left_out(desk, ids(answer.receipt, "ast")[0])
    assert desk.deliver(desk.payload("party.update", other, {"contact": "2"}), [stopped]).refusal is not None


def test_the_keys_of_the_log_that_it_shows_are_those_of_its_size(desk: Desk, tmp_path: Path) -> None:
    asset = ids(desk.register(desk.party("甲")), "ast")[0]
    before, size = bundle(desk, asset), desk.size()
    signer = KeySigner.generate()
    old, ml_dsa = before.log_keys
    new = format_verifier_key(*log_verifier_keys(desk.registry.origin, [signer]))
    (tmp_path / "data" / "keys" / f"{later_name('log', signer, ORIGIN)}.pem").write_bytes(signer.to_pem())
    desk.ok("log.key", desk.registrar, {"use": "log", "add": new, "retire": old})
    desk.party("乙")
    assert set(bundle(desk, asset).log_keys) == {ml_dsa, new}
    assert bundle(desk, asset, size) == before
    assert holding(desk, bundle(desk, asset)).checkpoint.size == size + 2
    must_notice_what_is_left_out(desk, asset)


def test_what_a_party_writes_about_itself_brings_nobody_in(desk: Desk) -> None:
    owner, busy = desk.party("甲"), desk.party("乙")
    ghost = newcomer().id
    for contact in (busy.id, ghost):
        desk.ok("party.update", owner, {"contact": contact})
    asset = ids(desk.register(owner), "ast")[0]
    report = holding(desk, bundle(desk, asset))
    assert busy.id not in lines(report)
    assert report.unseen == ()
    claims = [{"party": owner.id, "rights": ALL, "conditions": ghost}]
    named = ids(desk.ok("case.file", owner, desk.filing(claims, name="另一")), "ast")[0]
    assert holding(desk, bundle(desk, named)).unseen == (ghost,), "text on an asset's folio is told of, not demanded"


def test_agents_principals_and_parties_entered_at_the_window_are_there(desk: Desk) -> None:
    principal, agent = desk.party("甲"), desk.party("乙")
    came = newcomer("窗口")
    title, told = sd("title", "申请表")
    body = party_body(came) | {"evidence": [SCAN[0] | {"title": title}]}
    desk.ok("party.register", desk.registrar, body, for_=came.id, disclosures=[told])
    until = format_instant(desk.clock.now().replace(year=2027))
    desk.ok("agency.give", principal, {"agent": agent.id, "acts": ["case.file"], "until": until})
    claims = [{"party": principal.id, "rights": ALL}, {"party": came.id, "rights": ["processing"]}]
    body = desk.filing(claims) | {"evidence": SCAN, "awaits": [came.id]}
    filed = desk.ok("case.file", agent, body, for_=principal.id)
    shown = lines(holding(desk, bundle(desk, ids(filed, "cas")[0])))
    assert {principal.id, agent.id, came.id} <= set(shown)
    must_notice_what_is_left_out(desk, ids(filed, "ast")[0])


def test_what_the_author_saw_must_be_there(desk: Desk) -> None:
    owner = desk.party("甲")
    asset = ids(desk.register(owner), "ast")[0]
    desk.ok("party.update", owner, {"contact": "1"})
    desk.ok("evidence.attach", owner, {"target": asset, "evidence": SCAN}, expect={owner.id: 2, asset: 1})
    evidence = bundle(desk, asset)
    newest = {folio.folio: folio.newest for folio in holding(desk, evidence).folios}[owner.id]
    assert failing(examine(desk, without(evidence, newest))) == ["expectations"]


def test_it_is_of_a_signed_size_and_of_what_was_there_then(desk: Desk) -> None:
    owner = desk.party("甲")
    before = desk.size()
    receipt = desk.register(owner)
    asset, right = ids(receipt, "ast")[0], right_of(receipt, "operating")
    then = desk.size()
    desk.grant(owner, right, desk.party("乙"), ["processing"])
    assert lines(holding(desk, bundle(desk, asset, then)))[asset] == 1
    assert lines(holding(desk, bundle(desk, asset)))[asset] == 2
    desk.submit(*(desk.envelope("party.update", owner, {"contact": str(n)}) for n in range(3)))
    missing = [asset, right, ids(receipt, "cas")[0]]
    assert [code(desk, subject, before) for subject in missing] == ["NOT_FOUND"] * 3
    assert code(desk, asset, desk.size() + 1) == "BEHIND"
    assert code(desk, asset, desk.size() - 1) == "SIZE_NOT_SIGNED"


@pytest.mark.parametrize("prefix", ["ast", "rgt", "cas"])
def test_what_is_not_there_has_no_evidence(prefix: str, desk: Desk) -> None:
    nothing = ObjectIdentifiers.of_statement(1, bytes(32)).identifier(prefix)
    assert code(desk, nothing) == "NOT_FOUND"


def test_more_entries_than_a_bundle_holds_are_refused(desk: Desk) -> None:
    owner = desk.party("甲")
    asset = ids(desk.register(owner), "ast")[0]
    count = len(bundle(desk, asset).entries)
    registry = desk.registry
    assert Evidencer(registry.engine, registry.log, registry.documents.get, count).bundle(asset)
    assert code(desk, asset, most=count - 1) == "TOO_LARGE"
