"""The last scenes of the first day: the chain verified, offline and as a whole, and four forgers caught."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.demo import forgers
from api.demo.cast import Cast, expect
from ledger.audit import AuditReport, parse_known
from ledger.encoding import parse_hex
from ledger.keys import Signer
from ledger.note import VerifierKey
from ledger.proof import parse_proof, verify_proof
from ledger.statement import parse_statement
from registry.auditing import audit, open_subject


def verify_offline(cast: Cast, keys: tuple[VerifierKey, ...]) -> None:
    """A kept receipt proves its entry without the server."""
    tell = cast.tell
    assert cast.revocation is not None
    path = cast.data / "kept" / "receipt-of-revocation.json"
    tell.step(
        "The server is stopped. Firm A verifies the receipt that it kept, by itself.",
        "服务已停止。甲公司自行验证其留存的回执。",
    )
    tell.command(f"sanquan verify {path} --key VKEY")
    proof = parse_proof(cast.revocation.facts["proof"])
    verify_proof(proof, parse_hex(cast.revocation.facts["leaf_hash"]), keys)
    tell.good(f"entry {proof.index} is in the log", f"分录 {proof.index} 确在账本之中")


def _audit(folder: Path, keys: tuple[VerifierKey, ...], kept: Path | None = None) -> AuditReport:
    known = parse_known(kept.read_bytes()) if kept else []
    with open_subject(folder) as subject:
        return audit(subject, keys, known)


def audit_whole_log(cast: Cast, keys: tuple[VerifierKey, ...]) -> None:
    """The honest log holds on both levels."""
    tell = cast.tell
    tell.step("An auditor reads the whole log and replays every act.", "审计者读取整本账本，逐条重放每一行为。")
    tell.command(f"sanquan audit {cast.data} --key VKEY")
    report = _audit(cast.data, keys)
    expect(report.holds, "the audit of the honest log")
    tell.good(
        f"holds: {report.size} entries, root {report.root.hex()}", f"成立：{report.size} 条分录，根 {report.root.hex()}"
    )


def _forge(
    cast: Cast, keys: tuple[VerifierKey, ...], name: str, forge: Callable[[Path], None], kept: Path | None = None
) -> AuditReport:
    folder = forgers.copy_of(cast.data, name)
    forge(folder)
    report = _audit(folder, keys, kept)
    for finding in report.findings:
        place = "" if finding.position is None else f"{cast.tell.pick('entry', '分录')} {finding.position}: "
        cast.tell.caught(place + finding.words_en, place + finding.words_zh)
    shutil.rmtree(folder)
    return report


def catch_forgers(cast: Cast, keys: tuple[VerifierKey, ...]) -> None:
    """Four forgers, each against a copy; the fourth only by what somebody kept."""
    tell, a, b = cast.tell, cast.firm_a, cast.firm_b
    assert cast.licence is not None and cast.revocation is not None  # noqa: PT018  earlier scenes
    licence, revocation = cast.licence, cast.revocation
    tell.step("First forger, on a copy: one value in one entry.", "伪造者之一（在副本上）：改动一条分录中的一个值。")
    report = _forge(cast, keys, "forger-1", lambda f: forgers.change_an_entry(f, licence.seq, b'"n":', b'"n": '))
    expect(not report.holds, "a changed entry was not found")

    tell.step(
        "Second: one value in a table of the register, so that B holds what is A's.",
        "之二：改动登记簿表中的一个值，使乙公司“享有”甲公司的权利。",
    )
    report = _forge(cast, keys, "forger-2", lambda f: forgers.change_a_projection(f, a.party_id, b.party_id))
    expect(not report.holds, "a changed table was not found")

    def is_revocation(entry: Any) -> bool:
        return parse_statement(entry.envelope).act == "right.revoke"

    tell.step(
        "Third: the whole history written anew without the revocation, consistent in itself, but without the log's key.",
        "之三：删去撤销，重写整部历史，自身一致，但没有账本的密钥。",
    )
    strangers: list[Signer] = forgers.strangers_keys()
    report = _forge(cast, keys, "forger-3", lambda f: forgers.rewrite(f, is_revocation, strangers))
    expect(not report.holds, "a history signed by a stranger was not found")

    tell.step(
        "Fourth: the operator does the same with all keys. Every internal check passes …",
        "之四：运营者持全部密钥做同样的事。一切内部检查都通过……",
    )
    kept = cast.data / "kept" / "receipt-of-revocation.json"

    def by_operator(folder: Path) -> None:
        forgers.rewrite(folder, is_revocation, forgers.operators_keys(folder))

    report = _forge(cast, keys, "forger-4", by_operator)
    expect(report.holds, "the operator's history should agree with itself")
    tell.tell("… it holds.", "……成立。")
    tell.step("… but somebody kept a receipt.", "……但是有人留存了回执。")
    tell.command(f"sanquan audit COPY --key VKEY --known {kept}")
    report = _forge(cast, keys, "forger-4", by_operator, kept)
    expect(not report.holds, "the kept receipt did not convict the operator")
    expect(revocation.seq > licence.seq, "the order of entries")
