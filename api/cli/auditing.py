"""`sanquan audit`, for whoever does not trust the operator."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import httpx
import typer

from api.cli.output import BROKEN, HOLDS, USAGE, fail, language, print_json, progress, say
from api.cli.trusting import JsonOption, KeyOption, LangOption, pinned_keys, read_keys, read_known
from api.client import Profile, ProfileError
from api.client.pins import default_folder
from api.client.signing import SignedRequest
from ledger.audit import AuditReport, Finding, Known
from ledger.checkpoint import parse_checkpoint
from ledger.errors import AuditInterruptedError, BrokenLogError, FormatError
from ledger.known import wanted_size
from ledger.note import VerifierKey, parse_note
from ledger.sources import LogSource, UrlSource

_PUBLISHED_WITHIN_S = 3.0
_LOOK_AGAIN_S = 0.1
_TIMEOUT_S = 60.0


class Level(StrEnum):
    """How much is checked."""

    LOG = "log"
    REGISTER = "register"


def audit_command(
    target: Annotated[str, typer.Argument(help="URL of a registry, a data folder, or an exported tree.")],
    known: Annotated[
        list[Path] | None, typer.Option(help="Receipts, checkpoints, notes that somebody kept and that must agree.")
    ] = None,
    key: KeyOption = None,
    level: Annotated[
        Level, typer.Option(help="log: the ledger alone; register: also decide every act again and compare the tables.")
    ] = Level.REGISTER,
    signatures: Annotated[
        bool, typer.Option("--signatures/--no-signatures", help="Verify those of the statements; without, exit 2.")
    ] = True,
    whole: Annotated[
        bool, typer.Option("--whole", help="Read a URL from the first entry on, even if it was audited before.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes that read a large log; default: one a core.")
    ] = None,
    profile: Annotated[Path | None, typer.Option(help="Who asks, where a register is its members' only.")] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Read a whole log and check all of it. Exit status: 0 holds, 1 broken, 2 usage, key not pinned, not all checked."""
    keys, kept = read_keys(key), read_known(known or [])
    asked = _Asked(keys, kept, level, signatures, whole, jobs, profile)
    try:
        report = _audit(target, asked, lang)
    except AuditInterruptedError as error:
        fail(USAGE, f"not finished: {error}", f"未完成：{error}", lang)
    except BrokenLogError as error:
        if isinstance(error.__cause__, httpx.HTTPError | httpx.InvalidURL):
            fail(USAGE, str(error), f"{target} 无法读取：{error}", lang)
        fail(BROKEN, f"broken: {error}", f"已损坏：{error}", lang)
    if as_json:
        print_json(_report_json(report, level))
    else:
        _print_report(report, lang)
    raise typer.Exit(_status(report))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command was given."""

    keys: list[VerifierKey]
    known: list[Known]
    level: Level
    signatures: bool
    whole: bool
    jobs: int | None
    profile: Path | None


@contextmanager
def _reading(url: str, profile: Path | None) -> Iterator[httpx.Client]:
    """What a log is read with: where the register is its members' only, by whoever has a profile."""
    with httpx.Client(timeout=_TIMEOUT_S) as http:
        # A log that says nothing of members is read as it is, and so is one without a profile: the audit says the rest.
        with suppress(httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, ProfileError):
            if http.get(f"{url.rstrip('/')}/.well-known/sanquan").json()["visibility"] == "members":
                http.auth = SignedRequest(Profile.open(profile).signer)
        yield http


def _audit(target: str, asked: _Asked, lang: str | None) -> AuditReport:
    from registry.auditing import Depth, audit, open_subject
    from registry.resuming import audit_url

    title = "审计" if language(lang) == "zh" else "auditing"
    depth = Depth(asked.level is Level.REGISTER, asked.signatures, asked.jobs)
    with progress(title, None, "entries") as on_progress:
        if target.startswith(("http://", "https://")):
            with _reading(target, asked.profile) as http, UrlSource(target, http) as source:
                _wait_for(source, asked.known)
                origin = _origin(source)
                keys = asked.keys or pinned_keys(origin)
                place = default_folder() / "audits" / hashlib.sha256(origin.encode()).hexdigest()[:32] / asked.level
                return audit_url(source, keys, asked.known, on_progress, depth, place, whole=asked.whole)
        path = Path(target)
        if not path.is_dir():
            fail(USAGE, f"{target} is neither a URL nor a folder", f"{target} 既不是网址也不是文件夹", lang)
        with open_subject(path) as subject:
            keys = asked.keys or pinned_keys(_origin(subject.source))
            return audit(subject, keys, asked.known, on_progress, depth)


def _origin(source: LogSource) -> str:
    """Empty where the checkpoint is none: the audit says so."""
    try:
        return parse_checkpoint(parse_note(source.checkpoint()).text).origin
    except FormatError:
        return ""


def _wait_for(source: LogSource, known: list[Known]) -> None:
    """The published checkpoint covers what somebody kept, or had time to: it may be a second behind a receipt."""
    wanted = max((wanted_size(item) for item in known), default=0)
    deadline = time.monotonic() + _PUBLISHED_WITHIN_S
    with suppress(FormatError):
        while parse_checkpoint(parse_note(source.checkpoint()).text).size < wanted and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN_S)


def _status(report: AuditReport) -> int:
    if not report.holds:
        return BROKEN
    return HOLDS if report.is_complete else USAGE


def _finding_json(finding: Finding) -> dict[str, object]:
    return {"seq": finding.position, "code": finding.what, "en": finding.words_en, "zh": finding.words_zh}


def _report_json(report: AuditReport, level: Level) -> dict[str, object]:
    return {
        "holds": report.holds, "pinned": report.pinned, "signatures": report.signatures, "level": level.value,
        "origin": report.origin, "size": report.size, "root": report.root.hex(), "entries": report.entries,
        "resumed": report.resumed, "known": report.known_checked, "seconds": round(report.seconds, 3),
        "entries_per_second": round(report.entries_per_second), "workers": report.workers, "findings": [_finding_json(f) for f in report.findings],
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
    if report.resumed and report.holds:
        say(
            f"resumed: the first {report.resumed} entries were audited before; --whole reads them again",
            f"续审：前 {report.resumed} 条此前已审计；--whole 可重新全部审计",
            lang,
        )
    if not report.signatures:
        say(
            "signatures not checked: who made the statements is not shown; leave out --no-signatures",
            "未验证签名：声明由谁作出尚未得到证明；请去掉 --no-signatures",
            lang,
        )
    if not report.pinned:
        say(
            "key not pinned: the log agrees with itself, but nobody says that it is the right one; give --key",
            "未固定公钥：账本自洽，但尚不能确认它就是应有的那一本；请给出 --key",
            lang,
        )


def install(app: typer.Typer) -> None:
    """The command is there."""
    app.command("audit")(audit_command)
