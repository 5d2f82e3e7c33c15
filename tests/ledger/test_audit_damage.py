"""Every way to damage a log that can be seen from the data, and the name under which the audit reports it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.audit import AuditReport, KnownCheckpoint, audit_log, parse_known, workers
from ledger.checkpoint import Checkpoint, cosign_ed25519, format_checkpoint, log_verifier_keys, sign_checkpoint
from ledger.entry import Entry, FolioLine
from ledger.errors import AuditInterruptedError
from ledger.identifiers import key_identifier
from ledger.keys import KeySigner
from ledger.merkle import leaf_hash, root
from ledger.note import (
    ED25519_COSIGNATURE,
    Note,
    VerifierKey,
    format_note,
    format_verifier_key,
    parse_note,
    verifier_key,
)
from ledger.reading.bundle import PublicKeys
from ledger.sources import DirectorySource
from ledger.statement import EnvelopeSignature
from ledger.tiles import encode_bundle
from tests.ledger.logs import (
    ASSETS,
    AUTHOR,
    CLERK,
    KEYS,
    LOG_SIGNERS,
    ORIGIN,
    PARTY,
    build_log,
    files_of,
    make_envelope,
    renumber,
    rewrite,
    shape,
    sign,
    sign_root,
    write_files,
)
from tests.ledger.support import WITNESS_SIGNER, flip

LOG = build_log(300)
FILES = files_of(LOG.datas, LOG.note)
BUNDLE, TAIL = "tile/entries/000", "tile/entries/001.p/44"
STRANGER = KeySigner.from_seed(bytes(range(7, 39)))
WITNESS = verifier_key("witness.example/w1", ED25519_COSIGNATURE, WITNESS_SIGNER.public)


@dataclass
class Shown:
    """What the auditor is shown, and what he brings."""

    files: dict[str, bytes | None]
    known: list[Any] = field(default_factory=list)
    keys: Sequence[VerifierKey] = KEYS


def files(changes: dict[str, bytes | None]) -> Shown:
    return Shown({**FILES, **changes})


def resigned(datas: Sequence[bytes], **more: Any) -> Shown:
    """Everything is computed anew and signed with the log's own keys."""
    return Shown(dict(files_of(datas, sign_root(datas))), **more)


def unsigned(datas: Sequence[bytes]) -> Shown:
    """Everything but the checkpoint is computed anew."""
    return Shown(dict(files_of(datas, LOG.note)))


def operator(position: int, change: Callable[[Entry], Entry]) -> Shown:
    return resigned(rewrite(LOG.datas, position, change))


def bundle(datas: Sequence[bytes]) -> Shown:
    return files({BUNDLE: encode_bundle(datas)})


def statement(number: int, salt: str = "", **changes: Any) -> Callable[[Entry], Entry]:
    return lambda entry: replace(entry, envelope=make_envelope(number, salt, **changes))


def signed_by(*signers: KeySigner, act: str = "case.supplement", body: Any = None) -> Callable[[Entry], Entry]:
    def change(entry: Entry) -> Entry:
        payload = make_envelope(entry.position, act=act, body=body or {}).payload
        return replace(entry, envelope=sign(payload, *signers))

    return change


def two(first: tuple[int, Callable[[Entry], Entry]], *more: tuple[int, Callable[[Entry], Entry]]) -> list[bytes]:
    datas = LOG.datas
    for position, change in (first, *more):
        datas = rewrite(datas, position, change)
    return datas


def no_signature(entry: Entry) -> Entry:
    return replace(entry, envelope=replace(entry.envelope, signatures=()))


def forged(entry: Entry) -> Entry:
    value = flip(entry.envelope.signatures[0].value, 300)
    return replace(
        entry,
        envelope=replace(entry.envelope, signatures=(EnvelopeSignature(entry.envelope.signatures[0].key, value),)),
    )


def earlier(entry: Entry) -> Entry:
    return replace(entry, time=entry.time - timedelta(seconds=1))


def other_folio(entry: Entry) -> Entry:
    return replace(entry, folios=(FolioLine(PARTY, 1, None),))


def unfolded(entry: Entry) -> Entry:
    return replace(entry, folios=tuple(line for line in entry.folios if line.folio != ASSETS[0]))


def cosigned(datas: Sequence[bytes], *, with_log: bool) -> str:
    checkpoint = Checkpoint(ORIGIN, len(datas), root([leaf_hash(data) for data in datas]))
    text = format_checkpoint(checkpoint)
    lines = parse_note(sign_checkpoint(checkpoint, LOG_SIGNERS, 1)).signatures if with_log else ()
    return format_note(Note(text, (*lines, cosign_ed25519(text, WITNESS.name, WITNESS_SIGNER, 1_790_000_000))))


