"""Every refusal that any test provokes is looked at: its Chinese is Chinese."""

from collections.abc import Iterator

import pytest

from registry.refusals.refusal import Reason
from tests.words import english_run


@pytest.fixture(autouse=True, scope="session")
def _chinese_is_chinese() -> Iterator[None]:
    said: dict[str, str] = {}
    made = Reason.__init__

    def remembered(reason: Reason, *values: object, **named: object) -> None:
        made(reason, *values, **named)  # type: ignore[arg-type]
        if (run := english_run(reason.message.zh)) is not None:
            said[reason.message.zh] = run

    Reason.__init__ = remembered  # type: ignore[method-assign, assignment]
    yield
    Reason.__init__ = made  # type: ignore[method-assign]
    assert not said, said
