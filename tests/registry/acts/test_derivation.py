"""Derived data: what inputs are needed, and what they leave. Contract section 5, `derived`; rights.md 3.4."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.instants import format_instant
from tests.registry.desk import ALL, CRAWLED, Actor, Desk, ids, scope

Input = tuple[str, str]


def derived(desk: Desk, inputs: list[Input], change: str = "derivative", **facts: Any) -> dict[str, Any]:
    stated = {
        "change": change, "activity_time": format_instant(desk.clock.now()), "value_increase": change == "derivative",
    } | facts  # fmt: skip
    listed = [{"asset": asset, "right": right} for asset, right in inputs]
    return {"origin": "derived", "basis": "derived", "facts": stated, "inputs": listed}


def claim(by: Actor, rights: list[str] = ALL) -> list[dict[str, Any]]:
    return [{"party": by.id, "rights": rights}]


@pytest.fixture
def maker(desk: Desk) -> Actor:
    return desk.party("加工者")


def licensed(desk: Desk, maker: Actor, **members: Any) -> tuple[Actor, Input, str]:
    """An owner, the asset that it lets `maker` process with the right to do so, and the operating title."""
    owner = desk.party("权利人")
    title = desk.register(owner)
    grant = desk.grant(owner, ids(title, "rgt")[2], maker, ["processing"], scope=scope(**members))
    return owner, (ids(title, "ast")[0], ids(grant, "rgt")[0]), ids(title, "rgt")[2]


def until(desk: Desk, receipt: dict[str, Any]) -> list[Any]:
    return [desk.view(right)["scope"]["until"] for right in ids(receipt, "rgt")]


def test_a_derivative_of_higher_value_is_independent(desk: Desk, maker: Actor) -> None:
    """D1."""
    _, first, _ = licensed(desk, maker, until="2026-12-01T00:00:00+08:00")
    _, second, _ = licensed(desk, maker)
    receipt = desk.register(maker, ALL, derived(desk, [first, second]), form="derived")
    assert until(desk, receipt) == [None] * 3
    asset = ids(receipt, "ast")[0]
    assert desk.view(asset)["inputs"] == [{"asset": a, "right": r} for a, r in (first, second)]
    assert desk.check(maker, asset, "marketing").decision


def test_an_input_that_may_not_be_processed(desk: Desk, maker: Actor) -> None:
    """D2."""
    _, first, operating = licensed(desk, maker)
    owner, second, _ = licensed(desk, maker, actions=["process", "access"])
    _, unrelated, _ = licensed(desk, maker)
    for wrong in (second, (second[0], first[1]), (first[0], operating), (first[0], unrelated[1])):
        body = desk.filing(claim(maker), derived(desk, [first, wrong]), form="derived")
        desk.expect(("INPUT_USE_RIGHT_MISSING", 422, "/body/sources/0/inputs/1/right"), "case.file", maker, body)
    body = desk.filing(claim(owner), derived(desk, [first]), form="derived")
    desk.expect(("INPUT_USE_RIGHT_MISSING", 422, "/body/sources/0/inputs/0/right"), "case.file", owner, body)


@pytest.mark.parametrize("change", ["compilation", "subset", "format"])
def test_what_is_no_new_work_is_bounded_by_its_inputs(desk: Desk, maker: Actor, change: str) -> None:
    """D3, D4."""
    one, first, _ = licensed(desk, maker, until="2026-12-01T00:00:00+08:00", territory=["CN", "DE"])
    two, second, _ = licensed(desk, maker, territory=["CN-SD", "FR"], purposes=["research.health", "analytics"])
    source = derived(desk, [first, second], change)
    body = desk.filing(claim(maker), source, form="derived")
    desk.expect(("R_RIGHT_NOT_ENTITLED", 422, "/body/claims/0/rights/2"), "case.file", maker, body)
    desk.expect(("R_RIGHT_NOT_ENTITLED", 422, "/body/claims/0/rights/2"), "case.file", maker, body, with_=[one])
    weak = desk.register(maker, ALL[:2], source, form="derived")
    strong = desk.ok("case.file", maker, body, with_=[one, two])
    assert until(desk, weak) + until(desk, strong) == ["2026-11-30T16:00:00.000Z"] * 5
    shown = desk.view(ids(weak, "rgt")[0])["scope"]
    assert (shown["purposes"], shown["territory"]) == (["research.health"], ["CN-SD"])


def test_open_inputs_leave_an_open_term(desk: Desk, maker: Actor) -> None:
    """D5."""
    one, first, _ = licensed(desk, maker)
    _, second, _ = licensed(desk, maker)
    source = derived(desk, [first, second], "compilation")
    body = desk.filing(claim(maker), source, form="derived")
    desk.expect(("R_RIGHT_NOT_ENTITLED", 422, "/body/claims/0/rights/2"), "case.file", maker, body, with_=[one])
    assert until(desk, desk.register(maker, ALL[:2], source, form="derived")) == [None] * 2


def test_inputs_that_leave_nothing_in_common(desk: Desk, maker: Actor) -> None:
    _, first, _ = licensed(desk, maker, territory=["CN"])
    _, second, _ = licensed(desk, maker, territory=["DE"])
    body = desk.filing(claim(maker, ["holding"]), derived(desk, [first, second], "compilation"), form="derived")
    desk.expect(("R_RIGHT_NOT_ENTITLED", 422, "/body/claims/0"), "case.file", maker, body)


def revoke(desk: Desk, owner: Actor, right: str) -> None:
    desk.ok("right.revoke", owner, {"rights": [right], "ground": "breach"})


def test_a_later_revocation_of_an_input(desk: Desk, maker: Actor) -> None:
    """D6, D7, D8."""
    owner, used, _ = licensed(desk, maker)
    desk.pass_time(hours=1)
    before = derived(desk, [used])
    in_time = desk.register(maker, ALL, before, form="derived")
    asset = ids(in_time, "ast")[0]
    desk.pass_time(hours=1)
    revoke(desk, owner, used[1])
    answer = desk.check(maker, asset, "marketing")
    assert (answer.decision, answer.warnings, in_time["warnings"]) == (True, ("SELF_DECLARED",), [])
    receipt = desk.register(maker, ALL, before, form="derived", name="迟到的登记")
    pointer = "/body/sources/0/inputs/0/right"
    assert receipt["warnings"] == [{"code": "LATE_RECORDED", "right": used[1], "pointer": pointer}]
    answer = desk.check(maker, ids(receipt, "ast")[0], "marketing")
    assert (answer.decision, answer.warnings) == (True, ("SELF_DECLARED", "LATE_RECORDED"))
    late = desk.filing(claim(maker), derived(desk, [used]), form="derived")
    desk.expect(("INPUT_USE_RIGHT_MISSING", 422, "/body/sources/0/inputs/0/right"), "case.file", maker, late)


def test_a_later_title_on_the_same_asset_has_its_own_lateness(desk: Desk, maker: Actor) -> None:
    owner, used, _ = licensed(desk, maker)
    desk.pass_time(hours=1)
    source = derived(desk, [used])
    asset = ids(desk.register(maker, ["holding"], source, form="derived"), "ast")[0]
    desk.pass_time(hours=1)
    revoke(desk, owner, used[1])
    desk.ok(
        "case.file",
        maker,
        {"kind": "initial", "asset": asset, "sources": [source], "claims": claim(maker, ["processing"])},
    )
    assert "LATE_RECORDED" not in desk.check(maker, asset, "marketing", right="holding").warnings
    assert "LATE_RECORDED" in desk.check(maker, asset, "marketing", right="processing").warnings


def test_what_is_no_new_work_does_not_outlive_the_end_of_an_input(desk: Desk, maker: Actor) -> None:
    owner, used, _ = licensed(desk, maker)
    desk.pass_time(hours=1)
    source = derived(desk, [used], "compilation")
    end = desk.clock.now() + timedelta(hours=5)
    body = {"rights": [used[1]], "ground": "breach", "effective": format_instant(end)}
    desk.ok("right.revoke", owner, body)
    assert until(desk, desk.register(maker, ["holding"], source, form="derived")) == [format_instant(end)]
    desk.pass_time(hours=5)
    body = desk.filing(claim(maker, ["holding"]), source, form="derived")
    desk.expect(("R_RIGHT_NOT_ENTITLED", 422, "/body/claims/0"), "case.file", maker, body)


def test_a_clause_decides_alone(desk: Desk, maker: Actor) -> None:
    _, used, _ = licensed(desk, maker, until="2026-12-01T00:00:00Z")
    source = derived(desk, [used], "format", clause_rights=["operating"])
    assert until(desk, desk.register(maker, ["operating"], source, form="derived")) == [None]
    body = desk.filing(claim(maker, ["holding"]), source, form="derived")
    desk.expect(("R_RIGHT_NOT_ENTITLED", 422, "/body/claims/0/rights/0"), "case.file", maker, body)


def test_descendants_of_collected_public_data(desk: Desk, maker: Actor) -> None:
    crawled = desk.register(maker, ["holding", "processing"], CRAWLED, form="raw")
    used = (ids(crawled, "ast")[0], ids(crawled, "rgt")[1])
    child = desk.register(maker, ALL[:2], derived(desk, [used], substitutes_source=True), form="derived")
    grandchild = (ids(child, "ast")[0], ids(child, "rgt")[1])
    for given in (used, grandchild):
        silent = desk.filing(claim(maker, ["holding"]), derived(desk, [given]), form="derived")
        desk.expect(("INVALID_VALUE", 422, "/body/sources/0/facts/substitutes_source"), "case.file", maker, silent)
        competing = desk.filing(claim(maker), derived(desk, [given], substitutes_source=True), form="derived")
        desk.expect(("R_RIGHT_NOT_ENTITLED", 422, "/body/claims/0/rights/2"), "case.file", maker, competing)
        desk.register(maker, ALL, derived(desk, [given], substitutes_source=False), form="derived")


def test_nothing_descends_from_itself(desk: Desk, maker: Actor) -> None:
    parent = desk.register(maker)
    used = (ids(parent, "ast")[0], ids(parent, "rgt")[1])
    child = desk.register(maker, ALL, derived(desk, [used]), form="derived")
    made = (ids(child, "ast")[0], ids(child, "rgt")[1])
    for given in (used, made):
        body = {
            "kind": "initial", "asset": used[0], "sources": [derived(desk, [given])], "claims": claim(maker, ["x.a"]),
        }  # fmt: skip
        desk.expect(("DERIVATION_CYCLE", 422, "/body/sources/0/inputs/0/asset"), "case.file", maker, body)


def test_inputs_from_outside(desk: Desk, maker: Actor) -> None:
    source = derived(desk, []) | {"inputs": [{"external": {"name": "某公开统计", "evidence": "e" * 64}}]}
    receipt = desk.register(maker, ALL, source, form="derived")
    assert desk.view(ids(receipt, "ast")[0])["inputs"] == source["inputs"]


def test_what_a_derived_source_may_not_say(desk: Desk, maker: Actor) -> None:
    _, used, _ = licensed(desk, maker)
    good = derived(desk, [used])
    asset, right = used
    for change, refusal in (
        ({"inputs": []}, ("INVALID_VALUE", 422, "/body/sources/0/inputs")),
        ({"inputs": [{"asset": asset}]}, ("MALFORMED", 400, "/body/sources/0/inputs/0")),
        (
            {"inputs": [{"asset": asset, "right": right, "external": {"name": "x"}}]},
            ("MALFORMED", 400, "/body/sources/0/inputs/0"),
        ),
        (
            {"inputs": [{"asset": "ast_" + "0" * 26, "right": right}]},
            ("NOT_FOUND", 404, "/body/sources/0/inputs/0/asset"),
        ),
        (
            {"inputs": [{"asset": asset, "right": "rgt_" + "0" * 26}]},
            ("NOT_FOUND", 404, "/body/sources/0/inputs/0/right"),
        ),
        (
            {"facts": good["facts"] | {"activity_time": format_instant(desk.clock.now() + timedelta(seconds=1))}},
            ("INVALID_VALUE", 422, "/body/sources/0/facts/activity_time"),
        ),
        (
            {"facts": good["facts"] | {"activity_time": "2026-01-01"}},
            ("INVALID_VALUE", 422, "/body/sources/0/facts/activity_time"),
        ),
        ({"facts": good["facts"] | {"change": "copy"}}, ("INVALID_VALUE", 422, "/body/sources/0/facts/change")),
        ({"origin": "generated"}, ("INVALID_VALUE", 422, "/body/sources/0/origin")),
    ):
        body = desk.filing(claim(maker), good | change, form="derived")
        desk.expect(refusal, "case.file", maker, body)
