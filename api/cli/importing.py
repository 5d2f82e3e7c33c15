"""`sanquan import FILE|DIR…`: registers own files, or descriptors of other people's open data, row by row.

Goes on after bad rows, skips what the register already holds (party + identifier), and may be run again after a crash:
the second run adds only what is missing.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.client_commands import (
    DEFAULT_URL,
    JsonOption,
    LangOption,
    NameOption,
    ProfileOption,
    UrlOption,
    open_client,
    open_profile,
)
from api.cli.output import USAGE, fail, language, print_json, progress, say
from api.client import Client, LineResult
from api.importing.detect import count, needs_source, rows
from api.importing.model import Options, Refused, Row
from registry.drafting import sign_payload

_CHUNK = 200


class Grade(StrEnum):
    """Grades of data (GB/T 43697)."""

    CORE = "core"
    IMPORTANT = "important"
    GENERAL = "general"
    UNGRADED = "ungraded"


BASES = ("own_operation", "natural_person", "utility", "data_source")


@dataclass(slots=True)
class Tally:
    """What became of the rows."""

    registered: int = 0
    skipped: int = 0
    refused: int = 0
    warned: int = 0
    noted: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)

    def skip(self, source: str) -> None:
        """A row that the register holds already."""
        self.skipped += 1
        self.lines.append({"row": source, "outcome": "held"})

    def refuse(self, source: str, code: str, message: str, **more: Any) -> None:
        """A row that was not registered, for the report."""
        self.refused += 1
        self.lines.append({"row": source, "outcome": "refused", "code": code, "message": message, **more})


class Import:
    """One run."""

    def __init__(self, client: Client, options: Options, lang: str) -> None:
        self._client = client
        self._options = options
        self._lang = lang
        self.tally = Tally()
        self._held = {
            (item["scheme"], item["value"])
            for asset in client.assets(applicant=client.party_id)
            for item in asset["form"].get("identifiers", ())
        }

    def run(self, paths: list[Path]) -> Iterator[int]:
        """Registers everything; yields how many rows are done."""
        chunk: list[Row] = []
        done = 0
        for row in rows(paths, self._options):
            done += 1
            if isinstance(row, Refused):
                self.tally.refuse(row.source, row.code, row.en if self._lang == "en" else row.zh)
            elif row.identifier in self._held:
                self.tally.skip(row.source)
            else:
                self._held.add(row.identifier)
                chunk.append(row)
            if len(chunk) == _CHUNK:
                self._send(chunk)
                chunk = []
                yield done
        self._send(chunk)
        yield done

    def _send(self, chunk: list[Row]) -> None:
        if not chunk:
            return
        profile = self._client.profile
        assert profile is not None
        now = self._client.now()
        payloads = [self._client.payload("case.file", row.body, at=now) for row in chunk]
        results = self._client.submit_many(sign_payload(payload, [profile.signer]) for payload in payloads)
        for row, result in zip(chunk, results, strict=True):
            self._count(row, result)

    def _count(self, row: Row, result: LineResult) -> None:
        tally = self.tally
        notes = [{"code": n.code, "message": n.en if self._lang == "en" else n.zh} for n in row.notes]
        if result.problem is not None:
            tally.refuse(row.source, result.problem.code, str(result.problem), reasons=result.problem.reasons)
            return
        assert result.receipt is not None
        tally.registered += 1
        tally.warned += bool(result.receipt.warnings)
        tally.noted += bool(notes)
        tally.lines.append(
            {
                "row": row.source,
                "outcome": "registered",
                "asset": result.receipt.id("ast"),
                "seq": result.receipt.seq,
                "warnings": result.receipt.warnings,
                "notes": notes,
            }
        )


def _facts(basis: str, contract: str | None) -> dict[str, Any]:
    return {"contract": contract} if basis == "data_source" else {}


def import_command(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders of one's own, or descriptors.", exists=True)],
    url: UrlOption = DEFAULT_URL,
    name: NameOption = None,
    profile: ProfileOption = None,
    grade: Annotated[
        Grade | None, typer.Option(help="core, important, general, ungraded: graded as the importer says.")
    ] = None,
    basis: Annotated[str | None, typer.Option(help=f"Source of own files: {', '.join(BASES)}; asked once.")] = None,
    contract: Annotated[str | None, typer.Option(help="SHA-256 of the contract, for data_source.")] = None,
    report: Annotated[Path, typer.Option(help="What became of every row, a JSON object a line.")] = Path(
        "import-report.ndjson"
    ),
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Register many data assets. Exit status: 0 every row is registered, held already or in the report; 2 usage."""
    if needs_source(paths) and basis is None:
        basis = _ask_basis(lang)
    if basis not in (None, *BASES):
        fail(USAGE, f"--basis is one of {', '.join(BASES)}", f"--basis 只能是 {'、'.join(BASES)}", lang)
    with open_client(url, open_profile(profile, name, lang), lang) as client:
        client.ensure_registered()
        options = Options(
            party=client.party_id, grade=grade.value if grade else "ungraded", graded=grade not in (None, Grade.UNGRADED),
            language=language(lang), basis=basis or "own_operation", facts=_facts(basis or "", contract),
        )  # fmt: skip
        run = Import(client, options, language(lang))
        title = "登记" if language(lang) == "zh" else "registering"
        total = count(paths)
        with progress(title, total, "records") as on_progress:
            try:
                for done in run.run(paths):
                    on_progress(done, total or 0)
            finally:
                _write_report(run.tally, report)
    _finish(run.tally, report, as_json=as_json, lang=lang)


def _ask_basis(lang: str | None) -> str:
    prompt = "自有文件的取得依据" if language(lang) == "zh" else "Where do your own files come from"
    return str(typer.prompt(f"{prompt} ({', '.join(BASES)})", default=BASES[0], err=True))


def _write_report(tally: Tally, report: Path) -> None:
    """What became of the rows so far; also when the run was broken off."""
    report.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in tally.lines))


def _finish(tally: Tally, report: Path, *, as_json: bool, lang: str | None) -> None:
    if as_json:
        print_json(
            {
                "registered": tally.registered,
                "skipped": tally.skipped,
                "refused": tally.refused,
                "with_warnings": tally.warned,
                "with_notes": tally.noted,
                "report": str(report),
            }
        )
    else:
        say(
            f"{tally.registered} registered ({tally.warned} with warnings, {tally.noted} with notes), "
            f"{tally.skipped} held already, {tally.refused} refused; see {report}",
            f"登记 {tally.registered} 项（{tally.warned} 项有提示，{tally.noted} 项有说明），"
            f"已在册跳过 {tally.skipped} 项，拒绝 {tally.refused} 项；详见 {report}",
            lang,
        )


def install(app: typer.Typer) -> None:
    """The command is there."""
    app.command("import")(import_command)
