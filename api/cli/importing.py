"""`sanquan import FILE|DIR…`: registers spreadsheets, own files, or descriptors of other people's open data, row by row.

Goes on after bad rows, skips what the register already holds (party + identifier), and may be run again after a crash:
the second run adds only what is missing.
"""

import json
from collections.abc import Iterable, Iterator
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
from api.cli.output import USAGE, OnProgress, fail, language, print_json, progress, say, warn
from api.cli.sheets import copy_of, refuse_file
from api.cli.tally import Tally
from api.client import Client
from api.importing.detect import count, needs_source, rows
from api.importing.model import Options, Refused, Row
from api.spreadsheets.copies import write_copy
from api.spreadsheets.detect import is_spreadsheet
from api.spreadsheets.errors import FileRefusedError
from api.spreadsheets.headers import open_table, survey
from api.spreadsheets.rows import read_rows
from registry.drafting import sign_payload

_CHUNK = 200


class Grade(StrEnum):
    """Grades of data (GB/T 43697)."""

    CORE = "core"
    IMPORTANT = "important"
    GENERAL = "general"
    UNGRADED = "ungraded"


BASES = ("own_operation", "natural_person", "utility", "data_source")


class Import:
    """One run. `trial`: the registry judges every row, and nothing is written."""

    def __init__(self, client: Client, options: Options, lang: str, *, trial: bool = False) -> None:
        self._client = client
        self._options = options
        self._lang = lang
        self._trial = trial
        self._done = 0
        self.tally = Tally()
        self._held: dict[tuple[str, str], str] = {
            (item["scheme"], item["value"]): asset["id"]
            for asset in client.assets(applicant=client.party_id)
            for item in asset["form"].get("identifiers", ())
        }

    def run(self, paths: list[Path]) -> Iterator[int]:
        """Registers own files and descriptors; yields how many rows are done."""
        yield from self._all(rows(paths, self._options))

    def run_sheet(self, path: Path, copy: Path) -> Iterator[int]:
        """Registers the rows of a spreadsheet; yields how many rows are done. The copy is there, also when broken off."""
        self.tally.outcomes = {}
        try:
            with open_table(path) as table:
                yield from self._all(read_rows(table, path.name, self._options.party))
        finally:
            try:
                write_copy(path, copy, self.tally.outcomes, self._lang)
            except OSError as error:
                warn(f"{copy} cannot be written: {error.strerror}", f"{copy} 无法写入", self._lang)

    def _all(self, found: Iterable[Row | Refused]) -> Iterator[int]:
        chunk: list[Row] = []
        for row in found:
            self._done += 1
            if isinstance(row, Refused):
                self.tally.refuse_unread(row, self._lang)
            elif (asset := self._held.get(row.identifier)) is not None:
                self.tally.skip(row, asset)
            else:
                self._held[row.identifier] = ""
                chunk.append(row)
            if len(chunk) == _CHUNK:
                self._send(chunk)
                chunk = []
                yield self._done
        self._send(chunk)
        yield self._done

    def _send(self, chunk: list[Row]) -> None:
        if not chunk:
            return
        profile = self._client.profile
        assert profile is not None
        now = self._client.now()
        payloads = [self._client.payload("case.file", row.body, at=now) for row in chunk]
        submit = self._client.try_many if self._trial else self._client.submit_many
        results = submit(sign_payload(payload, [profile.signer]) for payload in payloads)
        for row, result in zip(chunk, results, strict=True):
            if result.receipt is None:
                del self._held[row.identifier]
            elif not self._trial:
                self._held[row.identifier] = result.receipt.id("ast")
            self.tally.count(row, result, self._lang, trial=self._trial)


def _facts(basis: str, contract: str | None) -> dict[str, Any]:
    return {"contract": contract} if basis == "data_source" else {}


