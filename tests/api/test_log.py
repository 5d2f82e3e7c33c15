"""The log as static files: checkpoint, tiles, bundles, proofs, and an audit of all of it by its address."""

import gzip
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import text

from api.answers import FOREVER
from api.publishing import LogFile, LogFiles
from ledger.checkpoint import verify_checkpoint
from ledger.keys import KeySigner
from ledger.merkle import leaf_hash, verify_consistency
from ledger.merkle import root as root_of
from ledger.note import parse_verifier_key
from ledger.proof import parse_proof, verify_proof
from ledger.sources import UrlSource
from ledger.tiles import decode_bundle
from registry.auditing import Subject, audit
from tests.api.live import Actor, Live, live_registry, party_body, problem


def load(live: Live, count: int) -> None:
    actors = [Actor(f"Firm {n}", [KeySigner.generate()]) for n in range(count)]
    lines = [live.envelope("party.register", actor, party_body(actor)) for actor in actors]
    assert {answer["status"] for answer in live.file(b"\n".join(lines))} <= {201}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A log of 258 entries, signed at 1, 255, 256, 257 and 258."""
    with live_registry(tmp_path_factory.mktemp("log") / "data") as live:
        for count in (254, 1, 1, 1):
            load(live, count)
        yield live


def keys(live: Live) -> list[str]:
    return live.registry.keys.log_keys(live.registry.origin)


def entries(live: Live, count: int) -> list[bytes]:
    raw = {"Accept": "application/octet-stream"}
    return [live.http.get(f"/v1/entries/{n}", headers=raw).content for n in range(count)]


def test_the_checkpoint_is_signed_by_both_keys_and_names_a_signed_size(live: Live) -> None:
    live.party()
    answer = live.http.get("/checkpoint")
    assert answer.headers["content-type"].startswith("text/plain")
    seen = verify_checkpoint(answer.text, [parse_verifier_key(text) for text in keys(live)]).checkpoint
    assert seen.origin == live.registry.origin
    assert seen.root == root_of([leaf_hash(data) for data in entries(live, seen.size)])
    assert answer.headers["cache-control"] == "no-cache"
    same = live.http.get("/checkpoint", headers={"If-None-Match": answer.headers["etag"]})
    assert same.status_code in (200, 304)
    problem(live.http.get("/checkpoint?x=1"), 400, "UNKNOWN_MEMBER")


def test_tiles_and_bundles_around_a_full_one(many: Live) -> None:
    data = entries(many, 258)
    hashes = [leaf_hash(item) for item in data]
    for path, wanted in {
        "tile/0/000": b"".join(hashes[:256]),
        "tile/0/000.p/255": b"".join(hashes[:255]),
        "tile/0/000.p/1": hashes[0],
        "tile/0/001.p/2": b"".join(hashes[256:]),
        "tile/0/001.p/1": hashes[256],
        "tile/1/000.p/1": root_of(hashes[:256]),
    }.items():
        answer = many.http.get(f"/{path}")
        assert (answer.status_code, answer.content) == (200, wanted), path
        assert answer.headers["cache-control"] == FOREVER
        assert answer.headers["content-type"] == "application/octet-stream"
    for path, part in {
        "tile/entries/000": data[:256],
        "tile/entries/000.p/255": data[:255],
        "tile/entries/001.p/2": data[256:],
        "tile/entries/001.p/1": data[256:257],
    }.items():
        assert list(decode_bundle(many.http.get(f"/{path}").content)) == part, path


def raw(live: Live, path: str, accepts: str) -> tuple[httpx.Headers, bytes]:
    """An answer as it comes over the wire."""
    with live.http.stream("GET", path, headers={"Accept-Encoding": accepts}) as answer:
        return answer.headers, b"".join(answer.iter_raw())


@pytest.mark.parametrize("path", ["/tile/entries/000", "/tile/entries/001.p/1"])
def test_bundles_are_compressed_for_whoever_takes_it(many: Live, path: str) -> None:
    headers, plain = raw(many, path, "identity")
    assert "content-encoding" not in headers
    for accepts in ("gzip", "gzip, identity", "br;q=1, gzip;q=0.5"):
        packed_headers, sent = raw(many, path, accepts)
        assert packed_headers["content-encoding"] == "gzip"
        assert gzip.decompress(sent) == plain
        assert len(sent) == int(packed_headers["content-length"]) < len(plain)
        assert packed_headers["cache-control"] == headers["cache-control"] == FOREVER
        assert packed_headers["vary"] == headers["vary"] == "Accept-Encoding"
        assert packed_headers["etag"] != headers["etag"], "a strong tag stands for bytes"
    for other, accepts in ((path, "gzip;q=0"), ("/tile/0/000", "gzip"), ("/v1/entries/0", "gzip")):
        assert "content-encoding" not in raw(many, other, accepts)[0], other


FILES = (
    "/checkpoint",
    "/tile/0/000",
    "/tile/0/001.p/1",
    "/tile/1/000.p/1",
    "/tile/entries/000",
    "/tile/entries/001.p/1",
)


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("accepts", ["gzip", "identity"])
def test_files_are_not_sent_again_to_whoever_has_them(many: Live, path: str, accepts: str) -> None:
    answer = many.http.get(path, headers={"Accept-Encoding": accepts})
    tag = answer.headers["etag"]
    assert not tag.startswith("W/")
    for held in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        same = many.http.get(path, headers={"Accept-Encoding": accepts, "If-None-Match": held})
        assert (same.status_code, same.content) == (304, b"")
        for name in ("etag", "cache-control", "vary", "access-control-allow-origin"):
            assert same.headers.get(name) == answer.headers.get(name), name
    assert many.http.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize("path", [*FILES, "/tile/0/002"])
def test_head_answers_the_headers_alone(many: Live, path: str) -> None:
    body, head = many.http.get(path), many.http.head(path)
    assert (head.status_code, head.content) == (body.status_code, b"")
    for name in ("content-type", "content-length", "etag", "cache-control", "vary", "access-control-allow-origin"):
        assert head.headers.get(name) == body.headers.get(name), name


@pytest.mark.parametrize("path", [*FILES, "/tile/0/002"])
def test_pages_of_any_origin_may_read_the_files(many: Live, path: str) -> None:
    answer = many.http.get(path, headers={"Origin": "https://elsewhere.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"] == "ETag"
    assert "access-control-allow-credentials" not in answer.headers
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match"}
    before = many.http.options(path, headers={"Origin": "https://elsewhere.example"} | asked)
    assert (before.status_code, before.content) == (204, b"")
    assert before.headers["access-control-allow-origin"] == "*"
    assert before.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert "if-none-match" in before.headers["access-control-allow-headers"].lower()


def test_what_is_not_there_yet_is_kept_by_no_cache(many: Live) -> None:
    for path in ("/tile/0/002", "/tile/entries/x"):
        answer = many.http.get(path)
        problem(answer, 404, "NOT_FOUND")
        assert answer.headers["cache-control"] == "no-store"
    refused = many.http.post("/checkpoint")
    problem(refused, 405, "METHOD_NOT_ALLOWED")
    assert refused.headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/000.p/2", "tile/0/000.p/254", "tile/entries/000.p/2", "tile/entries/000.p/100", "tile/1/001.p/1",
        "tile/63/000.p/1", "tile/entries/x036/x028/x797/x018/x963/967", "tile/0/001", "tile/0/001.p/3", "tile/0/002", "tile/0/002.p/1", "tile/1/000", "tile/1/000.p/2", "tile/2/000.p/1",
        "tile/entries/001", "tile/entries/001.p/3", "tile/entries/002.p/1", "tile/0/0", "tile/0/000.p/0",
        "tile/0/000.p/256", "tile/0/000.p/01", "tile/64/000", "tile/-1/000", "tile/x/000", "tile/0/1234", "tile/entries",
        "tile/", "tile/0/x000/000", "tile/0/../../checkpoint",
    ],
)  # fmt: skip
def test_what_no_signed_size_implies_is_not_there(many: Live, path: str) -> None:
    answer = many.http.get(f"/{path}")
    if "checkpoint" not in path:
        problem(answer, 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("old", "new"), [(1, 1), (1, 258), (255, 256), (256, 257), (255, 258), (256, 256), (3, 200), (258, 258)]
)
def test_consistency_between_any_sizes(many: Live, old: int, new: int) -> None:
    hashes = [leaf_hash(item) for item in entries(many, new)]
    answer = many.get("/v1/log/consistency", **{"from": old, "to": new})
    assert (answer["from"], answer["to"]) == (old, new)
    proof = [bytes.fromhex(text) for text in answer["hashes"]]
    verify_consistency(old, new, root_of(hashes[:old]), root_of(hashes), proof)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("from=1", 400, "MALFORMED"),
        ("to=1", 400, "MALFORMED"),
        ("from=0&to=5", 422, "INVALID_VALUE"),
        ("from=6&to=5", 422, "INVALID_VALUE"),
        ("from=1&to=259", 503, "BEHIND"),
        ("from=x&to=5", 422, "INVALID_VALUE"),
        ("from=1&to=5&size=5", 400, "UNKNOWN_MEMBER"),
    ],
)
def test_bad_questions_of_consistency(many: Live, query: str, status: int, code: str) -> None:
    problem(many.http.get(f"/v1/log/consistency?{query}"), status, code)


@pytest.mark.parametrize("size", [None, 255, 256, 257, 258])
def test_inclusion_at_signed_sizes(many: Live, size: int | None) -> None:
    verifiers = [parse_verifier_key(text) for text in keys(many)]
    for seq in (0, 1, 254):
        answer = many.http.get("/v1/log/inclusion", params={"seq": seq} | ({"size": size} if size else {}))
        assert answer.headers["content-type"].startswith("text/plain")
        proof = parse_proof(answer.text)
        leaf = bytes.fromhex(many.get(f"/v1/entries/{seq}")["leaf_hash"])
        assert proof.index == seq
        assert verify_proof(proof, leaf, verifiers).checkpoint.size == (size or 258)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("seq=0&size=2", 404, "SIZE_NOT_SIGNED"),
        ("seq=0&size=259", 404, "SIZE_NOT_SIGNED"),
        ("seq=0&size=0", 404, "SIZE_NOT_SIGNED"),
        ("seq=258", 404, "NOT_FOUND"),
        ("seq=255&size=255", 404, "NOT_FOUND"),
        ("size=255", 400, "MALFORMED"),
        ("seq=-1", 422, "INVALID_VALUE"),
    ],
)
def test_bad_questions_of_inclusion(many: Live, query: str, status: int, code: str) -> None:
    problem(many.http.get(f"/v1/log/inclusion?{query}"), status, code)


def test_the_whole_log_is_audited_by_its_address(many: Live) -> None:
    with UrlSource(many.url) as source:
        report = audit(Subject(source), [parse_verifier_key(text) for text in keys(many)])
    assert report.findings == ()
    assert (report.holds, report.pinned, report.size) == (True, True, 258)


def test_a_log_that_lost_what_it_signed_is_at_fault_and_says_so(live: Live) -> None:
    live.party()
    for path, damage in {
        "/tile/entries/000.p/2": "DELETE FROM sanquan_entry WHERE position = 1",
        "/tile/0/000.p/2": "DELETE FROM sanquan_entry",
    }.items():
        with live.registry.engine.begin() as tx:
            tx.execute(text(damage))
        problem(live.http.get(path), 500, "INTERNAL")


def test_files_that_are_kept_in_memory_make_room_for_newer_ones(many: Live) -> None:
    room = 8 * 8192
    files = LogFiles(many.registry.engine, many.registry.log.storage, room)
    first = files.read("tile/0/000")
    assert files.read("tile/0/000") is first
    for width in (255, 256):
        files.read(f"tile/0/000.p/{width}" if width < 256 else "tile/0/000")
    for key in range(9):
        files._recent.put((str(key), False), LogFile(bytes(8192), ""))
    assert files.read("tile/0/000") is not first
    assert files.read("tile/0/000") == first
    assert files._recent._used <= room
    bundle = files.read("tile/entries/000")
    assert len(bundle.data) > room / 8 and files.read("tile/entries/000") is not bundle, "too large to be kept"


def test_a_new_root_is_published_at_once_where_little_happens(live: Live) -> None:
    assert live.http.get("/checkpoint").text.split("\n")[1] == "1"
    with live_registry(live.folder.parent / "other") as quiet:
        quiet.party()
        assert quiet.http.get("/checkpoint").text.split("\n")[1] == "2"
