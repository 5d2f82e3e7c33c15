"""Too much is refused before it is read, and what nests without end before it is understood."""

import json
import re
from typing import Any

import httpx
import pytest

from ledger.encoding import format_base64url
from tests.api.live import JSON, NDJSON, Live, live_registry, problem
from tests.security.town import Town
from tests.security.wire import answer_to, connected, head_of, rest_of, status_of

HUGE = str(10**15)


def writing_routes(live: Live) -> list[tuple[str, str]]:
    """Every route that takes a body, with something for its parameters."""
    paths = live.app.openapi()["paths"]
    return [
        (method.upper(), re.sub(r"\{[^}]+\}", "x", path))
        for path, methods in paths.items()
        for method in methods
        if method in ("post", "put", "patch")
    ]


def test_every_route_that_takes_a_body_refuses_one_declared_too_large(town: Town) -> None:
    routes = writing_routes(town.live)
    assert ("POST", "/v1/statements") in routes
    for method, path in routes:
        for media_type in ("application/json", "application/x-ndjson"):
            with connected(town.live.url) as connection:
                connection.sendall(head_of(method, path, Content_Type=media_type, Content_Length=HUGE))
                assert 400 <= status_of(answer_to(connection)) < 500, (method, path)


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/v1/statements", "application/json"),
        ("/v1/statements", "application/x-ndjson"),
        ("/v1/checks", "application/json"),
    ],
)
@pytest.mark.parametrize("length", [HUGE, "9" * 18])
def test_a_body_declared_too_large_is_413_before_a_byte_of_it_is_sent(
    town: Town, path: str, media_type: str, length: str
) -> None:
    with connected(town.live.url) as connection:
        connection.sendall(head_of("POST", path, Content_Type=media_type, Content_Length=length))
        answer = answer_to(connection)
    assert status_of(answer) == 413
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "TOO_LARGE"


def test_who_asks_before_it_sends_is_refused_without_sending(town: Town) -> None:
    """RFC 9110, 10.1.1: the answer comes instead of 100, and says that nothing more is read."""
    with connected(town.live.url) as connection:
        connection.sendall(
            head_of("POST", "/v1/checks", Content_Type="application/json", Content_Length=HUGE, Expect="100-continue")
        )
        answer = rest_of(connection)
    assert status_of(answer) == 413
    assert b"\r\nconnection: close\r\n" in answer.lower()


def test_who_asks_before_it_sends_may_send(town: Town) -> None:
    body = town.live.envelope("party.update", town.firm, {"contact": "x"})
    with connected(town.live.url) as connection:
        connection.sendall(
            head_of("POST", "/v1/statements?dry_run=true", Content_Type="application/json",
                    Content_Length=str(len(body)), Expect="100-continue")
        )  # fmt: skip
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert status_of(answer_to(connection)) == 200


@pytest.mark.parametrize("path", ["/v1/statements", "/v1/checks"])
def test_an_undeclared_body_is_cut_at_the_limit(town: Town, path: str) -> None:
    """The sender would never stop; the answer comes in the middle of what it sends."""
    with connected(town.live.url) as connection:
        connection.sendall(head_of("POST", path, Content_Type="application/json", Transfer_Encoding="chunked"))
        part = b"100000\r\n" + b" " * 2**20 + b"\r\n"
        connection.settimeout(0.001)
        answer = b""
        for _ in range(64):
            connection.settimeout(20)
            connection.sendall(part)
            connection.settimeout(0.001)
            try:
                answer = connection.recv(65_536)
                break
            except TimeoutError:
                continue
    assert status_of(answer) == 413


def test_a_refused_body_may_be_sent_to_its_end_and_the_connection_goes_on(town: Town) -> None:
    with connected(town.live.url) as connection:
        body = b" " * 3_000_000
        connection.sendall(
            head_of("POST", "/v1/statements", Content_Type="application/json", Content_Length=str(len(body)))
        )
        assert status_of(answer_to(connection)) == 413
        connection.sendall(body)
        connection.sendall(head_of("GET", "/healthz"))
        assert status_of(answer_to(connection)) == 200


def test_a_refused_body_is_not_taken_for_ever(tmp_path: Any) -> None:
    with live_registry(tmp_path / "data", head_timeout=0.2) as live, connected(live.url) as connection:
        connection.sendall(head_of("POST", "/v1/statements", Content_Type="application/json", Content_Length=HUGE))
        assert status_of(answer_to(connection)) == 413
        connection.sendall(b" ")
        assert rest_of(connection) == b""


def test_a_head_that_is_too_large_is_refused(town: Town) -> None:
    with connected(town.live.url) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Large: " + b"y" * 60_000)
        connection.sendall(b"y" * 10_000)
        assert status_of(rest_of(connection)) == 431


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"checks":['])
@pytest.mark.parametrize("depth", [17, 1_000, 50_000])
def test_deeply_nested_json_is_malformed(town: Town, opening: bytes, depth: int) -> None:
    body = opening * depth
    for path, headers in (("/v1/statements", JSON), ("/v1/checks", JSON)):
        answer = town.live.http.post(path, content=body[:120_000], headers=headers)
        problem(answer, 400, "MALFORMED")
    (line,) = town.live.file(body[:120_000].replace(b"\n", b""))
    assert line["status"] in (400, 413)


def test_deeply_nested_json_that_is_well_formed_is_malformed_too(town: Town) -> None:
    for depth in (17, 5_000):
        nested = b"[" * depth + b"]" * depth
        problem(town.live.http.post("/v1/checks", content=nested, headers=JSON), 400, "MALFORMED")
        payload = town.live.envelope("party.update", town.firm, {"contact": "x"})
        problem(town.live.send(payload[:-1] + b',"more":' + nested + b"}"), 400, "MALFORMED")


@pytest.mark.parametrize("start", [b"", b'[1,"",', b'[1,"",1,'])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_deeply_nested_cursor_is_none_of_ours(town: Town, start: bytes, opening: bytes) -> None:
    for end in (b"", b"]" * 5_000):
        cursor = format_base64url(start + opening * 5_000 + end)
        problem(town.live.http.get("/v1/assets", params={"cursor": cursor}), 422, "INVALID_VALUE")


def test_a_nested_line_among_many_fails_alone(town: Town) -> None:
    """Files of some length are read by other processes."""
    lines = [b'{"a":' * 5_000, *[b"{}"] * 40]
    answers = town.live.file(b"\n".join(lines))
    assert [answer["status"] for answer in answers] == [400] * 41


def test_a_number_or_string_that_is_enormous_is_refused(town: Town) -> None:
    for value in (b"1" * 100_000, b'"' + b"x" * 100_000 + b'"', b"1e" + b"9" * 1_000):
        answer = town.live.http.post("/v1/checks", content=b'{"checks":[{"party":%s}]}' % value, headers=JSON)
        assert answer.status_code in (400, 422), value[:10]


def test_a_compressed_bomb_is_not_unpacked(town: Town) -> None:
    headers = NDJSON | {"Content-Encoding": "gzip"}
    answer: httpx.Response = town.live.http.post(
        "/v1/statements", content=b"\x1f\x8b\x08\x00" + bytes(100), headers=headers
    )
    assert answer.status_code == 200
    assert answer.json()["status"] == 400
