"""What the form of a first registration may not say. Contract section 5."""

from typing import Any

import pytest

from tests.registry.desk import ALL, OWN, Desk, ids, newcomer, scope

DIGEST = "d" * 64


def own(**facts: Any) -> dict[str, Any]:
    return OWN | {"facts": facts}


FORMS: list[tuple[dict[str, Any], tuple[str, int, str]]] = [
    ({"form": "thing"}, ("INVALID_VALUE", 422, "/body/asset/form")),
    ({"industry": "65"}, ("INVALID_VALUE", 422, "/body/asset/industry")),
    ({"media": []}, ("INVALID_VALUE", 422, "/body/asset/media")),
    ({"media": ["table", "table"]}, ("INVALID_VALUE", 422, "/body/asset/media")),
    ({"categories": ["secret"]}, ("INVALID_VALUE", 422, "/body/asset/categories/0")),
    ({"name": ""}, ("INVALID_VALUE", 422, "/body/asset/name")),
    ({"name": "x" * 201}, ("INVALID_VALUE", 422, "/body/asset/name")),
    ({"overview": "x" * 4001}, ("INVALID_VALUE", 422, "/body/asset/overview")),
    ({"volume": {"records": -1}}, ("INVALID_VALUE", 422, "/body/asset/volume/records")),
    ({"volume": {"records": "007"}}, ("INVALID_VALUE", 422, "/body/asset/volume/records")),
    ({"volume": {"rows": 1}}, ("UNKNOWN_MEMBER", 400, "/body/asset/volume/rows")),
    ({"colour": "red"}, ("UNKNOWN_MEMBER", 400, "/body/asset/colour")),
    (
        {"time_span": {"from": "2026-02-30", "until": "2026-03-01"}},
        ("INVALID_VALUE", 422, "/body/asset/time_span/from"),
    ),
    ({"time_span": {"from": "2026-03-02", "until": "2026-03-01"}}, ("INVALID_VALUE", 422, "/body/asset/time_span")),
    (
        {"fields": [{"name": "a", "personal": "none"}, {"name": "a", "personal": "none"}]},
        ("INVALID_VALUE", 422, "/body/asset/fields"),
    ),
    (
        {"fingerprints": [{"alg": "sha-256", "value": "xyz"}]},
        ("INVALID_VALUE", 422, "/body/asset/fingerprints/0/value"),
    ),
    ({"grade": None}, ("MALFORMED", 400, "/body/asset/grade")),
]


@pytest.mark.parametrize(("members", "refusal"), FORMS)
def test_what_a_form_may_not_say(desk: Desk, members: dict[str, Any], refusal: tuple[str, int, str]) -> None:
    a = desk.party("甲")
    desk.expect(refusal, "case.file", a, desk.filing([{"party": a.id, "rights": ALL}], **members))


def test_what_a_filing_may_not_say(desk: Desk) -> None:
    a = desk.party("甲")
    good = desk.filing([{"party": a.id, "rights": ["holding"]}])
    claim = good["claims"][0]
    for change, refusal in (
        ({"kind": "transfer"}, ("INVALID_VALUE", 422, "/body/kind")),
        ({"kind": "gift"}, ("INVALID_VALUE", 422, "/body/kind")),
        ({"sources": []}, ("INVALID_VALUE", 422, "/body/sources")),
        ({"sources": [OWN | {"basis": "dream"}]}, ("INVALID_VALUE", 422, "/body/sources/0/basis")),
        ({"sources": [OWN | {"origin": "dream"}]}, ("INVALID_VALUE", 422, "/body/sources/0/origin")),
        ({"sources": [own(contract=DIGEST)]}, ("UNKNOWN_MEMBER", 400, "/body/sources/0/facts/contract")),
        ({"sources": [own(unlawful="no")]}, ("MALFORMED", 400, "/body/sources/0/facts/unlawful")),
        ({"claims": []}, ("INVALID_VALUE", 422, "/body/claims")),
        ({"claims": [claim | {"rights": []}]}, ("INVALID_VALUE", 422, "/body/claims/0/rights")),
        ({"claims": [claim | {"rights": ["owning"]}]}, ("INVALID_VALUE", 422, "/body/claims/0/rights/0")),
        ({"claims": [claim | {"party": "pty_" + "0" * 26}]}, ("NOT_FOUND", 404, "/body/claims/0/party")),
        ({"replaces": "cas_" + "0" * 26}, ("NOT_FOUND", 404, "/body/replaces")),
        ({"notice": False}, ("MALFORMED", 400, "/body/notice_reason")),
        ({"rulebook": "nda-2026"}, ("NOT_FOUND", 404, "/body/rulebook")),
        ({"asset": "ast_" + "0" * 26}, ("NOT_FOUND", 404, "/body/asset")),
        ({"evidence": [{"kind": "rumour", "sha256": DIGEST}]}, ("INVALID_VALUE", 422, "/body/evidence/0/kind")),
        (
            {"claims": [claim | {"scope": scope(purposes=["gambling"])}]},
            ("INVALID_VALUE", 422, "/body/claims/0/scope/purposes/0"),
        ),
        (
            {"claims": [claim | {"scope": scope(territory=["china"])}]},
            ("INVALID_VALUE", 422, "/body/claims/0/scope/territory/0"),
        ),
        (
            {"claims": [claim | {"scope": scope(until="2025-12-31T00:00:00Z")}]},
            ("INVALID_VALUE", 422, "/body/claims/0/scope/until"),
        ),
    ):
        desk.expect(refusal, "case.file", a, good | change)


def test_a_filing_without_notice_says_why(desk: Desk) -> None:
    a = desk.party("甲")
    body = desk.filing([{"party": a.id, "rights": ["holding"]}])
    desk.ok("case.file", a, body | {"notice": False, "notice_reason": "商业秘密"})


def test_the_case_replaced_is_in_this_register(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    first = desk.register(a)
    body = desk.filing([{"party": a.id, "rights": ["holding"]}])
    known = ids(first, "cas")[0]
    for case in (f"{known}_1", known[:-1] + ("1" if known.endswith("0") else "0")):
        desk.expect(("NOT_FOUND", 404, "/body/replaces"), "case.file", a, body | {"replaces": case})
    further = body | {"asset": ids(first, "ast")[0], "claims": [{"party": b.id, "rights": ["holding"]}]}
    second = desk.ok("case.file", b, further, with_=[a])
    for receipt in (first, second):
        desk.ok("case.file", a, body | {"replaces": ids(receipt, "cas")[0]})


def test_who_took_part_is_registered_here(desk: Desk) -> None:
    a = desk.party("甲")
    fused = {"origin": "agreement", "basis": "fusion", "facts": {"participants": [a.id, newcomer().id]}}
    body = desk.filing([{"party": a.id, "rights": ["holding"]}], fused)
    desk.expect(("NOT_FOUND", 404, "/body/sources/0/facts/participants/1"), "case.file", a, body)