EDITED = LOG.datas[7].replace(b"2026", b"2025", 1)
REWRITTEN = rewrite(LOG.datas, 20, statement(20, body={"another": 1}))
REVOKED = rewrite(
    LOG.datas, 50, signed_by(AUTHOR, act="key.revoke", body={"key": key_identifier(AUTHOR.public), "reason": "lost"})
)
FORGED_ROOT = sign_root(REWRITTEN).split("\n\n")[0] + "\n\n" + LOG.note.split("\n\n")[1]

DAMAGES: dict[str, tuple[Callable[[], Shown], str, int | None]] = {
    # somebody with the files
    "edited entry": (lambda: bundle([*LOG.datas[:7], EDITED, *LOG.datas[8:256]]), "entry_changed", 7),
    "entry cut out": (lambda: bundle([*LOG.datas[:7], *LOG.datas[8:256]]), "entry_changed", 7),
    "entry put in": (lambda: bundle([*LOG.datas[:7], EDITED, *LOG.datas[7:255]]), "entry_changed", 7),
    "entries swapped": (lambda: bundle([*LOG.datas[:7], LOG.datas[8], LOG.datas[7], *LOG.datas[9:256]]), "entry_changed", 7),
    "last entry dropped": (lambda: files({TAIL: encode_bundle(LOG.datas[256:299])}), "bundle_truncated", 299),
    "bundle cut off": (lambda: files({TAIL: encode_bundle(LOG.datas[256:])[:-1]}), "bundle_truncated", 256),
    "bundle empty": (lambda: files({TAIL: b""}), "bundle_truncated", 256),
    "bundle too long": (lambda: files({TAIL: encode_bundle([*LOG.datas[256:], b"more"])}), "bundle_too_long", 300),
    "bundle of another log": (lambda: files({BUNDLE: files_of(REWRITTEN, "")[BUNDLE]}), "entry_changed", 20),
    "level 0 tile": (lambda: files({"tile/0/000": flip(FILES["tile/0/000"], 32 * 8 * 9)}), "entry_changed", 9),
    "level 0 tile cut off": (lambda: files({"tile/0/001.p/44": FILES["tile/0/001.p/44"][:-32]}), "entry_changed", 299),
    "level 0 tile too long": (lambda: files({"tile/0/001.p/44": FILES["tile/0/001.p/44"] + bytes(32)}), "tile_changed", 256),
    "level 1 tile": (lambda: files({"tile/1/000.p/1": flip(FILES["tile/1/000.p/1"])}), "tile_changed", 0),
    "no bundle": (lambda: files({TAIL: None}), "unreadable", 256),
    "no level 0 tile": (lambda: files({"tile/0/000": None}), "unreadable", 0),
    "no level 1 tile": (lambda: files({"tile/1/000.p/1": None}), "unreadable", 300),
    "no checkpoint": (lambda: files({"checkpoint": None}), "unreadable", None),
    "checkpoint not UTF-8": (lambda: files({"checkpoint": b"\xff"}), "unreadable", None),
    "checkpoint no note": (lambda: files({"checkpoint": b"registry.example/log1\n300\n"}), "checkpoint_form", None),
    "file too large": (lambda: files({"tile/1/000.p/1": bytes(9_000)}), "unreadable", 300),
    # somebody with the files who knows how tiles are made
    "edited with tiles": (lambda: unsigned(rewrite(LOG.datas, 20, statement(20, "x"), chain=False)), "chain_broken", 21),
    "edited at the end of a bundle": (
        lambda: unsigned(rewrite(LOG.datas, 255, statement(255, "x"), chain=False)), "chain_broken", 256,
    ),
    "rewritten without the key": (lambda: unsigned(REWRITTEN), "root_mismatch", None),
    "removed with tiles": (lambda: unsigned([*LOG.datas[:20], *LOG.datas[21:], LOG.datas[20]]), "entry_position", 20),
    "root replaced": (lambda: Shown(dict(files_of(REWRITTEN, FORGED_ROOT))), "checkpoint_signature", None),
    "checkpoint by a stranger": (
        lambda: files({"checkpoint": sign_checkpoint(Checkpoint(ORIGIN, 300, bytes(32)), [STRANGER], 1).encode()}),
        "checkpoint_signature", None,
    ),
    "another log": (
        lambda: Shown(dict(files_of(LOG.datas, sign_root(LOG.datas, "registry.example/other")))), "origin_mismatch", None,
    ),
    # the operator, with the log's keys
    "time backwards": (lambda: operator(40, earlier), "time_backwards", 40),
    "statement twice": (lambda: operator(40, statement(3)), "statement_twice", 40),
    "statement twice, far apart": (lambda: operator(290, statement(3)), "statement_twice", 290),
    "statement of another log": (lambda: operator(40, statement(40, log="elsewhere.example")), "origin_mismatch", 40),
    "no statement": (lambda: operator(40, statement(40, nonce="AA")), "statement_form", 40),
    "another spelling": (
        lambda: resigned([*LOG.datas[:40], LOG.datas[40].replace(b'{"v":1', b'{ "v":1'), *LOG.datas[41:]]), "entry_form", 40,
    ),
    "folio renumbered": (lambda: operator(40, lambda entry: renumber(entry, number_by=1)), "folio_gap", 40),
    "folio renumbered, far apart": (lambda: operator(257, lambda entry: renumber(entry, number_by=1)), "folio_gap", 257),
    "folio entry passed over": (lambda: operator(40, lambda entry: renumber(entry, previous_by=-1)), "folio_gap", 40),
    "folio line left out": (lambda: operator(35, unfolded), "folio_gap", 36),
    "folio begun anew": (lambda: operator(290, other_folio), "folio_gap", 290),
    "no key of the log": (
        lambda: operator(40, signed_by(AUTHOR, act="log.key", body={"use": "log", "add": "none"})), "log_keys", 40,
    ),
    "signature forged": (lambda: operator(40, forged), "SIGNATURE_INVALID", 40),
    "unsigned": (lambda: operator(40, no_signature), "SIGNATURE_MISSING", 40),
    "signed once too often": (lambda: operator(40, signed_by(AUTHOR, CLERK)), "SIGNATURE_SURPLUS", 40),
    "signed by a stranger": (lambda: operator(40, signed_by(STRANGER)), "KEY_UNKNOWN", 40),
    "signed by somebody else's key": (lambda: operator(40, signed_by(CLERK)), "KEY_UNKNOWN", 40),
    "signed by a revoked key": (lambda: resigned(REVOKED), "KEY_INACTIVE", 51),
    "key of another party": (
        lambda: operator(40, signed_by(AUTHOR, CLERK, act="key.add", body=shape(CLERK))), "KEY_TAKEN", 40,
    ),
    "key that is none": (
        lambda: operator(40, signed_by(AUTHOR, act="key.add", body={"alg": "Ed25519", "public": "A"})), "MALFORMED", 40,
    ),
    # the operator, who signs everything anew, and somebody who kept something
    "rewritten": (
        lambda: resigned(REWRITTEN, known=parse_known(sign_root(LOG.datas[:100]).encode())), "history_rewritten", None,
    ),
    "rewritten after a receipt": (
        lambda: resigned(REWRITTEN, known=parse_known(LOG.receipt(20, 150).encode())), "history_rewritten", None,
    ),
    "cut short": (lambda: resigned(LOG.datas[:250], known=parse_known(LOG.note.encode())), "entries_lost", 250),
    "rewritten after a cosignature": (
        lambda: resigned(REWRITTEN, known=parse_known(cosigned(LOG.datas[:100], with_log=True).encode())),
        "history_rewritten", None,
    ),
    "rewritten after a bare cosignature": (
        lambda: resigned(
            REWRITTEN, known=parse_known(cosigned(LOG.datas[:100], with_log=False).encode()), keys=(*KEYS, WITNESS)
        ),
        "history_rewritten", None,
    ),
    "kept of another log": (
        lambda: resigned(LOG.datas, known=[KnownCheckpoint(sign_root(LOG.datas[:9], "registry.example/other"))]),
        "known_signature", None,
    ),
    # two at once: the first is named
    "gap before a second copy": (
        lambda: resigned(two((60, lambda entry: renumber(entry, number_by=1)), (290, statement(3)))), "folio_gap", 60,
    ),
    "second copy before a gap": (
        lambda: resigned(two((200, statement(3)), (280, lambda entry: renumber(entry, number_by=1)))), "statement_twice", 200,
    ),
    "forged before a break": (lambda: resigned(two((200, forged), (280, earlier))), "SIGNATURE_INVALID", 200),
    "break before forged": (lambda: resigned(two((200, earlier), (280, forged))), "time_backwards", 200),
    "second copy far before a forged one": (lambda: resigned(two((258, statement(3)), (259, forged))), "statement_twice", 258),
}  # fmt: skip


