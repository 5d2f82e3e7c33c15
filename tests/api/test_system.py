"""What the registry says of itself, and its pages: two languages, no script, nothing from a foreign host."""

import re
from typing import Any

import pytest

from ledger.keys import KeySigner
from registry.refusals.catalogue import CATALOGUE
from registry.refusals.refusal import Words
from tests.api.live import Actor, Live, party_body, problem

PAGES = ("/", "/docs", "/problems", "/problems/MALFORMED")


def test_well_known(live: Live) -> None:
    facts = live.get("/.well-known/sanquan")
    assert {"origin", "log_keys", "seal_keys", "registrar", "rulebooks", "spec"} <= facts.keys()
    assert facts["origin"] == live.registry.origin
    assert facts["log_keys"] == live.registry.keys.log_keys(live.registry.origin)
    assert len(facts["log_keys"]) == 2
    assert facts["registrar"] == live.registrar.id
    assert facts["spec"] == 1
    assert [(key["alg"], key.keys() >= {"key", "public"}) for key in facts["seal_keys"]] == [("ES256", True)]
    assert [book["id"] for book in facts["rulebooks"]] == ["internal"]


def test_health(live: Live) -> None:
    assert live.get("/healthz") == {"status": "ok"}
    assert live.get("/readyz")["status"] == "ready"


def test_a_registry_that_does_not_write_is_not_ready_but_reads(live: Live) -> None:
    live.registry.office.read_only = Words("an older copy was put back", "放回的是较旧的副本")
    answer = live.http.get("/readyz", headers={"Accept-Language": "zh"})
    assert problem(answer, 503, "READ_ONLY")["detail"] == "登记系统现为只读：放回的是较旧的副本"
    assert live.get("/healthz") == {"status": "ok"}
    assert live.get("/v1/assets")["items"] == []


def test_what_is_published_without_its_quorum_is_said(live: Live) -> None:
    assert live.get("/readyz") == {"status": "ready", "published": 1, "signed": 1}
    publisher = live.app.state.publisher
    publisher._degraded = Words("nobody cosigned", "无人联署")
    publisher._silent = {"w1": "it answers 500"}
    answer = live.http.get("/readyz", headers={"Accept-Language": "zh"})
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "degraded", "published": 1, "signed": 1, "detail": "无人联署", "silent": {"w1": "it answers 500"},
    }  # fmt: skip
    assert live.http.get("/").status_code == 200


def test_a_witness_that_knows_better_closes_the_office(live: Live) -> None:
    live.app.state.publisher._on_dispute(Words("a witness saw 9 entries", "见证人见过 9 条分录"))
    assert problem(live.http.get("/readyz"), 503, "READ_ONLY")["detail"].endswith("9 条分录")
    newcomer = Actor("Firm", [KeySigner.generate()])
    problem(live.send(live.envelope("party.register", newcomer, party_body(newcomer))), 503, "READ_ONLY")
    assert live.http.get("/checkpoint").status_code == 200


def refs(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for item in value.values() for ref in refs(item)]
    return [ref for item in value for ref in refs(item)] if isinstance(value, list) else []


def test_openapi_is_whole(live: Live) -> None:
    api = live.get("/openapi.json")
    assert api["openapi"].startswith("3.1")
    assert api["info"]["title"]
    for ref in refs(api):
        target = api
        for step in ref.removeprefix("#/").split("/"):
            target = target[step]
    operations = [(path, op) for path, methods in api["paths"].items() for op in methods.values()]
    names = [op["operationId"] for _, op in operations]
    assert len(names) == len(set(names))
    for path, op in operations:
        assert op["responses"]
        parameters = op.get("parameters", [])
        assert len({(p["name"], p["in"]) for p in parameters}) == len(parameters), path
        assert {p["name"] for p in parameters if p["in"] == "path"} == set(re.findall(r"{(\w+)}", path)), path


def test_openapi_names_every_path_of_this_version(live: Live) -> None:
    paths = set(live.get("/openapi.json")["paths"])
    assert paths >= {
        "/v1/statements", "/v1/statements/{identifier}", "/v1/parties/{identifier}", "/v1/assets/{identifier}",
        "/v1/rights/{identifier}", "/v1/cases/{identifier}", "/v1/entries/{position}", "/v1/assets", "/v1/rights",
        "/v1/cases", "/v1/parties", "/v1/entries", "/v1/assets/{identifier}/history", "/v1/check", "/v1/checks",
        "/v1/rulebooks", "/v1/rulebooks/{sha256}", "/checkpoint", "/tile/{path}", "/v1/log/inclusion",
        "/v1/log/consistency", "/.well-known/sanquan", "/healthz", "/readyz", "/v1/clock",
    }  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_are_in_both_languages_without_script_or_foreign_host(live: Live, language: str) -> None:
    for path in PAGES:
        page = live.http.get(path, headers={"Accept-Language": language})
        assert page.status_code == 200
        assert page.headers["content-language"] == language
        assert f'lang="{"zh-Hans" if language == "zh" else "en"}"' in page.text.split(">")[1]
        assert "<script" not in page.text.lower()
        assert not re.search(r"\bon\w+=", page.text)
        assert "default-src 'none'" in page.headers["content-security-policy"]
        addresses = re.findall(r"""(?:href|src|action)=["']([^"']*)""", page.text)
        assert addresses
        for address in addresses:
            assert address.startswith(("/", "#")) and not address.startswith("//"), address
        assert live.http.get(path, params={"lang": language}, headers={"Accept-Language": "fr"}).text == page.text


def test_every_local_link_of_the_pages_leads_somewhere(live: Live) -> None:
    for path in PAGES:
        for address in set(re.findall(r'href="(/[^"]*)"', live.http.get(path).text)):
            assert live.http.get(address).status_code == 200, address
    assert "http" not in live.http.get("/static/sanquan.css").text


def test_every_code_has_a_page(live: Live) -> None:
    index = live.http.get("/problems").text
    for code in CATALOGUE:
        assert f"/problems/{code}" in index
    problem(live.http.get("/problems/NO_SUCH_CODE"), 404, "NOT_FOUND")
