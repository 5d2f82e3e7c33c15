"""Contract section 5: first registrations under `internal`, each row of the table of sources with a near miss."""

from typing import Any

import pytest

from ledger.identifiers import is_identifier
from tests.registry.desk import ALL, CRAWLED, FORM, OWN, Desk, ids

DIGEST = "ab" * 32


def source(basis: str, origin: str = "generated", inputs: Any = None, **facts: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"origin": origin, "basis": basis, "facts": facts}
    return found | ({"inputs": inputs} if inputs is not None else {})


def crawled(**facts: Any) -> dict[str, Any]:
    return CRAWLED | {"facts": CRAWLED["facts"] | facts}


AUTHORISED = {
    "public_platform_code": "GS-1",
    "agreement_from": "2026-01-01",
    "agreement_until": "2029-12-31",
    "clause_rights": ["processing", "operating"],
}
HOLD_USE = ["holding", "processing"]


@pytest.mark.parametrize(
    ("given", "rights", "form", "wanted"),
    [
        (OWN, ALL, {}, None),
        (source("own_operation", unlawful=True), ALL, {}, "R_UNLAWFUL_SOURCE"),
        (source("own_operation", breach_of_contract=True), ALL, {}, "R_UNLAWFUL_SOURCE"),
        (source("utility"), ALL, {}, None),
        (source("data_source", "agreement", contract=DIGEST), ALL, {}, None),
        (source("data_source", "agreement"), ALL, {}, "INVALID_VALUE"),
        (source("agreement", "agreement", clause_rights=HOLD_USE), HOLD_USE, {}, None),
        (source("agreement", "agreement", clause_rights=HOLD_USE), ALL, {}, "R_RIGHT_NOT_ENTITLED"),
        (source("agreement", "agreement"), ["processing"], {}, "R_RIGHT_NOT_ENTITLED"),
        (CRAWLED, HOLD_USE, {"form": "raw"}, None),
        (CRAWLED, ALL, {"form": "raw"}, "R_RIGHT_NOT_ENTITLED"),
        (crawled(substitutes_source=False), ALL, {"form": "product"}, None),
        (crawled(substitutes_source=True), ALL, {"form": "product"}, "R_RIGHT_NOT_ENTITLED"),
        (crawled(substitutes_source=False), ALL, {"form": "raw"}, "R_RIGHT_NOT_ENTITLED"),
        (crawled(intrusion=True), HOLD_USE, {"form": "raw"}, "R_UNLAWFUL_SOURCE"),
        (crawled(harm=True), HOLD_USE, {"form": "raw"}, "R_UNLAWFUL_SOURCE"),
        (source("entrusted", "agreement"), ["holding"], {}, "R_ENTRUSTED_PROCESSOR"),
        (source("entrusted", "agreement", contract_rights=["holding"]), ["holding"], {}, None),
        (source("authorised_operation", **AUTHORISED), ["operating"], {}, None),
        (source("authorised_operation", **AUTHORISED | {"public_platform_code": "none"}), ["operating"], {}, "R_PUBLIC_NOT_REGISTERED"),
        (source("government_duty"), ["holding"], {}, "R_PUBLIC_ORGAN_DATA"),
        (OWN, ALL, {"grade": "core"}, "R_NATIONAL_SECURITY"),
        (OWN, ALL, {"name": "数" * 40}, None),
        (OWN, ALL, {"name": "数" * 41}, "INVALID_VALUE"),
        (OWN, ALL, {"overview": "数" * 401}, "INVALID_VALUE"),
        (OWN, ["x.mirror"], {}, "R_RIGHT_NOT_ENTITLED"),
        (source("public_collection"), HOLD_USE, {"form": "raw"}, "INVALID_VALUE"),
        (source("no_such_basis"), ALL, {}, "INVALID_VALUE"),
        (source("own_operation", surprise=True), ALL, {}, "UNKNOWN_MEMBER"),
        (source("own_operation", unlawful="no"), ALL, {}, "MALFORMED"),
        (OWN, ALL, {"industry": "i65"}, "INVALID_VALUE"),
        (OWN, ALL, {"media": []}, "INVALID_VALUE"),
        (OWN, ALL, {"grade": "secret"}, "INVALID_VALUE"),
        (OWN, ALL, {"surprise": 1}, "UNKNOWN_MEMBER"),
        (OWN, ALL, {"time_span": {"from": "2026-02-30", "until": "2026-03-01"}}, "INVALID_VALUE"),
        (OWN, ALL, {"fingerprints": [{"alg": "sha-256", "value": "AB" * 32}]}, "INVALID_VALUE"),
    ],
    ids=range(36),
)  # fmt: skip
def test_what_a_source_lets_register(
    desk: Desk, given: dict[str, Any], rights: list[str], form: dict[str, Any], wanted: str | None
) -> None:
    a = desk.party("甲")
    body = desk.filing([{"party": a.id, "rights": rights}], given, **form)
    if wanted is None:
        receipt = desk.ok("case.file", a, body)
        assert [made["kind"] for made in receipt["ids"] if "kind" in made] == rights
    else:
        assert desk.refused("case.file", a, body) == wanted