def audited(shown: Shown, path: Path, **options: Any) -> AuditReport:
    write_files(path, {name: data for name, data in shown.files.items() if data is not None})
    return audit_log(DirectorySource(path), shown.keys, known=shown.known, **options)


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named(name: str, tmp_path: Path) -> None:
    make, what, position = DAMAGES[name]
    report = audited(make(), tmp_path)
    (finding,) = report.findings
    assert (finding.what, finding.position) == (what, position), finding.words_en
    assert finding.words_en.endswith(".")
    assert finding.words_zh.endswith("。")


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Even short logs are read by processes; those that were started."""
    started: list[Any] = []

    class Watched(workers.Processes):
        def __init__(self, count: int) -> None:
            super().__init__(count)
            started.extend(self.workers)

    monkeypatch.setattr(workers, "WORTH_PROCESSES", 1)
    monkeypatch.setattr(workers, "Processes", Watched)
    return started


FAR = ["no bundle", "edited at the end of a bundle", "second copy far before a forged one"]


def test_processes_find_what_one_process_finds(tmp_path: Path, processes: list[Any]) -> None:
    sound = audited(files({}), tmp_path / "sound", jobs=2)
    assert (sound.findings, sound.workers, sound.entries) == ((), 2, 300)
    for name in FAR:
        make, what, position = DAMAGES[name]
        (finding,) = audited(make(), tmp_path / name, jobs=2).findings
        assert (finding.what, finding.position) == (what, position), finding.words_en
    assert all(worker.process.returncode is not None for worker in processes)


def test_a_process_that_is_killed_ends_the_audit(tmp_path: Path, processes: list[Any]) -> None:
    class Source(DirectorySource):
        def bundle(self, bundle: Any) -> bytes:
            processes[0].process.kill()
            processes[0].process.wait()
            return super().bundle(bundle)

    write_files(tmp_path, FILES)
    with pytest.raises(AuditInterruptedError, match="ended before its work was done"):
        audit_log(Source(tmp_path), KEYS, jobs=2)


def test_a_process_that_fails_ends_the_audit(tmp_path: Path, processes: list[Any]) -> None:
    started = workers.Processes(1)
    try:
        started.verify(PublicKeys(7, [], []))
        with pytest.raises(AuditInterruptedError, match="failed: KeyError"):
            started.verdict(7)
    finally:
        started.close()


def test_signatures_may_be_left_out(tmp_path: Path) -> None:
    report = audited(operator(40, forged), tmp_path, signatures=False)
    assert report.holds
    assert report.pinned
    assert not report.is_complete


def with_new_key(position: int, signer: KeySigner) -> list[bytes]:
    """The log after an entry that adds a key of the log's."""
    (key,) = log_verifier_keys(ORIGIN, [signer])
    body = {"use": "log", "add": format_verifier_key(key)}
    return rewrite(LOG.datas, position, signed_by(AUTHOR, act="log.key", body=body))


