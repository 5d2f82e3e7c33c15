"""`sanquan audit`, for whoever does not trust the operator."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import httpx
import typer

from api.cli.output import BROKEN, HOLDS, USAGE, fail, language, print_json, progress, say
from api.cli.trusting import JsonOption, KeyOption, LangOption, pinned_keys, read_keys, read_known
from api.client import Profile, ProfileError
from api.client.signing import SignedRequest
from ledger.audit import AuditReport, Finding, Known
from ledger.checkpoint import parse_checkpoint
from ledger.errors import BrokenLogError
from ledger.known import wanted_size
from ledger.note import VerifierKey, parse_note
from ledger.sources import LogSource, UrlSource

_PUBLISHED_WITHIN_S = 3.0
_LOOK_AGAIN_S = 0.1
_TIMEOUT_S = 60.0


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
    keys, kept = read_keys(key), read_known(known or [])
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
                pinned = keys or pinned_keys(parse_checkpoint(parse_note(source.checkpoint()).text).origin)
                return audit(Subject(source), pinned, known, on_progress)
        path = Path(target)
        if not path.is_dir():
            fail(USAGE, f"{target} is neither a URL nor a folder", f"{target} 既不是网址也不是文件夹", lang)
        with open_subject(path) as subject:
            pinned = keys or pinned_keys(parse_checkpoint(parse_note(subject.source.checkpoint()).text).origin)
            return audit(subject, pinned, known, on_progress)


def _wait_for(source: LogSource, known: list[Known]) -> None:
    """The published checkpoint covers what somebody kept, or had time to: it may be a second behind a receipt."""
    wanted = max((wanted_size(item) for item in known), default=0)
    deadline = time.monotonic() + _PUBLISHED_WITHIN_S
    while parse_checkpoint(parse_note(source.checkpoint()).text).size < wanted and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_S)


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


def install(app: typer.Typer) -> None:
    """The command is there."""
    app.command("audit")(audit_command)
