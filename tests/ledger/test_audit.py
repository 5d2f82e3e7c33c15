import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.audit import AuditReport, KnownCheckpoint, KnownReceipt, audit_log, parse_known
from ledger.checkpoint import log_verifier_keys
from ledger.entry import Entry
from ledger.errors import EntryRejected, FormatError
from ledger.keys import Algorithm, verify_signature
from ledger.note import VerifierKey
from ledger.proof import TlogProof, parse_proof
from ledger.sources import DirectorySource, StorageSource
from ledger.tiles import Tile, encode_bundle
from tests.ledger.logs import (
    AUTHOR,
    KEYS,
    build_log,
    files_of,
    make_envelope,
    renumber,
    rewrite,
    sign_root,
    write_files,
)
from tests.ledger.support import LOG_SIGNER, ORIGIN, WITNESS_SIGNER, flip

LOG = build_log(300)
BUNDLE = "tile/entries/000"


def audit_files(files: dict[str, bytes], path: Path, keys: Sequence[VerifierKey] = KEYS, **options: Any) -> AuditReport:
    write_files(path, files)
    return audit_log(DirectorySource(path), keys, **options)


def audit_entries(datas: Sequence[bytes], path: Path, note: str | None = None, **options: Any) -> AuditReport:
    """Of a log with these entries, by default signed with the real keys."""
    return audit_files(files_of(datas, note or sign_root(datas)), path, **options)


def check(report: AuditReport, what: str, position: int | None, words: str) -> None:
    assert not report.holds
    (finding,) = report.findings
    assert (finding.what, finding.position) == (what, position)
    assert words in finding.words_en
    assert finding.words_zh


@pytest.mark.parametrize("size", [1, 255, 256, 257, 300])
def test_sound_log_holds(size: int, tmp_path: Path) -> None:
    datas = LOG.datas[:size]
    report = audit_entries(datas, tmp_path)
    assert report.holds
    assert (report.origin, report.size, report.pinned, report.entries) == (ORIGIN, size, True, size)


def test_storage_is_audited_like_its_export() -> None:
    with LOG.storage.transaction() as tx:
        assert audit_log(StorageSource(LOG.storage, tx), KEYS).holds


def test_callbacks_see_everything_in_order(tmp_path: Path) -> None:
    batches: list[tuple[Sequence[Entry], Sequence[bytes]]] = []
    progress: list[tuple[int, int]] = []

    def on_batch(entries: Sequence[Entry], leaves: Sequence[bytes]) -> None:
        for entry in entries:
            signature = entry.envelope.signatures[0].value
            verify_signature(Algorithm.ED25519, AUTHOR.public, entry.envelope.signed_bytes(), signature)
        batches.append((entries, leaves))

    report = audit_entries(
        LOG.datas, tmp_path, on_batch=on_batch, on_progress=lambda done, total: progress.append((done, total))
    )
    assert report.holds
    assert [entry.position for entries, _ in batches for entry in entries] == list(range(300))
    assert [leaf for _, leaves in batches for leaf in leaves] == LOG.leaves
    assert [len(entries) for entries, _ in batches] == [256, 44]
    assert progress == [(256, 300), (300, 300)]


def test_flipped_bit_in_a_bundle_names_the_entry(tmp_path: Path) -> None:
    files = files_of(LOG.datas, LOG.note)
    data = bytearray(LOG.datas[7])
    data[100] ^= 1
    files[BUNDLE] = encode_bundle([*LOG.datas[:7], bytes(data), *LOG.datas[8:256]])
    check(audit_files(files, tmp_path), "entry_changed", 7, "The bytes of entry 7 were changed")


def test_flipped_bit_in_tiles(tmp_path: Path) -> None:
    files = files_of(LOG.datas, LOG.note)
    check(audit_files(files | {"tile/0/000": flip(files["tile/0/000"], 32 * 8 * 9)}, tmp_path), "entry_changed", 9, "")
    upper = {"tile/1/000.p/1": flip(files["tile/1/000.p/1"])}
    check(audit_files(files | upper, tmp_path), "tile_changed", 0, "tile/1/000.p/1 was changed")


def test_hashes_behind_the_last_entry_are_found(tmp_path: Path) -> None:
    files = files_of(LOG.datas, LOG.note)
    path = Tile(0, 1, 44).path
    check(audit_files(files | {path: files[path] + bytes(32)}, tmp_path), "tile_changed", 256, "")


@pytest.mark.parametrize("with_tile", [False, True])
def test_swapped_entries(with_tile: bool, tmp_path: Path) -> None:
    datas = list(LOG.datas)
    datas[5], datas[6] = datas[6], datas[5]
    files = files_of(datas, LOG.note)
    if not with_tile:
        files |= {"tile/0/000": files_of(LOG.datas, LOG.note)["tile/0/000"]}
    report = audit_files(files, tmp_path)
    if with_tile:
        check(report, "entry_position", 5, "one that says it is entry 6")
    else:
        check(report, "entry_changed", 5, "entry 5")


