"""Custodians and entrusted processors, who are no right holders. Contract sections 4 and 7; articles 3 and 21(7)."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.instants import format_instant
from tests.registry.desk import ALL, Actor, Desk, granting, ids, scope
from tests.registry.lists import listed

ACTIONS = {
    "holding": ("store", "access"),
    "processing": ("process", "access", "aggregate", "analyse", "train_model", "derive"),
    "operating": ("provide", "license", "sublicense", "transfer", "contribute", "pledge", "publish", "export"),
}
CN = {"territory": ("CN",)}
MAY = {"custody": ("store",), "entrusted": ("process", "aggregate", "analyse")}
KIND = {"custody": "holding", "entrusted": "processing"}


@pytest.fixture
def title(desk: Desk, a: Actor) -> dict[str, Any]:
    return desk.register(a)


def entrust(
    desk: Desk, title: dict[str, Any], to: Actor, capacity: str, given: dict[str, Any] | None = None, **more: Any
) -> Any:
    """The body by which the title's holder entrusts its data."""
    place = ALL.index(KIND[capacity])
    return granting(ids(title, "rgt")[place], to, [KIND[capacity]], given, capacity=capacity, **more)


@pytest.mark.parametrize("capacity", MAY)
def test_what_they_may_do_and_for_whom(desk: Desk, a: Actor, b: Actor, title: dict[str, Any], capacity: str) -> None:
    receipt = desk.ok("right.grant", a, entrust(desk, title, b, capacity))
    asset, right = ids(title, "ast")[0], ids(receipt, "rgt")[0]
    view = desk.view(right)
    assert (view["capacity"], view["scope"]["actions"]) == (capacity, sorted(MAY[capacity]))
    for actions in ACTIONS.values():
        for action in actions:
            answer = desk.check(b, asset, action=action, **CN)
            assert answer.decision is (action in MAY[capacity]), action
            if not answer.decision:
                reason = answer.reasons[0]
                assert (reason.code, reason.right, reason.wanted) == ("ACTION_OUTSIDE_SCOPE", right, (action,))
                assert set(reason.allowed) == set(MAY[capacity])
    allowed = desk.check(b, asset, action=MAY[capacity][0], **CN)
    assert allowed.warnings == ("SELF_DECLARED", "FOR_PRINCIPAL")
    _, ledger = desk.registry.reader.check([], None, None)
    chain = allowed.to_json("en", ledger)["chain"]
    assert "capacity" not in chain[0]
    assert (chain[1]["holder"], chain[1]["capacity"]) == (b.id, capacity)
    assert desk.check(b, asset, right=KIND[capacity], **CN).decision
    assert desk.check(b, asset, "marketing", action=MAY[capacity][0], **CN).reasons[0].code == "PURPOSE_OUTSIDE_SCOPE"


def test_sc_18_a_group_lets_its_subsidiary_hold_and_use(desk: Desk, a: Actor, b: Actor, title: dict[str, Any]) -> None:
    """The subsidiary is custodian of what the parent holds, and a holder of what it is granted."""
    desk.ok("right.grant", a, entrust(desk, title, b, "custody"))
    asset = ids(title, "ast")[0]
    assert desk.check(b, asset, action="contribute", **CN).reasons[0].code == "ACTION_OUTSIDE_SCOPE"
    both = scope(rights=["processing"], actions=["provide", "contribute"])
    desk.grant(a, ids(title, "rgt")[2], b, ["processing", "operating"], scope=both, with_=[b])
    assert desk.check(b, asset, action="store", **CN).warnings[-1] == "FOR_PRINCIPAL"
    assert "FOR_PRINCIPAL" not in desk.check(b, asset, action="contribute", **CN).warnings
    assert desk.check(b, asset, action="contribute", **CN).decision


