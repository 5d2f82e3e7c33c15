"""`case.file` of kind `initial` under the rulebook `internal`. Contract sections 1, 3, 5 and 8."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.instants import format_instant
from ledger.keys import Algorithm, KeySigner
from tests.registry.desk import ALL, OWN, Actor, Desk, ids, key_shape, scope, sd
from tests.registry.made import identifier

DIGEST = "d" * 64
PRINT = {"alg": "sha-256", "value": "1" * 64}
OTHER_PRINT = {"alg": "sha-256", "value": "2" * 64}


def source(basis: str, origin: str = "agreement", **facts: Any) -> dict[str, Any]:
    return {"origin": origin, "basis": basis, "facts": facts}


def test_the_receipt_says_what_was_made_in_order(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    claims = [{"party": a.id, "rights": ["operating", "holding"]}, {"party": b.id, "rights": ["processing"]}]
    payload = desk.payload("case.file", a, desk.filing(claims), with_=[b])
    receipt = desk.deliver(payload, [*a.signers, *b.signers]).receipt
    assert receipt is not None
    now = desk.clock.now()
    assert receipt["ids"] == [
        {"id": identifier("ast", payload, now)},
        {"id": identifier("cas", payload, now)},
        {"id": identifier("rgt", payload, now), "kind": "operating"},
        {"id": identifier("rgt", payload, now, 1), "kind": "holding"},
        {"id": identifier("rgt", payload, now, 2), "kind": "processing"},
    ]
    assert receipt["folios"] == [{"id": identifier("ast", payload, now), "n": 1, "prev": None}]
    assert receipt["warnings"] == []


def test_it_is_deposited_in_the_same_entry(desk: Desk) -> None:
    a = desk.party("甲")
    receipt = desk.register(a)
    asset, case = ids(receipt, "ast")[0], ids(receipt, "cas")[0]
    shown = desk.view(case)
    assert (shown["state"], shown["kind"], shown["rulebook"]) == ("deposited", "initial", "internal")
    assert (shown["asset"], shown["applicant"], shown["findings"]) == (asset, a.id, [])
    view = desk.view(asset)
    assert view["form"]["name"] == "2026年济南市停车数据"
    assert [right["id"] for right in view["rights"]] == ids(receipt, "rgt")
    assert [c["id"] for c in view["cases"]] == [case]
    for right in view["rights"]:
        assert (right["status"], right["basis"], right["registered_until"]) == ("active", "declared", None)
        assert (right["holder"], right["asset"], right["exclusivity"]) == (a.id, asset, "none")
        assert right["recorded"] == {"seq": receipt["seq"], "time": receipt["time"]}
        assert "from_right" not in right
        assert (right["scope"]["purposes"], right["scope"]["territory"], right["scope"]["fields"]) == (["*"],) * 3
        assert (right["scope"]["from"], right["scope"]["until"]) == (receipt["time"], None)


def test_nothing_of_it_is_written_into_the_applicants_folio(desk: Desk) -> None:
    a = desk.party("甲")
    desk.register(a)
    assert desk.ok("party.update", a, {"contact": "1"})["folios"] == [{"id": a.id, "n": 2, "prev": 1}]


def test_a_claim_may_be_narrower_and_start_earlier(desk: Desk) -> None:
    a = desk.party("甲")
    narrow = scope(purposes=["*"], **{"from": "2025-01-01T00:00:00Z", "until": "2031-01-01T00:00:00+08:00"})
    receipt = desk.ok("case.file", a, desk.filing([{"party": a.id, "rights": ["operating"], "scope": narrow}]))
    shown = desk.view(ids(receipt, "rgt")[0])["scope"]
    assert (shown["from"], shown["until"]) == ("2025-01-01T00:00:00.000Z", "2030-12-31T16:00:00.000Z")
    assert shown["rights"] == ALL
    assert "depth" not in shown


def test_everyone_claimed_for_joins(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    body = desk.filing([{"party": a.id, "rights": ["holding"]}, {"party": b.id, "rights": ["holding"]}])
    desk.expect(("SIGNATURE_MISSING", 403, "/body/claims/1/party"), "case.file", a, body)
    receipt = desk.ok("case.file", a, body, with_=[b])
    assert [right["holder"] for right in desk.view(ids(receipt, "ast")[0])["rights"]] == [a.id, b.id]


def test_an_agent_files_for_a_principal_who_joins(desk: Desk) -> None:
    agent, principal = desk.party("代理"), desk.party("甲")
    body = desk.filing([{"party": principal.id, "rights": ALL}])
    desk.expect(("NOT_ENTITLED", 403, "/for"), "case.file", agent, body, for_=principal.id)
    receipt = desk.ok("case.file", agent, body, for_=principal.id, with_=[principal])
    assert desk.view(ids(receipt, "ast")[0])["applicant"] == principal.id
    assert desk.view(ids(receipt, "cas")[0])["applicant"] == principal.id


def further(asset: str, party: Any, **members: Any) -> dict[str, Any]:
    body = {"kind": "initial", "asset": asset, "sources": [OWN], "claims": [{"party": party.id, "rights": ALL}]}
    return body | members


def test_a_further_title_needs_a_holder(desk: Desk) -> None:
    a, b, c = desk.party("甲"), desk.party("乙"), desk.party("丙")
    asset = ids(desk.register(a), "ast")[0]
    desk.expect(("SIGNATURE_MISSING", 403, "/with"), "case.file", b, further(asset, b))
    desk.expect(("SIGNATURE_MISSING", 403, "/with"), "case.file", b, further(asset, b), with_=[c])
    receipt = desk.ok("case.file", b, further(asset, b), with_=[a])
    assert [made["id"][:3] for made in receipt["ids"]] == ["cas", "rgt", "rgt", "rgt"]
    assert receipt["folios"] == [{"id": asset, "n": 2, "prev": 4}]
    view = desk.view(asset)
    assert (len(view["rights"]), len(view["cases"]), view["applicant"]) == (6, 2, a.id)
    assert (len(desk.view(asset, size=5)["rights"]), len(desk.view(asset, size=5)["cases"])) == (3, 1)
    desk.ok("case.file", b, further(asset, c, claims=[{"party": c.id, "rights": ["holding"]}]), with_=[c])


def test_or_the_registrar_on_a_document(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    asset = ids(desk.register(a), "ast")[0]
    desk.expect(("SIGNATURE_MISSING", 403, "/with"), "case.file", b, further(asset, b), with_=[desk.registrar])
    desk.expect(("SIGNATURE_MISSING", 403, "/with"), "case.file", b, further(asset, b, document=DIGEST))
    desk.ok("case.file", b, further(asset, b, document=DIGEST), with_=[desk.registrar])


def test_the_same_claim_twice(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    asset = ids(desk.register(a, ["holding", "processing"]), "ast")[0]
    desk.expect(("ALREADY_REGISTERED", 409, "/body/claims/0/rights/0"), "case.file", a, further(asset, a))
    body = desk.filing([{"party": a.id, "rights": ["holding"]}, {"party": a.id, "rights": ["processing", "holding"]}])
    desk.expect(("ALREADY_REGISTERED", 409, "/body/claims/1/rights/1"), "case.file", a, body)
    desk.ok("case.file", a, further(asset, a, claims=[{"party": a.id, "rights": ["operating"]}]))
    claims = [{"party": b.id, "rights": ["holding"]}, {"party": a.id, "rights": ["operating"]}]
    desk.expect(
        ("ALREADY_REGISTERED", 409, "/body/claims/1/rights/0"), "case.file", a, further(asset, a, claims=claims),
        with_=[b],
    )  # fmt: skip


def test_a_claim_whose_term_has_run_out_may_be_made_again(desk: Desk) -> None:
    a = desk.party("甲")
    until = format_instant(desk.clock.now() + timedelta(days=1))
    claim = {"party": a.id, "rights": ["holding"], "scope": scope(purposes=["*"], until=until)}
    first = desk.ok("case.file", a, desk.filing([claim, {"party": a.id, "rights": ["processing"]}]))
    again = further(ids(first, "ast")[0], a, claims=[{"party": a.id, "rights": ["holding"]}])
    desk.expect(("ALREADY_REGISTERED", 409, "/body/claims/0/rights/0"), "case.file", a, again)
    desk.pass_time(days=1)
    desk.ok("case.file", a, again)


def test_equal_fingerprints(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    first = desk.register(a, fingerprints=[PRINT, OTHER_PRINT])
    refusal = ("DUPLICATE_REGISTRATION", 409, "/body/asset/fingerprints")
    body = desk.filing([{"party": a.id, "rights": ALL}], fingerprints=[OTHER_PRINT, PRINT])
    found = desk.expect(refusal, "case.file", a, body)
    asset = ids(first, "ast")[0]
    assert asset in found.reasons[0].message.en
    subset = desk.register(a, fingerprints=[PRINT])
    assert subset["warnings"] == [{"code": "EQUAL_FINGERPRINT", "asset": asset}]
    other = desk.register(b, fingerprints=[PRINT, OTHER_PRINT])
    assert [w["asset"] for w in other["warnings"]] == sorted([asset, ids(subset, "ast")[0]])
    assert [desk.register(a)["warnings"], desk.register(a)["warnings"]] == [[], []]


def test_equal_fingerprints_within_one_batch(desk: Desk) -> None:
    a = desk.party("甲")
    body = desk.filing([{"party": a.id, "rights": ALL}], fingerprints=[PRINT])
    first, second = desk.registry.office.submit([desk.envelope("case.file", a, body) for _ in range(2)])
    assert first.receipt is not None
    assert second.refusal is not None
    assert second.refusal.code == "DUPLICATE_REGISTRATION"


@pytest.mark.parametrize(("rights", "fits"), [(62, True), (63, False)])
def test_a_statement_makes_64_objects(desk: Desk, rights: int, fits: bool) -> None:
    a = desk.party("甲")
    kinds = [f"x.k{n}" for n in range(rights)]
    claims = [{"party": a.id, "rights": kinds[start : start + 8]} for start in range(0, rights, 8)]
    body = desk.filing(claims, source("agreement", clause_rights=kinds))
    if fits:
        assert len(desk.ok("case.file", a, body)["ids"]) == 64
    else:
        desk.expect(("TOO_LARGE", 413, "/body/claims"), "case.file", a, body)


def test_evidence_is_found_again_by_its_digest(desk: Desk) -> None:
    a = desk.party("甲")
    body = desk.filing([{"party": a.id, "rights": ["holding"]}])
    body["evidence"] = [{"kind": "contract", "sha256": DIGEST, "bytes": "9007199254740993", "title": "合同"}]
    right = ids(desk.ok("case.file", a, body), "rgt")[0]
    page, _, _ = desk.registry.reader.page("rights", {"evidence": [DIGEST]}, after=-1, limit=9, at=None, size=None)
    assert [item["id"] for item in page] == [right]


def test_free_text_of_a_natural_person_is_confidential(desk: Desk) -> None:
    name, disclosure = sd("name", "张三")
    person = Actor("person", [KeySigner.generate(Algorithm.ED25519)])
    register = {"name": name, "kind": "natural_person", "keys": [key_shape(person.signers[0])]}
    desk.ok("party.register", person, register, disclosures=[disclosure])
    body = desk.filing([{"party": person.id, "rights": ALL}], source("natural_person", "generated"))
    item: dict[str, Any] = {"kind": "contract", "sha256": DIGEST, "title": "张三的合同"}
    duty = scope(purposes=["*"], duties=[{"id": "d", "when": "after", "text": "张三"}])
    for change, pointer in (
        ({"evidence": [item]}, "/body/evidence/0/title"),
        ({"claims": [body["claims"][0] | {"conditions": "张三同意"}]}, "/body/claims/0/conditions"),
        ({"claims": [body["claims"][0] | {"scope": duty}]}, "/body/claims/0/scope/duties/0/text"),
        ({"notice": False, "notice_reason": "张三要求"}, "/body/notice_reason"),
    ):
        desk.expect(("INVALID_VALUE", 422, pointer), "case.file", person, body | change)
    item["title"], disclosure = sd("title", "张三的合同")
    desk.ok("case.file", person, body | {"evidence": [item]}, disclosures=[disclosure])
    company = desk.party("甲")
    claims = [{"party": person.id, "rights": ["holding"], "conditions": "张三同意"}]
    body = desk.filing(claims)
    desk.expect(("INVALID_VALUE", 422, "/body/claims/0/conditions"), "case.file", company, body, with_=[person])
