"""A served registry for each test, and one that the tests of a module share and do not change; the command itself."""

from tests.api.cli.conftest import sanquan
from tests.api.conftest import live
from tests.security.town import town

__all__ = ["live", "sanquan", "town"]
