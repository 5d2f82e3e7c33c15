"""`sanquan verify`, offline and for whoever does not trust the operator."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from api.cli.evidence import verify_bundle
from api.cli.output import BROKEN, USAGE, fail, print_json, say
from api.cli.trusting import (
    JsonOption,
    KeyOption,
    LangOption,
    PolicyOption,
    pinned_keys,
    read_keys,
    read_known,
    read_policy,
)
from ledger.checkpoint import VerifiedCheckpoint, parse_checkpoint, verify_checkpoint
from ledger.errors import FormatError, LedgerError
from ledger.evidence.bundle import claimed_origin, is_evidence
from ledger.known import Known, KnownCheckpoint, KnownReceipt
from ledger.merkle import leaf_hash
from ledger.note import VerifierKey, parse_note
from ledger.policy import NONE, Policy
from ledger.proof import verify_proof


def verify_command(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="A receipt or evidence bundle (JSON), tlog-proof or checkpoint."
        ),
    ],
    key: KeyOption = None,
    policy: PolicyOption = None,
    entry: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The bytes of the entry that a tlog-proof is for."),
    ] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Verify a receipt or an evidence bundle offline. Exit status: 0 holds, 1 does not, 2 usage or key not pinned."""
    keys, rules = read_keys(key), read_policy(policy)
    if is_evidence(data := file.read_bytes()):
        trust = _trust(claimed_origin(data), keys, rules)
        verify_bundle(data, trust.checkpoint, pinned=bool(trust.keys), as_json=as_json, lang=lang)
        return
    checks: list[dict[str, object]] = []
    pinned = True
    for item in _with_leaf(read_known([file]), entry):
        origin = parse_checkpoint(parse_note(item.checkpoint_note).text).origin
        trust = _trust(origin, keys, rules, item.checkpoint_note)
        pinned = pinned and bool(trust.keys)
        checks.append(_verify(item, trust))
    if as_json:
        print_json({"pinned": pinned, "checks": checks})
    for check in checks if not as_json else []:
        mark = "✓" if check["holds"] else "✗"
        say(f"{mark} {check['en']}", f"{mark} {check['zh']}", lang)
    if not all(check["holds"] for check in checks) and pinned:
        raise typer.Exit(BROKEN)
    if not pinned:
        say("key not pinned: give --key or --policy", "未固定公钥：请给出 --key 或 --policy", lang)
        raise typer.Exit(USAGE)


def _with_leaf(items: list[Known], entry: Path | None) -> list[Known]:
    """A tlog-proof says where an entry stands, not which: that is for whoever has it to say."""
    leaf = leaf_hash(entry.read_bytes()) if entry else None
    found: list[Known] = []
    for item in items:
        if isinstance(item, KnownReceipt) and item.leaf is None:
            if leaf is None:
                fail(
                    USAGE,
                    "a proof does not say of which entry: give its bytes with --entry",
                    "证明不含分录本身：请以 --entry 给出其字节",
                )
            found.append(replace(item, leaf=leaf))
        else:
            found.append(item)
    return found


class Trust(NamedTuple):
    """The log's keys, and the policy that checkpoints must meet besides, if there is one."""

    keys: list[VerifierKey]
    policy: Policy | None

    def checkpoint(self, note: str) -> VerifiedCheckpoint:
        """The checkpoint, if it is to be trusted.

        Raises:
            LedgerError: it is not.
        """
        if self.policy is None:
            return verify_checkpoint(note, self.keys)
        return self.policy.verify(note, self.keys)


def _trust(origin: str, keys: list[VerifierKey], rules: Policy | None, note: str | None = None) -> Trust:
    """What to trust for an origin: the keys given, else those of the policy, else those pinned before."""
    logs = [log.key for log in rules.logs] if rules else []
    return Trust(keys or logs or pinned_keys(origin, note), rules)


def _verify(item: Known, trust: Trust) -> dict[str, object]:
    checkpoint = parse_checkpoint(parse_note(item.checkpoint_note).text)
    place = f"{checkpoint.origin}, size {checkpoint.size}"
    try:
        match item:
            case KnownReceipt(proof, leaf, seq):
                if leaf is None or (seq is not None and seq != proof.index):
                    raise FormatError("the receipt lacks its leaf hash, or its position is another than the proof's")
                trust.checkpoint(proof.checkpoint)
                verify_proof(proof, leaf, trust.keys)
                what_en, what_zh = f"entry {proof.index} is in the log", f"分录 {proof.index} 确在账本之中"
            case KnownCheckpoint(note):
                trust.checkpoint(note)
                what_en, what_zh = "the checkpoint is signed", "检查点签名有效"
    except LedgerError as error:
        return {"holds": False, "en": f"{place}: {error}", "zh": f"{place}：{error}"}
    if trust.policy is not None and trust.policy.quorum != NONE:
        what_en, what_zh = f"{what_en}, cosigned by the quorum", f"{what_zh}，见证人联署达法定数"
    return {"holds": True, "en": f"{place}: {what_en}", "zh": f"{place}：{what_zh}"}


def install(app: typer.Typer) -> None:
    """The command is there."""
    app.command("verify")(verify_command)
