"""What the rules of `internal` refuse and let pass in a first registration. Contract section 5; articles 15, 20 to 22."""

from typing import Any

import pytest

from tests.registry.desk import ALL, CRAWLED, OWN, Desk, ids

DIGEST = "d" * 64


def own(**facts: Any) -> dict[str, Any]:
    return OWN | {"facts": facts}


def source(basis: str, origin: str = "agreement", **facts: Any) -> dict[str, Any]:
    return {"origin": origin, "basis": basis, "facts": facts}


def crawled(**facts: Any) -> dict[str, Any]:
    return CRAWLED | {"facts": CRAWLED["facts"] | facts}


OPERATED = source(
    "authorised_operation", public_platform_code="GGSJ-1", agreement_from="2026-01-01", agreement_until="2030-12-31",
    clause_rights=["operating"],
)  # fmt: skip


RULES: list[tuple[str, dict[str, Any], dict[str, Any], list[str], str, str, str | None]] = [
    ("core", OWN, {"grade": "core"}, ALL, "R_NATIONAL_SECURITY", "/body/asset/grade", "第二十二条"),
    ("duty", source("government_duty"), {}, ["holding"], "R_PUBLIC_ORGAN_DATA", "/body/sources/0/basis", "第十五条"),
    (
        "platform", OPERATED | {"facts": OPERATED["facts"] | {"public_platform_code": "none"}}, {}, ["operating"],
        "R_PUBLIC_NOT_REGISTERED", "/body/sources/0/facts/public_platform_code", "第十五条",
    ),
    (
        "too long", OPERATED | {"facts": OPERATED["facts"] | {"agreement_until": "2031-01-02"}}, {}, ["operating"],
        "R_OTHER_LAW", "/body/sources/0/facts/agreement_until", None,
    ),
    ("unlawful", own(unlawful=True), {}, ALL, "R_UNLAWFUL_SOURCE", "/body/sources/0/facts/unlawful", None),
    ("breach", own(breach_of_contract=True), {}, ALL, "R_UNLAWFUL_SOURCE",
     "/body/sources/0/facts/breach_of_contract", None),
    ("private", crawled(is_public=False), {}, ["holding"], "R_UNLAWFUL_SOURCE", "/body/sources/0/facts/is_public",
     None),
    *(
        (wrong, crawled(**{wrong: True}), {}, ["holding"], "R_UNLAWFUL_SOURCE", f"/body/sources/0/facts/{wrong}", None)
        for wrong in ("intrusion", "disturbance", "circumvention", "harm")
    ),
    ("entrusted", source("entrusted"), {}, ["holding"], "R_ENTRUSTED_PROCESSOR",
     "/body/sources/0/facts/contract_rights", "第二十一条"),
    ("crawled, operating", crawled(substitutes_source=True), {}, ["operating"], "R_RIGHT_NOT_ENTITLED",
     "/body/claims/0/rights/0", "第二十一条"),
    ("crawled raw data", crawled(substitutes_source=False), {"form": "raw"}, ALL, "R_RIGHT_NOT_ENTITLED",
     "/body/claims/0/rights/2", "第二十一条"),
    ("no contract", source("data_source", contract="none"), {}, ["holding"], "R_RIGHT_NOT_ENTITLED",
     "/body/claims/0/rights/0", "第二十一条"),
    ("silent agreement", source("agreement"), {}, ["holding"], "R_RIGHT_NOT_ENTITLED", "/body/claims/0/rights/0", "第二十条"),
    ("beyond the clause", source("agreement", clause_rights=["holding"]), {}, ["processing"], "R_RIGHT_NOT_ENTITLED",
     "/body/claims/0/rights/0", "第二十条"),
    ("not a person", source("natural_person", "generated"), {}, ["holding"], "R_RIGHT_NOT_ENTITLED",
     "/body/claims/0/rights/0", "第二十一条"),
    ("no fact", source("data_source"), {}, ["holding"], "INVALID_VALUE", "/body/sources/0/facts/contract", None),
    ("origin", OWN | {"origin": "public_collection"}, {}, ALL, "INVALID_VALUE", "/body/sources/0/origin", None),
    ("long name", OWN, {"name": "字" * 41}, ALL, "INVALID_VALUE", "/body/asset/name", None),
    ("long overview", OWN, {"overview": "字" * 401}, ALL, "INVALID_VALUE", "/body/asset/overview", None),
    ("a kind of one's own", OWN, {}, ["x.rental"], "R_RIGHT_NOT_ENTITLED", "/body/claims/0/rights/0", "第二十一条"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "form", "rights", "code", "pointer", "article"), [row[1:] for row in RULES], ids=[row[0] for row in RULES]
)
def test_what_the_rules_refuse(
    desk: Desk,
    given: dict[str, Any],
    form: dict[str, Any],
    rights: list[str],
    code: str,
    pointer: str,
    article: str | None,
) -> None:
    a = desk.party("甲")
    body = desk.filing([{"party": a.id, "rights": rights}], given, **form)
    found = desk.expect((code, 422, pointer), "case.file", a, body)
    reason = found.reasons[0]
    assert reason.rule
    assert reason.article
    if article is not None:
        assert reason.article.startswith(article)