def test_a_refusal_names_rule_article_and_place(desk: Desk) -> None:
    a = desk.party("甲")
    answer = desk.send("case.file", a, desk.filing([{"party": a.id, "rights": ALL}], CRAWLED, form="raw"))
    assert answer.refusal is not None
    assert answer.refusal.status == 422
    (reason,) = answer.refusal.reasons
    assert reason.rule
    assert reason.article == "第二十一条第一款第四项"
    assert reason.pointer == "/body/claims/0/rights/2"


def test_rights_are_the_intersection_over_all_sources(desk: Desk) -> None:
    a = desk.party("甲")
    body = desk.filing([{"party": a.id, "rights": ALL}], OWN, form="raw")
    body["sources"].append(CRAWLED)
    assert desk.refused("case.file", a, body) == "R_RIGHT_NOT_ENTITLED"


def test_an_organs_own_data_are_duty_data(desk: Desk) -> None:
    organ = desk.party("机关", subkind="government_organ")
    assert desk.refused("case.file", organ, desk.filing([{"party": organ.id, "rights": ALL}])) == "R_PUBLIC_ORGAN_DATA"


def test_ungraded_public_data_are_warned_about(desk: Desk) -> None:
    receipt = desk.register(desk.party("甲"), HOLD_USE, crawled(graded=False), form="raw")
    assert [warning["code"] for warning in receipt["warnings"]] == ["UNGRADED"]


