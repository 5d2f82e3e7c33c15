"""`evidence.attach`: documents that come after the filing. Contract section 4."""

from typing import Any

import pytest

from tests.registry.desk import ALL, Actor, Desk, ids, newcomer, party_body, sd
from tests.registry.lists import listed

FIRST = {"kind": "contract", "sha256": "ab" * 32}
LATER = {"kind": "sample", "sha256": "cd" * 32, "bytes": 12, "media_type": "text/csv"}


@pytest.fixture
def filed(desk: Desk, a: Actor) -> dict[str, Any]:
    return desk.ok("case.file", a, desk.filing([{"party": a.id, "rights": ALL}]) | {"evidence": [FIRST]})


@pytest.mark.parametrize("prefix", ["ast", "cas", "rgt"])
def test_it_stands_with_its_target(desk: Desk, a: Actor, filed: dict[str, Any], prefix: str) -> None:
    target, asset = ids(filed, prefix)[0], ids(filed, "ast")[0]
    before = [] if prefix == "ast" else [FIRST]
    assert desk.view(target).get("evidence", []) == before
    receipt = desk.ok("evidence.attach", a, {"target": target, "evidence": [LATER]})
    assert (receipt["ids"], [folio["id"] for folio in receipt["folios"]]) == ([], [asset])
    recorded = {"seq": receipt["seq"], "time": receipt["time"]}
    assert desk.view(target)["evidence"] == [*before, LATER | {"recorded": recorded}]
    assert desk.view(target, size=receipt["seq"]).get("evidence", []) == before
    again = desk.ok("evidence.attach", a, {"target": target, "evidence": [LATER, FIRST]})
    assert [item.get("recorded", {}).get("seq") for item in desk.view(target)["evidence"]] == [
        *[None] * len(before), receipt["seq"], again["seq"], again["seq"],
    ]  # fmt: skip


def test_rights_are_found_by_what_came_later(desk: Desk, a: Actor, filed: dict[str, Any]) -> None:
    rights = ids(filed, "rgt")
    assert listed(desk, "rights", evidence=[LATER["sha256"]]) == []
    receipt = desk.ok("evidence.attach", a, {"target": rights[1], "evidence": [LATER]})
    desk.ok("evidence.attach", a, {"target": rights[1], "evidence": [LATER, FIRST]})
    assert listed(desk, "rights", evidence=[LATER["sha256"]]) == [rights[1]]
    assert listed(desk, "rights", evidence=[LATER["sha256"]], size=receipt["seq"]) == []
    assert listed(desk, "rights", evidence=[FIRST["sha256"]]) == rights
    assert listed(desk, "rights", evidence=[FIRST["sha256"], LATER["sha256"]]) == rights


def test_attached_in_the_batch_that_files(desk: Desk, a: Actor, filed: dict[str, Any]) -> None:
    lines = [desk.envelope("evidence.attach", a, {"target": name, "evidence": [LATER]})
             for name in (ids(filed, "rgt")[0], ids(filed, "rgt")[0], ids(filed, "cas")[0])]  # fmt: skip
    assert all(answer.receipt for answer in desk.submit(*lines))
    assert listed(desk, "rights", evidence=[LATER["sha256"]]) == ids(filed, "rgt")[:1]


def test_who_may_attach(desk: Desk, a: Actor, b: Actor, c: Actor, filed: dict[str, Any]) -> None:
    asset, case, title = ids(filed, "ast")[0], ids(filed, "cas")[0], ids(filed, "rgt")[2]
    right = ids(desk.grant(a, title, b, ["processing"]), "rgt")[0]
    refusal = ("NOT_ENTITLED", 403, "/by")
    for target in (asset, case, title, right):
        body = {"target": target, "evidence": [LATER]}
        desk.expect(refusal, "evidence.attach", c, body)
        desk.expect(refusal, "evidence.attach", desk.registrar, body)
        desk.ok("evidence.attach", a, body)
        if target != right:
            desk.expect(refusal, "evidence.attach", b, body)
    desk.ok("evidence.attach", b, {"target": right, "evidence": [LATER]})
    desk.ok("role.grant", desk.registrar, {"party": c.id, "role": "reviewer"})
    body = {"target": asset, "evidence": [LATER]}
    desk.ok("evidence.attach", c, body)
    desk.expect(refusal, "evidence.attach", b, body, for_=c.id, with_=[c])
    desk.expect(refusal, "evidence.attach", c, body, for_=b.id, with_=[b])
    desk.ok("evidence.attach", b, body, for_=a.id, with_=[a])
    desk.ok("right.revoke", a, {"rights": [right], "ground": "breach"})
    desk.expect(refusal, "evidence.attach", b, {"target": right, "evidence": [LATER]})


def test_an_applicant_whose_case_waits(desk: Desk, a: Actor, b: Actor) -> None:
    waiting = desk.ok("case.file", a, desk.filing([{"party": b.id, "rights": ALL}]) | {"awaits": [b.id]})
    desk.ok("evidence.attach", a, {"target": ids(waiting, "cas")[0], "evidence": [LATER]})
    desk.ok("evidence.attach", b, {"target": ids(waiting, "rgt")[0], "evidence": [LATER]})
    desk.expect(("NOT_ENTITLED", 403, "/by"), "evidence.attach", a,
                {"target": ids(waiting, "ast")[0], "evidence": [LATER]})  # fmt: skip


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"target": "ast_" + "0" * 26}, ("NOT_FOUND", 404, "/body/target")),
        ({"target": "rgt_" + "0" * 26}, ("NOT_FOUND", 404, "/body/target")),
        ({"target": "cas_" + "0" * 26}, ("NOT_FOUND", 404, "/body/target")),
        ({"target": "pty_" + "0" * 26}, ("INVALID_VALUE", 422, "/body/target")),
        ({"evidence": []}, ("INVALID_VALUE", 422, "/body/evidence")),
        ({"evidence": [LATER | {"kind": "rumour"}]}, ("INVALID_VALUE", 422, "/body/evidence/0/kind")),
        ({"evidence": [LATER | {"sha256": "AB" * 32}]}, ("INVALID_VALUE", 422, "/body/evidence/0/sha256")),
    ],
)
def test_what_it_may_not_say(
    desk: Desk, a: Actor, filed: dict[str, Any], change: dict[str, Any], refusal: tuple[str, int, str]
) -> None:
    desk.expect(refusal, "evidence.attach", a, {"target": ids(filed, "ast")[0], "evidence": [LATER]} | change)


def test_titles_about_a_person_are_digests(desk: Desk, a: Actor, filed: dict[str, Any]) -> None:
    person = newcomer("person")
    name, disclosure = sd("name", "张三")
    desk.ok("party.register", person, party_body(person) | {"name": name, "kind": "natural_person"},
            disclosures=[disclosure])  # fmt: skip
    right = ids(desk.grant(a, ids(filed, "rgt")[2], person, ["processing"]), "rgt")[0]
    shown = {"target": right, "evidence": [LATER | {"title": "张三的授权"}]}
    for by in (a, person):
        desk.expect(("INVALID_VALUE", 422, "/body/evidence/0/title"), "evidence.attach", by, shown)
    title, beside = sd("title", "张三的授权")
    desk.ok("evidence.attach", person, {"target": right, "evidence": [LATER | {"title": title}]}, disclosures=[beside])
    desk.ok("evidence.attach", a, shown | {"target": ids(filed, "rgt")[0]})
