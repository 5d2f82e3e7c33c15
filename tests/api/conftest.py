"""A served registry for each test; log lines short, not as a developer's terminal paints them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.api.live import Live, live_registry


@pytest.fixture(autouse=True, scope="session")
def _plain_logging() -> Iterator[None]:
    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer()], logger_factory=structlog.ReturnLoggerFactory()
    )
    yield
    structlog.reset_defaults()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with live_registry(tmp_path / "data") as found:
        yield found
