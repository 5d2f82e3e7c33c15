"""What the body of a grant may not say, and what it keeps confidential. Contract sections 4 and 8."""

from typing import Any

from ledger.keys import Algorithm, KeySigner
from tests.registry.acts.tables import NOBODY, NOTHING, titled
from tests.registry.desk import Actor, Desk, granting, ids, key_shape, scope, sd


def test_what_a_grant_may_not_say(desk: Desk, a: Actor, b: Actor) -> None:
    _, _, title = titled(desk, a)
    good = granting(title, b, ["processing"])
    other = titled(desk, a)[2]
    for change, refusal in (
        ({"from_right": NOTHING}, ("NOT_FOUND", 404, "/body/from_right")),
        ({"to": NOBODY}, ("NOT_FOUND", 404, "/body/to")),
        ({"subject_to": [NOTHING]}, ("NOT_FOUND", 404, "/body/subject_to/0")),
        ({"subject_to": [title, other]}, ("NOT_FOUND", 404, "/body/subject_to/1")),
        ({"rights": []}, ("INVALID_VALUE", 422, "/body/rights")),
        ({"rights": ["processing"] * 2}, ("INVALID_VALUE", 422, "/body/rights")),
        ({"rights": ["operating"]}, ("INVALID_VALUE", 422, "/body/scope/rights")),
        ({"exclusivity": "total"}, ("INVALID_VALUE", 422, "/body/exclusivity")),
        ({"capacity": "loan"}, ("INVALID_VALUE", 422, "/body/capacity")),
        ({"capacity": "own", "as": "gift"}, ("INVALID_VALUE", 422, "/body/as")),
        ({"price": 1}, ("UNKNOWN_MEMBER", 400, "/body/price")),
        ({"survives": 1}, ("MALFORMED", 400, "/body/survives")),
        ({"scope": scope(purposes=["*"])}, ("INVALID_VALUE", 422, "/body/scope/purposes/0")),
        ({"scope": scope(purposes=["gambling"])}, ("INVALID_VALUE", 422, "/body/scope/purposes/0")),
        ({"scope": scope(purposes=[])}, ("INVALID_VALUE", 422, "/body/scope/purposes")),
        ({"scope": scope(territory=["China"])}, ("INVALID_VALUE", 422, "/body/scope/territory/0")),
        ({"scope": scope(actions=["dance"])}, ("INVALID_VALUE", 422, "/body/scope/actions/0")),
        ({"scope": scope(depth=-1)}, ("INVALID_VALUE", 422, "/body/scope/depth")),
        ({"scope": scope(until="2026-01-01T00:00:00Z")}, ("INVALID_VALUE", 422, "/body/scope/until")),
        ({"scope": scope(until="2026-13-01T00:00:00Z")}, ("INVALID_VALUE", 422, "/body/scope/until")),
        (
            {"scope": scope(duties=[{"id": "d", "when": "after"}] * 2)},
            ("INVALID_VALUE", 422, "/body/scope/duties"),
        ),
        (
            {"scope": scope(duties=[{"id": "d", "when": "never"}])},
            ("INVALID_VALUE", 422, "/body/scope/duties/0/when"),
        ),
        ({"scope": {"purposes": ["research"]}}, ("MALFORMED", 400, "/body/scope/territory")),
        ({"evidence": [{"kind": "rumour", "sha256": "a" * 64}]}, ("INVALID_VALUE", 422, "/body/evidence/0/kind")),
    ):
        desk.expect(refusal, "right.grant", a, good | change)
    missing = scope()
    del missing["until"]
    desk.expect(("MALFORMED", 400, "/body/scope/until"), "right.grant", a, good | {"scope": missing})


def test_free_text_about_a_natural_person_is_confidential(desk: Desk, a: Actor) -> None:
    _, _, title = titled(desk, a)
    name, disclosure = sd("name", "张三")
    person = Actor("person", [KeySigner.generate(Algorithm.ES256)])
    register = {"name": name, "kind": "natural_person", "keys": [key_shape(person.signers[0])]}
    desk.ok("party.register", person, register, disclosures=[disclosure])
    duty: dict[str, Any] = {"id": "d", "when": "during", "text": "每月向张三报告"}
    for change, pointer in (
        ({"consideration": "一万元"}, "/body/consideration"),
        ({"scope": scope(duties=[duty])}, "/body/scope/duties/0/text"),
        (
            {"evidence": [{"kind": "contract", "sha256": "a" * 64, "title": "张三"}]},
            "/body/evidence/0/title",
        ),
    ):
        body = granting(title, person, ["processing"]) | change
        desk.expect(("INVALID_VALUE", 422, pointer), "right.grant", a, body, with_=[person])
    duty["text"], disclosure = sd("text", "每月向张三报告")
    body = granting(title, person, ["processing"], scope(duties=[duty]))
    receipt = desk.ok("right.grant", a, body, with_=[person], disclosures=[disclosure])
    assert desk.view(ids(receipt, "rgt")[0])["scope"]["duties"] == [duty]
    asset = desk.view(ids(receipt, "rgt")[0])["asset"]
    answer = desk.check(person, asset, territory=("CN",))
    assert answer.obligations == {"before": [], "during": [{"id": "d", "text": duty["text"]}], "after": []}


def test_a_confidential_duty_is_not_the_text_of_its_digest(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    _, _, title = titled(desk, a)
    text, disclosure = sd("text", "销毁")
    parent = scope(duties=[{"id": "d", "when": "after", "text": text}], rights=["processing"], depth=1)
    body = granting(title, b, ["operating"], parent)
    held = ids(desk.ok("right.grant", a, body, with_=[b], disclosures=[disclosure]), "rgt")[0]
    forged = granting(held, c, ["processing"], scope(duties=[{"id": "d", "when": "after", "text": text["sd"]}]))
    desk.expect(("DUTY_DROPPED", 422, "/body/scope/duties"), "right.grant", b, forged, with_=[c])
    good = granting(held, c, ["processing"], scope(duties=parent["duties"]))
    desk.ok("right.grant", b, good, with_=[c], disclosures=[disclosure])