def note_by(datas: Sequence[bytes], *signers: KeySigner) -> str:
    return sign_checkpoint(Checkpoint(ORIGIN, len(datas), root([leaf_hash(data) for data in datas])), signers, 1)


SECOND, THIRD = KeySigner.from_seed(bytes(range(8, 40))), KeySigner.from_seed(bytes(range(9, 41)))


def test_trust_goes_from_an_old_key_to_its_successors(tmp_path: Path) -> None:
    datas = with_new_key(100, SECOND)
    third = log_verifier_keys(ORIGIN, [THIRD])[0]
    body = {"use": "log", "add": format_verifier_key(third), "retire": format_verifier_key(KEYS[0])}
    datas = rewrite(datas, 200, signed_by(AUTHOR, act="log.key", body=body))

    def codes(note: str, *kept: str, keys: Sequence[VerifierKey] = KEYS[:1]) -> list[str]:
        shown = Shown(dict(files_of(datas, note)), [KnownCheckpoint(each) for each in kept], keys)
        return [finding.what for finding in audited(shown, tmp_path).findings]

    old, new, newest = LOG_SIGNERS[:1], (SECOND,), (THIRD,)
    assert codes(note_by(datas, *old)) == codes(note_by(datas, *old, *newest)) == []
    assert codes(note_by(datas, *new), keys=()) == codes(note_by(datas, *newest), keys=[third]) == []
    assert codes(note_by(datas, *new)) == ["checkpoint_signature"]
    assert codes(note_by(datas, *new), note_by(datas[:101], *old)) == []
    assert codes(note_by(datas, *new), note_by(datas[:100], *old)) == ["checkpoint_signature"]
    assert codes(note_by(datas, *new), note_by(datas[:150], *new)) == ["checkpoint_signature"]
    assert codes(note_by(datas, *newest), note_by(datas[:101], *old)) == ["checkpoint_signature"]
    assert codes(note_by(datas, *newest), note_by(datas[:201], *new), note_by(datas[:101], *old)) == []
    assert codes(note_by(datas, *newest), note_by(datas[:201], *old)) == []
    assert codes(note_by(datas, STRANGER), note_by(datas[:201], *old)) == ["checkpoint_signature"]
    forged_past = rewrite(datas, 3, statement(3, "x"))
    assert codes(note_by(datas, *new), note_by(forged_past[:150], *old)) == ["checkpoint_signature"]
