"""`right.grant`: attenuation, exclusivity, who joins. Contract sections 4 and 6; rights.md 3.2, 3.3."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.instants import format_instant
from ledger.statement import format_envelope
from registry.acts.act import Names
from registry.drafting import sign_payload
from registry.register.register import Register
from registry.store.loading import load
from registry.title.chain import chain_of
from tests.registry.acts.tables import OLD, titled, vectors, wire
from tests.registry.desk import ALL, Actor, Desk, granting, ids, scope
from tests.registry.made import identifier

ATTENUATION = vectors("attenuation")


def test_the_receipt_says_what_was_made_in_order(desk: Desk, a: Actor, b: Actor) -> None:
    asset, _, title = titled(desk, a)
    body = granting(title, b, ["operating", "processing"], scope(rights=["processing"], depth=2))
    payload = desk.payload("right.grant", a, body, with_=[b])
    receipt = desk.deliver(payload, [*a.signers, *b.signers]).receipt
    assert receipt is not None
    assert receipt["ids"] == [
        {"id": identifier("rgt", payload, desk.clock.now()), "kind": "operating"},
        {"id": identifier("rgt", payload, desk.clock.now(), 1), "kind": "processing"},
    ]
    assert receipt["folios"] == [{"id": asset, "n": 2, "prev": 3}]
    operating, processing = (desk.view(made["id"]) for made in receipt["ids"])
    assert (operating["holder"], operating["from_right"], operating["kind"]) == (b.id, title, "operating")
    assert (operating["scope"]["rights"], operating["scope"]["depth"]) == (["processing"], 2)
    assert "depth" not in processing["scope"]
    assert (processing["status"], processing["basis"], processing["exclusivity"]) == ("active", "declared", "none")
    assert processing["scope"]["from"] == receipt["time"]
    assert len(desk.view(asset)["rights"]) == 5
    assert len(desk.view(asset, size=receipt["seq"])["rights"]) == 3


@pytest.mark.parametrize("row", ATTENUATION["rows"], ids=lambda row: row["id"])
def test_attenuation(desk: Desk, a: Actor, b: Actor, c: Actor, row: dict[str, Any]) -> None:
    _, _, title = titled(desk, a)
    above, below = ATTENUATION["parent"], ATTENUATION["child"]
    first = desk.grant(
        a, title, b, above["rights"], scope=wire(above["scope"] | row.get("parent", {})),
        exclusivity=above["exclusivity"], with_=[b],
    )  # fmt: skip
    body = granting(
        ids(first, "rgt")[1], c, row.get("rights", below["rights"]), wire(below["scope"] | row.get("scope", {})),
        exclusivity=row.get("exclusivity", below["exclusivity"]),
    )  # fmt: skip
    if not row["expect"]:
        desk.ok("right.grant", b, body, with_=[c])
        return
    found = desk.refusal("right.grant", b, body, with_=[c])
    assert (found.code, found.status) == (row["expect"][0], 422)
    assert [reason.code for reason in found.reasons] == row["expect"]
    pointers = {"rights": "/body/rights", "term": "/body/scope/until", "exclusivity": "/body/exclusivity"}
    for reason in found.reasons:
        assert reason.dimension is not None
        assert reason.pointer == pointers.get(reason.dimension, f"/body/scope/{reason.dimension}")
        assert reason.right == ids(first, "rgt")[1]


def test_all_failing_dimensions_are_reasons_in_the_contracts_order(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    _, _, title = titled(desk, a)
    duty = {"id": "delete", "when": "after"}
    parent = scope(fields=["x"], until="2027-01-01T00:00:00Z", duties=[duty], rights=["processing"], depth=1, **OLD)
    first = desk.grant(a, title, b, ["operating"], scope=parent, with_=[b])
    wild = scope(
        purposes=["marketing"], territory=["DE"], fields=["y"], depth=1, rights=["operating"],
        **{"from": "2025-01-01T00:00:00Z"},
    )  # fmt: skip
    body = granting(ids(first, "rgt")[0], c, ["operating"], wild, exclusivity="sole")
    found = desk.refusal("right.grant", b, body, with_=[c])
    assert [reason.code for reason in found.reasons] == [
        "DEPTH_EXCEEDS_PARENT", "RIGHT_NOT_IN_PARENT", "PURPOSE_EXCEEDS_PARENT", "TERRITORY_EXCEEDS_PARENT",
        "FIELDS_EXCEED_PARENT", "TERM_EXCEEDS_PARENT", "DUTY_DROPPED", "EXCLUSIVITY_EXCEEDS_PARENT",
    ]  # fmt: skip
    assert found.code == "DEPTH_EXCEEDS_PARENT"
    # wrong `by` comes before everything
    desk.expect(("NOT_ENTITLED", 403, "/by"), "right.grant", a, body, with_=[c])


def test_only_an_operating_right_supplies_others(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    _, processing, title = titled(desk, a)
    found = desk.expect(
        ("DISPOSITION_NEEDS_OPERATE", 422, "/body/from_right"),
        "right.grant",
        a,
        granting(processing, b, ["processing"]),
    )
    assert found.reasons[0].article == "第三条第四款"
    use = ids(desk.grant(a, title, b, ["processing"]), "rgt")[0]
    found = desk.expect(
        ("DISPOSITION_NEEDS_OPERATE", 422, "/body/from_right"), "right.grant", b,
        granting(use, c, ["processing"], scope(territory=["*"])),
    )  # fmt: skip
    assert [reason.code for reason in found.reasons] == [
        "DISPOSITION_NEEDS_OPERATE", "NOT_DELEGABLE", "TERRITORY_EXCEEDS_PARENT",
    ]  # fmt: skip


def test_an_operating_right_without_licensing_delegates_nothing(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    _, _, title = titled(desk, a)
    only = scope(rights=["processing"], depth=1, actions=["provide"])
    held = ids(desk.grant(a, title, b, ["operating"], scope=only, with_=[b]), "rgt")[0]
    desk.expect(("NOT_DELEGABLE", 422, "/body/from_right"), "right.grant", b, granting(held, c, ["processing"]))


def test_fields_that_the_form_does_not_list(desk: Desk, a: Actor, b: Actor) -> None:
    title = ids(desk.register(a, fields=[{"name": "score", "personal": "none"}]), "rgt")[2]
    body = granting(title, b, ["processing"], scope(fields=["score", "name"]))
    found = desk.expect(("FIELDS_EXCEED_PARENT", 422, "/body/scope/fields"), "right.grant", a, body)
    assert (found.reasons[0].wanted, found.reasons[0].allowed) == (("name",), ("score",))
    desk.grant(a, title, b, ["processing"], scope=scope(fields=["score"]))


def test_other_kinds_of_right_cannot_be_granted(desk: Desk, a: Actor, b: Actor) -> None:
    _, _, title = titled(desk, a)
    desk.expect(("RIGHT_NOT_IN_PARENT", 422, "/body/rights"), "right.grant", a, granting(title, b, ["x.rental"]))


@pytest.mark.parametrize(
    ("members", "given"),
    [
        ({}, {"duties": [{"id": "d", "when": "after"}]}),
        ({"consideration": "一万元"}, {}),
        ({"exclusivity": "sole"}, {}),
        ({"exclusivity": "exclusive"}, {}),
        ({"rights": ["operating"]}, {"rights": ["processing"]}),
    ],
)
def test_who_takes_something_on_joins(
    desk: Desk, a: Actor, b: Actor, members: dict[str, Any], given: dict[str, Any]
) -> None:
    _, _, title = titled(desk, a)
    body = granting(title, b, ["processing"], scope(**given)) | members
    desk.expect(("SIGNATURE_MISSING", 403, "/with"), "right.grant", a, body)
    desk.ok("right.grant", a, body, with_=[b])


def test_the_root_holder_joins_where_the_grant_survives(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    _, _, title = titled(desk, a)
    grant = desk.grant(a, title, b, ["operating"], scope=scope(rights=["processing"], depth=1), with_=[b])
    held = ids(grant, "rgt")[0]
    body = granting(held, c, ["processing"], survives=True)
    desk.expect(("SIGNATURE_MISSING", 403, "/with"), "right.grant", b, body)
    desk.expect(("SIGNATURE_MISSING", 403, "/with"), "right.grant", b, body, with_=[c])
    receipt = desk.ok("right.grant", b, body, with_=[a])
    assert desk.view(ids(receipt, "rgt")[0])["survives"] is True
    desk.grant(a, title, c, ["processing"], survives=True)


def test_an_agent_grants_for_a_principal_who_joins(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    _, _, title = titled(desk, a)
    body = granting(title, b, ["processing"])
    desk.expect(("NOT_ENTITLED", 403, "/by"), "right.grant", c, body)
    desk.expect(("NOT_ENTITLED", 403, "/for"), "right.grant", c, body, for_=a.id)
    desk.ok("right.grant", c, body, for_=a.id, with_=[a])


def test_nothing_is_granted_from_what_has_ended(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    _, _, title = titled(desk, a)
    until = desk.clock.now() + timedelta(hours=2)
    member = scope(rights=ALL, depth=2, until=format_instant(until))
    first = ids(desk.grant(a, title, b, ["operating"], scope=member, with_=[b]), "rgt")[0]
    second = ids(desk.grant(b, first, c, ["operating"], scope=member | {"depth": 1}, with_=[c]), "rgt")[0]
    term = {"from": format_instant(desk.clock.now()), "until": format_instant(until)}
    body = granting(second, a, ["processing"], scope(**term))
    desk.ok("right.grant", c, body)
    desk.ok("right.revoke", a, {"rights": [first], "ground": "breach"})
    for by, held in ((c, second), (b, first)):
        desk.expect(("RIGHT_STATE", 409, "/body/from_right"), "right.grant", by, body | {"from_right": held})
    third = ids(desk.grant(a, title, b, ["operating"], scope=member, with_=[b]), "rgt")[0]
    desk.pass_time(hours=2)
    late = granting(third, c, ["processing"], scope(**term))
    desk.expect(("RIGHT_STATE", 409, "/body/from_right"), "right.grant", b, late)


def test_a_grant_from_a_right_with_an_end_on_record_ends_with_it(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    asset, _, title = titled(desk, a)
    first = ids(
        desk.grant(a, title, b, ["operating"], scope=scope(rights=["processing"], depth=1), with_=[b]), "rgt"
    )[0]  # fmt: skip
    end = desk.clock.now() + timedelta(days=1)
    desk.ok("right.revoke", a, {"rights": [first], "ground": "breach", "effective": format_instant(end)})
    falls = ids(desk.grant(b, first, c, ["processing"]), "rgt")[0]
    stays = ids(desk.grant(b, first, c, ["processing"], survives=True, with_=[a]), "rgt")[0]
    assert [desk.view(r, at=end)["status"] for r in (falls, stays)] == ["revoked", "active"]
    assert [link.id for link in desk.check(c, asset, territory=("CN",), at=end).chain] == [title, stays]


def test_the_longest_chain_is_followed_to_its_title(desk: Desk, a: Actor, b: Actor) -> None:
    asset, _, held = titled(desk, a)
    by, to = a, b
    lines, at = [], desk.clock.now()
    for depth in range(64, -1, -1):
        body = granting(held, to, ["operating"], scope(rights=["operating", "processing", "holding"], depth=depth))
        payload = desk.payload("right.grant", by, body, with_=[to])
        held = identifier("rgt", payload, at)
        lines.append(format_envelope(sign_payload(payload, [*by.signers, *to.signers])).encode())
        by, to = to, by
    answers = desk.registry.office.submit(lines)
    assert all(answer.receipt for answer in answers), answers
    with desk.registry.reader._moment(None, None) as (tx, _):
        register = Register(load(tx, [Names(assets=(asset,))]))
    right = register.right(held)
    assert right is not None
    chain = chain_of(register, right, at)
    assert (len(chain), chain[0].is_title()) == (66, True)