@pytest.mark.parametrize("capacity", MAY)
def test_they_do_not_count_as_holders(desk: Desk, a: Actor, b: Actor, title: dict[str, Any], capacity: str) -> None:
    asset = ids(title, "ast")[0]
    right = ids(desk.ok("right.grant", a, entrust(desk, title, b, capacity)), "rgt")[0]
    assert listed(desk, "assets", holder=[b.id]) == []
    assert listed(desk, "assets", holder=[a.id]) == [asset]
    assert listed(desk, "rights", holder=[b.id]) == [right]
    assert "PARALLEL_TITLE" not in desk.check(a, asset).warnings
    further = desk.filing([{"party": b.id, "rights": ALL}]) | {"asset": asset}
    desk.expect(("SIGNATURE_MISSING", 403, "/with"), "case.file", b, further)
    desk.expect(
        ("NOT_ENTITLED", 403, "/by"), "evidence.attach", b,
        {"target": right, "evidence": [{"kind": "contract", "sha256": "ab" * 32}]},
    )  # fmt: skip


def test_an_entrusted_processor_derives_nothing_of_its_own(
    desk: Desk, a: Actor, b: Actor, title: dict[str, Any]
) -> None:
    right = ids(desk.ok("right.grant", a, entrust(desk, title, b, "entrusted")), "rgt")[0]
    source = {
        "origin": "derived", "basis": "derived",
        "facts": {"change": "derivative", "activity_time": format_instant(desk.clock.now()), "value_increase": True},
        "inputs": [{"asset": ids(title, "ast")[0], "right": right}],
    }  # fmt: skip
    body = desk.filing([{"party": b.id, "rights": ALL}], source, form="derived")
    desk.expect(("INPUT_USE_RIGHT_MISSING", 422, "/body/sources/0/inputs/0/right"), "case.file", b, body)


def test_an_exclusive_grant_looks_past_them(desk: Desk, a: Actor, b: Actor, c: Actor, title: dict[str, Any]) -> None:
    asset, operating = ids(title, "ast")[0], ids(title, "rgt")[2]
    desk.ok("right.grant", a, entrust(desk, title, b, "entrusted"))
    desk.grant(a, operating, c, ["processing"], exclusivity="exclusive", with_=[c])
    denied = desk.check(b, asset, **CN)
    assert (denied.decision, denied.reasons[0].code) == (False, "GRANTED_AWAY")  # as its principal's own
    d = desk.party("丁")
    desk.ok("right.grant", a, entrust(desk, title, d, "entrusted"))
    assert desk.check(c, asset, **CN).decision


def test_an_exclusive_grant_need_not_list_who_processes_for_a_licensee(
    desk: Desk, a: Actor, b: Actor, c: Actor, title: dict[str, Any]
) -> None:
    operating, d = ids(title, "rgt")[2], desk.party("丁")
    licensed = ids(desk.grant(a, operating, b, ["processing"]), "rgt")[0]
    desk.ok("right.grant", b, granting(licensed, c, ["processing"], capacity="entrusted"))
    body = granting(operating, d, ["processing"], exclusivity="exclusive")
    desk.expect(("PRIOR_GRANTS_NOT_LISTED", 409, "/body/subject_to"), "right.grant", a, body, with_=[d])
    desk.ok("right.grant", a, body | {"subject_to": [licensed]}, with_=[d])
    assert desk.check(c, ids(title, "ast")[0], **CN).decision


