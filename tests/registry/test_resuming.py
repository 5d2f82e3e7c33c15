"""An audit of a log at an address goes on where the last one ended, with the register folded so far."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ledger.audit import AuditReport
from ledger.keys import KeySigner
from registry.auditing import Depth, open_subject
from registry.resuming import audit_url
from tests.registry.desk import Desk, key_shape, open_desk
from tests.registry.histories import copy, execute


class History:
    """A register at three of its sizes, the last with an entry that may not take effect."""

    def __init__(self, folder: Path) -> None:
        self.small, self.large = folder / "small", folder / "large"
        with open_desk(folder / "data") as desk:
            party = desk.party("甲")
            self.keys: Sequence[Any] = desk.registry.log.verifier_keys()
            spare = KeySigner.generate()
            desk.ok("key.add", party, key_shape(spare), extra=[spare])
            self._fill(desk, party, 300)
        copy(folder / "data", self.small)
        with open_desk(folder / "data") as desk:
            desk.clock.set(desk.clock.now())
            self._fill(desk, party, 520)
        copy(folder / "data", self.large)

    @staticmethod
    def _fill(desk: Desk, party: Any, size: int) -> None:
        while (missing := size - desk.size()) > 0:
            start = desk.size()
            lines = [desk.envelope("party.update", party, {"contact": str(start + n)}) for n in range(min(64, missing))]
            assert all(answer.refusal is None for answer in desk.submit(*lines))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    yield History(tmp_path_factory.mktemp("resuming"))


def audited(folder: Path, history: History, memory: Path, depth: Depth | None = None, **more: Any) -> AuditReport:
    with open_subject(folder) as subject:
        return audit_url(
            subject.source,
            more.pop("keys", history.keys),
            [],
            None,
            depth or Depth(),
            memory,
            whole=more.get("whole", False),
        )


@pytest.mark.parametrize("register", [True, False])
def test_only_what_is_new_is_replayed(history: History, tmp_path: Path, register: bool) -> None:
    memory, depth = tmp_path / "memory", Depth(register=register)
    seen = []
    for folder in (history.small, history.small, history.large, history.large):
        report = audited(folder, history, memory, depth)
        assert report.findings == ()
        seen.append((report.size, report.resumed))
    assert seen == [(300, 0), (300, 256), (520, 256), (520, 512)]
    assert audited(history.large, history, memory, depth, whole=True).resumed == 0
    assert [finding.what for finding in audited(history.small, history, memory, depth).findings] == ["entries_lost"]
    assert audited(history.large, history, memory, depth).resumed == 512
    assert sorted(path.name for path in tmp_path.iterdir()) == ["memory"]


def test_an_incomplete_audit_is_not_remembered(history: History, tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    assert not audited(history.small, history, memory, keys=()).pinned
    assert not memory.exists()
    assert audited(history.small, history, memory).resumed == 0
    assert audited(history.large, history, memory, Depth(signatures=False)).resumed == 0
    assert audited(history.small, history, memory).resumed == 256


def test_what_another_version_left_is_not_believed(history: History, tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    assert audited(history.small, history, memory).holds
    (memory / "version").write_text("0")
    assert audited(history.small, history, memory).resumed == 0
    assert audited(history.small, history, memory).resumed == 256
    (memory / "log.db").write_bytes(b"damaged")
    assert audited(history.small, history, memory).resumed == 0


def test_a_forgery_behind_what_was_audited_is_named(history: History, tmp_path: Path) -> None:
    memory, forged = tmp_path / "memory", copy(history.large, tmp_path / "forged")
    assert audited(history.small, history, memory).holds
    assert execute(forged, "UPDATE sanquan_entry SET data = replace(data, '400', '401') WHERE position = 400") == [1]
    report = audited(forged, history, memory)
    assert [(finding.what, finding.position) for finding in report.findings] == [("entry_changed", 400)]
    with sqlite3.connect(memory / "log.db") as connection:
        assert connection.execute("SELECT count(*) FROM statement").fetchone() == (256,)
    connection.close()
