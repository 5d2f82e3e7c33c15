"""What an outsider brings to a check: verifier keys, kept items, and the keys pinned before."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import USAGE, fail
from api.client import Pins
from ledger.errors import FormatError, LedgerError, SignatureError
from ledger.known import Known, parse_known
from ledger.note import VerifierKey, parse_verifier_key
from ledger.policy import Policy, parse_policy

KeyOption = Annotated[
    list[str] | None, typer.Option("--key", help="Verifier key of the log (vkey), or a file of them.")
]
PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", exists=True, dir_okay=False, help="Logs and witnesses to trust: a file (tlog-policy)."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="The report for machines.")]
LangOption = Annotated[str | None, typer.Option("--lang", help="zh or en.")]


def read_keys(texts: list[str] | None) -> list[VerifierKey]:
    """The verifier keys that were given, as text or as files with one a line."""
    keys = []
    for text in texts or []:
        path = Path(text)
        lines = path.read_text().splitlines() if "+" not in text and path.is_file() else [text]
        for line in filter(None, (line.strip() for line in lines)):
            try:
                keys.append(parse_verifier_key(line))
            except (FormatError, SignatureError) as error:
                fail(USAGE, f"--key: {error}", f"--key：不是有效的验证公钥（{error}）")
    return keys


def read_policy(path: Path | None) -> Policy | None:
    """The policy that was given."""
    if path is None:
        return None
    try:
        return parse_policy(path.read_bytes())
    except (OSError, FormatError) as error:
        fail(USAGE, f"--policy: {error}", f"--policy：不是有效的见证策略（{error}）")


def read_known(paths: list[Path]) -> list[Known]:
    found: list[Known] = []
    for path in paths:
        try:
            found += parse_known(path.read_bytes())
        except (OSError, LedgerError) as error:
            fail(USAGE, f"{path}: {error}", f"{path}：不是回执、检查点或联署（{error}）")
    return found


def pinned_keys(origin: str, note: str | None = None) -> list[VerifierKey]:
    """The pinned keys of an origin that are live, or those with which this checkpoint is to be verified."""
    trusted = Pins().trusted(origin)
    return list(trusted.live if note is None else trusted.for_note(note))
