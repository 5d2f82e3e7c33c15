"""Headers that every answer has, those that only some may have, and none that a caller wrote."""

import pytest

from tests.api.live import live_registry
from tests.security.town import Town
from tests.security.wire import answer_to, connected, head_of, rest_of, status_of

PAGES = ("/", "/docs", "/problems", "/problems/MALFORMED")
OPEN = ("/checkpoint", "/tile/0/000.p/1", "/tile/entries/000.p/1", "/tile/9/x")
OTHERS = (
    "/static/sanquan.css", "/openapi.json", "/healthz", "/readyz", "/.well-known/sanquan", "/v1/assets", "/v1/entries/0",
    "/v1/rulebooks", "/v1/log/inclusion?seq=0", "/nothing", "/v1/assets?colour=red", "/v1/clock", "/checkpoint/x",
)  # fmt: skip


@pytest.mark.parametrize("path", [*PAGES, *OPEN, *OTHERS])
def test_every_answer_has_the_security_headers(town: Town, path: str) -> None:
    answer = town.live.http.get(path)
    for name in (
        "x-content-type-options",
        "referrer-policy",
        "content-security-policy",
        "cross-origin-resource-policy",
    ):
        assert len(answer.headers.get_list(name)) == 1, name
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert ("style-src 'self'" in policy) == (path in PAGES)
    assert "server" not in answer.headers


@pytest.mark.parametrize("path", [*PAGES, *OPEN, *OTHERS])
def test_only_what_the_log_publishes_is_for_other_origins(town: Town, path: str) -> None:
    answer = town.live.http.get(path, headers={"Origin": "https://elsewhere.example"})
    published = path in OPEN
    assert (answer.headers.get("access-control-allow-origin") == "*") == published
    assert answer.headers["cross-origin-resource-policy"] == ("cross-origin" if published else "same-origin")
    others = {name for name in answer.headers if name.startswith("access-control-")} - {"access-control-allow-origin"}
    assert others == ({"access-control-expose-headers"} if published else set())


def test_no_preflight_lets_another_origin_write(town: Town) -> None:
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    for path in ("/v1/statements", "/v1/checks", "/v1/clock"):
        answer = town.live.http.options(path, headers=asked)
        assert answer.status_code == 405
        assert "access-control-allow-origin" not in answer.headers
    read = town.live.http.options("/checkpoint", headers=asked)
    assert read.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"


def test_the_answer_to_what_is_no_request_has_the_headers(town: Town) -> None:
    with connected(town.live.url) as connection:
        connection.sendall(b"NONSENSE\r\n\r\n")
        answer = rest_of(connection)
    assert status_of(answer) == 400
    assert b"\r\nx-content-type-options: nosniff\r\n" in answer
    assert b"\r\nserver:" not in answer


def test_a_fault_has_the_headers(tmp_path_factory: pytest.TempPathFactory) -> None:
    with live_registry(tmp_path_factory.mktemp("fault") / "data") as live:
        live.registry.indexer.stop()
        with live.registry.engine.begin() as tx:
            tx.exec_driver_sql("ALTER TABLE sanquan_party RENAME TO elsewhere")
        answer = live.http.get(f"/v1/parties/{live.registrar.id}")
        assert answer.status_code == 500
        assert answer.headers["x-content-type-options"] == "nosniff"


SPLIT = "%0d%0aSet-Cookie:%20stolen=1%0d%0a%0d%0a<script>"


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/assets?limit=1&holder={{firm}}&form=product{SPLIT}", f"/v1/assets?limit=1&q=停车%20数据{SPLIT}",
        f"/v1/parties?limit=1&kind=legal_person&kind={SPLIT}", f"/v1/entries?limit=1&act={SPLIT}&act=party.register&act=case.file",
        f"/v1/rights?limit=1&kind=holding&kind=operating&kind={SPLIT}", f"/v1/assets?cursor={SPLIT}",
        f"/v1/assets/{SPLIT}", f"/v1/statements/{SPLIT}", f"/v1/rulebooks/{SPLIT}", f"/problems/{SPLIT}",
        f"/tile/{SPLIT}", f"/{SPLIT}", f"/?lang={SPLIT}", f"/v1/assets?{SPLIT}=1",
    ],
)  # fmt: skip
def test_line_breaks_in_a_query_or_path_end_no_header(town: Town, path: str) -> None:
    """`Link` repeats the query, problems repeat the path: neither lets a caller write a line of the head."""
    with connected(town.live.url) as connection:
        target = path.replace("{firm}", town.firm.id).encode().decode("latin-1")
        connection.sendall(head_of("GET", target, Connection="close"))
        answer = rest_of(connection)
    head = answer.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:]]
    assert b"set-cookie" not in names
    assert b"<script>" not in head
    assert status_of(answer) in (200, 400, 404, 422)
    if path.startswith(("/v1/parties?", "/v1/entries?limit", "/v1/rights?")):
        assert b"link" in names
        assert b"%0D%0ASet-Cookie" in head


def test_line_breaks_in_request_headers_are_not_echoed(town: Town) -> None:
    with connected(town.live.url) as connection:
        connection.sendall(
            head_of("GET", "/nothing", Accept_Language="en\n X: y", If_None_Match='"\x01"', Connection="close")
        )
        answer = rest_of(connection)
    assert status_of(answer) in (400, 404)
    assert b"\r\nx: y" not in answer.lower()


def test_an_answer_is_one_answer(town: Town) -> None:
    with connected(town.live.url) as connection:
        connection.sendall(head_of("GET", "/v1/assets?limit=1" + SPLIT))
        assert status_of(answer_to(connection)) == 422
        connection.sendall(head_of("GET", "/healthz"))
        assert status_of(answer_to(connection)) == 200
