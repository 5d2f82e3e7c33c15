"""Sole and exclusive grants. Contract section 4; rights.md 3.3, table X."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.instants import format_instant
from tests.registry.acts.tables import OLD, titled, vectors, wire
from tests.registry.desk import ALL, Actor, Desk, granting, ids, scope

OVERLAP = vectors("overlap")


# ---- exclusivity: table X ------------------------------------------------------------------------------------------


def exclusive(desk: Desk, a: Actor, b: Actor, kinds: list[str] | None = None, **given: Any) -> tuple[str, str, str]:
    """E0: asset, title, and the first right of the exclusive grant."""
    asset, _, title = titled(desk, a)
    existing = OVERLAP["existing"]
    receipt = desk.grant(
        a, title, b, kinds or existing["rights"], scope=wire(existing["scope"]) | given,
        exclusivity=existing["exclusivity"], with_=[b],
    )  # fmt: skip
    return asset, title, ids(receipt, "rgt")[0]


@pytest.mark.parametrize("row", OVERLAP["rows"], ids=lambda row: row["id"])
def test_overlap_with_an_exclusive_grant(desk: Desk, a: Actor, b: Actor, c: Actor, row: dict[str, Any]) -> None:
    _, title, held = exclusive(desk, a, b)
    rights = row.get("rights", OVERLAP["existing"]["rights"])
    given = wire(OVERLAP["existing"]["scope"] | row.get("scope", {}))
    if "operating" in rights:
        given["rights"] = ["processing"]
    body = granting(title, c, rights, given)
    joins = {"with_": [c]} if "operating" in rights else {}
    if row["conflict"]:
        found = desk.expect(("EXCLUSIVITY_CONFLICT", 409, "/body/scope"), "right.grant", a, body, **joins)
        assert [reason.right for reason in found.reasons] == [held]
    else:
        desk.ok("right.grant", a, body, **joins)


def test_x7_an_independent_co_holder_is_not_bound(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    asset, _, _ = exclusive(desk, a, b)
    d = desk.party("丁")
    whole = scope(purposes=["*"], territory=["*"], **OLD)
    further = {"kind": "initial", "asset": asset, "sources": desk.filing([])["sources"],
               "claims": [{"party": c.id, "rights": ALL, "scope": whole}]}  # fmt: skip
    title = ids(desk.ok("case.file", c, further, with_=[a]), "rgt")[2]
    given = wire(OVERLAP["existing"]["scope"])
    desk.grant(c, title, d, ["processing"], scope=given, exclusivity="exclusive", with_=[d])
    answer = desk.check(d, asset, "analytics.credit", territory=("CN",))
    assert answer.decision
    assert "PARALLEL_TITLE" in answer.warnings
    assert desk.check(b, asset, "analytics.credit", territory=("CN",)).decision


def test_x8_the_exclusive_grantee_grants_on(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    _, title, held = exclusive(desk, a, b, ["operating", "processing"], rights=["processing"], depth=1)
    given = wire(OVERLAP["existing"]["scope"])
    on = desk.grant(b, held, c, ["processing"], scope=given, exclusivity="exclusive", with_=[c])
    d = desk.party("丁")
    desk.expect(
        ("EXCLUSIVITY_CONFLICT", 409, "/body/scope"), "right.grant", b, granting(held, d, ["processing"], given)
    )
    found = desk.refusal("right.grant", a, granting(title, d, ["processing"], given))
    assert {reason.right for reason in found.reasons} >= {ids(on, "rgt")[0]}


def test_earlier_grants_are_listed_and_stay_good(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    asset, _, title = titled(desk, a)
    earlier = [ids(desk.grant(a, title, b, ["processing"]), "rgt")[0] for _ in range(2)]
    desk.grant(a, title, b, ["processing"], scope=scope(purposes=["marketing"]))
    for level in ("sole", "exclusive"):
        body = granting(title, c, ["processing"], exclusivity=level, subject_to=earlier[:1])
        found = desk.expect(("PRIOR_GRANTS_NOT_LISTED", 409, "/body/subject_to"), "right.grant", a, body, with_=[c])
        assert [reason.right for reason in found.reasons] == earlier[1:]
    desk.ok("right.grant", a, body | {"subject_to": earlier}, with_=[c])
    assert desk.check(b, asset, territory=("CN",)).decision
    assert desk.check(c, asset, territory=("CN",)).decision


def test_a_sole_grant_excludes_other_grantees_only(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    asset, _, title = titled(desk, a)
    desk.grant(a, title, b, ["processing"], exclusivity="sole", with_=[b])
    desk.expect(("EXCLUSIVITY_CONFLICT", 409, "/body/scope"), "right.grant", a, granting(title, c, ["processing"]))
    assert desk.check(a, asset).decision


def test_an_exclusive_grant_binds_until_its_end_takes_effect(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    _, title, held = exclusive(desk, a, b)
    end = desk.clock.now() + timedelta(days=10)
    desk.ok("right.revoke", a, {"rights": [held], "ground": "breach", "effective": format_instant(end)})
    given = wire(OVERLAP["existing"]["scope"])
    now, last, then = (format_instant(t) for t in (desk.clock.now(), end - timedelta(milliseconds=1), end))
    for start in (now, last):
        body = granting(title, c, ["processing"], given | {"from": start})
        desk.expect(("EXCLUSIVITY_CONFLICT", 409, "/body/scope"), "right.grant", a, body)
    desk.ok("right.grant", a, granting(title, c, ["processing"], given | {"from": then}))
