"""A served registry for each test."""

from tests.api.conftest import _plain_logging, live

__all__ = ["_plain_logging", "live"]
