"""`GET /v1/check` and `POST /v1/checks`: the shape of answers, order, sizes, and bad questions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.answers import FOREVER
from tests.api.live import JSON, Actor, Live, live_registry, problem, simulated

World = tuple[Live, Actor, Actor, dict[str, Any], dict[str, Any]]
MEMBERS = {"decision", "status", "reasons", "chain", "obligations", "warnings", "evaluated", "ledger"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A holds an asset and has licensed B to process it for research in China."""
    with live_registry(tmp_path / "data", clock=simulated(tmp_path / "data")) as live:
        a, b = live.party("Firm A"), live.party("Firm B")
        filed = live.asset(a)
        scope = {"purposes": ["research"], "territory": ["CN"], "fields": ["*"], "until": None}
        operating = filed["ids"][4]["id"]
        body = {"from_right": operating, "to": b.id, "rights": ["processing"], "scope": scope}
        yield live, a, b, filed, live.ok("right.grant", a, body)


def question(who: Actor, filed: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"party": who.id, "asset": filed["ids"][0]["id"], "purpose": "research"} | more


def post(live: Live, body: Any, **more: Any) -> httpx.Response:
    return live.http.post("/v1/checks", json=body, **more)


def test_an_allowed_use_shows_its_chain_title_first(world: World) -> None:
    live, a, b, filed, granted = world
    answer = live.get("/v1/check", **question(b, filed, territory="CN-SD"))
    assert answer.keys() >= MEMBERS
    assert (answer["decision"], answer["status"], answer["reasons"]) == (True, "ALLOWED", [])
    assert [link["right"] for link in answer["chain"]][-1] == granted["ids"][0]["id"]
    assert answer["chain"][0]["holder"] == a.id
    assert answer["chain"][0]["recorded"] == {"seq": filed["seq"], "time": filed["time"]}
    assert answer["obligations"].keys() == {"before", "during", "after"}
    assert answer["evaluated"].keys() >= {"at", "size", "spec", "rulebook"}
    assert (answer["ledger"]["origin"], answer["ledger"]["size"]) == (live.registry.origin, 5)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"purpose": "marketing"}, "PURPOSE_OUTSIDE_SCOPE"),
        ({"territory": "US"}, "TERRITORY_OUTSIDE_SCOPE"),
        ({}, "TERRITORY_OUTSIDE_SCOPE"),
        ({"territory": "CN", "action": "provide"}, "DISPOSITION_NEEDS_OPERATE"),
    ],
)
def test_a_denial_is_an_answer_with_reasons(world: World, more: dict[str, Any], code: str) -> None:
    live, _, b, filed, _ = world
    answer = live.get("/v1/check", **question(b, filed, **more))
    assert (answer["decision"], answer["status"]) == (False, "DENIED")
    assert code in [reason["code"] for reason in answer["reasons"]]


def test_a_full_explanation_shows_every_path_and_why_it_fails(world: World) -> None:
    live, a, b, filed, granted = world
    scope = {"purposes": ["insurance"], "territory": ["US"], "fields": ["*"], "until": None}
    operating = filed["ids"][4]["id"]
    body = {"from_right": operating, "to": b.id, "rights": ["processing"], "scope": scope}
    second = live.ok("right.grant", a, body)["ids"][0]["id"]
    asked = question(b, filed, explain="full")
    denied = live.get("/v1/check", **asked, territory="US")
    assert denied["paths"][0]["reasons"] == denied["reasons"]
    assert denied["paths"][0]["chain"] == denied["chain"]
    found = {path["chain"][-1]["right"]: [reason["code"] for reason in path["reasons"]] for path in denied["paths"]}
    first = granted["ids"][0]["id"]
    assert found == {first: ["TERRITORY_OUTSIDE_SCOPE"], second: ["PURPOSE_OUTSIDE_SCOPE"]}
    (answer,) = post(live, {"checks": [asked | {"territory": "CN"}]}).json()["answers"]
    assert answer["decision"] is True
    assert [bool(path["reasons"]) for path in answer["paths"]] == [False, True]
    assert answer["paths"][0]["chain"] == answer["chain"]
    assert "paths" not in live.get("/v1/check", **question(b, filed))
    assert live.get("/v1/check", **question(b, filed, asset="ast_nothing", explain="full"))["paths"] == []


def test_unknown_ids_are_denials(world: World) -> None:
    live, a, _, filed, _ = world
    nobody = live.get("/v1/check", **question(a, filed, party="pty_nobody"))
    nothing = live.get("/v1/check", **question(a, filed, asset="ast_nothing"))
    assert nobody["reasons"][0]["code"] == "PARTY_UNKNOWN"
    assert nothing["reasons"][0]["code"] == "ASSET_UNKNOWN"


