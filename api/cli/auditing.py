"""`sanquan audit` and `sanquan verify`: for whoever does not trust the operator."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import httpx
import typer

from api.cli.output import BROKEN, HOLDS, USAGE, fail, language, print_json, progress, say
from api.client import Pins, Profile, ProfileError
from api.client.signing import SignedRequest
from ledger.audit import AuditReport, Finding, Known, KnownCheckpoint, KnownReceipt, parse_known
from ledger.checkpoint import parse_checkpoint, verify_checkpoint
from ledger.errors import BrokenLogError, FormatError, LedgerError, SignatureError
from ledger.known import wanted_size
from ledger.note import VerifierKey, parse_note, parse_verifier_key
from ledger.proof import verify_proof
from ledger.sources import LogSource, UrlSource

KeyOption = Annotated[
    list[str] | None, typer.Option("--key", help="Verifier key of the log (vkey), or a file of them.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="The report for machines.")]
LangOption = Annotated[str | None, typer.Option("--lang", help="zh or en.")]

_PUBLISHED_WITHIN_S = 3.0
_LOOK_AGAIN_S = 0.1
_TIMEOUT_S = 60.0


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


def _read_known(paths: list[Path]) -> list[Known]:
    found: list[Known] = []
    for path in paths:
        try:
            found += parse_known(path.read_bytes())
        except (OSError, LedgerError) as error:
            fail(USAGE, f"{path}: {error}", f"{path}：不是回执、检查点或联署（{error}）")
    return found


def audit_command(
    target: Annotated[str, typer.Argument(help="URL of a registry, a data folder, or an exported tree.")],
    known: Annotated[
        list[Path] | None, typer.Option(help="Receipts, checkpoints, notes that somebody kept and that must agree.")
    ] = None,
    key: KeyOption = None,
    profile: Annotated[Path | None, typer.Option(help="Who asks, where a register is its members' only.")] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Read a whole log and check all of it. Exit status: 0 holds, 1 broken, 2 usage or key not pinned."""
    keys, kept = read_keys(key), _read_known(known or [])
    try:
        report = _audit(target, keys, kept, profile, lang)
    except BrokenLogError as error:
        if isinstance(error.__cause__, httpx.HTTPError | httpx.InvalidURL):
            fail(USAGE, str(error), f"{target} 无法读取：{error}", lang)
        fail(BROKEN, f"broken: {error}", f"已损坏：{error}", lang)
    if as_json:
        print_json(_report_json(report))
    else:
        _print_report(report, lang)
    raise typer.Exit(_status(report))


@contextmanager
def _reading(url: str, profile: Path | None) -> Iterator[httpx.Client]:
    """What a log is read with: where the register is its members' only, by whoever has a profile."""
    with httpx.Client(timeout=_TIMEOUT_S) as http:
        # A log that says nothing of members is read as it is, and so is one without a profile: the audit says the rest.
        with suppress(httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, ProfileError):
            if http.get(f"{url.rstrip('/')}/.well-known/sanquan").json()["visibility"] == "members":
                http.auth = SignedRequest(Profile.open(profile).signer)
        yield http


def _audit(
    target: str, keys: list[VerifierKey], known: list[Known], profile: Path | None, lang: str | None
) -> AuditReport:
    from registry.auditing import Subject, audit, open_subject

    title = "审计" if language(lang) == "zh" else "auditing"
    with progress(title, None, "entries") as on_progress:
        if target.startswith(("http://", "https://")):
            with _reading(target, profile) as http, UrlSource(target, http) as source:
                _wait_for(source, known)
                pinned = keys or _pinned(parse_checkpoint(parse_note(source.checkpoint()).text).origin)
                return audit(Subject(source), pinned, known, on_progress)
        path = Path(target)
        if not path.is_dir():
            fail(USAGE, f"{target} is neither a URL nor a folder", f"{target} 既不是网址也不是文件夹", lang)
        with open_subject(path) as subject:
            pinned = keys or _pinned(parse_checkpoint(parse_note(subject.source.checkpoint()).text).origin)
            return audit(subject, pinned, known, on_progress)


def _wait_for(source: LogSource, known: list[Known]) -> None:
    """The published checkpoint covers what somebody kept, or had time to: it may be a second behind a receipt."""
    wanted = max((wanted_size(item) for item in known), default=0)
    deadline = time.monotonic() + _PUBLISHED_WITHIN_S
    while parse_checkpoint(parse_note(source.checkpoint()).text).size < wanted and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_S)


def _pinned(origin: str) -> list[VerifierKey]:
    return [parse_verifier_key(text) for text in Pins().keys(origin)]


def _status(report: AuditReport) -> int:
    if not report.holds:
        return BROKEN
    return HOLDS if report.pinned else USAGE


def _finding_json(finding: Finding) -> dict[str, object]:
    return {"seq": finding.position, "code": finding.what, "en": finding.words_en, "zh": finding.words_zh}


def _report_json(report: AuditReport) -> dict[str, object]:
    return {
        "holds": report.holds, "pinned": report.pinned, "origin": report.origin, "size": report.size,
        "root": report.root.hex(), "entries": report.entries, "known": report.known_checked,
        "seconds": round(report.seconds, 3), "findings": [_finding_json(f) for f in report.findings],
    }  # fmt: skip


def _print_report(report: AuditReport, lang: str | None) -> None:
    for finding in report.findings:
        place_en = "" if finding.position is None else f"entry {finding.position}: "
        place_zh = "" if finding.position is None else f"分录 {finding.position}："
        say(f"broken: {place_en}{finding.words_en}", f"已损坏：{place_zh}{finding.words_zh}", lang)
    if report.holds:
        say(
            f"holds: {report.origin}, {report.size} entries, root {report.root.hex()}, {report.known_checked} kept items agree",
            f"成立：{report.origin}，{report.size} 条分录，根 {report.root.hex()}，留存件 {report.known_checked} 件相符",
            lang,
        )
    if not report.pinned:
        say(
            "key not pinned: the log agrees with itself, but nobody says that it is the right one; give --key",
            "未固定公钥：账本自洽，但尚不能确认它就是应有的那一本；请给出 --key",
            lang,
        )


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
    for item in _read_known([file]):
        origin = parse_checkpoint(parse_note(item.checkpoint_note).text).origin
        trusted = keys or _pinned(origin)
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
    """The commands are there."""
    app.command("audit")(audit_command)
    app.command("verify")(verify_command)
