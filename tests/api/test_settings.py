"""Settings: read once, unknown ones refused, closed where they are missing."""

import pytest
from pydantic import ValidationError

from api.settings import RATE_OFF_LOOPBACK, Settings, make_settings


def test_defaults_on_loopback() -> None:
    settings = Settings()
    assert (str(settings.data), settings.host, settings.port) == ("sanquan-data", "127.0.0.1", 8000)
    assert not settings.verified_only
    assert settings.quota("party") is None


@pytest.mark.parametrize(
    ("name", "value"), [("SANQUAN_PROT", "1"), ("SANQUAN_ADMISION", "open"), ("SANQUAN_", "x"), ("SANQUAN_POLICE", "p")]
)
def test_an_unknown_variable_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match="unknown settings"):
        Settings()


def test_variables_are_read_and_options_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANQUAN_PORT", "9001")
    monkeypatch.setenv("SANQUAN_ADMISSION", "verified")
    monkeypatch.setenv("SANQUAN_STATE", "/somewhere")
    assert Settings().port == 9001
    assert Settings().verified_only
    assert make_settings(port=9002, admission=None).port == 9002


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "registry.example"])
def test_off_loopback_an_origin_is_required_and_parties_must_be_verified(host: str) -> None:
    with pytest.raises(ValidationError, match="origin"):
        Settings(host=host)
    settings = Settings(host=host, origin="registry.example/log")
    assert settings.verified_only
    assert settings.quota("party") == settings.quota("address") == RATE_OFF_LOOPBACK
    assert not Settings(host=host, origin="registry.example/log", admission="open").verified_only


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_needs_no_origin(host: str) -> None:
    assert Settings(host=host).on_loopback


def test_a_simulated_clock_needs_loopback_and_a_test_origin() -> None:
    assert Settings(simulated_clock="now", origin="x.test").simulated_clock == "now"
    assert Settings(simulated_clock="now").simulated_clock == "now"
    with pytest.raises(ValidationError, match="simulated clock"):
        Settings(simulated_clock="now", origin="registry.example")
    with pytest.raises(ValidationError, match="simulated clock"):
        Settings(simulated_clock="now", origin="x.test", host="0.0.0.0")


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 70_000},
        {"admission": "some"},
        {"max_file_bytes": 0},
        {"quota_party": "lots"},
        {"quota_requests": "lots"},
        {"head_timeout": 0},
        {"body_timeout": -1},
    ],
)
def test_wrong_values(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        make_settings(**wrong)