def test_the_same_question_at_a_size_and_instant_is_immutable_and_speaks_the_readers_language(world: World) -> None:
    live, _, b, filed, granted = world
    asked = question(b, filed, territory="CN", size=4, at=granted["time"])
    answer = live.http.get("/v1/check", params=asked, headers={"Accept-Language": "en"})
    assert answer.headers["cache-control"] == FOREVER
    assert "Accept-Language" in answer.headers["vary"]
    assert (answer.json()["decision"], answer.json()["evaluated"]["size"]) == (False, 4)
    chinese = live.http.get("/v1/check", params=asked, headers={"Accept-Language": "zh"})
    assert chinese.json()["reasons"][0]["message"] != answer.json()["reasons"][0]["message"]
    assert chinese.headers["etag"] != answer.headers["etag"]
    later = live.party("Firm C")
    live.ok("right.revoke", Actor("A", world[1].signers), {"rights": [granted["ids"][0]["id"]], "ground": "agreement"})
    again = live.http.get(
        "/v1/check", params=asked, headers={"Accept-Language": "en", "If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304
    now = question(b, filed, territory="CN")
    assert live.get("/v1/check", **now)["decision"] is False
    assert live.get("/v1/check", **now, size=5)["decision"] is True
    assert live.http.get("/v1/check", params=now).headers["cache-control"] == "no-cache"
    assert live.get("/v1/check", **question(later, filed), size=0)["decision"] is False


def test_several_values_repeat_the_name_or_stand_with_commas(world: World) -> None:
    live, _, b, filed, _ = world
    both = question(b, filed)
    assert live.get("/v1/check", **both, territory=["CN-SD", "CN-BJ"])["decision"] is True
    assert live.get("/v1/check", **both, territory=["CN-SD", "US"])["decision"] is False
    assert live.get("/v1/check", **both, territory="CN-SD,CN-BJ", fields="a,b")["decision"] is True


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"purpose": None}, 400, "MALFORMED"),
        ({"party": None}, 400, "MALFORMED"),
        ({"asset": None}, 400, "MALFORMED"),
        ({"purpose": "Research!"}, 422, "INVALID_VALUE"),
        ({"action": "burn"}, 422, "INVALID_VALUE"),
        ({"territory": "Shandong"}, 422, "INVALID_VALUE"),
        ({"basis": "declared"}, 422, "INVALID_VALUE"),
        ({"explain": "short"}, 422, "INVALID_VALUE"),
        ({"group": "patients"}, 422, "INVALID_VALUE"),
        ({"consenting": "pty_00000000000000000000000000"}, 422, "INVALID_VALUE"),
        ({"at": "now"}, 422, "INVALID_VALUE"),
        ({"size": "99"}, 503, "BEHIND"),
        ({"colour": "red"}, 400, "UNKNOWN_MEMBER"),
        ({"party": ["pty_a", "pty_b"]}, 400, "DUPLICATE_MEMBER"),
    ],
)
def test_bad_questions(world: World, more: dict[str, Any], status: int, code: str) -> None:
    live, _, b, filed, _ = world
    asked = {name: value for name, value in question(b, filed, **more).items() if value is not None}
    problem(live.http.get("/v1/check", params=asked), status, code)
    if "size" in more or "at" in more or isinstance(more.get("party"), list):
        return
    problem(post(live, {"checks": [question(b, filed), asked]}), status, code)


def test_checks_are_answered_in_order_from_one_moment(world: World) -> None:
    live, a, b, filed, _ = world
    asked = [question(b, filed, territory="CN"), question(b, filed, territory=["US"]), question(a, filed)]
    answers = post(live, {"checks": asked}).json()["answers"]
    assert [answer["decision"] for answer in answers] == [True, False, True]
    assert len({str(answer["ledger"]) for answer in answers}) == 1
    for one, many in zip(asked, answers, strict=True):
        single = live.get("/v1/check", **one)
        assert {k: v for k, v in single.items() if k != "evaluated"} == {
            k: v for k, v in many.items() if k != "evaluated"
        }
    then = post(live, {"checks": asked}, params={"size": 4}).json()["answers"]
    assert [answer["decision"] for answer in then] == [False, False, True]


def test_ten_thousand_checks_and_not_one_more(world: World) -> None:
    live, a, _, filed, _ = world
    asked = [question(a, filed)] * 10_000
    answers = post(live, {"checks": asked}).json()["answers"]
    assert len(answers) == 10_000
    assert all(answer["decision"] for answer in answers)
    assert post(live, {"checks": [*asked, asked[0]]}).status_code in (400, 413, 422)


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", JSON, 400, "MALFORMED"),
        (b"[]", JSON, 400, "MALFORMED"),
        (b'{"checks":[],"checks":[]}', JSON, 400, "DUPLICATE_MEMBER"),
        (b'{"checks":[{"party":1}]}', JSON, 400, "MALFORMED"),
        (b'{"checks":[{"party":"x","asset":"y","purpose":"z"}],"more":1}', JSON, 400, "UNKNOWN_MEMBER"),
        (b'{"checks":[]}', JSON, 422, "INVALID_VALUE"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "MEDIA_TYPE"),
        (b" " * (16 * 1024 * 1024 + 1), JSON, 413, "TOO_LARGE"),
    ],
)
def test_bad_bodies(live: Live, content: bytes, headers: dict[str, str], status: int, code: str) -> None:
    problem(live.http.post("/v1/checks", content=content, headers=headers), status, code)


def test_an_answer_is_offered_as_json(live: Live) -> None:
    asked = {"party": "x", "asset": "y", "purpose": "research"}
    problem(live.http.get("/v1/check", params=asked, headers={"Accept": "text/csv"}), 406, "NOT_ACCEPTABLE")


def test_many_answers_are_compressed_for_whoever_takes_it(world: World) -> None:
    live, _, b, filed, _ = world
    body = {"checks": [question(b, filed)] * 20}
    plain = post(live, body, headers={"Accept-Encoding": "identity"})
    small = post(live, body, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < int(plain.headers["content-length"]) / 4
    assert [item["decision"] for item in small.json()["answers"]] == [
        item["decision"] for item in plain.json()["answers"]
    ]
