"""Contract sections 4 and 7, rights.md 3.2, 3.3, 3.6 and 3.10: grants, revocations, and what `check` says of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ledger.instants import format_instant
from tests.registry.desk import ALL, CRAWLED, Actor, Desk, ids, scope

VECTORS = Path(__file__).parent.parent / "vectors" / "rights"
SHANGHAI = timedelta(hours=8)


def midnight(day: Any) -> str | None:
    """A date of a table is midnight in Asia/Shanghai."""
    if day is None:
        return None
    return format_instant(datetime(day.year, day.month, day.day, tzinfo=UTC) - SHANGHAI)


def wire(members: dict[str, Any]) -> dict[str, Any]:
    return {k: midnight(v) if k in ("from", "until") else v for k, v in members.items()}


def licensed(desk: Desk, **more: Any) -> tuple[Actor, Actor, dict[str, Any], dict[str, Any]]:
    """A registers, and grants B what `more` says."""
    a, b = desk.party("甲"), desk.party("乙")
    whole = scope(purposes=["*"], territory=["*"], **{"from": "2025-06-01T00:00:00Z"})
    title = desk.ok("case.file", a, desk.filing([{"party": a.id, "rights": ALL, "scope": whole}]))
    body = {"from_right": ids(title, "rgt")[2], "to": b.id, "rights": ["processing"], "scope": scope()} | more
    joins = [b] if "operating" in body["rights"] or "exclusivity" in body or body["scope"].get("duties") else []
    return a, b, title, desk.ok("right.grant", a, body, with_=joins)


ATTENUATION = yaml.safe_load((VECTORS / "attenuation.yaml").read_text())


@pytest.mark.parametrize("row", ATTENUATION["rows"], ids=lambda row: row["id"])
def test_attenuation(desk: Desk, row: dict[str, Any]) -> None:
    a, b, c = desk.party("甲"), desk.party("乙"), desk.party("丙")
    title = desk.ok("case.file", a, desk.filing([{"party": a.id, "rights": ALL, "scope": scope(
        purposes=["*"], territory=["*"], **{"from": "2025-01-01T00:00:00Z"})}]))  # fmt: skip
    above = ATTENUATION["parent"]
    parent_scope = wire(above["scope"] | row.get("parent", {}))
    parent = desk.ok(
        "right.grant", a, {"from_right": ids(title, "rgt")[2], "to": b.id, "rights": above["rights"], "scope": parent_scope},
        with_=[b],
    )  # fmt: skip
    below = ATTENUATION["child"]
    body: dict[str, Any] = {
        "from_right": ids(parent, "rgt")[1],
        "to": c.id,
        "rights": row.get("rights", below["rights"]),
        "scope": wire(below["scope"] | row.get("scope", {})),
    }
    if "operating" in body["rights"]:
        body["scope"].setdefault("rights", ["processing"])
    if "exclusivity" in row:
        body["exclusivity"] = row["exclusivity"]
    answer = desk.send("right.grant", b, body, with_=[c])
    found = [reason.code for reason in answer.refusal.reasons] if answer.refusal else []
    assert found == row["expect"]


OVERLAP = yaml.safe_load((VECTORS / "overlap.yaml").read_text())


@pytest.mark.parametrize("row", OVERLAP["rows"], ids=lambda row: row["id"])
def test_exclusive_grants_collide_where_they_overlap_in_every_dimension(desk: Desk, row: dict[str, Any]) -> None:
    existing = OVERLAP["existing"]
    a, _b, title, first = licensed(desk, scope=wire(existing["scope"]), exclusivity="exclusive")
    c = desk.party("丙")
    rights = row.get("rights", existing["rights"])
    new_scope = wire(existing["scope"] | row.get("scope", {}))
    if "operating" in rights:
        new_scope["rights"] = ["processing"]
    body = {"from_right": ids(title, "rgt")[2], "to": c.id, "rights": rights, "scope": new_scope}
    answer = desk.send("right.grant", a, body, with_=[c])
    assert (answer.refusal is not None) == row["conflict"]
    if answer.refusal:
        assert answer.refusal.code == "EXCLUSIVITY_CONFLICT"
        assert answer.refusal.status == 409
        assert answer.refusal.reasons[0].right == ids(first, "rgt")[0]


def test_co_holders_and_the_own_branch_do_not_collide(desk: Desk) -> None:
    a, b, c = desk.party("甲"), desk.party("乙"), desk.party("丙")
    title = desk.register(a)
    asset = ids(title, "ast")[0]
    co = desk.ok("case.file", c, desk.filing([{"party": c.id, "rights": ALL}]) | {"asset": asset}, with_=[a])
    exclusive = {"from_right": ids(title, "rgt")[2], "to": b.id, "rights": ["processing", "operating"],
                 "scope": scope(rights=["processing"], depth=1), "exclusivity": "exclusive"}  # fmt: skip
    granted = desk.ok("right.grant", a, exclusive, with_=[b])
    d = desk.party("丁")
    desk.ok("right.grant", c, {"from_right": ids(co, "rgt")[2], "to": d.id, "rights": ["processing"], "scope": scope()})
    desk.ok(
        "right.grant", b, {"from_right": ids(granted, "rgt")[1], "to": d.id, "rights": ["processing"], "scope": scope()}
    )
    assert desk.check(a, asset).reasons[0].code == "GRANTED_AWAY"
    assert desk.check(a, asset, "marketing").decision
    assert desk.check(c, asset).decision


def test_an_exclusive_grant_lists_what_came_before(desk: Desk) -> None:
    a, _b, title, first = licensed(desk)
    c = desk.party("丙")
    body = {
        "from_right": ids(title, "rgt")[2],
        "to": c.id,
        "rights": ["processing"],
        "scope": scope(),
        "exclusivity": "sole",
    }
    assert desk.refused("right.grant", a, body, with_=[c]) == "PRIOR_GRANTS_NOT_LISTED"
    desk.ok("right.grant", a, body | {"subject_to": ids(first, "rgt")}, with_=[c])


def test_who_may_grant_and_who_must_join(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    title = desk.register(a)
    body = {"from_right": ids(title, "rgt")[2], "to": b.id, "rights": ["processing"], "scope": scope()}
    assert desk.refused("right.grant", b, body) == "NOT_ENTITLED"
    for kind in (0, 1):
        assert (
            desk.refused("right.grant", a, body | {"from_right": ids(title, "rgt")[kind]})
            == "DISPOSITION_NEEDS_OPERATE"
        )
    for binding in (
        {"scope": scope(duties=[{"id": "delete", "when": "after"}])},
        {"consideration": "一万元"},
        {"exclusivity": "sole"},
        {"rights": ["operating"], "scope": scope(rights=["processing"])},
    ):
        assert desk.refused("right.grant", a, body | binding) == "SIGNATURE_MISSING"
        desk.ok(
            "right.grant", a, body | binding | {"subject_to": []}, with_=[b]
        ) if "exclusivity" not in binding else None
    assert desk.refused("right.grant", a, body | {"rights": ["operating"]}, with_=[b]) == "INVALID_VALUE"
    assert desk.refused("right.grant", a, body | {"scope": scope(purposes=["*"])}) == "INVALID_VALUE"
    assert desk.refused("right.grant", a, body | {"scope": scope(purposes=["nonsense"])}) == "INVALID_VALUE"
    assert desk.refused("right.grant", a, body | {"scope": scope(territory=["China"])}) == "INVALID_VALUE"
    assert desk.refused("right.grant", a, body | {"scope": scope(until="2025-12-31T00:00:00Z")}) == "INVALID_VALUE"
    assert desk.refused("right.grant", a, body | {"from_right": "rgt_" + "0" * 26}) == "NOT_FOUND"
    assert desk.refused("right.grant", a, body | {"to": "pty_" + "0" * 26}) == "NOT_FOUND"
    collected = desk.register(a, ["holding", "processing"], CRAWLED, form="raw")
    assert (
        desk.refused("right.grant", a, body | {"from_right": ids(collected, "rgt")[1]}) == "DISPOSITION_NEEDS_OPERATE"
    )


CHAIN = {"rights": ["processing", "operating"], "scope": scope(rights=["processing"], depth=1)}


def chain(desk: Desk) -> tuple[list[Actor], dict[str, Any], str, list[str], str, str]:
    """rights.md 3.6: title A; g2 A→B; g3 B→C; g4 B→D, which survives."""
    a, b, c, d = (desk.party(name) for name in "甲乙丙丁")
    title = desk.register(a)
    g2 = desk.ok("right.grant", a, {"from_right": ids(title, "rgt")[2], "to": b.id} | CHAIN, with_=[b])
    base = {"from_right": ids(g2, "rgt")[1], "rights": ["processing"], "scope": scope()}
    g3 = desk.ok("right.grant", b, base | {"to": c.id})
    g4 = desk.ok("right.grant", b, base | {"to": d.id, "survives": True}, with_=[a])
    return [a, b, c, d], title, ids(title, "ast")[0], ids(g2, "rgt"), ids(g3, "rgt")[0], ids(g4, "rgt")[0]


def test_revocation_cascades_but_for_what_survives(desk: Desk) -> None:
    (a, b, c, d), title, asset, g2, g3, g4 = chain(desk)
    everyone = [a, b, c, d]
    assert [desk.check(p, asset, territory=("CN",)).decision for p in everyone] == [True] * 4
    before = desk.registry.reader.moment().size
    effective = desk.clock.now() + timedelta(days=30)
    desk.ok("right.revoke", a, {"rights": g2, "ground": "breach", "effective": format_instant(effective)})
    at_last = effective - timedelta(milliseconds=1)
    assert [desk.check(p, asset, territory=("CN",), at=at_last).decision for p in everyone] == [True] * 4
    answers = [desk.check(p, asset, territory=("CN",), at=effective) for p in everyone]
    assert [answer.decision for answer in answers] == [True, False, False, True]
    assert answers[1].reasons[0].code == "REVOKED"
    assert answers[2].reasons[0].code == "CASCADE_REVOKED"
    assert answers[2].reasons[0].right == g2[1]
    assert [link.id for link in answers[2].chain] == [ids(title, "rgt")[2], g2[1], g3]
    assert [link.id for link in answers[3].chain] == [ids(title, "rgt")[2], g4]
    assert [desk.check(p, asset, territory=("CN",), at=effective, size=before).decision for p in everyone] == [True] * 4
    view, _ = desk.registry.reader.right(g4, effective, None)
    assert view["from_right"] == ids(title, "rgt")[2]
    view, _ = desk.registry.reader.right(g3, effective, None)
    assert view["status"] == "revoked"
    assert desk.refused("right.revoke", a, {"rights": g2, "ground": "breach"}) == "ALREADY_ENDED"


def test_who_may_revoke_and_from_when(desk: Desk) -> None:
    a, b, _title, granted = licensed(desk)
    body = {"rights": ids(granted, "rgt"), "ground": "agreement"}
    assert desk.refused("right.revoke", b, body) == "NOT_ENTITLED"
    assert desk.refused("right.revoke", desk.registrar, body) == "NOT_ENTITLED"
    assert desk.refused("right.revoke", a, body | {"rights": ids(_title, "rgt")[:1]}) == "NOT_ENTITLED"
    assert desk.refused("right.revoke", a, body | {"rights": ["rgt_" + "0" * 26]}) == "NOT_FOUND"
    past = body | {"effective": "2025-12-31T00:00:00Z"}
    assert desk.refused("right.revoke", a, past) == "INVALID_VALUE"
    desk.ok("right.revoke", a, past, with_=[b])


def test_corrections_by_judgment_are_bitemporal(desk: Desk) -> None:
    """rights.md 3.10: entries 1 to 4 and the table of what was known when."""
    a, b = desk.party("甲"), desk.party("乙")
    title = desk.ok("case.file", a, desk.filing([{"party": a.id, "rights": ALL, "scope": scope(
        **{"purposes": ["*"], "territory": ["*"], "from": "2026-01-01T00:00:00Z", "until": "2031-01-01T00:00:00Z"})}]))  # fmt: skip
    sizes = [title["seq"] + 1]
    grant = desk.ok("right.grant", a, {"from_right": ids(title, "rgt")[2], "to": b.id, "rights": ["processing"], "scope": scope(
        **{"from": "2026-02-01T00:00:00Z", "until": "2027-02-01T00:00:00Z"})})  # fmt: skip
    sizes.append(grant["seq"] + 1)
    for days, effective in ((160, "2026-06-01T00:00:00Z"), (40, "2026-07-01T00:00:00Z")):
        desk.pass_time(days=days)
        body = {"rights": ids(grant, "rgt"), "ground": "judgment", "document": "ab" * 32, "effective": effective}
        sizes.append(desk.ok("right.revoke", desk.registrar, body)["seq"] + 1)
    table = {
        "2026-01-15": [False, False, False, False],
        "2026-03-01": [False, True, True, True],
        "2026-06-05": [False, True, False, True],
        "2026-06-15": [False, True, False, True],
        "2026-07-01": [False, True, False, False],
    }
    asset = ids(title, "ast")[0]
    for day, wanted in table.items():
        at = datetime.fromisoformat(day).replace(tzinfo=UTC)
        found = [desk.check(b, asset, territory=("CN",), at=at, size=size).decision for size in sizes]
        assert found == wanted, day


def test_the_defaults_of_a_question(desk: Desk) -> None:
    a, b, title, _ = licensed(desk)
    asset = ids(title, "ast")[0]
    assert desk.check(a, asset).chain[0].kind == "processing"
    assert desk.check(a, asset, right="operating").decision
    assert desk.check(a, asset, action="store").chain[0].kind == "holding"
    assert desk.check(b, asset).reasons[0].code == "TERRITORY_OUTSIDE_SCOPE"
    assert desk.check(b, asset, territory=("CN-SD",)).decision
    assert desk.check(b, asset, territory=("CN", "DE")).reasons[0].code == "TERRITORY_OUTSIDE_SCOPE"
    assert desk.check(b, asset, "research.health", territory=("CN",)).decision
    assert desk.check(b, asset, "marketing", territory=("CN",)).reasons[0].code == "PURPOSE_OUTSIDE_SCOPE"
    assert desk.check(b, asset, territory=("CN",), action="store").reasons[0].code == "NO_ACTIVE_PATH"
    assert desk.check(b, asset, territory=("CN",), action="provide").reasons[0].code == "DISPOSITION_NEEDS_OPERATE"
    assert desk.check(b, asset, territory=("CN",), action="sublicense").reasons[0].code == "NOT_DELEGABLE"
    assert desk.check(a, asset, right="x.other").reasons[0].code == "RIGHT_KIND_UNKNOWN"
    assert desk.check(a, asset, reviewed_only=True).reasons[0].code == "NO_ACTIVE_PATH"
    stranger = Actor("x", [])
    assert desk.check(a, "ast_" + "0" * 26).reasons[0].code == "ASSET_UNKNOWN"
    with pytest.raises(IndexError):
        stranger.id  # noqa: B018  a party without a key has no identifier


def test_warnings_and_terms(desk: Desk) -> None:
    a = desk.party("甲")
    asset = ids(desk.register(a), "ast")[0]
    now = desk.clock.now()
    assert desk.check(a, asset).warnings == ("SELF_DECLARED",)
    early = desk.ok("case.file", a, desk.filing([{"party": a.id, "rights": ALL, "scope": scope(
        **{"purposes": ["*"], "territory": ["*"], "from": "2025-06-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"})}]))  # fmt: skip
    asset = ids(early, "ast")[0]
    assert desk.check(a, asset, at=now - timedelta(days=1)).warnings == ("SELF_DECLARED", "RECORDED_LATER")
    assert desk.check(a, asset, at=now - timedelta(days=400)).reasons[0].code == "NOT_YET_EFFECTIVE"
    assert desk.check(a, asset, at=datetime(2026, 2, 1, tzinfo=UTC)).reasons[0].code == "EXPIRED"
    assert desk.check(a, asset, at=datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)).decision


def test_duties(desk: Desk) -> None:
    duties = [{"id": "delete", "when": "after", "text": "到期删除"}, {"id": "report", "when": "during"}]
    _a, b, title, _ = licensed(desk, scope=scope(duties=duties))
    answer = desk.check(b, ids(title, "ast")[0], territory=("CN",))
    assert answer.status == "ALLOWED_WITH_DUTIES"
    assert answer.obligations["after"] == [{"id": "delete", "text": "到期删除"}]
    _a, b, title, _ = licensed(desk, scope=scope(duties=[{"id": "assess", "when": "before"}]))
    assert desk.check(b, ids(title, "ast")[0], territory=("CN",)).reasons[0].code == "DUTY_UNFULFILLED"


def test_personal_fields_need_a_consent(desk: Desk) -> None:
    a = desk.party("甲")
    fields = [{"name": "score", "personal": "personal"}, {"name": "city", "personal": "none"}]
    asset = ids(desk.register(a, fields=fields, personal_information="personal"), "ast")[0]
    assert desk.check(a, asset, fields=("city",)).decision
    assert desk.check(a, asset, fields=("score",)).reasons[0].code == "CONSENT_MISSING"
    assert desk.check(a, asset).reasons[0].code == "CONSENT_MISSING"
    whole = ids(desk.register(a, personal_information="sensitive"), "ast")[0]
    assert desk.check(a, whole, fields=("city",)).reasons[0].code == "CONSENT_MISSING"


def test_a_field_that_the_form_does_not_list_exceeds_every_right(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    title = desk.register(a, fields=[{"name": "city", "personal": "none"}])
    body = {"from_right": ids(title, "rgt")[2], "to": b.id, "rights": ["processing"], "scope": scope(fields=["ctiy"])}
    assert desk.refused("right.grant", a, body) == "FIELDS_EXCEED_PARENT"


def test_the_shortest_path_decides_and_the_nearest_explains(desk: Desk) -> None:
    a, b, title, first = licensed(desk, scope=scope(purposes=["marketing"]))
    second = desk.ok(
        "right.grant", a, {"from_right": ids(title, "rgt")[2], "to": b.id, "rights": ["processing"], "scope": scope()}
    )
    asset = ids(title, "ast")[0]
    assert desk.check(b, asset, territory=("CN",)).chain[-1].id == ids(second, "rgt")[0]
    denied = desk.check(b, asset, "credit", territory=("CN",))
    assert denied.chain[-1].id == ids(first, "rgt")[0]
    assert denied.reasons[0].right == ids(first, "rgt")[0]
