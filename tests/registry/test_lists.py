"""Lists: filters, several values, cursors that hold at one size. Contract section 6."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.instants import format_instant
from tests.registry.desk import ALL, CRAWLED, Actor, Desk, ids, scope
from tests.registry.lists import listed

DIGEST = "d" * 64
MOMENT: dict[str, Any] = {"at": None, "size": None}


@pytest.fixture
def pair(desk: Desk) -> tuple[Actor, Actor]:
    return desk.party("甲", subkind="enterprise"), desk.party("乙", identifier={"scheme": "duns", "value": "1"})


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_assets_by_what_their_form_says(desk: Desk, pair: tuple[Actor, Actor], limit: int) -> None:
    a, b = pair
    prints = [{"alg": "sha-256", "value": str(n) * 64} for n in (1, 2, 3)]
    one = ids(desk.register(a, fingerprints=prints[:2], identifiers=[{"scheme": "doi", "value": "10.1/x"}]), "ast")[0]
    two = ids(desk.register(a, ["holding"], CRAWLED, form="raw", fingerprints=[prints[2]]), "ast")[0]
    three = ids(desk.register(b, fingerprints=[prints[1]], identifiers=[{"scheme": "doi", "value": "10.1/y"}]), "ast")[
        0
    ]

    def assets(**filters: list[str]) -> list[str]:
        return listed(desk, "assets", limit=limit, **filters)

    assert assets() == [one, two, three]
    assert assets(applicant=[a.id]) == [one, two]
    assert assets(applicant=[a.id, b.id]) == [one, two, three]
    assert assets(applicant=[desk.registrar.id]) == []
    assert assets(form=["raw"]) == [two]
    assert assets(form=["raw", "product"]) == [one, two, three]
    assert assets(fingerprint=[f"sha-256:{'2' * 64}"]) == [one, three]
    assert assets(fingerprint=[f"sha-256:{'1' * 64}", f"sha-256:{'3' * 64}"]) == [one, two]
    assert assets(fingerprint=["md5:x"]) == []
    assert assets(identifier=["doi:10.1/x"]) == [one]
    assert assets(identifier=["doi:10.1/x", "doi:10.1/y"], applicant=[b.id]) == [three]
    assert assets(form=["raw"], fingerprint=[f"sha-256:{'1' * 64}"]) == []


def test_assets_by_holder_and_state(desk: Desk, pair: tuple[Actor, Actor]) -> None:
    a, b = pair
    end = desk.clock.now() + timedelta(days=9)
    claim = {"party": a.id, "rights": ALL, "scope": scope(purposes=["*"], until=format_instant(end))}
    short = desk.ok("case.file", a, desk.filing([claim]))
    long = desk.register(b)
    first, second = ids(short, "ast")[0], ids(long, "ast")[0]
    grant = desk.grant(b, ids(long, "rgt")[2], a, ["processing"])
    assert listed(desk, "assets", holder=[a.id]) == [first, second]
    assert listed(desk, "assets", holder=[a.id], size=4) == [first]
    assert listed(desk, "assets", holder=[b.id]) == [second]
    assert listed(desk, "assets", state=["registered"]) == [first, second]
    assert listed(desk, "assets", state=["ended"], at=end) == [first]
    assert listed(desk, "assets", holder=[a.id], at=end) == [second]
    desk.ok("right.revoke", b, {"rights": ids(grant, "rgt"), "ground": "breach"})
    assert listed(desk, "assets", holder=[a.id]) == [first]


def test_rights(desk: Desk, pair: tuple[Actor, Actor]) -> None:
    a, b = pair
    body = desk.filing([{"party": a.id, "rights": ALL}])
    body["evidence"] = [{"kind": "contract", "sha256": DIGEST}]
    title = desk.ok("case.file", a, body)
    asset, titles = ids(title, "ast")[0], ids(title, "rgt")
    other = desk.register(a, ["holding"])
    size = desk.size()
    grants = [ids(desk.grant(a, titles[2], b, ["processing"]), "rgt")[0] for _ in range(2)]
    desk.ok("right.revoke", a, {"rights": grants[:1], "ground": "breach"})
    assert listed(desk, "rights", limit=2) == [*titles, *ids(other, "rgt"), *grants]
    assert listed(desk, "rights", asset=[asset]) == [*titles, *grants]
    assert listed(desk, "rights", asset=[asset, ids(other, "ast")[0]], kind=["holding"]) == [
        titles[0],
        *ids(other, "rgt"),
    ]
    assert listed(desk, "rights", holder=[b.id]) == grants
    assert listed(desk, "rights", holder=[b.id], size=size) == []
    assert listed(desk, "rights", status=["revoked"]) == grants[:1]
    assert listed(desk, "rights", status=["revoked"], size=size + 2) == []
    assert listed(desk, "rights", status=["active", "revoked"], holder=[b.id]) == grants
    assert listed(desk, "rights", evidence=[DIGEST]) == titles
    assert listed(desk, "rights", evidence=["e" * 64]) == []
    assert listed(desk, "rights", asset=["ast_" + "0" * 26]) == []


def test_cases(desk: Desk, pair: tuple[Actor, Actor]) -> None:
    a, b = pair
    crawled = CRAWLED | {"facts": CRAWLED["facts"] | {"graded": False}}
    one, two = desk.register(a), desk.register(b, ["holding"], crawled, form="raw")
    first, second = ids(one, "cas")[0], ids(two, "cas")[0]
    digest = desk.view(first)["rulebook_sha256"]
    assert listed(desk, "cases", state=["deposited"], kind=["initial"]) == [first, second]
    assert listed(desk, "cases", state=["submitted"]) == []
    assert listed(desk, "cases", kind=["transfer"]) == []
    assert listed(desk, "cases", applicant=[b.id]) == [second]
    assert listed(desk, "cases", rule=["ungraded"]) == [second]
    assert listed(desk, "cases", rule_version=[digest]) == [first, second]
    assert listed(desk, "cases", rule_version=["0" * 64]) == []
    assert listed(desk, "cases", reviewer=[a.id]) == []


def test_parties(desk: Desk, pair: tuple[Actor, Actor]) -> None:
    a, b = pair
    desk.ok("role.grant", desk.registrar, {"party": a.id, "role": "auditor"})
    desk.ok("party.verify", desk.registrar, {"party": b.id, "level": "documented"})
    everyone = listed(desk, "parties", limit=3)
    assert everyone[0] == desk.registrar.id
    assert everyone[2:] == [a.id, b.id]
    assert listed(desk, "parties", level=["documented", "qualified"]) == [desk.registrar.id, b.id]
    assert listed(desk, "parties", role=["auditor", "trustee"]) == [a.id]
    assert listed(desk, "parties", role=["auditor"], size=3) == []
    assert listed(desk, "parties", identifier=["duns:1"]) == [b.id]
    assert listed(desk, "parties", kind=["natural_person"]) == []


def entries(desk: Desk, limit: int = 100, **filters: list[str]) -> list[int]:
    found: list[int] = []
    after: int | None = -1
    while after is not None:
        items, after, _ = desk.registry.reader.entries(filters, after=after, limit=limit, size=None)
        found += [item["seq"] for item in items]
    return found


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_entries(desk: Desk, pair: tuple[Actor, Actor], limit: int) -> None:
    a, b = pair
    title = desk.register(a)
    desk.grant(a, ids(title, "rgt")[2], b, ["processing"])
    desk.ok("party.update", b, {"contact": "1"})
    asset = ids(title, "ast")[0]
    assert entries(desk, limit) == [0, 1, 2, 3, 4, 5]
    assert entries(desk, limit, act=["party.register"]) == [1, 2]
    assert entries(desk, limit, act=["case.file", "right.grant"]) == [3, 4]
    assert entries(desk, limit, by=[a.id]) == [1, 3, 4]
    assert entries(desk, limit, by=[a.id], act=["case.file"]) == [3]
    assert entries(desk, limit, folio=[asset]) == [3, 4]
    assert entries(desk, limit, folio=[asset, b.id]) == [2, 3, 4, 5]
    assert entries(desk, limit, folio=[asset, b.id], by=[b.id]) == [2, 5]
    assert entries(desk, limit, folio=["ast_" + "0" * 26]) == []
    history, _ = desk.registry.reader.history(asset, None)
    assert [item["seq"] for item in history] == [3, 4]


def test_pages_of_one_size_while_new_entries_arrive(desk: Desk, pair: tuple[Actor, Actor]) -> None:
    a, b = pair
    wanted = [ids(desk.register(a), "ast")[0] for _ in range(5)]
    reader = desk.registry.reader
    items, after, moment = reader.page("assets", {"holder": [a.id]}, after=-1, limit=2, **MOMENT)
    found = [item["id"] for item in items]
    while after is not None:
        desk.register(a)
        desk.grant(a, ids(desk.register(a), "rgt")[2], b, ["holding"])
        items, after, again = reader.page(
            "assets", {"holder": [a.id]}, after=after, limit=2, at=moment.at, size=moment.size
        )
        assert again == moment
        found += [item["id"] for item in items]
    assert found == wanted


def test_a_page_reads_past_many_that_do_not_match(desk: Desk, pair: tuple[Actor, Actor]) -> None:
    """The filter by status is judged object by object: 200 rows are fetched at a time."""
    a, b = pair
    title = ids(desk.register(a), "rgt")[2]
    body = {"from_right": title, "to": b.id, "rights": ["holding", "processing"], "scope": scope()}
    answers = desk.registry.office.submit([desk.envelope("right.grant", a, body) for _ in range(110)])
    last = answers[-1].receipt
    assert last is not None
    desk.ok("right.revoke", a, {"rights": ids(last, "rgt"), "ground": "breach"})
    assert listed(desk, "rights", status=["revoked"], limit=1) == ids(last, "rgt")
    assert len(listed(desk, "rights", limit=50)) == 223