def test_attenuation_holds(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    duty = {"id": "delete", "when": "after"}
    fields = [{"name": name, "personal": "none"} for name in ("x", "y")]
    title = ids(desk.register(a, fields=fields), "rgt")[2]
    given = scope(fields=["x"], until="2026-06-01T00:00:00Z", duties=[duty])
    held = ids(desk.grant(a, title, b, ["processing"], scope=given, with_=[b]), "rgt")[0]
    within = {"fields": ["x"], "until": "2026-05-01T00:00:00Z", "duties": [duty]}
    for change, code in (
        ({"purposes": ["marketing"]}, "PURPOSE_EXCEEDS_PARENT"),
        ({"territory": ["*"]}, "TERRITORY_EXCEEDS_PARENT"),
        ({"fields": ["x", "y"]}, "FIELDS_EXCEED_PARENT"),
        ({"until": None}, "TERM_EXCEEDS_PARENT"),
        ({"duties": []}, "DUTY_DROPPED"),
    ):
        body = granting(held, c, ["processing"], scope(**within | change), capacity="entrusted")
        assert desk.refused("right.grant", b, body, with_=[c]) == code
    body = granting(held, c, ["processing"], scope(**within), capacity="entrusted")
    desk.expect(("SIGNATURE_MISSING", 403, "/with"), "right.grant", b, body)
    receipt = desk.ok("right.grant", b, body, with_=[c])
    asset = desk.view(ids(receipt, "rgt")[0])["asset"]
    assert desk.check(c, asset, fields=("x",), **CN).status == "ALLOWED_WITH_DUTIES"
    desk.ok("right.revoke", a, {"rights": [held], "ground": "breach"})
    assert desk.check(c, asset, fields=("x",), **CN).reasons[0].code == "CASCADE_REVOKED"
    assert desk.view(ids(receipt, "rgt")[0])["status"] == "revoked"


def test_what_can_be_entrusted_and_that_it_goes_no_further(
    desk: Desk, a: Actor, b: Actor, c: Actor, title: dict[str, Any]
) -> None:
    holding, processing, operating = ids(title, "rgt")
    for parent, rights, capacity, pointer in (
        (processing, ["holding"], "custody", "/body/from_right"),
        (operating, ["holding"], "custody", "/body/from_right"),
        (operating, ["processing"], "entrusted", "/body/from_right"),
        (holding, ["processing"], "custody", "/body/rights"),
        (processing, ["processing", "holding"], "entrusted", "/body/rights"),
    ):
        body = granting(parent, b, rights, capacity=capacity)
        desk.expect(("RIGHT_NOT_IN_PARENT", 422, pointer), "right.grant", a, body)
    desk.expect(("NOT_ENTITLED", 403, "/by"), "right.grant", b, entrust(desk, title, c, "custody"))
    right = ids(desk.ok("right.grant", a, entrust(desk, title, b, "entrusted")), "rgt")[0]
    again = granting(right, c, ["processing"], capacity="entrusted")
    desk.expect(("NOT_DELEGABLE", 422, "/body/from_right"), "right.grant", b, again)
    own = granting(right, c, ["processing"])
    desk.expect(("DISPOSITION_NEEDS_OPERATE", 422, "/body/from_right"), "right.grant", b, own)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"exclusivity": "sole"}, "/body/exclusivity"),
        ({"survives": True}, "/body/survives"),
        ({"scope": scope(depth=1)}, "/body/scope/depth"),
        ({"scope": scope(actions=["store", "access"])}, "/body/scope/actions"),
        ({"capacity": "rented"}, "/body/capacity"),
    ],
)
def test_what_their_grant_may_not_say(
    desk: Desk, a: Actor, b: Actor, title: dict[str, Any], change: dict[str, Any], pointer: str
) -> None:
    body = entrust(desk, title, b, "custody") | change
    desk.expect(("INVALID_VALUE", 422, pointer), "right.grant", a, body, with_=[b])


def test_less_than_all_may_be_entrusted(desk: Desk, a: Actor, b: Actor, title: dict[str, Any]) -> None:
    desk.ok("right.grant", a, entrust(desk, title, b, "entrusted", scope(actions=["analyse"])))
    asset = ids(title, "ast")[0]
    allowed = [action for action in ACTIONS["processing"] if desk.check(b, asset, action=action, **CN).decision]
    assert allowed == ["analyse"]


def test_an_end_for_the_past_does_not_wait_for_them(desk: Desk, a: Actor, b: Actor, title: dict[str, Any]) -> None:
    right = ids(desk.ok("right.grant", a, entrust(desk, title, b, "custody")), "rgt")[0]
    desk.pass_time(days=2)
    past = format_instant(desk.clock.now() - timedelta(days=1))
    desk.ok("right.revoke", a, {"rights": [right], "ground": "agreement", "effective": past})
    assert not desk.check(b, ids(title, "ast")[0], action="store", **CN).decision
