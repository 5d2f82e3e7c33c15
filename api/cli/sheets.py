"""`sanquan template`, and what the importer says of spreadsheets: refusals of the registry in the cells that they mean."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from api.cli.client_commands import LangOption
from api.cli.output import USAGE, fail, language, say, warn
from api.client import ProblemError
from api.spreadsheets.copies import suffix_of
from api.spreadsheets.errors import CellError, FileRefusedError
from api.spreadsheets.rows import Places
from api.spreadsheets.template import template, template_csv
from registry.refusals.catalogue import CATALOGUE


def copy_of(path: Path, report: Path) -> Path:
    """Where the returned copy of a spreadsheet goes unless the user says: beside the report, never onto the file."""
    return report.parent / f"{path.stem}-result{suffix_of(path)}"


def errors_of(problem: ProblemError, places: Places, lang: str) -> tuple[CellError, ...]:
    """Every reason of a refusal in the cell that it means: in the language asked for as the registry said it, in the
    other as the catalogue explains its code.
    """
    reasons = problem.reasons or [{"code": problem.code, "message": str(problem)}]
    found: list[CellError] = []
    for reason in reasons:
        code, message = str(reason.get("code", problem.code)), str(reason.get("message", ""))
        known = CATALOGUE.get(code)
        zh, en = (known.help.zh, known.help.en) if known else (message, message)
        zh, en = (zh, message) if lang == "en" else (message, en)
        more = {name: str(reason[name]) for name in ("rule", "article") if name in reason}
        found.append(places.refusal(reason.get("pointer"), code, zh, en, **more))
    return tuple(found)


def warnings_of(codes: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Warnings of a receipt, (zh, en) each."""
    known = [(code, CATALOGUE[code].title) for code in codes if code in CATALOGUE]
    return tuple((f"{title.zh} [{code}]", f"{title.en} [{code}]") for code, title in known)


def refuse_file(path: Path, refusal: FileRefusedError, lang: str | None) -> NoReturn:
    """The command ends: the spreadsheet cannot be taken. Each wrong cell of its header has a line."""
    for error in refusal.errors:
        line = error.sentence(language(lang))
        warn(line, line, lang)
    fail(USAGE, f"{path.name}: {refusal.en} [{refusal.code}]", f"{path.name}：{refusal.zh} [{refusal.code}]", lang)


def template_command(
    out: Annotated[Path, typer.Argument(help="Where to write it: .xlsx, or .csv for the headings alone.")],
    lang: LangOption = None,
) -> None:
    """Write an empty spreadsheet of registrations, to be filled in and given to `sanquan import`."""
    if out.suffix.lower() not in (".xlsx", ".csv"):
        fail(USAGE, "a template is an .xlsx or .csv file", "模板文件应为 .xlsx 或 .csv", lang)
    data = template_csv(language(lang)) if out.suffix.lower() == ".csv" else template(language(lang))
    try:
        with out.open("xb") as file:
            file.write(data)
    except FileExistsError:
        fail(USAGE, f"{out} is there already; it is not overwritten", f"{out} 已存在，未予覆盖", lang)
    except OSError as error:
        fail(USAGE, f"{out} cannot be written: {error.strerror}", f"{out} 无法写入", lang)
    say(f"written: {out}", f"已写入：{out}", lang)


def install(app: typer.Typer) -> None:
    """The command is there."""
    app.command("template")(template_command)
