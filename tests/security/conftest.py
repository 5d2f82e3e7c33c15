"""A served registry for each test, or the command itself."""

from tests.api.cli.conftest import sanquan
from tests.api.conftest import _plain_logging, live

__all__ = ["_plain_logging", "live", "sanquan"]
