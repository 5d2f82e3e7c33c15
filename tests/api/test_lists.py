"""Lists: filters, pages of one size, and the `Link` to the next."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.live import Actor, Live, live_registry, problem, simulated


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Live, Actor, Actor, list[str]]]:
    """Two parties; A has five assets, B one."""
    with live_registry(tmp_path / "data", clock=simulated(tmp_path / "data")) as live:
        a, b = live.party("Firm A"), live.party("Firm B")
        mine = [{"identifiers": [{"scheme": "own", "value": f"n:{n}"}]} for n in range(5)]
        receipts = [
            live.asset(a, name=f"数据{n}", form="raw" if n else "product", **extra) for n, extra in enumerate(mine)
        ]
        receipts.append(live.asset(b, ["holding"], fingerprints=[{"alg": "sha-256", "value": "ab" * 32}]))
        yield live, a, b, [receipt["ids"][0]["id"] for receipt in receipts]


def pages(live: Live, path: str, **params: Any) -> list[dict[str, Any]]:
    found = [live.get(path, **params)]
    while "next" in found[-1]:
        found.append(live.get(path, **params | {"cursor": found[-1]["next"]}))
    return found


def names(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["items"]]


World = tuple[Live, Actor, Actor, list[str]]


def test_pages_hold_everything_once_in_order_and_of_one_size(world: World) -> None:
    live, a, _, assets = world
    first = live.get("/v1/assets", limit=2)
    live.asset(a, name="later")
    rest = pages(live, "/v1/assets", limit=2, cursor=first["next"])
    every = [first, *rest]
    assert [name for page in every for name in names(page)] == assets
    assert {page["size"] for page in every} == {9}
    assert [len(page["items"]) for page in every] == [2, 2, 2]
    assert "next" not in every[-1]
    assert len(names(live.get("/v1/assets"))) == 7


def test_the_link_header_leads_to_the_next_page(world: World) -> None:
    live, a, _, assets = world
    path, seen = f"/v1/assets?limit=2&holder={a.id}&form=raw&form=product", []
    while path:
        answer = live.http.get(path)
        seen += names(answer.json())
        link = answer.links.get("next", {}).get("url")
        assert (link is None) == ("next" not in answer.json())
        path = str(httpx.URL(answer.url).join(link)) if link else ""
    assert seen == assets[:5]


def test_no_page_is_empty_when_the_last_item_ends_one(world: World) -> None:
    live, _, _, _ = world
    assert [len(page["items"]) for page in pages(live, "/v1/assets", limit=3)] == [3, 3]
    assert [len(page["items"]) for page in pages(live, "/v1/entries", limit=9)] == [9]
    assert [len(page["items"]) for page in pages(live, "/v1/entries", limit=4)] == [4, 4, 1]


def test_filters_of_assets(world: World) -> None:
    live, a, b, assets = world
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"applicant": a.id}, assets[:5]),
        ({"holder": b.id}, assets[5:]),
        ({"holder": [a.id, b.id]}, assets),
        ({"form": "product"}, [assets[0], assets[5]]),
        ({"form": ["raw", "product"]}, assets),
        ({"state": "registered"}, assets),
        ({"state": "ended"}, []),
        ({"identifier": "own:n:3"}, [assets[3]]),
        ({"identifier": ["own:n:3", "own:n:1"]}, [assets[1], assets[3]]),
        ({"fingerprint": "sha-256:" + "ab" * 32}, [assets[5]]),
        ({"holder": a.id, "form": "product"}, [assets[0]]),
        ({"holder": "pty_unknown"}, []),
        ({"form": "nonsense"}, []),
    ]
    for filters, wanted in cases:
        assert names(live.get("/v1/assets", **filters)) == wanted, filters


def test_filters_of_rights_cases_parties_and_entries(world: World) -> None:
    live, a, b, assets = world
    assert len(live.get("/v1/rights", asset=assets[0])["items"]) == 3
    assert [r["holder"] for r in live.get("/v1/rights", holder=b.id)["items"]] == [b.id]
    assert len(live.get("/v1/rights", kind=["holding", "operating"], status="active")["items"]) == 11
    assert live.get("/v1/rights", status="revoked")["items"] == []
    assert len(live.get("/v1/cases", state="deposited", kind="initial")["items"]) == 6
    assert len(live.get("/v1/cases", applicant=[a.id, b.id])["items"]) == 6
    assert names(live.get("/v1/parties", kind="legal_person"))[-2:] == [a.id, b.id]
    assert [e["statement"]["act"] for e in live.get("/v1/entries", act="party.register")["items"]] == [
        "party.register"
    ] * 2
    assert [e["seq"] for e in live.get("/v1/entries", by=b.id)["items"]] == [2, 8]
    assert [e["seq"] for e in live.get("/v1/entries", folio=assets[0])["items"]] == [3]
    assert [e["seq"] for e in live.get("/v1/entries", folio=[assets[0], a.id], act="case.file")["items"]] == [3]
    assert live.get("/v1/entries", act="nothing")["items"] == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("limit=0", 422, "INVALID_VALUE"),
        ("limit=1001", 422, "INVALID_VALUE"),
        ("limit=x", 422, "INVALID_VALUE"),
        ("limit=1&limit=2", 400, "DUPLICATE_MEMBER"),
        ("cursor=!!!", 422, "INVALID_VALUE"),
        ("cursor=e30", 422, "INVALID_VALUE"),
        ("cursor=WzEsIngiLDJd", 422, "INVALID_VALUE"),
        ("cursor=Wzk5LCIiLDFd", 503, "BEHIND"),
        ("cursor=Wy0xLCIiLDFd", 422, "INVALID_VALUE"),
        ("cursor=WzEsIiIsOTk5OTk5OTk5OTk5OTk5OTk5OTld", 422, "INVALID_VALUE"),
        ("offset=3", 400, "UNKNOWN_MEMBER"),
        ("size=99", 503, "BEHIND"),
    ],
)
def test_bad_questions(live: Live, query: str, status: int, code: str) -> None:
    for what in ("assets", "rights", "cases", "parties", "entries"):
        problem(live.http.get(f"/v1/{what}?{query}"), status, code)


def test_a_cursor_belongs_to_its_size(world: World) -> None:
    live = world[0]
    cursor = live.get("/v1/assets", limit=1)["next"]
    problem(live.http.get("/v1/assets", params={"cursor": cursor, "size": 3}), 422, "INVALID_VALUE")
    assert names(live.get("/v1/assets", limit=1, cursor=cursor, size=9)) == [world[3][1]]


def test_a_list_of_an_earlier_size(world: World) -> None:
    live, _, _, assets = world
    page = live.get("/v1/assets", size=5)
    assert (names(page), page["size"]) == (assets[:2], 5)
    assert live.get("/v1/assets", size=0) == {"items": [], "size": 0}
    assert live.get("/v1/entries", size=0) == {"items": [], "size": 0}