def import_command(
    paths: Annotated[
        list[Path], typer.Argument(help="Spreadsheets, files and folders of one's own, or descriptors.", exists=True)
    ],
    url: UrlOption = DEFAULT_URL,
    name: NameOption = None,
    profile: ProfileOption = None,
    grade: Annotated[
        Grade | None, typer.Option(help="core, important, general, ungraded: graded as the importer says.")
    ] = None,
    basis: Annotated[str | None, typer.Option(help=f"Source of own files: {', '.join(BASES)}; asked once.")] = None,
    contract: Annotated[str | None, typer.Option(help="SHA-256 of the contract, for data_source.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="The registry judges every row and writes nothing.")
    ] = False,
    report: Annotated[Path, typer.Option(help="What became of every row, a JSON object a line.")] = Path(
        "import-report.ndjson"
    ),
    copy: Annotated[
        Path | None, typer.Option(help="The spreadsheet with its errors marked (NAME-result beside the report).")
    ] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Register many data assets. Exit status: 0 every row is registered, held already or in the report; 2 usage."""
    if basis not in (None, *BASES):
        fail(USAGE, f"--basis is one of {', '.join(BASES)}", f"--basis 只能是 {'、'.join(BASES)}", lang)
    sheets = [path for path in paths if is_spreadsheet(path, own_files=basis is not None)]
    copies = {path: copy_of(path, report) for path in sheets}
    if copy is not None:
        if len(sheets) != 1:
            fail(USAGE, "--copy is for one spreadsheet", "--copy 只用于导入一个表格文件", lang)
        copies = {sheets[0]: copy}
    others = [path for path in paths if path not in sheets]
    if others and needs_source(others) and basis is None:
        basis = _ask_basis(lang)
    total = _survey(sheets, lang)
    with open_client(url, open_profile(profile, name, lang), lang) as client:
        _ensure_registered(client, lang, trial=dry_run)
        options = Options(
            party=client.party_id, grade=grade.value if grade else "ungraded", graded=grade not in (None, Grade.UNGRADED),
            language=language(lang), basis=basis or "own_operation", facts=_facts(basis or "", contract),
        )  # fmt: skip
        run = Import(client, options, language(lang), trial=dry_run)
        title = "登记" if language(lang) == "zh" else "registering"
        counted = count(others) if others else 0
        whole = None if counted is None else total + counted
        with progress(title, whole, "records") as on_progress:
            try:
                _run(run, copies, others, on_progress, whole or 0)
            except FileRefusedError as refusal:
                refuse_file(sheets[0], refusal, lang)
            finally:
                _write_report(run.tally, report)
    _finish(run.tally, report, list(copies.values()), as_json=as_json, lang=lang, trial=dry_run)


def _survey(sheets: list[Path], lang: str | None) -> int:
    """How many rows the spreadsheets have; the command ends with words if one of them cannot be taken."""
    total = 0
    for path in sheets:
        try:
            total += survey(path)
        except FileRefusedError as refusal:
            refuse_file(path, refusal, lang)
    return total


def _ensure_registered(client: Client, lang: str | None, *, trial: bool) -> None:
    if not trial:
        client.ensure_registered()
    elif not client.is_registered():
        fail(
            USAGE,
            "a dry run writes nothing, and this party is not registered yet: sanquan party register",
            "试运行不写入任何内容，而该主体尚未登记：请先办理 sanquan party register",
            lang,
        )


def _run(run: Import, copies: dict[Path, Path], others: list[Path], on_progress: OnProgress, total: int) -> None:
    for path, copy in copies.items():
        for done in run.run_sheet(path, copy):
            on_progress(done, total)
    if others:
        for done in run.run(others):
            on_progress(done, total)


def _ask_basis(lang: str | None) -> str:
    prompt = "自有文件的取得依据" if language(lang) == "zh" else "Where do your own files come from"
    return str(typer.prompt(f"{prompt} ({', '.join(BASES)})", default=BASES[0], err=True))


def _write_report(tally: Tally, report: Path) -> None:
    """What became of the rows so far; also when the run was broken off."""
    report.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in tally.lines))


def _finish(
    tally: Tally, report: Path, copies: list[Path], *, as_json: bool, lang: str | None, trial: bool
) -> None:  # fmt: skip
    if as_json:
        print_json(
            {
                "registered": tally.registered,
                **({"passed": tally.passed} if trial else {}),
                "skipped": tally.skipped,
                "refused": tally.refused,
                "with_warnings": tally.warned,
                "with_notes": tally.noted,
                "report": str(report),
                **({"copies": [str(copy) for copy in copies]} if copies else {}),
            }
        )
        return
    files = [str(path) for path in (report, *copies)]
    done, done_zh = (tally.passed, "检查通过") if trial else (tally.registered, "登记")
    say(
        f"{done} {'passed' if trial else 'registered'} ({tally.warned} with warnings, {tally.noted} with notes), "
        f"{tally.skipped} held already, {tally.refused} refused; see {', '.join(files)}",
        f"{done_zh} {done} 项（{tally.warned} 项有提示，{tally.noted} 项有说明），"
        f"已在册跳过 {tally.skipped} 项，拒绝 {tally.refused} 项；详见 {'、'.join(files)}",
        lang,
    )


def install(app: typer.Typer) -> None:
    """The command is there."""
    app.command("import")(import_command)
