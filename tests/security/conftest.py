"""A served registry that the tests of a module share; log lines are short."""

from tests.api.conftest import _plain_logging
from tests.security.town import town

__all__ = ["_plain_logging", "town"]
