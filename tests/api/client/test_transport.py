"""Retries, and what goes wrong as exceptions. No server: only what the wire can do."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from api.client import ClientError, ProblemError, TransportError
from api.client.transport import Transport, query
from tests.api.client.fake import problem

Answer = httpx.Response | Exception


class Wire:
    """Answers one after the other; the last for ever."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr("api.client.transport.time.sleep", found.append)
    return found


@pytest.fixture
def connect() -> Iterator[Callable[..., Transport]]:
    made: list[Transport] = []

    def make(wire: Wire, language: str = "zh") -> Transport:
        made.append(Transport("http://wire", language, httpx.MockTransport(wire), 1.0))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


Connect = Callable[..., Transport]
OK = httpx.Response(200, json={"good": True})


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("no"), httpx.ReadError("reset"), httpx.RemoteProtocolError("gone"), httpx.ConnectTimeout("")],
)
def test_a_broken_connection_is_tried_again_with_the_same_bytes(
    connect: Connect, slept: list[float], error: Exception
) -> None:
    wire = Wire(error, error, OK)
    assert connect(wire).json("POST", "/v1/statements", content=b"{}") == {"good": True}
    assert [request.content for request in wire.requests] == [b"{}"] * 3
    assert slept == []


def test_a_registry_that_is_not_there_is_told_after_three_tries(connect: Connect, slept: list[float]) -> None:
    wire = Wire(httpx.ConnectError("refused"))
    with pytest.raises(TransportError, match=r"http://wire.* cannot be reached: refused"):
        connect(wire).json("GET", "/x")
    assert len(wire.requests) == 3
    assert slept == []


@pytest.mark.parametrize("error", [httpx.ReadTimeout("slow"), httpx.DecodingError("gzip"), httpx.InvalidURL("odd")])
def test_what_another_try_would_not_mend_is_not_tried_again(
    connect: Connect, slept: list[float], error: Exception
) -> None:
    wire = Wire(error)
    with pytest.raises(TransportError, match="did not answer"):
        connect(wire).json("GET", "/x")
    assert len(wire.requests) == 1


@pytest.mark.parametrize(("told", "waited"), [("0", 0.0), ("2", 2.0), ("60", 5.0), ("9" * 400, 5.0)])
def test_503_waits_as_long_as_it_is_told_but_five_seconds_at_most(
    connect: Connect, slept: list[float], told: str, waited: float
) -> None:
    wire = Wire(problem(503, "QUEUE_FULL", **{"Retry-After": told}), OK)
    assert connect(wire).json("GET", "/x") == {"good": True}
    assert slept == [waited]


def test_503_that_lasts_is_the_registrys_problem(connect: Connect, slept: list[float]) -> None:
    wire = Wire(problem(503, "READ_ONLY", **{"Retry-After": "1"}))
    with pytest.raises(ProblemError) as caught:
        connect(wire).json("GET", "/x")
    assert (caught.value.code, len(wire.requests), slept) == ("READ_ONLY", 3, [1.0, 1.0])


@pytest.mark.parametrize("told", [None, "", "-1", "nan", "inf", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_503_that_names_no_seconds_is_not_tried_again(connect: Connect, slept: list[float], told: str | None) -> None:
    headers = {} if told is None else {"Retry-After": told}
    wire = Wire(problem(503, "QUEUE_FULL", **headers))
    with pytest.raises(ProblemError):
        connect(wire).json("GET", "/x")
    assert (len(wire.requests), slept) == (1, [])


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422, 429, 500])
def test_a_problem_is_told_with_its_code_and_reasons_and_not_tried_again(
    connect: Connect, slept: list[float], status: int
) -> None:
    wire = Wire(problem(status, "SOME_CODE", **{"Retry-After": "1"}))
    with pytest.raises(ProblemError, match="It is not so") as caught:
        connect(wire).json("GET", "/x")
    error = caught.value
    assert (error.status, error.code, error.title, error.detail) == (status, "SOME_CODE", "No", "It is not so.")
    assert error.reasons == [{"code": "SOME_CODE", "message": "It is not so."}]
    assert (len(wire.requests), slept) == (1, [])


def test_a_problem_with_little_in_it_is_one_still(connect: Connect) -> None:
    answer = httpx.Response(418, json={"reasons": 7}, headers={"Content-Type": "application/problem+json"})
    with pytest.raises(ProblemError) as caught:
        connect(Wire(answer)).json("GET", "/x")
    assert (caught.value.status, caught.value.code, caught.value.reasons) == (418, "", [])


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="<h1>Bad gateway</h1>"),
        httpx.Response(302, headers={"Location": "http://elsewhere/"}),
        httpx.Response(500, text="{", headers={"Content-Type": "application/problem+json"}),
        httpx.Response(500, text="[]", headers={"Content-Type": "application/problem+json"}),
        httpx.Response(200, text="<html>"),
    ],
)
def test_what_is_no_answer_of_a_registry_is_told_as_such(connect: Connect, answer: httpx.Response) -> None:
    with pytest.raises(TransportError):
        connect(Wire(answer)).json("GET", "/x")


def test_an_address_that_is_none_is_told_as_such() -> None:
    with pytest.raises(TransportError, match="not an address"):
        Transport("http://wire:port", "zh", None, 1.0)


def test_all_are_client_errors() -> None:
    assert issubclass(TransportError, ClientError)
    assert issubclass(ProblemError, ClientError)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_registry_is_told_the_language(connect: Connect, language: str) -> None:
    wire = Wire(OK)
    connect(wire, language).json("GET", "/x")
    assert wire.requests[0].headers["accept-language"] == language


def test_lists_repeat_a_parameter_and_absent_ones_are_left_out() -> None:
    pairs = query({"from_": 1, "fields": ["a", "b"], "at": None, "explain": True, "holder": ("x",)})
    assert pairs == [("from", "1"), ("fields", "a"), ("fields", "b"), ("explain", "true"), ("holder", "x")]
