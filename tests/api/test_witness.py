"""Every answer of a witness, through a real server on loopback. c2sp.org/tlog-witness."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from api.demo.server import serving
from api.witnessing.app import WitnessSettings, create_witness_app
from ledger.checkpoint import verify_checkpoint
from ledger.encoding import format_base64
from ledger.keys import KeySigner
from ledger.merkle import EMPTY_ROOT
from ledger.note import parse_verifier_key
from ledger.witness.folder import open_witness
from ledger.witness.protocol import MAX_BODY_BYTES, format_size, origin_path, parse_cosignatures
from ledger.witness.store import WitnessStore
from ledger.witness.witness import CLOCK_SLACK_S, Witness
from tests.ledger.support import LOG_SIGNER
from tests.ledger.witnessed import FORK, HYBRID, LOG, STRANGER, TIME, SomeLog, spoiled, with_lines
from tests.security.wire import connected, head_of, rest_of, status_of

NAME = "witness.example/w1"
TEXT = "text/plain; charset=utf-8"


@dataclass
class Asked:
    """A witness behind a server, whose clock stands at `now`."""

    http: httpx.Client
    witness: Witness
    now: float = TIME

    def post(self, body: bytes, coding: str = "identity") -> httpx.Response:
        return self.http.post("/add-checkpoint", content=body, headers={"Content-Encoding": coding})

    def ok(self, log: SomeLog, old: int, new: int, note: str | None = None) -> int:
        """The checkpoint is cosigned; the time in the cosignature."""
        note = note or log.note(new)
        answer = self.post(log.body(old, new, note))
        assert (answer.status_code, answer.headers["content-type"]) == (200, TEXT), answer.text
        (line,) = parse_cosignatures(answer.content)
        assert (line.name, line.key_id) == (NAME, self.witness.key.key_id)
        verified = verify_checkpoint(note + answer.text, [*log.keys, self.witness.key])
        assert verified.signed_by[-1] == self.witness.key
        assert verified.timestamps[-1]
        return verified.timestamps[-1]

    def refused(self, status: int, body: bytes, coding: str = "identity") -> httpx.Response:
        """The body is answered by this status and by words, and changes nothing of what was cosigned."""
        before = self.checkpoint(LOG).content
        answer = self.post(body, coding)
        assert (answer.status_code, answer.headers["content-type"]) == (status, TEXT), answer.text
        assert len(answer.text.splitlines()) == 2
        assert self.checkpoint(LOG).content == before
        return answer

    def conflict(self, size: int, body: bytes) -> None:
        """The body is answered by 409 and the size that was cosigned last."""
        answer = self.post(body)
        assert (answer.status_code, answer.content) == (409, format_size(size))
        assert answer.headers["content-type"] == "text/x.tlog.size"

    def checkpoint(self, log: SomeLog) -> httpx.Response:
        return self.http.get(f"/{origin_path(log.origin)}/checkpoint")

    def evidence(self, log: SomeLog = LOG) -> list[dict[str, object]]:
        answer = self.http.get(f"/evidence/{origin_path(log.origin)}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        found: list[dict[str, object]] = answer.json()["contradictions"]
        return found


class Server:
    """One server for the module; each test puts a witness of its own behind it."""

    def __init__(self) -> None:
        self.outer = FastAPI(openapi_url=None)
        self.outer.state.settings = WitnessSettings()
        self.outer.mount("/", self._pass)
        self.inner: ASGIApp = self.outer

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.inner(scope, receive, send)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Server, httpx.Client]]:
    found = Server()
    with serving(found.outer) as url, httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
        yield found, http


@pytest.fixture
def asked(tmp_path: Path, server: tuple[Server, httpx.Client]) -> Iterator[Asked]:
    opened = open_witness(tmp_path / "w", NAME, [*LOG.keys, *HYBRID.keys], clock=lambda: found.now)
    found = Asked(server[1], opened.witness)
    server[0].inner = create_witness_app(opened.witness)
    yield found
    opened.witness.close()


# ---- 200 -------------------------------------------------------------------------------------------------------------


def test_200_from_nothing_on(asked: Asked) -> None:
    assert asked.ok(LOG, 0, 3) == TIME
    asked.ok(LOG, 3, 7)
    asked.ok(LOG, 7, 40)
    assert asked.evidence() == []


def test_200_for_the_empty_tree(asked: Asked) -> None:
    assert LOG.root(0) == EMPTY_ROOT
    asked.ok(LOG, 0, 0)
    asked.ok(LOG, 0, 0)
    asked.ok(LOG, 0, 5)


def test_200_again_for_the_same_checkpoint_with_a_new_time(asked: Asked) -> None:
    first = asked.ok(LOG, 0, 7)
    asked.now += 30
    assert asked.ok(LOG, 7, 7) == first + 30


def test_200_covers_extension_lines(asked: Asked) -> None:
    note = LOG.note(7, "extension 三权")
    asked.ok(LOG, 0, 7, note)
    assert asked.checkpoint(LOG).text.startswith(note)


@pytest.mark.parametrize("signers", [HYBRID.signers[:1], HYBRID.signers[1:], HYBRID.signers, HYBRID.signers[::-1]])
def test_200_for_any_key_of_the_log(signers: tuple[KeySigner, ...], asked: Asked) -> None:
    asked.ok(SomeLog(HYBRID.origin, signers), 0, 7)


def test_200_with_lines_by_others_which_are_not_kept(asked: Asked) -> None:
    others = [SomeLog(f"cosigner.example/{each}", (LOG_SIGNER,)).note(7) for each in range(99)]
    note = with_lines(LOG.note(7), *others)
    answer = asked.post(LOG.body(0, 7, note))
    assert answer.status_code == 200
    assert asked.checkpoint(LOG).text == LOG.note(7) + answer.text


def test_200_with_times_that_never_go_back(asked: Asked) -> None:
    assert asked.ok(LOG, 0, 3) == TIME
    asked.now = TIME - CLOCK_SLACK_S
    assert asked.ok(HYBRID, 0, 3) == TIME
    asked.now = TIME + 0.9
    assert asked.ok(LOG, 3, 4) == TIME


# ---- 400, 405, 408, 413, 415 ---------------------------------------------------------------------------------------------

BODY = LOG.body(3, 7)
HASH = format_base64(bytes(32)).encode() + b"\n"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\n", b"\0", b"{}", BODY[:-1], BODY + b"\n", BODY.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + BODY,
        BODY.replace(b"old 3", b"old 03"), BODY.replace(b"old 3", b"old -1"), BODY.replace(b"old 3\n", b""),
        BODY.replace(b"old 3", b"old 8"), b"old 0\n" + HASH * 64 + b"\n" + LOG.note(7).encode(),
        BODY.replace(b"\n7\n", b"\n07\n"), b"old 0\n\n" + LOG.note(7).partition("\n\n")[0].encode() + b"\n",
        b"old 0\n\n\n\n", gzip.compress(BODY),
    ],
)  # fmt: skip
def test_400_for_what_is_no_request(body: bytes, asked: Asked) -> None:
    asked.refused(400, body)


def test_400_for_an_old_size_above_the_new_whatever_else(asked: Asked) -> None:
    body = STRANGER.body(7, 7).replace(b"old 7", b"old 8")
    asked.refused(400, body)


def test_413_for_more_than_fits(asked: Asked) -> None:
    asked.refused(413, BODY + b"-" * MAX_BODY_BYTES)
    answer = asked.http.post("/add-checkpoint", content=iter([b"-" * 1024] * 65))
    assert answer.status_code == 413
    asked.ok(LOG, 0, 3)


def test_415_for_a_coded_body(asked: Asked) -> None:
    answer = asked.refused(415, gzip.compress(BODY), coding="gzip")
    assert answer.headers["accept-encoding"] == "identity"


def test_408_for_a_body_that_does_not_come_and_nothing_for_half_a_head(asked: Asked) -> None:
    app = create_witness_app(asked.witness, WitnessSettings(head_timeout=0.2, body_timeout=0.2))
    with serving(app) as url:
        with connected(url) as connection:
            connection.sendall(head_of("POST", "/add-checkpoint", Content_Length="100") + b"old 0")
            assert status_of(rest_of(connection)) == 408
        with connected(url) as connection:
            connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\n")
            assert rest_of(connection) == b""


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_405_for_other_methods(method: str, asked: Asked) -> None:
    answer = asked.http.request(method, "/add-checkpoint")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    if method not in ("GET", "HEAD"):
        for path in (f"/{origin_path(LOG.origin)}/checkpoint", f"/evidence/{origin_path(LOG.origin)}", "/healthz"):
            answer = asked.http.request(method, path)
            assert answer.status_code == 405
            assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


# ---- 404, 403 --------------------------------------------------------------------------------------------------------


def test_404_for_a_log_that_is_not_known(asked: Asked) -> None:
    asked.refused(404, STRANGER.body(0, 7))
    asked.refused(404, STRANGER.body(3, 7, spoiled(STRANGER.note(7))))
    long = SomeLog("x" * 30_000)
    assert len(asked.refused(404, long.body(0, 7)).content) < 300


OTHER_KEY = SomeLog(LOG.origin, (KeySigner.from_seed(bytes(31) + b"\1"),))


@pytest.mark.parametrize(
    "note",
    [
        OTHER_KEY.note(7),
        spoiled(LOG.note(7)),
        with_lines(LOG.note(7), LOG.note(8), keep=False),  # a line of another checkpoint
        with_lines(LOG.note(7), LOG.note(7)),  # twice
        with_lines(LOG.note(7), SomeLog("cosigner.example/w", LOG.signers).note(7), keep=False),
    ],
)
def test_403_without_the_logs_signature(note: str, asked: Asked) -> None:
    asked.refused(403, LOG.body(0, 7, note))
    asked.refused(403, LOG.body(3, 7, note))  # whatever the old size


@pytest.mark.parametrize("line", [0, 1])
def test_403_if_one_of_two_lines_by_the_log_fails(line: int, asked: Asked) -> None:
    asked.refused(403, HYBRID.body(0, 7, spoiled(HYBRID.note(7), line)))
    asked.ok(HYBRID, 0, 7)


def test_lines_by_others_may_be_wrong(asked: Asked) -> None:
    asked.ok(LOG, 0, 7, with_lines(LOG.note(7), spoiled(OTHER_KEY.note(7))))


# ---- 409, 422 --------------------------------------------------------------------------------------------------------


def test_409_with_the_size_to_start_from(asked: Asked) -> None:
    asked.conflict(0, LOG.body(3, 7))
    asked.ok(LOG, 0, 5)
    for old, new in ((0, 7), (3, 7), (6, 7), (0, 5), (4, 5), (0, 3), (3, 4), (0, 0)):
        asked.conflict(5, LOG.body(old, new))
    asked.conflict(5, LOG.body(3, 7, path=[bytes(32)]))  # before the proof is looked at
    assert asked.evidence() == []


def test_422_for_an_empty_tree_with_another_root(asked: Asked) -> None:
    note = SomeLog(leaves=()).note(0)
    other = SomeLog(leaves=(bytes(32),)).note(1).replace("\n1\n", "\n0\n")
    text = other.partition("\n\n")[0] + "\n"
    signed = with_lines(other, _signed(text), keep=False)
    asked.refused(422, LOG.body(0, 0, signed))
    (found,) = asked.evidence()
    assert (found["kind"], found["size"], found["known"], found["note"]) == ("two_roots", 0, None, signed)
    asked.ok(LOG, 0, 0, note)


def _signed(text: str) -> str:
    key = LOG.keys[0]
    encoded = format_base64(key.key_id.to_bytes(4, "big") + LOG_SIGNER.sign(text.encode()))
    return f"{text}\n— {key.name} {encoded}\n"


def test_422_for_a_proof_where_none_is_needed(asked: Asked) -> None:
    asked.refused(422, LOG.body(0, 7, path=[bytes(32)]))
    asked.refused(422, LOG.body(0, 0, path=[bytes(32)]))
    asked.ok(LOG, 0, 7)
    asked.refused(422, LOG.body(7, 7, path=[LOG.root(7)]))
    asked.refused(422, FORK.body(7, 7, path=[FORK.root(7)]))


def test_422_for_another_root_of_the_same_size(asked: Asked) -> None:
    asked.ok(LOG, 0, 7)
    asked.refused(422, FORK.body(7, 7))


@pytest.mark.parametrize(
    "path",
    [(), LOG.path(3, 7)[:-1], LOG.path(3, 7)[::-1], (*LOG.path(3, 7), bytes(32)), LOG.path(4, 7), FORK.path(3, 7)],
)
def test_422_for_a_proof_that_leads_elsewhere(path: tuple[bytes, ...], asked: Asked) -> None:
    asked.ok(LOG, 0, 3)
    asked.refused(422, LOG.body(3, 7, path=path))
    asked.ok(LOG, 3, 7)


def test_422_for_a_fork(asked: Asked) -> None:
    asked.ok(LOG, 0, 5)
    asked.refused(422, FORK.body(5, 7))


# ---- 503 -------------------------------------------------------------------------------------------------------------


def test_503_without_a_clock(asked: Asked) -> None:
    asked.now = 0
    asked.refused(503, LOG.body(0, 3))
    asked.now = TIME
    asked.ok(LOG, 0, 3)
    asked.now = TIME - CLOCK_SLACK_S - 1
    answer = asked.refused(503, LOG.body(3, 7))
    assert answer.headers["retry-after"] == "1"
    asked.now = TIME
    asked.ok(LOG, 3, 7)


def test_503_while_another_process_holds_the_store(tmp_path: Path, server: tuple[Server, httpx.Client]) -> None:
    folder = tmp_path / "w"
    open_witness(folder, NAME, LOG.keys).witness.close()
    store, other = WitnessStore(folder / "witness.db", patience_s=0), WitnessStore(folder / "witness.db")
    signer = KeySigner.from_pem((folder / "witness.pem").read_bytes())
    witness = Witness(NAME, signer, store, {LOG.origin: LOG.keys})
    server[0].inner = create_witness_app(witness)
    asked = Asked(server[1], witness)
    with other.writing():
        asked.refused(503, LOG.body(0, 3))
    asked.ok(LOG, 0, 3)
    store.close()
    other.close()


def test_503_on_a_full_disk_and_nothing_is_cosigned(asked: Asked) -> None:
    asked.ok(LOG, 0, 3)
    writer = asked.witness._store._writer
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages}")
    long = LOG.note(7, "x" * 20_000)
    asked.refused(503, LOG.body(3, 7, long))
    writer.execute(f"PRAGMA max_page_count = {pages + 100}")
    asked.ok(LOG, 3, 7, long)


# ---- what monitors read ----------------------------------------------------------------------------------------------


def test_monitors_read_what_was_cosigned_last(asked: Asked) -> None:
    assert asked.checkpoint(LOG).status_code == 404
    assert asked.http.get("/00/checkpoint").status_code == 404
    asked.ok(LOG, 0, 3)
    asked.ok(LOG, 3, 7)
    answer = asked.checkpoint(LOG)
    assert (answer.status_code, answer.headers["content-type"]) == (200, TEXT)
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.text.startswith(LOG.note(7))
    keys = [*LOG.keys, asked.witness.key]
    assert verify_checkpoint(answer.text, keys).signed_by == tuple(keys)
    head = asked.http.head(f"/{origin_path(LOG.origin)}/checkpoint")
    assert (head.status_code, head.content) == (200, b"")
    assert asked.checkpoint(HYBRID).status_code == 404


def test_two_roots_convict_with_nothing_but_the_logs_key(asked: Asked) -> None:
    asked.ok(LOG, 0, 7)
    asked.ok(LOG, 7, 9)
    other = with_lines(FORK.note(7), OTHER_KEY.note(7))
    asked.conflict(9, FORK.body(0, 7, other))  # another root of a size that was cosigned two checkpoints ago
    asked.conflict(9, FORK.body(0, 7, other))
    (found,) = asked.evidence()
    assert (found["kind"], found["size"], found["root"]) == ("two_roots", 7, format_base64(FORK.root(7)))
    assert found["received"] == "2026-09-21T14:13:20.000Z"
    assert found["note"] == other  # byte for byte as it came
    heads = [verify_checkpoint(str(found[each]), LOG.keys).checkpoint for each in ("known", "note")]
    assert heads[0].size == heads[1].size
    assert heads[0].root != heads[1].root


def test_what_is_not_proven_is_a_suspicion_that_can_be_cleared(asked: Asked) -> None:
    asked.ok(LOG, 0, 5)
    asked.refused(422, LOG.body(5, 7, path=[bytes(32)]))
    (found,) = asked.evidence()
    assert (found["kind"], found["size"], found["note"]) == ("unproven", 7, LOG.note(7))
    assert str(found["known"]).startswith(LOG.note(5))
    asked.ok(LOG, 5, 7)
    assert asked.evidence() == []


def test_a_suspicion_becomes_a_conviction(asked: Asked) -> None:
    asked.ok(LOG, 0, 5)
    asked.refused(422, FORK.body(5, 7))
    asked.ok(LOG, 5, 7)
    (found,) = asked.evidence()
    assert (found["kind"], found["note"]) == ("two_roots", FORK.note(7))
    assert str(found["known"]).startswith(LOG.note(7))


def test_evidence_of_a_log_that_is_not_known(asked: Asked) -> None:
    assert asked.http.get("/evidence/checkpoint").status_code == 404
    assert asked.http.get(f"/evidence/{origin_path(STRANGER.origin)}").status_code == 404


def test_health_and_what_is_not_there(asked: Asked) -> None:
    assert asked.http.get("/healthz").text == "ok\n"
    for path in ("/", "/checkpoint", "/docs", "/openapi.json", "/add-checkpoint/", "//add-checkpoint"):
        assert asked.http.get(path, follow_redirects=False).status_code == 404
    named = asked.http.get(f"/evidence/{origin_path(LOG.origin)}").json()["witness"]
    assert parse_verifier_key(named) == asked.witness.key
