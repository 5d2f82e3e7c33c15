"""The catalogue holds every code of the contract, with its status, and words for each in both languages."""

import pytest

from registry.refusals.catalogue import CATALOGUE, entry, parse_catalogue

# The status table of the contract's section 6, and R_… of the national guideline's articles 10, 15, 21 and 22.
REFUSALS = {
    400: "MALFORMED DUPLICATE_MEMBER UNKNOWN_MEMBER UNKNOWN_ACT WRONG_LOG AT_STALE AT_FUTURE",
    401: "TOKEN_MISSING TOKEN_INVALID",
    403: ("KEY_UNKNOWN KEY_INACTIVE SIGNATURE_INVALID SIGNATURE_MISSING SIGNATURE_SURPLUS NOT_ENTITLED NOT_ADMITTED"),
    404: "NOT_FOUND SIZE_NOT_SIGNED",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    408: "REQUEST_TIMEOUT",  # an addition of this version
    409: (
        "STALE ID_TAKEN KEY_TAKEN IDENTIFIER_TAKEN RIGHT_STATE ALREADY_ENDED BATCH_REFUSED CLOCK_BACKWARDS"
        " ALREADY_REGISTERED DUPLICATE_REGISTRATION CASE_STATE EXCLUSIVITY_CONFLICT PRIOR_GRANTS_NOT_LISTED"
        " PLEDGEE_CONSENT_REQUIRED LIVE_GRANTS FROZEN"
        " DRAFTS_FULL"  # beyond the contract, to which additions are free
    ),
    413: "TOO_LARGE",
    415: "MEDIA_TYPE",
    422: (
        "INVALID_VALUE IDEMPOTENCY_REUSED BLANKET_CONSENT RULEBOOK_CLOSED WRONG_ORGAN"
        " DISPOSITION_NEEDS_OPERATE NOT_DELEGABLE PURPOSE_EXCEEDS_PARENT TERRITORY_EXCEEDS_PARENT"
        " FIELDS_EXCEED_PARENT TERM_EXCEEDS_PARENT DEPTH_EXCEEDS_PARENT DUTY_DROPPED RIGHT_NOT_IN_PARENT"
        " EXCLUSIVITY_EXCEEDS_PARENT INPUT_USE_RIGHT_MISSING DERIVATION_CYCLE RENEWAL_TOO_EARLY RENEWAL_TOO_LATE"
        " NUMBERS_EXHAUSTED"
        " R_NATIONAL_SECURITY R_UNLAWFUL_SOURCE R_UNRESOLVED_DISPUTE R_FALSE_STATEMENT R_OTHER_LAW"
        " R_PUBLIC_ORGAN_DATA R_PUBLIC_NOT_REGISTERED R_ENTRUSTED_PROCESSOR R_RIGHT_NOT_ENTITLED"
        " R_NO_CONSENT_CO_PARTY R_SELF_APPLICANT"
    ),
    429: "RATE_LIMITED",
    500: "INTERNAL",
    503: "QUEUE_FULL CLOCK_BEHIND BEHIND READ_ONLY",
}
# A case may end with this code, but no request is answered with it (article 18 of the guideline).
ENDS_OF_CASES = "T_CANNOT_VERIFY"
# Section 7.
REASONS = (
    "NO_ACTIVE_PATH PARTY_UNKNOWN ASSET_UNKNOWN RIGHT_KIND_UNKNOWN NOT_YET_EFFECTIVE EXPIRED REGISTRATION_LAPSED"
    " REVOKED CASCADE_REVOKED SURRENDERED SUSPENDED CANCELLED ANNULLED GRANTED_AWAY PURPOSE_OUTSIDE_SCOPE"
    " TERRITORY_OUTSIDE_SCOPE FIELDS_OUTSIDE_SCOPE ACTION_OUTSIDE_SCOPE CONDITION_NOT_MET DUTY_UNFULFILLED"
    " CONSENT_MISSING CONSENT_WITHDRAWN FROZEN_DISPOSITION FROZEN_EXERCISE PLEDGEE_CONSENT_REQUIRED"
    " DISPOSITION_NEEDS_OPERATE NOT_DELEGABLE INDETERMINATE"
)
WARNINGS = (
    "SELF_DECLARED RECORDED_LATER PARALLEL_TITLE CAUTION_ON_ASSET OBJECTION_PENDING UPSTREAM_DISPUTED LATE_RECORDED"
    " RENEWAL_PENDING RECOVERED_KEY FOR_PRINCIPAL WINDOW_ENTRY"
    " LATE_ENTRY UNGRADED EQUAL_FINGERPRINT"  # of receipts: sections 2 and 5
)
STATUSES = {code: status for status, codes in REFUSALS.items() for code in codes.split()}


def codes_of(kind: str) -> set[str]:
    return {code for code, each in CATALOGUE.items() if kind in each.kinds}


def test_holds_exactly_the_refusals_of_the_contract() -> None:
    assert codes_of("refusal") == {*STATUSES, *ENDS_OF_CASES.split()}


def test_holds_exactly_the_reasons_of_the_contract() -> None:
    assert codes_of("reason") == set(REASONS.split())


def test_holds_exactly_the_warnings_of_the_contract() -> None:
    assert codes_of("warning") == set(WARNINGS.split())


def test_only_refusals_have_a_status_and_it_is_the_contracts() -> None:
    assert {code: each.status for code, each in CATALOGUE.items() if each.status is not None} == STATUSES


@pytest.mark.parametrize("code", CATALOGUE)
def test_speaks_both_languages(code: str) -> None:
    found = entry(code)
    assert found.code == code
    for words, most in ((found.title, 75), (found.help, 300)):
        assert 0 < len(words.zh) <= most
        assert 0 < len(words.en) <= most
        assert words.zh != words.en
        assert any("一" <= character <= "鿿" for character in words.zh)
        assert words.en.isprintable()
        assert not any("一" <= character <= "鿿" for character in words.en)
    assert found.help.zh.endswith("。")
    assert found.help.en.endswith(".")


@pytest.mark.parametrize("code", CATALOGUE)
def test_never_speaks_of_ownership(code: str) -> None:
    found = entry(code)
    text = f"{found.title.zh} {found.title.en} {found.help.zh} {found.help.en}".lower()
    assert "ownership" not in text
    assert "owner" not in text
    assert "所有权" not in text


def test_titles_differ() -> None:
    assert len({each.title for each in CATALOGUE.values()}) == len(CATALOGUE)


def test_an_unknown_code_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        entry("NO_SUCH_CODE")


@pytest.mark.parametrize(
    "text",
    [
        "[A]\ntitle = {zh = '甲', en = 'a'}\nhelp = {zh = '甲', en = 'a'}",
        "[A]\nkind = 'joke'\ntitle = {zh = '甲', en = 'a'}\nhelp = {zh = '甲', en = 'a'}",
        "[A]\nkind = 'reason'\ntitle = {zh = '甲'}\nhelp = {zh = '甲', en = 'a'}",
        "[A]\nkind = 'reason'\ntitle = {zh = '甲', en = 'a'}",
        "[A]\nkind = 'reason'\nstate = 1\ntitle = {zh = '甲', en = 'a'}\nhelp = {zh = '甲', en = 'a'}",
        "[A]\n[A]",
    ],
    ids=["no kind", "unknown kind", "no English", "no help", "unknown member", "code twice"],
)
def test_refuses_a_catalogue_that_is_not_whole(text: str) -> None:
    with pytest.raises(ValueError):  # tomllib's own error is one too
        parse_catalogue(text)