def test_last_entry_dropped_from_the_files(tmp_path: Path) -> None:
    files = files_of(LOG.datas, LOG.note)
    bundle = "tile/entries/001.p/44"
    files[bundle] = encode_bundle(LOG.datas[256:299])
    check(audit_files(files, tmp_path), "bundle_truncated", 299, "Entry 299 is missing")
    files[bundle] = encode_bundle(LOG.datas[256:])[:-1]
    check(audit_files(files, tmp_path), "bundle_truncated", 256, "cut off")
    files[bundle] = encode_bundle([*LOG.datas[256:], b"more"])
    check(audit_files(files, tmp_path), "bundle_too_long", 300, "1 more")


def test_missing_files_are_named(tmp_path: Path) -> None:
    files = files_of(LOG.datas, LOG.note)
    write_files(tmp_path, files)
    (tmp_path / "tile/entries/001.p/44").unlink()
    check(audit_log(DirectorySource(tmp_path), KEYS), "unreadable", 256, "tile/entries/001.p/44 is missing")
    check(audit_log(DirectorySource(tmp_path / "no"), KEYS), "unreadable", None, "no file `checkpoint`")


def change_body(entry: Entry) -> Entry:
    return replace(entry, envelope=make_envelope(entry.position, "another"))


def test_entry_changed_with_its_tiles_breaks_the_chain(tmp_path: Path) -> None:
    datas = rewrite(LOG.datas, 20, change_body, chain=False)
    check(audit_entries(datas, tmp_path, LOG.note), "chain_broken", 21, "entry 21 continues another line")


def test_rewriting_everything_without_the_key_misses_the_root(tmp_path: Path) -> None:
    datas = rewrite(LOG.datas, 20, change_body)
    check(audit_entries(datas, tmp_path, LOG.note), "root_mismatch", None, "without the log's key")


def test_rewriting_the_checkpoint_without_the_key(tmp_path: Path) -> None:
    datas = rewrite(LOG.datas, 20, change_body)
    lines = LOG.note.split("\n\n")[1]
    forged = sign_root(datas).split("\n\n")[0] + "\n\n" + lines
    check(audit_entries(datas, tmp_path, forged), "checkpoint_signature", None, "have not signed")
    check(audit_entries(datas, tmp_path, forged, keys=()), "checkpoint_signature", None, "have not signed")
    check(audit_entries(datas, tmp_path, "nothing"), "checkpoint_form", None, "not the note")


@pytest.mark.parametrize("form", ["proof", "receipt", "line"])
def test_rewriting_and_signing_again_is_caught_by_what_was_kept(form: str, tmp_path: Path) -> None:
    datas = rewrite(LOG.datas, 20, change_body)
    assert audit_entries(datas, tmp_path).holds

    checkpoint = parse_known(sign_root(LOG.datas[:100]).encode())
    check(audit_entries(datas, tmp_path, known=checkpoint), "history_rewritten", None, "rewritten and signed again")
    assert audit_entries(datas, tmp_path, known=parse_known(sign_root(LOG.datas[:20]).encode())).holds

    proof = LOG.receipt(20, 150)
    receipt = {"seq": 20, "leaf_hash": LOG.leaves[20].hex(), "proof": proof, "statement": "00"}
    kept = {
        "proof": proof,
        "receipt": json.dumps(receipt),
        "line": json.dumps(receipt) + "\n" + json.dumps({"line": 2, "receipt": receipt}) + "\n",
    }[form]
    report = audit_entries(datas, tmp_path, known=parse_known(kept.encode()))
    assert report.known_checked == len(report.findings) == (2 if form == "line" else 1)
    assert {(found.what, found.position) for found in report.findings} == {
        ("history_rewritten", None if form == "proof" else 20)
    }
    assert audit_entries(LOG.datas, tmp_path, known=parse_known(kept.encode())).holds


def test_cutting_off_the_end_is_caught_by_what_was_kept(tmp_path: Path) -> None:
    datas = LOG.datas[:250]
    assert audit_entries(datas, tmp_path).holds
    known = parse_known(LOG.note.encode())
    check(audit_entries(datas, tmp_path, known=known), "entries_lost", 250, "300 entries that somebody kept")


