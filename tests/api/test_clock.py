"""The simulated clock: only where it was asked for, never backwards, kept with the data."""

from pathlib import Path

import pytest

from tests.api.live import JSON, Live, live_registry, problem, simulated


def test_real_time_has_no_clock_to_set(live: Live) -> None:
    problem(live.http.get("/v1/clock"), 404, "NOT_FOUND")
    problem(live.http.post("/v1/clock", json={"now": "2030-01-01T00:00:00Z"}), 404, "NOT_FOUND")


def test_it_stands_still_goes_forward_and_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with live_registry(folder, clock=simulated(folder)) as live:
        start = live.get("/v1/clock")["now"]
        assert start.startswith("2026-01-01T00:00:00")
        live.party()
        assert live.get("/v1/clock")["now"] == start
        later = "2026-06-01T00:00:00.000Z"
        assert live.http.post("/v1/clock", json={"now": later}).json() == {"now": later}
        assert live.http.post("/v1/clock", json={"now": "2026-06-01T08:00:00+08:00"}).json() == {"now": later}
        back = live.http.post("/v1/clock", json={"now": "2026-05-31T23:59:59.999Z"})
        problem(back, 409, "CLOCK_BACKWARDS")
        assert live.get("/v1/clock")["now"] == later
        firm = live.party("Firm B")
        assert live.get(f"/v1/parties/{firm.id}")["recorded"]["time"] == later
    with live_registry(folder, clock=simulated(folder)) as live:
        assert live.get("/v1/clock")["now"] == later


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "MALFORMED"),
        (b"{}", 400, "MALFORMED"),
        (b'{"now":1}', 400, "MALFORMED"),
        (b'{"now":"2030-01-01T00:00:00Z","more":1}', 400, "MALFORMED"),
        (b'{"now":"2030-01-01"}', 422, "INVALID_VALUE"),
        (b'{"now":"2030-01-01T00:00:00"}', 422, "INVALID_VALUE"),
    ],
)
def test_bad_settings(tmp_path: Path, content: bytes, status: int, code: str) -> None:
    with live_registry(tmp_path / "data", clock=simulated(tmp_path / "data")) as live:
        problem(live.http.post("/v1/clock", content=content, headers=JSON), status, code)
        form = {"Content-Type": "text/plain"}
        problem(live.http.post("/v1/clock", content=content, headers=form), 415, "MEDIA_TYPE")
        assert live.get("/v1/clock")["now"].startswith("2026-01-01")
