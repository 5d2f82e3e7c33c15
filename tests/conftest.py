"""Every refusal that any test provokes is looked at: its Chinese is Chinese."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from registry.refusals.refusal import Reason
from tests.forks import Forks, forks
from tests.words import english_run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many faults were survived, and which this machine cannot make, is said also where all is well."""
    for report in terminalreporter.getreports("passed"):
        for name, said in report.user_properties:
            if name == "faults":
                terminalreporter.write_line(str(said))


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """Commands as forks of one process that has loaded them."""
    with forks(tmp_path_factory.mktemp("forks")) as found:
        yield found


@pytest.fixture(autouse=True, scope="session")
def _plain_logging() -> Iterator[None]:
    """Not as a developer's terminal paints them: rich tracebacks take seconds."""
    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer()], logger_factory=structlog.ReturnLoggerFactory()
    )
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True, scope="session")
def _chinese_is_chinese() -> Iterator[None]:
    said: dict[str, str] = {}
    made = Reason.__init__

    def remembered(reason: Reason, *values: Any, **named: Any) -> None:
        made(reason, *values, **named)
        if (run := english_run(reason.message.zh)) is not None:
            said[reason.message.zh] = run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reason, "__init__", remembered)
        yield
    assert not said, said
