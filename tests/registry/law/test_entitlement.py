"""Each row of the contract's table of bases, with near misses beside it."""

from collections.abc import Mapping
from typing import Any

import pytest

from registry.law.facts import Applicant, Claim, Filing, Form, Input, Source
from registry.law.findings import Judgement
from registry.law.rulebook import load_builtin, parse_rulebook
from tests.registry.desk import CRAWLED as COLLECTED

INTERNAL = parse_rulebook(load_builtin("internal"))
ALL = {"holding", "processing", "operating"}
TWO = {"holding", "processing"}
NONE: set[str] = set()
CLEAN = COLLECTED["facts"]
FUSION = {"participants": ["pty_2p8xdaen338x6051ezbpzjqjnq"]}
DERIVED = {"change": "derivative", "activity_time": "2026-01-01T00:00:00Z", "value_increase": True}
COPIED = DERIVED | {"change": "subset"}
OPERATED = {
    "public_platform_code": "GGSJ-1",
    "agreement_from": "2026-01-01",
    "agreement_until": "2029-12-31",
    "clause_rights": ["processing", "operating"],
}
ORIGINS = {"public_collection": "public_collection", "derived": "derived", "agreement": "agreement"}
CRAWLED = Input(registered=True, public_collection=True)
OWN = Input(registered=True)
JOINED = Input(registered=True, holder_joined=True)


def source(basis: str, facts: Mapping[str, object], index: int = 0, **more: Any) -> Source:
    return Source(index, ORIGINS.get(basis, "generated"), basis, facts, **more)


def judge(*sources: Source, form: str = "raw", kind: str = "legal_person", claims: tuple[str, ...] = ()) -> Judgement:
    kinds = claims or ("holding", "processing", "operating")
    return INTERNAL.judge(
        Filing(Applicant(kind, None), Form(form=form, grade="general"), sources, (Claim(0, kinds, "pty_a"),))
    )


