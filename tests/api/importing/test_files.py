"""Own files are rows known by their content; which reader a path is for is decided by what is in it."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.importing.detect import count, kind_of_path, needs_source, rows
from api.importing.files import read_files
from api.importing.model import Options, Refused, Row
from tests.api.importing.forms import check_row

VECTORS = Path(__file__).parents[2] / "vectors" / "import"
OPTIONS = Options("pty_00000000000000000000000000")


def codes(found: list[Row | Refused]) -> dict[str, str]:
    return {each.source: each.code if isinstance(each, Refused) else "row" for each in found}


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "济南停车.csv"
    path.write_bytes(b"a,b\n1,2\n")
    (found,) = read_files(path, OPTIONS)
    assert isinstance(found, Row)
    asset = check_row(found)
    digest = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    assert found.identifier == ("file", digest)
    assert asset["fingerprints"] == [{"alg": "sha-256", "value": digest}]
    assert asset["volume"] == {"bytes": 8}
    assert (asset["name"], asset["media"], asset["structure"]) == ("济南停车.csv", ["table"], "structured")
    assert asset["overview"] == "文件 济南停车.csv，类型 text/csv，8 字节。"
    assert found.body["sources"] == [{"origin": "generated", "basis": "own_operation", "facts": {}}]
    assert found.body["claims"][0]["rights"] == ["holding", "processing", "operating"]


def test_options_are_filed(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x")
    options = Options("pty_x", basis="public_collection", origin="public_collection", personal_information="sensitive")
    (found,) = read_files(path, options)
    assert isinstance(found, Row)
    assert found.body["claims"][0]["rights"] == ["holding", "processing"]
    assert check_row(found)["categories"] == ["enterprise", "personal"]


def test_a_folder_is_read_in_order_and_reports_what_it_skips(tmp_path: Path) -> None:
    root = tmp_path / "data"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "b.txt").write_text("b")
    (root / "a.txt").write_text("a")
    (root / "empty").write_text("")
    (root / ".hidden").write_text("h")
    (root / "loop").symlink_to(root)
    (root / "gone").symlink_to(root / "nowhere")
    os.mkfifo(root / "pipe")
    assert codes(list(read_files(root, OPTIONS))) == {
        "data/.hidden": "HIDDEN",
        "data/a.txt": "row",
        "data/empty": "FILE_EMPTY",
        "data/gone": "PATH_MISSING",
        "data/loop": "SYMLINK_LOOP",
        "data/pipe": "NOT_A_FILE",
        "data/sub/b.txt": "row",
    }


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.txt")
    path.write_bytes(b"x")
    (found,) = read_files(path, OPTIONS)
    assert isinstance(found, Row)
    assert check_row(found)["name"] == "\ufffd.txt"


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root reads everything, so for the block it is nobody."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_an_unreadable_file_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "a.txt"
        path.write_text("a")
        path.chmod(0)
        with unprivileged():
            found = list(read_files(path, OPTIONS))
    assert codes(found) == {"a.txt": "FILE_UNREADABLE"}


def test_readers_are_chosen_by_content(tmp_path: Path) -> None:
    assert kind_of_path(VECTORS / "open-data-registry.ndjson") == "registry"
    assert kind_of_path(VECTORS / "croissant" / "titanic.json") == "croissant"
    (tmp_path / "own.ndjson").write_text('{"a":1}\n')
    (tmp_path / "own.json").write_text("[1]")
    assert {kind_of_path(each) for each in tmp_path.iterdir()} == {"files"}


def test_a_folder_of_descriptions_is_not_own_data(tmp_path: Path) -> None:
    paths = [VECTORS / "croissant", VECTORS / "open-data-registry.ndjson", tmp_path / "missing"]
    found = list(rows(paths, OPTIONS))
    assert not needs_source(paths)
    assert sum(isinstance(each, Row) for each in found) == 6 + 10
    assert [each.code for each in found if isinstance(each, Refused)] == ["NAME_MISSING", "PATH_MISSING"]
    assert count(paths) == 7 + 10 + 1
    assert {each.identifier[0] for each in found if isinstance(each, Row)} == {"croissant", "odr"}


def test_a_description_among_own_files_is_an_own_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    (tmp_path / "croissant.json").write_bytes((VECTORS / "croissant" / "titanic.json").read_bytes())
    assert needs_source([tmp_path])
    assert {each.identifier[0] for each in rows([tmp_path], OPTIONS) if isinstance(each, Row)} == {"file"}
    assert count([tmp_path]) == 2


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    paths = [VECTORS / "croissant", VECTORS / "open-data-registry.ndjson", tmp_path]
    assert list(rows(paths, OPTIONS)) == list(rows(paths, OPTIONS))
