"""Reads of single objects: members, `at` and `size`, ETags, and what is not there."""

import hashlib
import json
from typing import Any

import pytest

from api.answers import FOREVER
from tests.api.live import Actor, Live, problem


@pytest.fixture
def firm(live: Live) -> Actor:
    return live.party()


@pytest.fixture
def receipt(live: Live, firm: Actor) -> dict[str, Any]:
    return live.asset(firm)


def made(receipt: dict[str, Any], prefix: str) -> str:
    return next(item["id"] for item in receipt["ids"] if item["id"].startswith(prefix))


def paths(firm: Actor, receipt: dict[str, Any]) -> list[str]:
    return [
        f"/v1/parties/{firm.id}",
        f"/v1/assets/{made(receipt, 'ast')}",
        f"/v1/rights/{made(receipt, 'rgt')}",
        f"/v1/cases/{made(receipt, 'cas')}",
    ]


def test_objects_have_the_members_that_the_contract_names(live: Live, firm: Actor, receipt: dict[str, Any]) -> None:
    party, asset, right, case = (live.get(path) for path in paths(firm, receipt))
    assert {"id", "name", "kind", "level", "keys", "roles", "size", "at"} <= party.keys()
    assert {"key", "alg", "public", "custody", "added", "effective"} <= party["keys"][0].keys()
    assert {"id", "form", "rights", "encumbrances", "remarks", "cases", "certificates", "size", "at"} <= asset.keys()
    wanted = {
        "id",
        "asset",
        "kind",
        "holder",
        "scope",
        "exclusivity",
        "status",
        "basis",
        "registered_until",
        "recorded",
    }
    assert wanted <= right.keys()
    assert right["recorded"].keys() == {"seq", "time"}
    assert right["basis"] == "declared"
    assert right["registered_until"] is None
    assert {
        "id",
        "kind",
        "rulebook",
        "state",
        "asset",
        "applicant",
        "filed_at",
        "findings",
        "certificates",
    } <= case.keys()
    assert case["state"] == "deposited"
    assert [item["kind"] for item in asset["rights"]] == ["holding", "processing", "operating"]


def test_an_object_has_a_strong_etag_and_304(live: Live, firm: Actor, receipt: dict[str, Any]) -> None:
    at = receipt["time"]
    for path in paths(firm, receipt):
        answer = live.http.get(path, params={"at": at, "size": 3})
        tag = answer.headers["etag"]
        assert tag.startswith('"')
        assert answer.headers["cache-control"] == FOREVER
        for held in (tag, f'"x", {tag}', f"W/{tag}", "*"):
            same = live.http.get(path, params={"at": at, "size": 3}, headers={"If-None-Match": held})
            assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
        assert live.http.get(path, params={"at": at, "size": 3}, headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize("given", [{}, {"at": "2030-01-01T00:00:00Z"}, {"size": "3"}])
def test_only_at_and_size_together_make_an_answer_immutable(
    live: Live, firm: Actor, receipt: dict[str, Any], given: dict[str, str]
) -> None:
    for path in paths(firm, receipt):
        assert live.http.get(path, params=given).headers["cache-control"] == "no-cache"


def test_an_earlier_size_knows_less(live: Live, firm: Actor, receipt: dict[str, Any]) -> None:
    live.ok("party.update", firm, {"name": "Firm A renamed"})
    assert live.get(f"/v1/parties/{firm.id}")["name"] == "Firm A renamed"
    then = live.get(f"/v1/parties/{firm.id}", size=2)
    assert (then["name"], then["size"]) == ("Firm A", 2)
    problem(live.http.get(f"/v1/parties/{firm.id}", params={"size": 1}), 404, "NOT_FOUND")
    for path in paths(firm, receipt)[1:]:
        problem(live.http.get(path, params={"size": receipt["seq"]}), 404, "NOT_FOUND")
        assert live.get(path, size=receipt["seq"] + 1)["size"] == receipt["seq"] + 1


def test_a_size_beyond_the_signed_one_is_behind(live: Live, firm: Actor, receipt: dict[str, Any]) -> None:
    asset = made(receipt, "ast")
    more = [f"/v1/assets/{asset}/history", "/v1/assets", "/v1/entries"]
    for path in paths(firm, receipt) + more:
        answer = live.http.get(path, params={"size": 4})
        problem(answer, 503, "BEHIND")
        assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("colour=red", 400, "UNKNOWN_MEMBER"),
        ("size=3&size=3", 400, "DUPLICATE_MEMBER"),
        ("size=-1", 422, "INVALID_VALUE"),
        ("size=03x", 422, "INVALID_VALUE"),
        ("size=99999999999999999999", 422, "INVALID_VALUE"),
        ("at=yesterday", 422, "INVALID_VALUE"),
        ("at=2026-01-01T00:00:00", 422, "INVALID_VALUE"),
        ("at=2026-01-01T00:00:00+08:00", 422, "INVALID_VALUE"),
        ("at=2026-01-01T00:00:00.1234Z", 422, "INVALID_VALUE"),
    ],
)
def test_bad_parameters(live: Live, firm: Actor, receipt: dict[str, Any], query: str, status: int, code: str) -> None:
    for path in paths(firm, receipt):
        problem(live.http.get(f"{path}?{query}"), status, code)


