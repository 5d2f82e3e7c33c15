import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.audit import audit_log
from ledger.entry import Entry
from ledger.errors import BrokenLogError
from ledger.export import ExportReport, export_log
from ledger.sources import DirectorySource, LogSource, StorageSource, UrlSource
from ledger.tiles import Bundle, Tile
from tests.ledger.logs import (
    KEYS,
    BuiltLog,
    build_log,
    files_of,
    make_envelope,
    read_files,
    rewrite,
    sign_root,
    write_files,
)
from tests.ledger.support import flip

LOG = build_log(300)


def export(log: BuiltLog, directory: Path, **options: Any) -> ExportReport:
    with log.storage.transaction() as tx:
        return export_log(StorageSource(log.storage, tx), directory, **options)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 300])
def test_exported_tree_is_that_computed_from_scratch(size: int, tmp_path: Path) -> None:
    log = build_log(size)
    report = export(log, tmp_path, documents={"v1/rulebooks/00": b"rules"})
    expected = files_of(log.datas, log.note) | {"v1/rulebooks/00": b"rules"}
    assert read_files(tmp_path) == expected
    assert report == ExportReport(size, len(expected))


def test_export_grows_by_what_is_new(tmp_path: Path) -> None:
    write_files(tmp_path, files_of(LOG.datas[:200], sign_root(LOG.datas[:200])))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert export(LOG, tmp_path).files_written == len(files_of(LOG.datas, LOG.note))
    unchanged = [path for path, time in before.items() if path.stat().st_mtime_ns == time]
    assert {path.name for path in unchanged} == {"200"}
    assert files_of(LOG.datas, LOG.note).items() <= read_files(tmp_path).items()
    assert export(LOG, tmp_path) == ExportReport(300, 0)


