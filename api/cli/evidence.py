"""`sanquan evidence`, and what `sanquan verify` says of an evidence bundle."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.client_commands import DEFAULT_URL, ProfileOption, UrlOption, open_client, reading_profile
from api.cli.output import BROKEN, USAGE, print_json, say
from api.cli.trusting import JsonOption, LangOption
from ledger.errors import FormatError
from ledger.evidence.bundle import parse_evidence
from ledger.evidence.examination import EvidenceReport, VerifyNote, examine_evidence


def evidence_command(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="An asset (ast_…), right (rgt_…) or case (cas_…).")],
    out: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="Where the bundle is written.")],
    size: Annotated[int | None, typer.Option(help="A signed size; the newest.")] = None,
    url: UrlOption = DEFAULT_URL, profile: ProfileOption = None, as_json: JsonOption = False, lang: LangOption = None,
) -> None:  # fmt: skip
    """Fetch the evidence of an asset, right or case, verify it, and keep it."""
    with open_client(url, reading_profile(profile), lang) as client:
        bundle = client.evidence(identifier, size=size)
    out.write_bytes(bundle.data)
    print_report(bundle.report, as_json=as_json, pinned=True, lang=lang)


def verify_bundle(data: bytes, verify_note: VerifyNote, *, pinned: bool, as_json: bool, lang: str | None) -> None:
    """What is said of the bundle is printed. The command ends: 0 holds, 1 does not, 2 no key is pinned."""
    try:
        report = examine_evidence(parse_evidence(data), verify_note)
    except FormatError as error:
        place = f" ({error.pointer})" if error.pointer else ""
        en, zh = f"This is no evidence bundle: {error}{place}.", f"证据包格式不符：{error}{place}。"
        if as_json:
            print_json({"pinned": pinned, "checks": [{"name": "form", "holds": False, "en": en, "zh": zh}]})
        else:
            say(f"✗ {en}", f"✗ {zh}", lang)
        raise typer.Exit(BROKEN) from None
    print_report(report, as_json=as_json, pinned=pinned, lang=lang)
    if not pinned:
        say("key not pinned: give --key or --policy", "未固定公钥：请给出 --key 或 --policy", lang)
        raise typer.Exit(USAGE)
    if not report.holds:
        raise typer.Exit(BROKEN)


def print_report(report: EvidenceReport, *, as_json: bool, pinned: bool, lang: str | None) -> None:
    """Each check, what is shown of which folio, and what cannot be shown."""
    if as_json:
        print_json(_json(report, pinned=pinned))
        return
    for check in report.checks:
        mark = "✓" if check.holds else "✗"
        say(f"{mark} {check.words.en}", f"{mark} {check.words.zh}", lang)
    for folio in report.folios:
        mark = "*" if folio.folio in report.assets else " "
        say(
            f"{mark} {folio.folio}: lines 1 to {folio.lines}, the newest in entry {folio.newest}",
            f"{mark} {folio.folio}：第 1 至 {folio.lines} 行，最末一行在第 {folio.newest} 条",
            lang,
        )
    for party in report.unseen:
        say(f"  {party}: named, nothing shown", f"  {party}：被提及，未出示其登记簿页", lang)
    for note in report.notes:
        say(f"· {note.en}", f"· {note.zh}", lang)


def _json(report: EvidenceReport, *, pinned: bool) -> dict[str, Any]:
    checkpoint = report.checkpoint
    return {
        "pinned": pinned,
        "holds": report.holds,
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "entries": report.entries,
        "assets": list(report.assets),
        "folios": [{"id": each.folio, "n": each.lines, "seq": each.newest} for each in report.folios],
        "unseen": list(report.unseen),
        "checks": [
            {"name": check.name, "holds": check.holds, "en": check.words.en, "zh": check.words.zh}
            | ({} if check.position is None else {"seq": check.position})
            for check in report.checks
        ],
        "notes": [{"en": note.en, "zh": note.zh} for note in report.notes],
    }


def install(app: typer.Typer) -> None:
    """The command is there."""
    app.command("evidence")(evidence_command)
