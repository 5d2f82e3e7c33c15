"""A served registry with a party, an asset with rights, and a case, shared by the tests of a module; none changes it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.api.live import Live, live_registry
from tests.registry.desk import Actor, ids


@dataclass(frozen=True)
class Town:
    """What stands in the register."""

    live: Live
    firm: Actor
    asset: str
    right: str


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with live_registry(tmp_path_factory.mktemp("town") / "data") as live:
        firm = live.party("济南公司")
        filed = live.asset(firm)
        yield Town(live, firm, ids(filed, "ast")[0], ids(filed, "rgt")[0])
