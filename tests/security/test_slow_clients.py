"""A client that sends slowly, or nothing, holds nobody up but itself, and not for long."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.live import Live, live_registry
from tests.api.test_limits import registration
from tests.security.wire import answer_to, connected, head_of, rest_of, status_of

SHORT = 0.4
LONG = 60.0


@pytest.fixture(scope="module")
def short_head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live_registry(tmp_path_factory.mktemp("head") / "data", head_timeout=SHORT, body_timeout=LONG) as live:
        yield live


@pytest.fixture(scope="module")
def short_body(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live_registry(tmp_path_factory.mktemp("body") / "data", head_timeout=LONG, body_timeout=SHORT) as live:
        yield live


@pytest.mark.parametrize(
    "start", [b"", b"G", b"\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"GET / HTTP/1.1\r\nHost: x\r\n"], ids=repr
)
def test_a_head_that_does_not_end_is_not_waited_for(short_head: Live, start: bytes) -> None:
    with connected(short_head.url) as connection:
        connection.sendall(start)
        assert rest_of(connection) == b""


def test_the_second_head_on_a_connection_has_no_more_time(short_head: Live) -> None:
    with connected(short_head.url) as connection:
        connection.sendall(head_of("GET", "/healthz"))
        assert status_of(answer_to(connection)) == 200
        connection.sendall(b"\r\n")
        connection.sendall(b"GET /healthz HT")
        assert rest_of(connection) == b""


def test_a_head_that_drips_is_not_waited_for(short_head: Live) -> None:
    """Bytes that come in time do not lengthen the time."""
    with connected(short_head.url) as connection:
        connection.settimeout(SHORT / 10)
        sent = 0
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(1_000):
                connection.sendall(b"GET / HTTP/1.1\r\nX: " if not sent else b"y")
                sent += 1
                try:
                    if connection.recv(1) == b"":
                        raise BrokenPipeError
                except TimeoutError:
                    continue
        assert sent < 100


@pytest.mark.parametrize("path", ["/v1/statements", "/v1/checks"])
@pytest.mark.parametrize("sent", [b"", b'{"checks":['], ids=["nothing", "a part"])
def test_a_body_that_stalls_is_answered_408_and_closed(short_body: Live, path: str, sent: bytes) -> None:
    with connected(short_body.url) as connection:
        connection.sendall(head_of("POST", path, Content_Type="application/json", Content_Length="1000") + sent)
        answer = rest_of(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status_of(answer) == 408
    assert b"\r\nconnection: close" in head.lower()
    problem = json.loads(body)
    assert (problem["code"], problem["status"]) == ("REQUEST_TIMEOUT", 408)


def test_a_file_that_stalls_is_answered_408_and_may_be_sent_again(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", body_timeout=1.5) as live:
        lines = b"\n".join(registration(live, f"Firm {n}") for n in range(300)) + b"\n"
        with connected(live.url) as connection:
            head = head_of("POST", "/v1/statements", Content_Type="application/x-ndjson", Transfer_Encoding="chunked")
            connection.sendall(head + b"%x\r\n%s\r\n" % (len(lines), lines))
            assert status_of(rest_of(connection)) == 408
        # a chunk of it was whole and is written; it stands in the queue before what is sent again
        assert [answer["status"] for answer in live.file(lines)] == [200] * 256 + [201] * 44


def test_a_body_that_drips_is_not_waited_for(short_body: Live) -> None:
    """A byte now and then does not keep a connection: what comes is too little for too long."""
    with connected(short_body.url) as connection:
        connection.sendall(head_of("POST", "/v1/checks", Content_Type="application/json", Content_Length="1000"))
        connection.settimeout(SHORT / 10)
        answer, sent = b"", 0
        while not answer and sent < 100:
            connection.sendall(b" ")
            sent += 1
            try:
                answer = connection.recv(65_536)
            except TimeoutError:
                continue
    assert status_of(answer) == 408


def test_slow_uploads_keep_nobody_else_waiting(town_of_the_patient: Live) -> None:
    live = town_of_the_patient
    slow = []
    try:
        for number in range(150):  # more than there are threads
            path = ("/v1/statements", "/v1/checks")[number % 2]
            media_type = ("application/x-ndjson", "application/json")[number % 2]
            slow.append(opened := connected(live.url))
            connection = opened.__enter__()
            connection.sendall(head_of("POST", path, Content_Type=media_type, Content_Length="1000") + b"{")
        live.party("Firm in a hurry")
        assert live.get("/v1/parties", q="hurry")["items"]
    finally:
        for opened in slow:
            opened.__exit__(None, None, None)


@pytest.fixture
def town_of_the_patient(tmp_path: Path) -> Iterator[Live]:
    with live_registry(tmp_path / "data", head_timeout=LONG, body_timeout=LONG) as live:
        yield live


def test_who_is_in_time_is_served_as_ever(short_head: Live, short_body: Live) -> None:
    for live in (short_head, short_body):
        with httpx.Client(base_url=live.url, trust_env=False) as http:
            for _ in range(3):
                assert http.get("/healthz").status_code == 200
        live.party("Firm in time")