@pytest.mark.parametrize(
    ("basis", "facts", "more", "entitled", "code"),
    [
        ("own_operation", {}, {}, ALL, None),
        ("own_operation", {"unlawful": False, "breach_of_contract": False}, {}, ALL, None),
        ("own_operation", {"unlawful": True}, {}, NONE, "R_UNLAWFUL_SOURCE"),
        ("own_operation", {"breach_of_contract": True}, {}, NONE, "R_UNLAWFUL_SOURCE"),
        ("natural_person", {}, {"kind": "natural_person"}, ALL, None),
        ("natural_person", {}, {"kind": "legal_person"}, NONE, "R_RIGHT_NOT_ENTITLED"),
        ("natural_person", {"unlawful": True}, {"kind": "natural_person"}, NONE, "R_UNLAWFUL_SOURCE"),
        ("utility", {}, {}, ALL, None),
        ("utility", {"unlawful": True}, {}, NONE, "R_UNLAWFUL_SOURCE"),
        ("data_source", {"contract": "ab" * 32}, {}, ALL, None),
        ("data_source", {"contract": "none"}, {}, NONE, "R_RIGHT_NOT_ENTITLED"),
        ("data_source", {"contract": "AB" * 32}, {}, NONE, "INVALID_VALUE"),
        ("data_source", {}, {}, NONE, "INVALID_VALUE"),
        ("agreement", {"clause_rights": ["holding", "processing", "operating"]}, {}, ALL, None),
        ("agreement", {"clause_rights": ["holding", "processing"]}, {}, TWO, "R_RIGHT_NOT_ENTITLED"),
        ("agreement", {}, {}, NONE, "R_RIGHT_NOT_ENTITLED"),
        ("public_collection", CLEAN, {}, TWO, "R_RIGHT_NOT_ENTITLED"),
        ("public_collection", CLEAN | {"substitutes_source": False}, {}, TWO, "R_RIGHT_NOT_ENTITLED"),
        ("public_collection", CLEAN | {"substitutes_source": False}, {"form": "product"}, ALL, None),
        ("public_collection", CLEAN | {"substitutes_source": False}, {"form": "service"}, ALL, None),
        ("public_collection", CLEAN | {"substitutes_source": False}, {"form": "derived"}, ALL, None),
        ("public_collection", CLEAN | {"substitutes_source": True}, {"form": "product"}, TWO, "R_RIGHT_NOT_ENTITLED"),
        ("public_collection", CLEAN, {"form": "product"}, NONE, "INVALID_VALUE"),
        ("public_collection", CLEAN | {"is_public": False}, {}, NONE, "R_UNLAWFUL_SOURCE"),
        ("public_collection", CLEAN | {"intrusion": True}, {}, NONE, "R_UNLAWFUL_SOURCE"),
        ("public_collection", CLEAN | {"disturbance": True}, {}, NONE, "R_UNLAWFUL_SOURCE"),
        ("public_collection", CLEAN | {"circumvention": True}, {}, NONE, "R_UNLAWFUL_SOURCE"),
        ("public_collection", CLEAN | {"harm": True}, {}, NONE, "R_UNLAWFUL_SOURCE"),
        ("public_collection", {"is_public": True}, {}, NONE, "INVALID_VALUE"),
        ("public_collection", CLEAN | {"intrusion": "yes"}, {}, NONE, "INVALID_VALUE"),
        ("fusion", FUSION | {"clause_rights": ["operating"]}, {}, {"operating"}, "R_RIGHT_NOT_ENTITLED"),
        ("fusion", FUSION, {}, TWO, "R_NO_CONSENT_CO_PARTY"),
        ("fusion", FUSION, {"others_joined": True}, ALL, None),
        ("fusion", {"participants": []}, {}, NONE, "INVALID_VALUE"),
        ("fusion", {}, {"others_joined": True}, NONE, "INVALID_VALUE"),
        ("derived", DERIVED, {"inputs": (OWN,)}, ALL, None),
        ("derived", DERIVED | {"clause_rights": ["holding"]}, {"inputs": (OWN,)}, {"holding"}, "R_RIGHT_NOT_ENTITLED"),
        ("derived", DERIVED | {"value_increase": False}, {"inputs": (OWN,)}, TWO, "R_RIGHT_NOT_ENTITLED"),
        ("derived", COPIED, {"inputs": (OWN,)}, TWO, "R_RIGHT_NOT_ENTITLED"),
        ("derived", COPIED, {"inputs": (JOINED, OWN)}, TWO, "R_RIGHT_NOT_ENTITLED"),
        ("derived", COPIED, {"inputs": (JOINED, JOINED)}, ALL, None),
        ("derived", DERIVED | {"substitutes_source": False}, {"inputs": (OWN, CRAWLED)}, ALL, None),
        ("derived", DERIVED | {"substitutes_source": True}, {"inputs": (OWN, CRAWLED)}, TWO, "R_RIGHT_NOT_ENTITLED"),
        ("derived", DERIVED, {"inputs": (CRAWLED,)}, NONE, "INVALID_VALUE"),
        ("derived", DERIVED, {}, NONE, "INVALID_VALUE"),
        ("entrusted", {}, {}, NONE, "R_ENTRUSTED_PROCESSOR"),
        ("entrusted", {"contract_rights": []}, {}, NONE, "R_ENTRUSTED_PROCESSOR"),
        ("entrusted", {"contract_rights": ["processing"]}, {}, {"processing"}, "R_RIGHT_NOT_ENTITLED"),
        ("authorised_operation", OPERATED, {"form": "product"}, {"processing", "operating"}, "R_RIGHT_NOT_ENTITLED"),
        ("authorised_operation", OPERATED, {"form": "service"}, {"processing", "operating"}, "R_RIGHT_NOT_ENTITLED"),
        ("authorised_operation", OPERATED, {"form": "derived"}, NONE, "R_RIGHT_NOT_ENTITLED"),
        (
            "authorised_operation",
            OPERATED | {"public_platform_code": "none"},
            {"form": "product"},
            NONE,
            "R_PUBLIC_NOT_REGISTERED",
        ),
        (
            "authorised_operation",
            OPERATED | {"agreement_until": "2031-12-31"},
            {"form": "product"},
            {"processing", "operating"},
            "R_OTHER_LAW",
        ),
        ("government_duty", {}, {}, NONE, "R_PUBLIC_ORGAN_DATA"),
    ],
)
def test_a_basis_gives_what_the_table_says(
    basis: str, facts: dict[str, object], more: dict[str, Any], entitled: set[str], code: str | None
) -> None:
    of_source = {name: value for name, value in more.items() if name in {"inputs", "others_joined"}}
    of_filing = {name: value for name, value in more.items() if name not in of_source}
    judgement = judge(source(basis, facts, **of_source), **of_filing)
    assert judgement.entitled == entitled
    assert judgement.code == code


def test_every_source_must_give_a_right_and_the_one_that_does_not_is_named() -> None:
    judgement = judge(source("own_operation", {}), source("public_collection", CLEAN, index=1))
    assert judgement.entitled == TWO
    (finding,) = judgement.findings
    assert (finding.code, finding.cite) == ("R_RIGHT_NOT_ENTITLED", "21(4)")
    assert finding.pointer == "/body/claims/0/rights/2"
    assert finding.zh.startswith("来源2不能登记经营权")
    assert "可登记持有权和使用权" in (finding.quotation or "")


def test_another_kind_of_right_is_given_by_a_clause_alone() -> None:
    clause = source("agreement", {"clause_rights": ["x.viewing"]})
    assert judge(clause, claims=("x.viewing",)).code is None
    assert judge(source("own_operation", {}), claims=("x.viewing",)).code == "R_RIGHT_NOT_ENTITLED"


def test_grounds_come_before_entitlement_in_the_order_of_the_rulebook() -> None:
    silent = source("agreement", {})
    crawled = source("public_collection", CLEAN | {"harm": True, "intrusion": True}, index=1)
    rules = [finding.rule for finding in judge(silent, crawled, claims=("holding",)).findings]
    assert rules == ["intrusion", "harm", "right-not-entitled"]


def test_ungraded_public_data_are_a_warning_and_no_refusal() -> None:
    judgement = judge(source("public_collection", CLEAN | {"graded": False}), claims=("holding",))
    assert judgement.code is None
    assert [finding.code for finding in judgement.warnings] == ["UNGRADED"]


def test_a_filing_without_sources_is_refused() -> None:
    judgement = judge()
    assert judgement.entitled == NONE
    assert [finding.rule for finding in judgement.findings] == ["sources-given"]