def test_claims_of_others_need_their_signature(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    body = desk.filing([{"party": a.id, "rights": ["operating"]}, {"party": b.id, "rights": HOLD_USE}])
    assert desk.refused("case.file", a, body) == "SIGNATURE_MISSING"
    receipt = desk.ok("case.file", a, body, with_=[b])
    asset, _ = desk.registry.reader.asset(ids(receipt, "ast")[0], None, None)
    assert [(r["kind"], r["holder"]) for r in asset["rights"]] == [
        ("operating", a.id),
        ("holding", b.id),
        ("processing", b.id),
    ]
    ghost = "pty_" + "0" * 26
    assert desk.refused("case.file", a, desk.filing([{"party": ghost, "rights": ALL}])) == "NOT_FOUND"


def test_fusion_gives_operating_with_the_others_consent(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    body = desk.filing([{"party": a.id, "rights": ALL}], source("fusion", participants=[a.id, b.id]))
    assert desk.refused("case.file", a, body) == "R_NO_CONSENT_CO_PARTY"
    desk.ok("case.file", a, body, with_=[b])


def test_double_registration(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    prints = [{"alg": "sha-256", "value": DIGEST}, {"alg": "sha-256", "value": "cd" * 32}]
    first = desk.register(a, fingerprints=prints)
    again = desk.filing([{"party": a.id, "rights": ALL}], fingerprints=prints[::-1])
    assert desk.refused("case.file", a, again) == "DUPLICATE_REGISTRATION"
    part = desk.register(a, fingerprints=prints[:1])
    other = desk.register(b, fingerprints=prints)
    assert [w for w in part["warnings"] if w["code"] == "EQUAL_FINGERPRINT"] == [
        {"code": "EQUAL_FINGERPRINT", "asset": ids(first, "ast")[0]}
    ]
    assert len([w for w in other["warnings"] if w["code"] == "EQUAL_FINGERPRINT"]) == 2
    desk.register(a)
    desk.register(a)
    twice = desk.filing([{"party": a.id, "rights": ["holding"]}, {"party": a.id, "rights": ["holding"]}])
    assert desk.refused("case.file", a, twice) == "ALREADY_REGISTERED"


def test_a_further_title_needs_a_holder_of_a_live_one(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    asset = ids(desk.register(a), "ast")[0]
    body = desk.filing([{"party": b.id, "rights": ["processing"]}]) | {"asset": asset}
    assert desk.refused("case.file", b, body) == "SIGNATURE_MISSING"
    receipt = desk.ok("case.file", b, body, with_=[a])
    assert ids(receipt, "ast") == []
    assert receipt["folios"] == [{"id": asset, "n": 2, "prev": receipt["seq"] - 1}]
    own = desk.filing([{"party": a.id, "rights": ["holding"]}]) | {"asset": asset}
    assert desk.refused("case.file", a, own) == "ALREADY_REGISTERED"
    assert desk.refused("case.file", a, own | {"asset": "ast_" + "0" * 26}) == "NOT_FOUND"
    assert "PARALLEL_TITLE" in desk.check(b, asset).warnings


def derived(receipt: dict[str, Any], kind: int = 1, **facts: Any) -> dict[str, Any]:
    inputs = [{"asset": ids(receipt, "ast")[0], "right": ids(receipt, "rgt")[kind]}]
    base = {"change": "derivative", "activity_time": "2026-01-01T00:00:00Z", "value_increase": True}
    return source("derived", "derived", inputs, **base | facts)


@pytest.mark.parametrize(
    ("input_source", "facts", "rights", "wanted"),
    [
        (OWN, {}, ALL, None),
        (CRAWLED, {}, ALL, "R_RIGHT_NOT_ENTITLED"),
        (CRAWLED, {"substitutes_source": False}, ALL, None),
        (CRAWLED, {"substitutes_source": False, "value_increase": False}, ["holding", "processing"], None),
        (OWN, {"change": "compilation"}, ALL, None),
        (OWN, {"activity_time": "2027-01-01T00:00:00Z"}, ALL, "INVALID_VALUE"),
        (OWN, {"activity_time": "2025-12-31T00:00:00Z"}, ALL, "INPUT_USE_RIGHT_MISSING"),
        (OWN, {"change": "magic"}, ALL, "INVALID_VALUE"),
    ],
    ids=range(8),
)
def test_derived_data(
    desk: Desk, input_source: dict[str, Any], facts: dict[str, Any], rights: list[str], wanted: str | None
) -> None:
    a = desk.party("甲")
    raw = desk.register(a, HOLD_USE, input_source, form="raw")
    if input_source is CRAWLED and facts.get("value_increase", True) and "substitutes_source" not in facts:
        facts = facts | {"substitutes_source": True}
    body = desk.filing([{"party": a.id, "rights": rights}], derived(raw, **facts), form="derived")
    if wanted is None:
        desk.ok("case.file", a, body)
    else:
        assert desk.refused("case.file", a, body) == wanted


def test_an_input_needs_a_right_to_derive(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    raw = desk.register(a)
    for kind in (0, 2):
        body = desk.filing([{"party": a.id, "rights": ALL}], derived(raw, kind), form="derived")
        assert desk.refused("case.file", a, body) == "INPUT_USE_RIGHT_MISSING"
    body = desk.filing([{"party": b.id, "rights": ALL}], derived(raw), form="derived")
    assert desk.refused("case.file", b, body) == "INPUT_USE_RIGHT_MISSING"


def test_a_compilation_reaches_no_further_than_its_inputs(desk: Desk) -> None:
    a = desk.party("甲")
    limited = {"purposes": ["research"], "territory": ["CN"], "fields": ["*"], "until": "2026-12-01T00:00:00Z"}
    claims = [{"party": a.id, "rights": ALL, "scope": limited}]
    raw = desk.ok("case.file", a, desk.filing(claims))
    body = desk.filing([{"party": a.id, "rights": HOLD_USE}], derived(raw, change="compilation"), form="derived")
    made = desk.ok("case.file", a, body)
    right, _ = desk.registry.reader.right(ids(made, "rgt")[1], None, None)
    assert right["scope"]["purposes"] == ["research"]
    assert right["scope"]["territory"] == ["CN"]
    assert right["scope"]["until"] == "2026-12-01T00:00:00.000Z"


def test_a_cycle_of_derivation_is_refused(desk: Desk) -> None:
    a = desk.party("甲")
    raw = desk.register(a)
    made = desk.register(a, ALL, derived(raw), form="derived")
    claims = [{"party": a.id, "rights": ["x.other"]}]
    body = desk.filing(claims, derived(made)) | {"asset": ids(raw, "ast")[0]}
    assert desk.refused("case.file", a, body) == "DERIVATION_CYCLE"


def test_other_kinds_and_unknown_rulebooks(desk: Desk) -> None:
    a = desk.party("甲")
    assert desk.refused("case.file", a, {"kind": "transfer"}) == "INVALID_VALUE"
    body = desk.filing([{"party": a.id, "rights": ALL}])
    assert desk.refused("case.file", a, body | {"rulebook": "nda-2099"}) == "NOT_FOUND"
    assert desk.refused("case.file", a, body | {"claims": []}) == "INVALID_VALUE"
    many = [{"party": a.id, "rights": ALL}] * 40
    assert desk.refused("case.file", a, body | {"claims": many}) in ("TOO_LARGE", "INVALID_VALUE")


def test_views_have_the_members_of_the_contract(desk: Desk) -> None:
    a = desk.party("甲")
    receipt = desk.register(a)
    asset, _ = desk.registry.reader.asset(ids(receipt, "ast")[0], None, None)
    assert asset["form"] == FORM
    assert {"id", "form", "rights", "encumbrances", "remarks", "cases", "certificates"} <= asset.keys()
    right = asset["rights"][2]
    assert right["basis"] == "declared"
    assert right["registered_until"] is None
    assert right["status"] == "active"
    assert right["recorded"] == {"seq": receipt["seq"], "time": receipt["time"]}
    assert "from_right" not in right
    (case,) = asset["cases"]
    assert (case["state"], case["kind"], case["rulebook"], case["applicant"]) == (
        "deposited",
        "initial",
        "internal",
        a.id,
    )
    assert is_identifier(case["id"], "cas")