def test_a_government_organs_own_data(desk: Desk) -> None:
    organ = desk.party("某局", subkind="government_organ")
    body = desk.filing([{"party": organ.id, "rights": ["holding"]}])
    desk.expect(("R_PUBLIC_ORGAN_DATA", 422, "/body/sources/0/basis"), "case.file", organ, body)


def test_fused_data(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    fused = source("fusion", participants=[a.id, b.id])
    body = desk.filing([{"party": a.id, "rights": ALL}], fused)
    desk.expect(("R_NO_CONSENT_CO_PARTY", 422, "/body/sources/0/facts/participants"), "case.file", a, body)
    desk.ok("case.file", a, desk.filing([{"party": a.id, "rights": ["holding", "processing"]}], fused))
    desk.ok("case.file", a, body, with_=[b])
    by_contract = source("fusion", participants=[a.id, b.id], clause_rights=["operating"])
    desk.ok("case.file", a, desk.filing([{"party": a.id, "rights": ["operating"]}], by_contract))


@pytest.mark.parametrize(
    ("given", "form", "rights"),
    [
        (source("data_source", contract=DIGEST), {}, ALL),
        (source("agreement", clause_rights=["holding", "x.rental"]), {}, ["holding", "x.rental"]),
        (crawled(substitutes_source=False), {}, ALL),
        (crawled(), {"form": "raw"}, ["holding", "processing"]),
        (source("utility", "generated"), {}, ALL),
        (source("entrusted", contract_rights=["holding"]), {}, ["holding"]),
        (OPERATED, {}, ["operating"]),
    ],
)
def test_what_the_rules_let_pass(desk: Desk, given: dict[str, Any], form: dict[str, Any], rights: list[str]) -> None:
    receipt = desk.register(desk.party("甲"), rights, given, **form)
    assert [made["kind"] for made in receipt["ids"][2:]] == rights


def test_a_right_is_given_only_where_all_sources_give_it(desk: Desk) -> None:
    a = desk.party("甲")
    body = desk.filing([{"party": a.id, "rights": ["operating"]}])
    body["sources"].append(source("agreement", clause_rights=["holding"]))
    desk.expect(("R_RIGHT_NOT_ENTITLED", 422, "/body/claims/0/rights/0"), "case.file", a, body)


def test_ungraded_collection_is_a_warning(desk: Desk) -> None:
    receipt = desk.register(desk.party("甲"), ["holding"], crawled(graded=False), form="raw")
    (warning,) = receipt["warnings"]
    assert (warning["code"], warning["pointer"]) == ("UNGRADED", "/body/sources/0/facts/graded")
    assert desk.view(ids(receipt, "cas")[0])["findings"] == [
        {"rule": warning["rule"], "outcome": "warn", "code": "UNGRADED"}
    ]
