"""An audit goes on where the last one ended, and the log must have grown from there."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.audit import AuditReport, KnownCheckpoint, audit_log, parse_known, resuming
from ledger.identifiers import key_identifier
from ledger.sources import DirectorySource
from ledger.tiles import Bundle, Tile
from tests.ledger.logs import AUTHOR, KEYS, build_log, files_of, make_envelope, rewrite, sign, sign_root, write_files

LOG = build_log(800)


class Counted(DirectorySource):
    """Remembers which bundles were read."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.read: list[int] = []

    def bundle(self, bundle: Bundle) -> bytes:
        self.read.append(bundle.index)
        return super().bundle(bundle)


class Auditor:
    """Somebody with a file of his own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.read: list[int] = []

    def audit(self, datas: Sequence[bytes], note: str | None = None, **more: Any) -> AuditReport:
        shutil.rmtree(self.folder / "tree", ignore_errors=True)
        write_files(self.folder / "tree", files_of(datas, note or sign_root(datas)))
        source = Counted(self.folder / "tree")
        report = audit_log(source, KEYS, state=self.state, **more)
        self.read = source.read
        return report


@pytest.fixture
def auditor(tmp_path: Path) -> Auditor:
    return Auditor(tmp_path)


def test_only_what_is_new_is_read(auditor: Auditor) -> None:
    for size, read, resumed in (
        (200, [0], 0),
        (300, [0, 1], 0),
        (300, [1], 256),
        (512, [1], 256),
        (513, [2], 512),
        (513, [2], 512),
        (800, [2, 3], 512),
    ):
        report = auditor.audit(LOG.datas[:size])
        assert (report.findings, report.entries, report.size) == ((), size, size)
        assert (auditor.read, report.resumed) == (read, resumed)


def codes(report: AuditReport) -> list[tuple[str, int | None]]:
    return [(finding.what, finding.position) for finding in report.findings]


def other(position: int) -> list[bytes]:
    return rewrite(LOG.datas, position, lambda entry: replace(entry, envelope=make_envelope(position, "other")))


@pytest.mark.parametrize("position", [3, 255, 256, 520])
def test_a_rewritten_or_cut_log_is_named(auditor: Auditor, position: int) -> None:
    assert auditor.audit(LOG.datas[:600]).holds
    kept = auditor.state.read_bytes()
    for datas in (other(position), other(position)[:600]):
        assert codes(auditor.audit(datas)) == [("history_rewritten", None)]
    for size in (300, 599):
        auditor.state.write_bytes(kept)
        assert codes(auditor.audit(LOG.datas[:size])) == [("entries_lost", size)]
    auditor.state.write_bytes(kept)
    assert auditor.audit(LOG.datas).holds


@pytest.mark.parametrize(("position", "number", "what"), [(700, 3, "statement_twice"), (700, 690, "statement_twice")])
def test_what_is_new_is_held_against_what_was_audited(auditor: Auditor, position: int, number: int, what: str) -> None:
    assert auditor.audit(LOG.datas[:600]).holds
    datas = rewrite(LOG.datas, position, lambda entry: replace(entry, envelope=make_envelope(number)))
    assert codes(auditor.audit(datas)) == [(what, position)]


def test_keys_are_remembered(auditor: Auditor) -> None:
    body = {"key": key_identifier(AUTHOR.public), "reason": "lost"}
    payload = make_envelope(100, act="key.revoke", body=body).payload
    datas = rewrite(LOG.datas, 255, lambda entry: replace(entry, envelope=sign(payload)))
    assert auditor.audit(datas[:256]).holds
    assert codes(auditor.audit(datas)) == [("KEY_INACTIVE", 256)]


def test_what_was_kept_of_the_audited_part_must_agree(auditor: Auditor) -> None:
    assert auditor.audit(LOG.datas[:600]).holds
    kept = [sign_root(LOG.datas[:size]) for size in (1, 100, 256, 512, 600, 700)]
    known = [
        *map(KnownCheckpoint, kept),
        *parse_known(LOG.receipt(20, 150).encode()),
        *parse_known(LOG.receipt(20, 790).encode()),
    ]
    report = auditor.audit(LOG.datas, known=known)
    assert (report.findings, report.known_checked, report.resumed) == ((), 8, 512)
    past = other(3)
    assert codes(auditor.audit(LOG.datas, known=[KnownCheckpoint(sign_root(past[:100]))])) == [
        ("history_rewritten", None)
    ]


def test_changed_tiles_of_the_audited_part_are_named(auditor: Auditor) -> None:
    assert auditor.audit(LOG.datas[:600]).holds
    write_files(auditor.folder / "tree", files_of(LOG.datas, LOG.note))
    upper = auditor.folder / "tree" / Tile(1, 0, 3).path
    upper.write_bytes(bytes(32) + upper.read_bytes()[32:])
    assert codes(audit_log(DirectorySource(auditor.folder / "tree"), KEYS, state=auditor.state)) == [
        ("root_mismatch", None)
    ]


def test_another_format_is_not_gone_on_with(auditor: Auditor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert auditor.audit(LOG.datas[:600]).holds
    auditor.state.unlink()
    monkeypatch.setattr(resuming, "FORMAT", resuming.FORMAT + 1)
    assert auditor.audit(LOG.datas[:600]).resumed == 0