def test_receipts_that_prove_nothing_are_said_to(tmp_path: Path) -> None:
    proof = parse_proof(LOG.receipt(20, 150))
    other = (*proof.path[:-1], bytes(32))
    for known in (
        KnownReceipt(TlogProof(proof.index, other, proof.checkpoint)),
        KnownReceipt(proof, LOG.leaves[21]),
        KnownReceipt(proof, LOG.leaves[20], 21),
    ):
        check(audit_entries(LOG.datas, tmp_path, known=[known]), "receipt_invalid", 20, "does not prove")
    unsigned = KnownCheckpoint(LOG.note.replace("\n300\n", "\n301\n"))
    check(audit_entries(LOG.datas, tmp_path, known=[unsigned]), "known_signature", None, "another log's")
    check(audit_entries(LOG.datas, tmp_path, known=[KnownCheckpoint("?")]), "known_signature", None, "not carry")


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"\xff", b'{"seq":1,"leaf_hash":"00","proof":""}', b"c2sp.org/tlog-proof@v1\n", b"1\n\n"],
)
def test_other_files_are_no_receipts(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_known(data)


def test_without_keys_the_log_speaks_for_itself_only(tmp_path: Path) -> None:
    report = audit_entries(LOG.datas, tmp_path, keys=())
    assert report.holds
    assert not report.pinned
    known = parse_known(LOG.note.encode())
    assert audit_entries(LOG.datas, tmp_path, keys=(), known=known).known_checked == 1


def test_keys_of_another_log(tmp_path: Path) -> None:
    other_origin = log_verifier_keys("registry.example/other", [LOG_SIGNER])
    other_key = log_verifier_keys(ORIGIN, [WITNESS_SIGNER])
    check(audit_entries(LOG.datas, tmp_path, keys=other_origin), "origin_mismatch", None, "registry.example/other")
    check(audit_entries(LOG.datas, tmp_path, keys=other_key), "checkpoint_signature", None, "not signed by any")


def skip_folio_line(entry: Entry) -> Entry:
    return renumber(entry, number_by=1)


def skip_folio_entry(entry: Entry) -> Entry:
    return renumber(entry, previous_by=-1)


def back_in_time(entry: Entry) -> Entry:
    return replace(entry, time=entry.time - timedelta(seconds=1))


def same_statement(entry: Entry) -> Entry:
    return replace(entry, envelope=make_envelope(3))


def foreign_statement(entry: Entry) -> Entry:
    return replace(entry, envelope=make_envelope(entry.position, log="elsewhere.example"))


def bad_statement(entry: Entry) -> Entry:
    return replace(entry, envelope=make_envelope(entry.position, nonce="AA"))


def bad_keys(entry: Entry) -> Entry:
    return replace(entry, envelope=make_envelope(entry.position, act="log.key", body={"use": "log", "add": "none"}))


@pytest.mark.parametrize(
    ("change", "what", "words"),
    [
        (skip_folio_line, "folio_gap", "has a gap: entry 40 calls itself"),
        (skip_folio_entry, "folio_gap", "following entry 38; before it"),
        (back_in_time, "time_backwards", "Time goes backwards: entry 40"),
        (same_statement, "statement_twice", "stands in entry 3 already"),
        (foreign_statement, "origin_mismatch", "made for the log 'elsewhere.example'"),
        (bad_statement, "statement_form", "a nonce has 16 bytes"),
        (bad_keys, "log_keys", "names a key of the log that is none"),
    ],
)
def test_operator_breaking_the_rules_is_found(
    change: Callable[[Entry], Entry], what: str, words: str, tmp_path: Path
) -> None:
    """All of these are signed with the log's real keys."""
    check(audit_entries(rewrite(LOG.datas, 40, change), tmp_path), what, 40, words)


def test_line_that_is_no_entry(tmp_path: Path) -> None:
    datas = [*LOG.datas[:40], LOG.datas[40].replace(b'{"v":1', b'{ "v":1')]
    check(audit_entries(datas, tmp_path), "entry_form", 40, "not written in its only form")


def spoil(entry: Entry) -> Entry:
    signature = entry.envelope.signatures[0]
    spoilt = replace(signature, value=flip(signature.value, 300))
    return replace(entry, envelope=replace(entry.envelope, signatures=(spoilt, *entry.envelope.signatures[1:])))


def test_rejected_entry_is_reported_before_what_comes_behind_it(tmp_path: Path) -> None:
    def on_batch(entries: Sequence[Entry], leaves: Sequence[bytes]) -> None:
        if any(entry.position == 40 for entry in entries):
            raise EntryRejected(40, "Not entitled", "无权", "not_entitled")

    assert audit_entries(LOG.datas, tmp_path).holds
    check(audit_entries(LOG.datas, tmp_path, on_batch=on_batch), "not_entitled", 40, "Not entitled")
    datas = rewrite(LOG.datas, 60, change_body, chain=False)
    check(audit_entries(datas, tmp_path, on_batch=on_batch), "not_entitled", 40, "Not entitled")
    datas = rewrite(LOG.datas, 30, change_body, chain=False)
    check(audit_entries(datas, tmp_path, on_batch=on_batch), "chain_broken", 31, "chain")
    check(audit_entries(rewrite(LOG.datas, 40, spoil), tmp_path, on_batch=on_batch), "SIGNATURE_INVALID", 40, "")


def test_edited_row_is_found_in_the_storage() -> None:
    with LOG.storage.transaction() as original:
        tx = original.copy()
    row = tx.entries[270]
    tx.entries[270] = replace(row, data=row.data.replace(b"2026", b"2025", 1))
    check(audit_log(StorageSource(LOG.storage, tx), KEYS), "entry_changed", 270, "")
    tx.entries[270] = row
    tx.entries[3] = replace(tx.entries[3], leaf=bytes(32))
    check(audit_log(StorageSource(LOG.storage, tx), KEYS), "unreadable", 0, "differ from the tile")
    del tx.entries[280:]
    tx.entries[3] = build_log(300).storage._contents.entries[3]
    check(audit_log(StorageSource(LOG.storage, tx), KEYS), "unreadable", 256, "24 of 44 hashes")