def test_at_with_an_offset(live: Live, firm: Actor) -> None:
    found = live.http.get(f"/v1/parties/{firm.id}?at=2030-01-01T08:00:00%2B08:00")
    assert found.json()["at"] == "2030-01-01T00:00:00.000Z"


def test_ids_that_are_not_there(live: Live, firm: Actor, receipt: dict[str, Any]) -> None:
    asset = made(receipt, "ast")
    for path in (
        "/v1/parties/x", f"/v1/parties/{asset}", f"/v1/assets/{firm.id}", f"/v1/rights/{asset}", f"/v1/cases/{asset}",
        f"/v1/assets/{firm.id}/history", "/v1/assets/ast_0/history", f"/v1/assets/{asset.upper()}",
    ):  # fmt: skip
        problem(live.http.get(path), 404, "NOT_FOUND")


def test_an_entry_as_json_and_as_raw_bytes(live: Live, receipt: dict[str, Any]) -> None:
    path = f"/v1/entries/{receipt['seq']}"
    shown = live.http.get(path)
    raw = live.http.get(path, headers={"Accept": "application/octet-stream"})
    assert raw.headers["content-type"] == "application/octet-stream"
    assert shown.headers["cache-control"] == raw.headers["cache-control"] == FOREVER
    assert shown.headers["vary"] == raw.headers["vary"] == "Accept"
    assert shown.headers["etag"] != raw.headers["etag"]
    entry = shown.json()
    assert entry["bytes"].encode() == raw.content
    assert entry["leaf_hash"] == receipt["leaf_hash"] == hashlib.sha256(b"\0" + raw.content).hexdigest()
    assert (entry["seq"], entry["time"]) == (receipt["seq"], receipt["time"])
    assert entry["statement"]["act"] == "case.file"
    assert json.loads(raw.content)["folios"] == receipt["folios"]
    weighed = {"Accept": "application/octet-stream;q=0.1, application/json"}
    assert live.http.get(path, headers=weighed).headers["content-type"] == "application/json"
    problem(live.http.get(path, headers={"Accept": "text/html"}), 406, "NOT_ACCEPTABLE")
    problem(live.http.get(path, headers={"Accept": "application/json;q=0"}), 406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize("position", ["3", "-1", "01", "x", "1.0", "9" * 30])
def test_entries_that_are_not_there(live: Live, receipt: dict[str, Any], position: str) -> None:
    problem(live.http.get(f"/v1/entries/{position}"), 404, "NOT_FOUND")


def test_history_is_the_assets_folio_oldest_first(live: Live, firm: Actor, receipt: dict[str, Any]) -> None:
    other = live.party("Firm B")
    asset = made(receipt, "ast")
    operating = next(item["id"] for item in receipt["ids"] if item.get("kind") == "operating")
    scope = {"purposes": ["research"], "territory": ["CN"], "fields": ["*"], "until": None}
    granted = live.ok(
        "right.grant", firm, {"from_right": operating, "to": other.id, "rights": ["processing"], "scope": scope}
    )
    history = live.get(f"/v1/assets/{asset}/history")
    assert [item["seq"] for item in history["items"]] == [receipt["seq"], granted["seq"]]
    assert history["size"] == granted["seq"] + 1
    earlier = live.get(f"/v1/assets/{asset}/history", size=granted["seq"])
    assert [item["seq"] for item in earlier["items"]] == [receipt["seq"]]
    problem(live.http.get(f"/v1/assets/{asset}/history?at=2026-01-01T00:00:00Z"), 400, "UNKNOWN_MEMBER")


def test_rulebooks_and_their_bytes(live: Live) -> None:
    books = live.get("/v1/rulebooks")
    (book,) = books["items"]
    assert (book["id"], books["size"]) == ("internal", 1)
    answer = live.http.get(f"/v1/rulebooks/{book['sha256']}")
    assert hashlib.sha256(answer.content).hexdigest() == book["sha256"]
    assert answer.headers["cache-control"] == FOREVER
    for name in ("0" * 64, "x", "..%2Fadmin.token", "%2e%2e"):
        problem(live.http.get(f"/v1/rulebooks/{name}"), 404, "NOT_FOUND")
