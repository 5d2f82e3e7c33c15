"""`sanquan verify`, offline and for whoever does not trust the operator."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import BROKEN, USAGE, print_json, say
from api.cli.trusting import JsonOption, KeyOption, LangOption, pinned_keys, read_keys, read_known
from ledger.checkpoint import parse_checkpoint, verify_checkpoint
from ledger.errors import FormatError, LedgerError
from ledger.known import Known, KnownCheckpoint, KnownReceipt
from ledger.note import VerifierKey, parse_note
from ledger.proof import verify_proof


def verify_command(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A receipt (JSON), tlog-proof or checkpoint.")
    ],
    key: KeyOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Verify a receipt offline. Exit status: 0 holds, 1 does not, 2 usage or key not pinned."""
    keys = read_keys(key)
    checks: list[dict[str, object]] = []
    pinned = True
    for item in read_known([file]):
        origin = parse_checkpoint(parse_note(item.checkpoint_note).text).origin
        trusted = keys or pinned_keys(origin, item.checkpoint_note)
        pinned = pinned and bool(trusted)
        checks.append(_verify(item, trusted))
    if as_json:
        print_json({"pinned": pinned, "checks": checks})
    for check in checks if not as_json else []:
        mark = "✓" if check["holds"] else "✗"
        say(f"{mark} {check['en']}", f"{mark} {check['zh']}", lang)
    if not all(check["holds"] for check in checks) and pinned:
        raise typer.Exit(BROKEN)
    if not pinned:
        say("key not pinned: give --key", "未固定公钥：请给出 --key", lang)
        raise typer.Exit(USAGE)


def _verify(item: Known, keys: list[VerifierKey]) -> dict[str, object]:
    checkpoint = parse_checkpoint(parse_note(item.checkpoint_note).text)
    place = f"{checkpoint.origin}, size {checkpoint.size}"
    try:
        match item:
            case KnownReceipt(proof, leaf, seq):
                if leaf is None or (seq is not None and seq != proof.index):
                    raise FormatError("the receipt lacks its leaf hash, or its position is another than the proof's")
                verify_proof(proof, leaf, keys)
                what_en, what_zh = f"entry {proof.index} is in the log", f"分录 {proof.index} 确在账本之中"
            case KnownCheckpoint(note):
                verify_checkpoint(note, keys)
                what_en, what_zh = "the checkpoint is signed", "检查点签名有效"
    except LedgerError as error:
        return {"holds": False, "en": f"{place}: {error}", "zh": f"{place}：{error}"}
    return {"holds": True, "en": f"{place}: {what_en}", "zh": f"{place}：{what_zh}"}


def install(app: typer.Typer) -> None:
    """The command is there."""
    app.command("verify")(verify_command)
