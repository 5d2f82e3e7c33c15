"""`q` over HTTP: beside other filters, page by page, at one size."""

from typing import Any

import pytest

from tests.api.live import Live, problem


def names(page: dict[str, Any]) -> list[str]:
    return [item["form"]["name"] if "form" in item else item["name"] for item in page["items"]]


def test_pages_of_a_search_are_of_one_size_and_follow_the_link(live: Live) -> None:
    a, b = live.party("济南泊车公司"), live.party("Qingdao 公司")
    for number in range(5):
        live.asset(a, name=f"济南停车数据{number}")
    live.asset(b, name="青岛停车数据")
    answer = live.http.get("/v1/assets", params={"q": "停车 数据", "applicant": a.id, "limit": 2})
    live.asset(a, name="济南停车数据5")
    seen = names(answer.json())
    while "next" in answer.links:
        answer = live.http.get(answer.links["next"]["url"])
        seen += names(answer.json())
        assert answer.json()["size"] == 9
    assert seen == [f"济南停车数据{number}" for number in range(5)]
    assert len(live.get("/v1/assets", q="济南")["items"]) == 6
    assert names(live.get("/v1/assets", q="青岛 停车")) == ["青岛停车数据"]
    assert names(live.get("/v1/assets", q=["青岛 停车", "没有"], size=9)) == ["青岛停车数据"]
    assert names(live.get("/v1/assets", q="青岛", size=8)) == []
    assert names(live.get("/v1/parties", q="ＱＩＮＧＤＡＯ")) == ["Qingdao 公司"]
    assert names(live.get("/v1/parties", q="泊车", kind="legal_person", level="self_declared")) == ["济南泊车公司"]


@pytest.mark.parametrize("text", ["", "停", "？！", "%ff", "停" * 201])
@pytest.mark.parametrize("what", ["assets", "parties"])
def test_nothing_to_search_by(live: Live, what: str, text: str) -> None:
    found = problem(live.http.get(f"/v1/{what}?q={text}"), 422, "INVALID_VALUE")
    assert found["reasons"][0]["pointer"] == "/q"


def test_other_lists_know_no_words(live: Live) -> None:
    for what in ("rights", "cases", "entries"):
        problem(live.http.get(f"/v1/{what}", params={"q": "济南"}), 400, "UNKNOWN_MEMBER")


def test_openapi_and_the_sdk_know_it(live: Live, tmp_path: Any) -> None:
    paths = live.get("/openapi.json")["paths"]
    for path in ("/v1/assets", "/v1/parties"):
        assert "q" in {parameter["name"] for parameter in paths[path]["get"]["parameters"]}
    live.asset(live.party("济南泊车公司"))
    with live.client(tmp_path) as client:
        assert len(list(client.assets(q="停车"))) == len(list(client.parties(q="泊车"))) == 1
