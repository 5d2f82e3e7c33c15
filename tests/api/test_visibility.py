"""`--visibility members`: reads are for whoever says who asks, proofs for everybody. Contract section 10."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from api.client import Client, Pins, ProblemError
from tests.api.live import Live, live_registry, problem
from tests.api.signing import signed
from tests.api.tokens import bearer, make_party

PUBLIC = (
    "/", "/docs", "/problems", "/checkpoint", "/.well-known/sanquan", "/v1/rulebooks", "/healthz", "/readyz",
    "/openapi.json", "/tile/0/000.p/2", "/v1/log/inclusion?seq=1", "/v1/log/consistency?from=1&to=2",
)  # fmt: skip


@pytest.fixture
def members(tmp_path: Path) -> Iterator[Live]:
    with live_registry(tmp_path / "data", visibility="members") as live:
        yield live


def paths(live: Live) -> list[str]:
    """What the register shows of an asset, whichever way."""
    actor = live.party()
    asset = live.asset(actor)
    rights, case = asset["ids"][2]["id"], asset["ids"][1]["id"]
    name = asset["ids"][0]["id"]
    return [
        f"/v1/parties/{actor.id}", f"/v1/assets/{name}", f"/v1/rights/{rights}", f"/v1/cases/{case}", f"/v1/assets/{name}/history",
        "/v1/assets", "/v1/rights", "/v1/cases", "/v1/parties", "/v1/entries", "/v1/entries/1",
        f"/v1/statements/{asset['statement']}", f"/v1/check?party={actor.id}&asset={name}&purpose=research",
        "/tile/entries/000.p/3",
    ]  # fmt: skip


def test_to_nobody_in_particular_nothing_is_there(members: Live) -> None:
    made = make_party(members)
    reader = members.party()
    for path in paths(members):
        problem(members.http.get(path), 404, "NOT_FOUND")
        problem(members.http.get(path, headers=bearer(members.registry.admin_token)), 404, "NOT_FOUND")
        assert members.http.get(path, headers=bearer(made["token"])).status_code == 200
        answer = members.http.send(signed(members.url, "GET", path, reader.signers[0]))
        assert answer.status_code == 200, path
        assert "public" not in answer.headers.get("cache-control", "")
    problem(members.http.post("/v1/checks", json={"checks": []}), 404, "NOT_FOUND")


def test_bundles_are_for_members_too(members: Live) -> None:
    reader = members.party()
    path = f"/tile/entries/000.p/{members.size()}"
    problem(members.http.get(path), 404, "NOT_FOUND")
    answer = members.http.send(signed(members.url, "GET", path, reader.signers[0]))
    assert answer.status_code == 200
    assert answer.headers["cache-control"].startswith("private")


def test_proofs_and_rules_are_for_everybody(members: Live) -> None:
    members.party()
    for path in PUBLIC:
        answer = members.http.get(path)
        assert answer.status_code == 200, (path, answer.text)


def test_statements_and_their_receipts_need_no_token(members: Live) -> None:
    actor = members.party()
    assert members.proven(members.asset(actor)) == 2


def test_every_route_that_reads_is_decided(members: Live) -> None:
    """A route is public because it is named here, else nobody without a name gets an answer from it."""
    public = {path.partition("?")[0] for path in PUBLIC} | {
        "/tile/{path:path}", "/problems/{code}", "/static/sanquan.css", "/v1/clock", "/v1/rulebooks/{sha256}",
    }  # fmt: skip
    for route in members.app.routes:
        if not isinstance(route, APIRoute) or "GET" not in (route.methods or ()) or route.path in public:
            continue
        path = route.path.replace("{", "").replace("}", "").replace(":path", "")
        assert members.http.get(path).status_code in (401, 404), route.path


def test_the_sdk_says_who_asks(members: Live, tmp_path: Path) -> None:
    with members.client(tmp_path) as client:
        client.register_party()
        assert client.party(client.party_id)["id"] == client.party_id
        assert (
            client.checks([{"party": client.party_id, "asset": "ast_0", "purpose": "research"}])[0]["decision"] is False
        )
    with Client(members.url, pins=Pins(tmp_path / "other")) as nobody, pytest.raises(ProblemError, match="身份"):
        nobody.party(client.party_id)


def test_a_signature_that_does_not_cover_the_questions(members: Live) -> None:
    reader = members.party()
    request = signed(members.url, "POST", "/v1/checks", reader.signers[0], body=b'{"checks":[]}',
                     covered=("@method", "@target-uri"))  # fmt: skip
    request.headers["content-type"] = "application/json"
    problem(members.http.send(request), 403, "SIGNATURE_INVALID")


def test_a_public_register_is_public(live: Live) -> None:
    for path in paths(live)[:-1]:
        assert live.http.get(path).status_code == 200