def test_export_reports_progress(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    export(LOG, tmp_path, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(256, 300), (300, 300)]


@pytest.mark.parametrize("path", ["tile/0/000", "tile/entries/000", "tile/0/001.p/44"])
def test_differing_file_is_not_overwritten(path: str, tmp_path: Path) -> None:
    export(LOG, tmp_path)
    changed = flip((tmp_path / path).read_bytes())
    (tmp_path / path).write_bytes(changed)
    with pytest.raises(BrokenLogError, match=f"{path} exists and differs"):
        export(LOG, tmp_path, verifies=True)
    assert (tmp_path / path).read_bytes() == changed
    assert export(LOG, tmp_path) == ExportReport(300, 0), "by its length alone it is what it should be"


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"])
def test_a_tile_that_is_too_short_is_noticed(path: str, tmp_path: Path) -> None:
    export(LOG, tmp_path)
    (tmp_path / path).write_bytes((tmp_path / path).read_bytes()[:-1])
    with pytest.raises(BrokenLogError, match=f"{path} exists and differs"):
        export(LOG, tmp_path)


@pytest.mark.parametrize("path", ["tile/0/000", "tile/entries/000", "tile/entries/001.p/44"])
def test_a_file_that_is_missing_is_written_again(path: str, tmp_path: Path) -> None:
    export(LOG, tmp_path)
    before = read_files(tmp_path)
    (tmp_path / path).unlink()
    assert export(LOG, tmp_path) == ExportReport(300, 1)
    assert read_files(tmp_path) == before


class Counting:
    """A source that remembers which files were read."""

    def __init__(self, source: LogSource) -> None:
        self._source = source
        self.paths: list[str] = []

    def checkpoint(self) -> str:
        return self._source.checkpoint()

    def tile(self, tile: Tile) -> bytes:
        self.paths.append(tile.path)
        return self._source.tile(tile)

    def bundle(self, bundle: Bundle) -> bytes:
        self.paths.append(bundle.path)
        return self._source.bundle(bundle)

    def document(self, path: str) -> bytes | None:
        return self._source.document(path)


def test_what_the_directory_has_is_not_read_again(tmp_path: Path) -> None:
    long = build_log(1_100)
    export(long, tmp_path, note=sign_root(long.datas[:1_030]))
    with long.storage.transaction() as tx:
        source = Counting(StorageSource(long.storage, tx))
        report = export_log(source, tmp_path)
    written = {"tile/0/004.p/76", "tile/entries/004.p/76", "checkpoint"}
    assert report == ExportReport(1_100, len(written))
    assert [path for path in source.paths if "entries" in path] == ["tile/entries/004.p/76"]
    assert set(source.paths) <= written | {"tile/1/000.p/4"}, "the old root is computed from a tile of each level"
    assert {"tile/0/004.p/6", "tile/entries/004.p/6"} <= read_files(tmp_path).keys(), "what was exported stays"


KILLED = """
import os, signal, sys
from pathlib import Path
from ledger.export import export_log
from ledger.sources import DirectorySource

class Ends(DirectorySource):
    def bundle(self, bundle):
        if bundle.path.endswith("001.p/44"):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().bundle(bundle)

export_log(Ends(Path(sys.argv[1])), Path(sys.argv[2]))
"""


def test_an_export_that_was_killed_is_taken_up(tmp_path: Path) -> None:
    source, tree = tmp_path / "source", tmp_path / "tree"
    write_files(source, files_of(LOG.datas, LOG.note))
    first = sign_root(LOG.datas[:100])
    export(LOG, tree, note=first)
    done = subprocess.run([sys.executable, "-c", KILLED, source, tree], check=False, stderr=subprocess.PIPE)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert "tile/entries/000" in read_files(tree)
    assert DirectorySource(tree).checkpoint() == first, "the checkpoint comes last"
    (tree / ".unfinished").mkdir(exist_ok=True)
    (tree / ".unfinished" / "x.part").write_bytes(b"half")
    export(LOG, tree)
    assert read_files(tree) == files_of(LOG.datas[:100], "") | files_of(LOG.datas, LOG.note)


@contextmanager
def static_server(directory: Path) -> Iterator[str]:
    """The address of Python's own server of files, as a process."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(directory)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        match = re.search(r"port (\d+)", process.stdout.readline())
        assert match
        yield f"http://127.0.0.1:{match[1]}"
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_any_static_server_carries_the_tree(tmp_path: Path) -> None:
    tree = tmp_path / "below" / "tree"
    for size in (100, 300):
        export(LOG, tree, documents={"v1/rulebooks/00": b"rules"}, note=sign_root(LOG.datas[:size]))
    with static_server(tmp_path) as url, UrlSource(f"{url}/below/tree/") as source:
        assert audit_log(source, KEYS).holds
        assert source.document("v1/rulebooks/00") == b"rules"
        assert source.tile(Tile(0, 0, 100)) == b"".join(LOG.leaves[:100])
        with pytest.raises(BrokenLogError, match="missing"):
            source.tile(Tile(0, 2, 1))


def test_a_note_may_be_given(tmp_path: Path) -> None:
    """What is published, where that is not the newest."""
    older = sign_root(LOG.datas[:270])
    assert export(LOG, tmp_path, note=older).size == 270
    assert read_files(tmp_path) == files_of(LOG.datas[:270], older)


def test_export_never_goes_back(tmp_path: Path) -> None:
    export(LOG, tmp_path)
    before = read_files(tmp_path)
    with pytest.raises(BrokenLogError, match="lost entries"):
        export(build_log(257), tmp_path)
    with pytest.raises(BrokenLogError, match="another root of size 300"):
        export(build_log(300, "other"), tmp_path)
    assert read_files(tmp_path) == before


def test_another_log_is_not_exported_into_the_directory(tmp_path: Path) -> None:
    write_files(tmp_path, files_of(LOG.datas, sign_root(LOG.datas, "registry.example/other")))
    with pytest.raises(BrokenLogError, match=r"holds the log registry\.example/other"):
        export(LOG, tmp_path)


def test_source_that_lacks_a_file_leaves_no_checkpoint(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    write_files(source, files_of(LOG.datas, LOG.note))
    (source / "tile/entries/000").unlink()
    with pytest.raises(BrokenLogError, match="tile/entries/000 is missing"):
        export_log(DirectorySource(source), target)
    assert not (target / "checkpoint").exists()
    (source / "checkpoint").write_bytes(b"?")
    with pytest.raises(BrokenLogError, match="not a checkpoint"):
        export_log(DirectorySource(source), target)


@pytest.mark.parametrize("path", ["../outside", "/tmp/outside-of-the-tree"])
def test_documents_stay_inside(path: str, tmp_path: Path) -> None:
    with pytest.raises(BrokenLogError, match="outside the directory"):
        export(LOG, tmp_path / "tree", documents={path: b""})


def test_documents_may_change(tmp_path: Path) -> None:
    export(LOG, tmp_path, documents={"about.txt": b"one"})
    assert export(LOG, tmp_path, documents={"about.txt": b"two"}).files_written == 1
    assert (tmp_path / "about.txt").read_bytes() == b"two"


def test_rewritten_log_of_another_size_does_not_lead_to_the_old_root(tmp_path: Path) -> None:
    def change(entry: Entry) -> Entry:
        return replace(entry, envelope=make_envelope(entry.position, "another"))

    old = rewrite(LOG.datas, 20, change)[:280]
    write_files(tmp_path, files_of(old, sign_root(old)))
    with pytest.raises(BrokenLogError, match="another root of size 280: the log was rewritten"):
        export(LOG, tmp_path)
