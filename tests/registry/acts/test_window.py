"""The registrar enters what was filed on paper. Contract section 2, "Who signs"."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.keys import KeySigner
from tests.registry.desk import ALL, Actor, Desk, granting, ids, key_shape, newcomer, party_body, sd

SCAN = [{"kind": "identity", "sha256": "ab" * 32}]
NOW = {"evidence": SCAN}


def codes(receipt: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in receipt["warnings"]]


def test_a_party_registered_at_the_window(desk: Desk) -> None:
    paper = Actor("纸质", [KeySigner.generate(), KeySigner.generate()])
    body = party_body(paper) | NOW | {"received_on": "2026-01-01"}
    desk.expect(
        ("SIGNATURE_MISSING", 403, "/signatures"), "party.register", desk.registrar, body, for_=paper.id
    )  # fmt: skip
    receipt = desk.ok("party.register", desk.registrar, body, for_=paper.id, extra=paper.signers[1:])
    assert receipt["ids"] == [{"id": paper.id}]
    assert [folio["id"] for folio in receipt["folios"]] == [paper.id]
    assert codes(receipt) == ["WINDOW_ENTRY"]
    view = desk.view(paper.id)
    assert (view["name"], len(view["keys"]), view["entered"]) == ("纸质", 2, "window")
    desk.ok("party.update", paper, {"contact": "1"})
    desk.expect(
        ("ID_TAKEN", 409, "/for"), "party.register", desk.registrar, body, for_=paper.id, extra=paper.signers[1:]
    )


def test_only_the_registrar_registers_another(desk: Desk, a: Actor) -> None:
    paper = newcomer()
    body = party_body(paper) | NOW
    desk.expect(("NOT_ENTITLED", 403, "/for"), "party.register", a, body, for_=paper.id)
    desk.expect(("INVALID_VALUE", 422, "/for"), "party.register", desk.registrar, body, for_=a.id)
    desk.expect(("NOT_ENTITLED", 403, "/for"), "party.register", desk.registrar, party_body(paper), for_=paper.id)
    desk.expect(("KEY_UNKNOWN", 403, "/signatures/0"), "party.register", paper, body, for_=paper.id)
    desk.ok("party.register", desk.registrar, body, for_=paper.id)


def test_a_person_registered_at_the_window_is_named_by_digests(desk: Desk) -> None:
    person = newcomer()
    name, disclosure = sd("name", "张三")
    body = party_body(person) | {"name": name, "kind": "natural_person"}
    shown = body | {"evidence": [SCAN[0] | {"title": "张三的身份证"}]}
    desk.expect(
        ("INVALID_VALUE", 422, "/body/evidence/0/title"), "party.register", desk.registrar, shown, for_=person.id,
        disclosures=[disclosure],
    )  # fmt: skip
    desk.ok("party.register", desk.registrar, body | NOW, for_=person.id, disclosures=[disclosure])


def test_a_filing_at_the_window_is_marked_everywhere(desk: Desk, a: Actor, b: Actor) -> None:
    body = desk.filing([{"party": a.id, "rights": ALL}])
    desk.expect(("NOT_ENTITLED", 403, "/for"), "case.file", desk.registrar, body, for_=a.id)
    receipt = desk.ok("case.file", desk.registrar, body | NOW, for_=a.id)
    assert receipt["warnings"] == [{"code": "WINDOW_ENTRY"}]
    asset, case, title = ids(receipt, "ast")[0], ids(receipt, "cas")[0], ids(receipt, "rgt")[2]
    assert (desk.view(asset)["applicant"], desk.view(case)["applicant"]) == (a.id, a.id)
    assert desk.view(case)["entered"] == desk.view(title)["entered"] == "window"
    assert desk.check(a, asset).warnings == ("SELF_DECLARED", "WINDOW_ENTRY")
    granted = ids(desk.grant(a, title, b, ["processing"]), "rgt")[0]
    assert "entered" not in desk.view(granted)
    assert "WINDOW_ENTRY" in desk.check(b, asset, territory=("CN",)).warnings
    assert "WINDOW_ENTRY" not in desk.check(b, ids(desk.register(b), "ast")[0]).warnings


def test_the_window_is_for_few_acts_and_lets_nobody_in(desk: Desk, a: Actor, b: Actor) -> None:
    title = ids(desk.register(a), "rgt")[2]
    grant = granting(title, b, ["processing"]) | NOW
    desk.expect(("NOT_ENTITLED", 403, "/for"), "right.grant", desk.registrar, grant, for_=a.id)
    desk.expect(("NOT_ENTITLED", 403, "/for"), "party.update", desk.registrar, {"contact": "1"} | NOW, for_=a.id)
    own = desk.filing([{"party": desk.registrar.id, "rights": ALL}]) | NOW
    further = own | {"asset": ids(desk.register(a), "ast")[0]}
    desk.expect(("SIGNATURE_MISSING", 403, "/with"), "case.file", desk.registrar, further, for_=a.id)
    desk.expect(("NOT_ENTITLED", 403, "/for"), "case.file", desk.registrar, own, for_=desk.registrar.id)
    others = desk.filing([{"party": a.id, "rights": ALL}, {"party": b.id, "rights": ["holding"]}]) | NOW
    desk.expect(("SIGNATURE_MISSING", 403, "/body/claims/1/party"), "case.file", desk.registrar, others, for_=a.id)
    joined = desk.ok("case.file", desk.registrar, others, for_=a.id, with_=[b])
    assert codes(joined) == ["WINDOW_ENTRY"]


@pytest.mark.parametrize(
    ("now", "received", "late"),
    [
        ("2026-11-26T15:59:59", "2026-11-23", False),  # Thursday of Monday's paper, a second before midnight
        ("2026-11-26T16:00:00", "2026-11-23", True),
        ("2026-10-10T01:00:00", "2026-09-30", False),  # a week of holidays, then a Saturday that is worked
        ("2026-10-11T16:00:00", "2026-09-30", True),
        ("2027-01-04T01:00:00", "2026-12-30", False),
        ("2026-11-26T16:00:00", "0001-01-01", True),
    ],
)
def test_paper_that_lay_for_more_than_three_working_days(
    desk: Desk, a: Actor, now: str, received: str, *, late: bool
) -> None:
    desk.clock.set(datetime.fromisoformat(now).replace(tzinfo=UTC))
    body = desk.filing([{"party": a.id, "rights": ALL}]) | NOW | {"received_on": received}
    receipt = desk.ok("case.file", desk.registrar, body, for_=a.id)
    wanted: list[dict[str, str]] = [{"code": "WINDOW_ENTRY"}]
    wanted += [{"code": "LATE_ENTRY", "received_on": received}] if late else []
    assert receipt["warnings"] == wanted


def test_days_of_receipt_that_are_refused(desk: Desk, a: Actor, b: Actor) -> None:
    body = desk.filing([{"party": a.id, "rights": ALL}]) | NOW
    refusal = ("INVALID_VALUE", 422, "/body/received_on")
    for day in ("2026-01-02", "2026-02-30", "yesterday"):
        desk.expect(refusal, "case.file", desk.registrar, body | {"received_on": day}, for_=a.id)
    desk.ok("case.file", desk.registrar, body | {"received_on": "2026-01-01"}, for_=a.id)
    desk.expect(refusal, "case.file", a, body | {"received_on": "2026-01-01"})
    desk.expect(refusal, "case.file", b, body | {"received_on": "2026-01-01"}, for_=a.id, with_=[a])
    desk.expect(
        ("INVALID_VALUE", 422, "/body/received_on"), "party.register", newcomer(),
        {"name": "x", "kind": "legal_person", "keys": [key_shape(KeySigner.generate())], "received_on": "2026-01-01"},
    )  # fmt: skip


def test_the_registrar_may_be_an_agent_as_well(desk: Desk, a: Actor) -> None:
    """Then it needs no paper, and what it files is the principal's own doing."""
    given = {"agent": desk.registrar.id, "acts": ["case.file"], "until": "2026-02-01T00:00:00Z"}
    desk.ok("agency.give", a, given)
    receipt = desk.ok("case.file", desk.registrar, desk.filing([{"party": a.id, "rights": ALL}]), for_=a.id)
    assert receipt["warnings"] == []
    assert "entered" not in desk.view(ids(receipt, "cas")[0])
