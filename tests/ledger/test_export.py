from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.entry import Entry
from ledger.errors import BrokenLogError
from ledger.export import ExportReport, export_log
from ledger.sources import DirectorySource, StorageSource
from tests.ledger.logs import BuiltLog, build_log, files_of, make_envelope, read_files, rewrite, sign_root, write_files
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
        export(LOG, tmp_path)
    assert (tmp_path / path).read_bytes() == changed


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


def test_rewritten_log_of_another_size_meets_its_old_tiles(tmp_path: Path) -> None:
    def change(entry: Entry) -> Entry:
        return replace(entry, envelope=make_envelope(entry.position, "another"))

    old = rewrite(LOG.datas, 20, change)[:280]
    write_files(tmp_path, files_of(old, sign_root(old)))
    with pytest.raises(BrokenLogError, match="tile/0/000 exists and differs"):
        export(LOG, tmp_path)
