"""Derived data: what inputs are needed, and what they leave. Contract section 5, `derived`; rights.md 3.4."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.instants import format_instant
from ledger.statement import format_envelope
from registry.drafting import sign_payload
from tests.registry.desk import ALL, CRAWLED, Actor, Desk, codes, ids, scope
from tests.registry.made import identifier

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


@pytest.fixture
def partner(desk: Desk) -> Actor:
    return desk.party("合作者")


def further(asset: str, source: dict[str, Any], holder: Actor, kind: str = "holding") -> dict[str, Any]:
    """A filing of a further title on an asset."""
    return {"kind": "initial", "asset": asset, "sources": [source], "claims": claim(holder, [kind])}


def owned(desk: Desk, maker: Actor, *inputs: Input) -> Input:
    """An asset that `maker` registered, made from these inputs if any, with its processing title."""
    source = {"source": derived(desk, list(inputs)), "form": "derived"} if inputs else {}
    receipt = desk.register(maker, ALL, **source)
    return ids(receipt, "ast")[0], ids(receipt, "rgt")[1]


CYCLE = ("DERIVATION_CYCLE", 422, "/body/sources/0/inputs/0/asset")


def test_nothing_descends_from_itself(desk: Desk, maker: Actor, partner: Actor) -> None:
    used = owned(desk, maker)
    made = owned(desk, maker, used)
    for given in (used, made):
        desk.expect(CYCLE, "case.file", maker, further(used[0], derived(desk, [given]), partner), with_=[partner])


def test_nothing_descends_from_itself_by_a_further_title(desk: Desk, maker: Actor, partner: Actor) -> None:
    one, other = owned(desk, maker), owned(desk, maker)
    desk.ok("case.file", maker, further(one[0], derived(desk, [other]), partner), with_=[partner])
    desk.expect(CYCLE, "case.file", maker, further(other[0], derived(desk, [one]), partner), with_=[partner])


def test_a_further_title_counts_for_what_was_made_before(desk: Desk, maker: Actor, partner: Actor) -> None:
    """The ring root → leaf → middle → root, closed at its root after a link in its middle was added later."""
    root, middle = owned(desk, maker), owned(desk, maker)
    leaf = owned(desk, maker, owned(desk, maker, middle))
    desk.ok("case.file", maker, further(middle[0], derived(desk, [root]), partner), with_=[partner])
    desk.expect(CYCLE, "case.file", maker, further(root[0], derived(desk, [leaf]), partner), with_=[partner])
    second = ("DERIVATION_CYCLE", 422, "/body/sources/0/inputs/1/asset")
    body = further(root[0], derived(desk, [owned(desk, maker), leaf]), partner)
    desk.expect(second, "case.file", maker, body, with_=[partner])
    desk.ok("case.file", maker, further(leaf[0], derived(desk, [root]), partner), with_=[partner])


@pytest.mark.parametrize("together", [1, 2, 3])
def test_a_ring_is_found_however_statements_are_batched(
    desk: Desk, maker: Actor, partner: Actor, together: int
) -> None:
    root, middle = owned(desk, maker), owned(desk, maker)
    leaf = owned(desk, maker, middle)
    new = desk.filing(claim(maker), derived(desk, [leaf]), form="derived")
    payload = desk.payload("case.file", maker, new)
    made = identifier("ast", payload, desk.clock.now()), identifier("rgt", payload, desk.clock.now(), 1)
    lines = [
        desk.envelope("case.file", maker, further(middle[0], derived(desk, [root]), partner), with_=[partner]),
        format_envelope(sign_payload(payload, maker.signers)).encode(),
        desk.envelope("case.file", maker, further(root[0], derived(desk, [made]), partner), with_=[partner]),
    ]
    answers = [desk.answer(line) for line in lines[:-together]] + desk.submit(*lines[-together:])
    assert codes(answers) == ["ok", "ok", "DERIVATION_CYCLE"]


def test_further_titles_add_inputs(desk: Desk, maker: Actor, partner: Actor) -> None:
    first, second = owned(desk, maker), owned(desk, maker)
    asset = owned(desk, maker, first)[0]
    size = desk.size()
    desk.ok("case.file", maker, further(asset, derived(desk, [second]), partner), with_=[partner])
    shown = [{"asset": a, "right": r} for a, r in (first, second)]
    assert desk.view(asset)["inputs"] == shown
    assert desk.view(asset, size=size)["inputs"] == shown[:1]


def test_a_further_title_of_collected_public_data_counts(desk: Desk, maker: Actor, partner: Actor) -> None:
    asset, right = owned(desk, maker)
    desk.register(maker, ALL, derived(desk, [(asset, right)]), form="derived")
    harmless = CRAWLED | {"facts": CRAWLED["facts"] | {"substitutes_source": False}}
    desk.ok("case.file", maker, further(asset, harmless, partner), with_=[partner])
    silent = desk.filing(claim(maker), derived(desk, [(asset, right)]), form="derived")
    desk.expect(("INVALID_VALUE", 422, "/body/sources/0/facts/substitutes_source"), "case.file", maker, silent)


def test_ancestors_are_counted(desk: Desk, maker: Actor, partner: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    root, other = owned(desk, maker), owned(desk, maker)
    chain = [owned(desk, maker)]
    for _ in range(3):
        chain.append(owned(desk, maker, chain[-1]))
    desk.ok("case.file", maker, further(chain[0][0], derived(desk, [other]), partner), with_=[partner])
    for module in ("registry.acts.derivation", "registry.store.loading"):
        monkeypatch.setattr(f"{module}.MAX_ANCESTORS", 4)
    body = desk.filing(claim(maker), derived(desk, [chain[3], root]), form="derived")
    too_many = ("INVALID_VALUE", 422, "/body/sources")
    desk.expect(too_many, "case.file", maker, body)
    body = further(root[0], derived(desk, [chain[3]]), partner)
    desk.expect(too_many, "case.file", maker, body, with_=[partner])
    desk.ok("case.file", maker, further(root[0], derived(desk, [chain[2]]), partner), with_=[partner])


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
