import gzip
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from ledger.audit import audit_log
from ledger.errors import BrokenLogError
from ledger.sources import MAX_TILE_BYTES, DirectorySource, LogSource, StorageSource, UrlSource
from ledger.tiles import Bundle, Tile, decode_bundle, encode_bundle
from tests.ledger.logs import KEYS, build_log, files_of, write_files

LOG = build_log(300)
URL = "https://log.example/prefix"
FILES = files_of(LOG.datas, LOG.note) | {"v1/rulebooks/00": b"rules"}


def serve(files: dict[str, bytes], *, compress: bool = False, seen: list[httpx.Request] | None = None) -> UrlSource:
    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        assert request.url.path.startswith("/prefix/")
        data = files.get(request.url.path.removeprefix("/prefix/"))
        if data is None:
            return httpx.Response(404)
        if compress:
            return httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=gzip.compress(data))
        return httpx.Response(200, content=data)

    return UrlSource(URL + "/", httpx.Client(transport=httpx.MockTransport(answer)))


def in_directory(files: dict[str, bytes], path: Path) -> LogSource:
    write_files(path, files)
    return DirectorySource(path)


SOURCES: dict[str, Callable[[dict[str, bytes], Path], LogSource]] = {
    "directory": in_directory,
    "url": lambda files, _: serve(files),
    "gzip": lambda files, _: serve(files, compress=True),
}


@pytest.fixture(params=list(SOURCES))
def make_source(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[dict[str, bytes]], LogSource]:
    return lambda files: SOURCES[request.param](files, tmp_path)


def test_sources_answer_the_files(make_source: Callable[[dict[str, bytes]], LogSource]) -> None:
    source = make_source(FILES)
    assert source.checkpoint() == LOG.note
    assert source.tile(Tile(0, 0)) == FILES["tile/0/000"]
    assert source.tile(Tile(0, 1, 44)) == FILES["tile/0/001.p/44"]
    assert source.bundle(Bundle(1, 44)) == FILES["tile/entries/001.p/44"]
    assert source.document("v1/rulebooks/00") == b"rules"
    assert source.document("v1/rulebooks/01") is None
    assert audit_log(source, KEYS).holds


def test_partial_is_cut_from_the_full_file(make_source: Callable[[dict[str, bytes]], LogSource]) -> None:
    source = make_source(FILES)
    assert source.tile(Tile(0, 0, 5)) == FILES["tile/0/000"][:160]
    assert decode_bundle(source.bundle(Bundle(0, 5))) == LOG.datas[:5]


def test_missing_files_are_said_to_be(make_source: Callable[[dict[str, bytes]], LogSource]) -> None:
    source = make_source({"v1": b""})
    with pytest.raises(BrokenLogError, match="no file `checkpoint`"):
        source.checkpoint()
    for width in (256, 3):
        with pytest.raises(BrokenLogError, match=r"tile/1/000.* is missing"):
            source.tile(Tile(1, 0, width))
        with pytest.raises(BrokenLogError, match=r"tile/entries/000.* is missing"):
            source.bundle(Bundle(0, width))


def test_answers_are_bounded(make_source: Callable[[dict[str, bytes]], LogSource]) -> None:
    source = make_source({"tile/0/000": bytes(MAX_TILE_BYTES + 1), "checkpoint": b"\xff"})
    with pytest.raises(BrokenLogError, match="more than 8192 bytes"):
        source.tile(Tile(0, 0))
    with pytest.raises(BrokenLogError, match="not UTF-8"):
        source.checkpoint()


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../secret", "a//b", "", "c:/x", "..\\secret"])
def test_documents_lie_below_the_source(path: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "tree").mkdir()
    assert DirectorySource(tmp_path / "tree").document(path) is None
    assert serve({}).document(path) is None


def test_url_says_what_went_wrong() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("checkpoint"):
            return httpx.Response(503)
        if request.url.path.endswith("tile/0/000"):
            return httpx.Response(302, headers={"Location": "http://127.0.0.1/"})
        raise httpx.ConnectError("no route")

    source = UrlSource(URL, httpx.Client(transport=httpx.MockTransport(fail)))
    with pytest.raises(BrokenLogError, match="answers 503"):
        source.checkpoint()
    with pytest.raises(BrokenLogError, match="answers 302"):
        source.tile(Tile(0, 0))
    with pytest.raises(BrokenLogError, match="no route"):
        source.bundle(Bundle(0))


def test_broken_gzip_is_a_broken_log() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"not gzip"))

    source = UrlSource(URL, httpx.Client(transport=httpx.MockTransport(answer)))
    with pytest.raises(BrokenLogError, match="cannot be read"):
        source.checkpoint()


def test_url_asks_for_gzip_and_closes_only_what_is_its_own() -> None:
    seen: list[httpx.Request] = []
    with serve(FILES, seen=seen) as source:
        source.checkpoint()
    assert seen[0].headers["Accept-Encoding"] == "gzip, identity"
    source.checkpoint()
    own = UrlSource(URL)
    own.close()
    assert own._client.is_closed


def test_storage_composes_from_rows() -> None:
    with LOG.storage.transaction() as tx:
        source = StorageSource(LOG.storage, tx, {"about": b"text"}.get)
        assert source.checkpoint() == LOG.note
        for path, data in FILES.items():
            if path.startswith("tile/entries"):
                bundle = Bundle(0) if path.endswith("000") else Bundle(1, 44)
                assert source.bundle(bundle) == data
        assert source.tile(Tile(0, 0)) == FILES["tile/0/000"]
        assert source.tile(Tile(0, 0, 7)) == FILES["tile/0/000"][:224]
        assert source.tile(Tile(1, 0, 1)) == FILES["tile/1/000.p/1"]
        assert source.bundle(Bundle(0, 3)) == encode_bundle(LOG.datas[:3])
        assert source.document("about") == b"text"
        assert source.document("other") is None


def test_storage_says_what_it_lacks() -> None:
    with LOG.storage.transaction() as original:
        tx = original.copy()
    source = StorageSource(LOG.storage, tx)
    with pytest.raises(BrokenLogError, match="has 1 of 2 hashes"):
        source.tile(Tile(1, 0, 2))
    with pytest.raises(BrokenLogError, match="entries from 512 on are missing"):
        source.bundle(Bundle(2, 1))
    del tx.entries[10]
    with pytest.raises(BrokenLogError, match="entry 10 is missing"):
        source.bundle(Bundle(0))
    tx.checkpoints.clear()
    with pytest.raises(BrokenLogError, match="no checkpoint"):
        source.checkpoint()
