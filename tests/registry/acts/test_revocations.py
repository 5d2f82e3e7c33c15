"""`right.revoke`: who, from when, what falls with it, what survives. Contract section 4; rights.md 3.6, 3.10."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from ledger.instants import format_instant
from tests.registry.acts.tables import midnight, titled
from tests.registry.desk import Actor, Desk, ids, scope

DOCUMENT = "d" * 64


def revoking(*rights: str, ground: str = "breach", effective: datetime | None = None, **more: Any) -> dict[str, Any]:
    body = {"rights": list(rights), "ground": ground} | more
    return body | ({"effective": format_instant(effective)} if effective else {})


def judged(*rights: str, effective: datetime | None = None) -> dict[str, Any]:
    return revoking(*rights, ground="judgment", effective=effective, document=DOCUMENT)


@dataclass
class Chain:
    """The base chain of 3.6: title of A; g2 A→B; g3 B→C falls with it; g4 B→D survives it."""

    a: Actor
    b: Actor
    c: Actor
    d: Actor
    asset: str
    title: str
    g2: list[str]
    g3: str
    g4: str

    def answers(self, desk: Desk, at: Any) -> list[tuple[bool, str | None]]:
        """Of A, B, C, D: whether it may process, and why not."""
        found = []
        for party in (self.a, self.b, self.c, self.d):
            answer = desk.check(party, self.asset, territory=("CN",), at=midnight(at))
            found.append((answer.decision, answer.reasons[0].code if answer.reasons else None))
        return found


@pytest.fixture
def chain(desk: Desk) -> Chain:
    a, b, c, d = (desk.party(name) for name in "甲乙丙丁")
    asset, _, title = titled(desk, a)
    until = {"until": format_instant(midnight("2027-01-01"))}
    first = scope(rights=["processing"], depth=1, **until)
    g2 = ids(desk.grant(a, title, b, ["processing", "operating"], scope=first, with_=[b]), "rgt")
    g3 = ids(desk.grant(b, g2[1], c, ["processing"], scope=scope(**until)), "rgt")[0]
    g4 = ids(desk.grant(b, g2[1], d, ["processing"], scope=scope(**until), survives=True, with_=[a]), "rgt")[0]
    return Chain(a, b, c, d, asset, title, g2, g3, g4)


YES = (True, None)


def test_r0_nothing_happened(desk: Desk, chain: Chain) -> None:
    assert chain.answers(desk, "2026-07-01") == [YES] * 4


def test_r1_before_and_after_a_revocation(desk: Desk, chain: Chain) -> None:
    receipt = desk.ok("right.revoke", chain.a, revoking(*chain.g2, effective=midnight("2026-06-01")))
    assert (receipt["ids"], receipt["folios"]) == ([], [{"id": chain.asset, "n": 5, "prev": receipt["seq"] - 1}])
    assert chain.answers(desk, "2026-05-31") == [YES] * 4
    assert chain.answers(desk, "2026-07-01") == [YES, (False, "REVOKED"), (False, "CASCADE_REVOKED"), YES]


def test_r1_attornment(desk: Desk, chain: Chain) -> None:
    desk.ok("right.revoke", chain.a, revoking(*chain.g2, effective=midnight("2026-06-01")))

    def links(at: str) -> list[str]:
        answer = desk.check(chain.d, chain.asset, territory=("CN",), at=midnight(at))
        return [link.id for link in answer.chain]

    assert links("2026-05-31") == [chain.title, chain.g2[1], chain.g4]
    assert links("2026-06-01") == [chain.title, chain.g4]
    desk.clock.set(midnight("2026-06-02"))
    desk.expect(("NOT_ENTITLED", 403, "/by"), "right.revoke", chain.b, revoking(chain.g4))
    assert desk.view(chain.g4)["from_right"] == chain.title
    desk.ok("right.revoke", chain.a, revoking(chain.g4))
    assert chain.answers(desk, "2026-07-01")[3] == (False, "REVOKED")


def hangs_on(desk: Desk, chain: Chain, day: str, size: int | None = None) -> str:
    """What the survivor g4 hangs on, which every view of it says alike."""
    at = midnight(day)
    items, _, _ = desk.registry.reader.page("rights", {"asset": [chain.asset]}, after=-1, limit=9, at=at, size=size)
    for rights in (items, desk.view(chain.asset, at, size)["rights"]):
        shown = {right["id"]: right.get("from_right") for right in rights}
        assert shown == {right: desk.view(right, at, size).get("from_right") for right in shown}
    found: str = desk.view(chain.g4, at, size)["from_right"]
    return found


def test_a_survivor_hangs_on_its_parent_until_the_revocation_takes_effect(desk: Desk, chain: Chain) -> None:
    size = desk.size()
    desk.ok("right.revoke", chain.a, revoking(*chain.g2, effective=midnight("2026-06-01")))
    assert hangs_on(desk, chain, "2026-05-31") == chain.g2[1]
    assert hangs_on(desk, chain, "2026-06-01") == chain.title
    assert hangs_on(desk, chain, "2026-06-01", size) == chain.g2[1]
    assert desk.view(chain.g3, midnight("2026-06-01"))["from_right"] == chain.g2[1]
    desk.expect(("NOT_ENTITLED", 403, "/by"), "right.revoke", chain.a, revoking(chain.g4))
    desk.ok("right.revoke", chain.b, revoking(chain.g4))


@pytest.mark.parametrize("moved", ["2026-05-01", "2026-07-01"])
def test_a_survivor_hangs_on_its_parent_until_the_day_that_a_judgment_moved(
    desk: Desk, chain: Chain, moved: str
) -> None:
    desk.clock.set(midnight("2026-06-10"))
    desk.ok("right.revoke", desk.registrar, judged(*chain.g2, effective=midnight("2026-06-01")))
    size = desk.size()
    desk.clock.set(midnight("2026-07-20"))
    desk.ok("right.revoke", desk.registrar, judged(*chain.g2, effective=midnight(moved)))
    assert desk.view(chain.g4, midnight(moved) - timedelta(milliseconds=1))["from_right"] == chain.g2[1]
    assert hangs_on(desk, chain, moved) == chain.title
    for day, head in (("2026-04-30", chain.g2[1]), ("2026-07-02", chain.title)):
        assert hangs_on(desk, chain, day) == head
    assert hangs_on(desk, chain, "2026-05-31", size) == chain.g2[1]
    assert hangs_on(desk, chain, "2026-06-01", size) == chain.title


def test_r3_expiry_ends_all(desk: Desk, chain: Chain) -> None:
    assert chain.answers(desk, "2027-01-01") == [YES] + [(False, "EXPIRED")] * 3


def test_the_views_show_the_end(desk: Desk, chain: Chain) -> None:
    day = midnight("2026-06-01")
    size = desk.size()
    desk.ok("right.revoke", chain.a, revoking(*chain.g2, effective=day))
    before, after = day - timedelta(milliseconds=1), day
    for right, cause in ((chain.g2[1], chain.g2[1]), (chain.g3, chain.g2[1])):
        assert desk.view(right, at=before)["status"] == "active"
        view = desk.view(right, at=after)
        assert view["status"] == "revoked"
        assert view["ended"] == {"effective": format_instant(day), "ground": "breach", "cause": cause}
        assert desk.view(right, at=after, size=size)["status"] == "active"
        assert "ended" not in desk.view(right, at=after, size=size)
    assert desk.view(chain.g4, at=after)["status"] == "active"


def test_now_is_the_entrys_time(desk: Desk, chain: Chain) -> None:
    signed_at = desk.clock.now()
    desk.pass_time(hours=2)
    now = format_instant(desk.clock.now())
    desk.ok("right.revoke", chain.b, revoking(chain.g3, effective=signed_at), at=signed_at)
    assert desk.view(chain.g3)["ended"]["effective"] == now
    desk.ok("right.revoke", chain.a, revoking(chain.g2[0]))
    assert desk.view(chain.g2[0])["ended"]["effective"] == now


def test_only_its_grantor_revokes(desk: Desk, chain: Chain) -> None:
    for by in (chain.a, chain.c, chain.d, desk.party("戊")):
        desk.expect(("NOT_ENTITLED", 403, "/by"), "right.revoke", by, revoking(chain.g3))
    desk.expect(("NOT_ENTITLED", 403, "/by"), "right.revoke", chain.a, revoking(chain.title))
    desk.expect(("NOT_ENTITLED", 403, "/by"), "right.revoke", desk.registrar, judged(chain.title))
    desk.expect(("NOT_ENTITLED", 403, "/by"), "right.revoke", chain.a, revoking(chain.g2[0], chain.g3))
    for body in (revoking(chain.g3), revoking(chain.g3, ground="judgment"), revoking(chain.g3, document=DOCUMENT)):
        desk.expect(("NOT_ENTITLED", 403, "/by"), "right.revoke", desk.registrar, body)
    desk.ok("right.revoke", desk.registrar, judged(chain.g3))


def test_an_agent_revokes_for_the_grantor_who_joins(desk: Desk, chain: Chain) -> None:
    evidence = [{"kind": "power_of_attorney", "sha256": DOCUMENT}]
    body = revoking(chain.g3)
    cited = body | {"evidence": evidence}
    desk.expect(("UNKNOWN_MEMBER", 400, "/body/evidence"), "right.revoke", chain.b, cited)
    desk.expect(("NOT_ENTITLED", 403, "/for"), "right.revoke", chain.c, cited, for_=chain.b.id)
    desk.expect(
        ("INVALID_VALUE", 422, "/body/evidence/0/kind"), "right.revoke", chain.c,
        body | {"evidence": [{"kind": "rumour", "sha256": DOCUMENT}]}, for_=chain.b.id, with_=[chain.b],
    )  # fmt: skip
    desk.ok("right.revoke", chain.c, cited, for_=chain.b.id, with_=[chain.b])


def test_for_the_past_only_on_a_judgment_or_with_the_party(desk: Desk, chain: Chain) -> None:
    desk.pass_time(days=2)
    past = desk.clock.now() - timedelta(days=1)
    desk.expect(("INVALID_VALUE", 422, "/body/effective"), "right.revoke", chain.b, revoking(chain.g3, effective=past))
    desk.expect(
        ("INVALID_VALUE", 422, "/body/effective"), "right.revoke", chain.b,
        revoking(chain.g3, ground="judgment", effective=past),
    )  # fmt: skip
    desk.expect(
        ("INVALID_VALUE", 422, "/body/effective"), "right.revoke", chain.b, revoking(chain.g3, effective=past),
        with_=[chain.a],
    )  # fmt: skip
    desk.ok("right.revoke", chain.b, revoking(chain.g3, effective=past, ground="agreement"), with_=[chain.c])
    assert desk.view(chain.g3, at=past)["status"] == "revoked"
    desk.ok("right.revoke", chain.a, judged(chain.g2[0], effective=past))
    assert desk.view(chain.g2[0], at=past)["status"] == "revoked"


def test_for_the_past_all_whose_rights_fall_are_heard(desk: Desk, chain: Chain) -> None:
    desk.pass_time(days=2)
    past = desk.clock.now() - timedelta(days=1)
    body = revoking(*chain.g2, ground="agreement", effective=past)
    for joined in ([], [chain.b], [chain.c], [chain.b, chain.d]):
        desk.expect(("INVALID_VALUE", 422, "/body/effective"), "right.revoke", chain.a, body, with_=joined)
    # g4 survives, so its holder D loses nothing
    desk.ok("right.revoke", chain.a, body, with_=[chain.b, chain.c])
    assert [desk.view(right, at=past)["status"] for right in (*chain.g2, chain.g3, chain.g4)] == [
        "revoked", "revoked", "revoked", "active",
    ]  # fmt: skip


def test_whose_right_had_ended_before_need_not_be_heard(desk: Desk, chain: Chain) -> None:
    desk.pass_time(days=1)
    desk.ok("right.revoke", chain.b, revoking(chain.g3))
    desk.pass_time(days=2)
    body = revoking(*chain.g2, ground="agreement", effective=desk.clock.now() - timedelta(days=1))
    desk.ok("right.revoke", chain.a, body, with_=[chain.b])


def test_a_right_ends_once(desk: Desk, chain: Chain) -> None:
    later = desk.clock.now() + timedelta(days=1)
    desk.ok("right.revoke", chain.b, revoking(chain.g3, effective=later))
    for effective in (None, later, later + timedelta(days=1)):
        body = revoking(chain.g3, effective=effective)
        desk.expect(("ALREADY_ENDED", 409, "/body/rights/0"), "right.revoke", chain.b, body)
    desk.ok("right.revoke", chain.a, revoking(*chain.g2))
    desk.expect(("ALREADY_ENDED", 409, "/body/rights/0"), "right.revoke", chain.b, revoking(chain.g3))
    desk.expect(("ALREADY_ENDED", 409, "/body/rights/1"), "right.revoke", chain.a, revoking(chain.g4, chain.g2[0]))


def test_an_expired_right_is_not_revoked(desk: Desk, chain: Chain) -> None:
    desk.clock.set(midnight("2027-01-01"))
    desk.expect(("ALREADY_ENDED", 409, "/body/rights/0"), "right.revoke", chain.b, revoking(chain.g3))


def test_what_a_revocation_may_not_say(desk: Desk, chain: Chain) -> None:
    good = revoking(chain.g3)
    for change, refusal in (
        ({"rights": []}, ("INVALID_VALUE", 422, "/body/rights")),
        ({"rights": [chain.g3] * 2}, ("INVALID_VALUE", 422, "/body/rights")),
        ({"rights": [chain.g3, "rgt_" + "0" * 26]}, ("NOT_FOUND", 404, "/body/rights/1")),
        ({"rights": ["ast_" + "0" * 26]}, ("INVALID_VALUE", 422, "/body/rights/0")),
        ({"ground": "whim"}, ("INVALID_VALUE", 422, "/body/ground")),
        ({"effective": "2026-06-01"}, ("INVALID_VALUE", 422, "/body/effective")),
        ({"document": "D" * 64}, ("INVALID_VALUE", 422, "/body/document")),
        ({"note": "x"}, ("UNKNOWN_MEMBER", 400, "/body/note")),
    ):
        desk.expect(refusal, "right.revoke", chain.b, good | change)
    del good["ground"]
    desk.expect(("MALFORMED", 400, "/body/ground"), "right.revoke", chain.b, good)


def test_rights_on_several_assets_in_one_statement(desk: Desk, chain: Chain) -> None:
    other, _, title = titled(desk, chain.a)
    right = ids(desk.grant(chain.a, title, chain.b, ["processing"]), "rgt")[0]
    receipt = desk.ok("right.revoke", chain.a, revoking(right, chain.g2[0]))
    assert [folio["id"] for folio in receipt["folios"]] == sorted([other, chain.asset])
    assert [folio["n"] for folio in sorted(receipt["folios"], key=lambda f: bool(f["id"] == other))] == [5, 3]


# ---- 3.10: what was true, and what was known -------------------------------------------------------------------------

DAYS = ["2026-01-15", "2026-03-01", "2026-06-05", "2026-06-15", "2026-07-01"]
HOLDS = ["FFFF", "FTTT", "FTFT", "FTFT", "FTFF"]


def test_310_two_times(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    term = {"from": format_instant(midnight("2026-01-01")), "until": format_instant(midnight("2031-01-01"))}
    title = desk.ok(
        "case.file", a, desk.filing([{"party": a.id, "rights": ["operating"], "scope": scope(**term)}])
    )  # fmt: skip
    sizes = [desk.size()]
    granted = scope(**{"from": format_instant(midnight("2026-02-01")), "until": format_instant(midnight("2027-02-01"))})
    right = ids(desk.grant(a, ids(title, "rgt")[0], b, ["processing"], scope=granted), "rgt")[0]
    sizes.append(desk.size())
    for recorded, effective in (("2026-06-10", "2026-06-01"), ("2026-07-20", "2026-07-01")):
        desk.clock.set(midnight(recorded))
        desk.ok("right.revoke", desk.registrar, judged(right, effective=midnight(effective)))
        sizes.append(desk.size())
    asset = ids(title, "ast")[0]
    table = [
        "".join("FT"[desk.check(b, asset, territory=("CN",), at=midnight(day), size=size).decision] for size in sizes)
        for day in DAYS
    ]
    assert table == HOLDS


# ---- revocations that meet -------------------------------------------------------------------------------------------


def test_a_judgment_that_moves_the_date_moves_what_fell_with_it(desk: Desk, chain: Chain) -> None:
    desk.clock.set(midnight("2026-06-10"))
    desk.ok("right.revoke", desk.registrar, judged(*chain.g2, effective=midnight("2026-06-01")))
    desk.clock.set(midnight("2026-07-20"))
    desk.ok("right.revoke", desk.registrar, judged(*chain.g2, effective=midnight("2026-05-01")))
    assert chain.answers(desk, "2026-04-30") == [YES] * 4
    assert chain.answers(desk, "2026-05-15") == [YES, (False, "REVOKED"), (False, "CASCADE_REVOKED"), YES]
    desk.ok("right.revoke", desk.registrar, judged(*chain.g2, effective=midnight("2026-07-01")))
    assert chain.answers(desk, "2026-06-30") == [YES] * 4
    assert chain.answers(desk, "2026-07-01") == [YES, (False, "REVOKED"), (False, "CASCADE_REVOKED"), YES]


@pytest.mark.parametrize("order", ["upper first", "lower first"])
@pytest.mark.parametrize(("upper", "lower"), [("2026-09-01", "2026-07-01"), ("2026-07-01", "2026-09-01")])
def test_a_survivor_survives_every_link_above_it(desk: Desk, order: str, upper: str, lower: str) -> None:
    a, b, c, d = (desk.party(name) for name in "甲乙丙丁")
    asset, _, title = titled(desk, a)
    g1 = ids(desk.grant(a, title, b, ["operating"], scope=scope(rights=["processing", "operating"], depth=2),
                        with_=[b]), "rgt")[0]  # fmt: skip
    g2 = ids(desk.grant(b, g1, c, ["operating"], scope=scope(rights=["processing"], depth=1), with_=[c]), "rgt")[0]
    ids(desk.grant(c, g2, d, ["processing"], survives=True, with_=[a]), "rgt")
    acts = [(a, revoking(g1, effective=midnight(upper))), (b, revoking(g2, effective=midnight(lower)))]
    for by, body in acts if order == "upper first" else reversed(acts):
        answer = desk.send("right.revoke", by, body)
        assert answer.refusal is None or answer.refusal.code == "ALREADY_ENDED"
    for day in ("2026-06-30", "2026-08-01", "2026-10-01"):
        answer = desk.check(d, asset, territory=("CN",), at=midnight(day))
        assert answer.decision, (day, [reason.code for reason in answer.reasons])
        assert all(link.status_at(midnight(day)) == "active" for link in answer.chain)
