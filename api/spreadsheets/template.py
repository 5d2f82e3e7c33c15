"""The template: headings with their help, drop-downs from the vocabulary, examples, and the vocabulary itself."""

import io
from functools import cache

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from api.spreadsheets.columns import COLUMNS, LISTS, Column
from api.spreadsheets.headers import MAX_ROWS
from api.spreadsheets.neutral import csv_line, set_text

_SHEETS = {
    "zh": ("登记", "示例", "填写说明", "词汇"),
    "en": ("Registration", "Example", "Help", "Vocabulary"),
}
_HELP_TITLES = {
    "zh": ("栏目", "名称", "必填", "填写说明"),
    "en": ("Column", "Name", "Required", "What to enter"),
}
_REQUIRED, _OPTIONAL = PatternFill("solid", fgColor="FFFCE8B2"), PatternFill("solid", fgColor="FFE8EAED")
_TEXT_FORMAT = "@"
_WRAPPED = Alignment(wrap_text=True, vertical="top")

_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_COMMON = {
    "industry": "I65", "region_scope": "city", "region": "山东省济南市", "update_frequency": "daily", "media": "table",
    "structure": "structured", "categories": "enterprise", "grade": "general", "personal_information": "none",
}  # fmt: skip
EXAMPLES: tuple[dict[str, str], ...] = (
    _COMMON
    | {
        "reference": "P-0001", "name": "2026年济南市停车场运营统计数据", "overview": "公共停车场的车位占用情况，按小时汇总，用于选址分析。",
        "form": "resource", "time_from": "2026-01-01", "time_until": "2026-06-30", "records": "120000",
        "fields": "停车场编号；车位数；占用数；时段", "origin": "generated", "basis": "own_operation",
        "rights": "holding；processing；operating", "evidence": f"collection_log:{_DIGEST}",
    },
    _COMMON
    | {
        "reference": "P-0002", "name": "2026年济南市公开停车信息汇集数据", "overview": "以自动化程序收集的公开停车场名录与收费标准。",
        "form": "raw", "media": "text；table", "origin": "public_collection", "basis": "public_collection",
        "is_public": "true", "graded": "true", "intrusion": "false", "disturbance": "false", "circumvention": "false",
        "harm": "false", "rights": "holding；processing",
    },
    _COMMON
    | {
        "reference": "P-0003", "name": "2026年济南市充电行为统计产品", "overview": "依合同采集的充电记录统计，供城市规划研究。",
        "form": "product", "restrict_resale": "true", "links": "https://example.org/charging", "origin": "agreement",
        "basis": "data_source", "contract": _DIGEST, "rights": "holding；processing；operating",
        "purposes": "research；public_governance", "territory": "CN-SD", "until": "2028-12-31",
        "conditions": "仅限统计分析，不得用于识别个人。", "evidence": f"contract:{_DIGEST}",
    },
)  # fmt: skip


@cache
def template(language: str) -> bytes:
    """The workbook in one language (`en`, otherwise Chinese)."""
    names = _SHEETS["en" if language == "en" else "zh"]
    workbook = Workbook()
    data = workbook.active
    assert isinstance(data, Worksheet)
    data.title = names[0]
    _headings(data, language)
    example = workbook.create_sheet(names[1])
    _headings(example, language)
    for number, values in enumerate(EXAMPLES, 2):
        for column, text in _example(values, language):
            set_text(example.cell(number, column), text)
    _help(workbook.create_sheet(names[2]), language)
    vocabulary = workbook.create_sheet(names[3])
    ranges = _vocabulary(vocabulary, language)
    for sheet in (data, example):
        _drop_downs(sheet, ranges, language)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def template_csv(language: str) -> bytes:
    """The headings alone, as CSV."""
    return b"\xef\xbb\xbf" + csv_line(column.title(language) for column in COLUMNS).encode()


def _headings(sheet: Worksheet, language: str) -> None:
    for number, column in enumerate(COLUMNS, 1):
        cell = sheet.cell(1, number)
        set_text(cell, column.title(language) + ("*" if column.required else ""))
        cell.font = Font(bold=True)
        cell.fill = _REQUIRED if column.required else _OPTIONAL
        cell.comment = Comment(column.help(language), "Sanquan 三权", height=120, width=320)
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = 40 if column.member in ("name", "overview") else 18
        # Cells of text keep what was typed: digits beyond the fifteenth, leading zeros, dates as they are written.
        sheet.column_dimensions[letter].number_format = _TEXT_FORMAT
    sheet.freeze_panes = "C2"


def _example(values: dict[str, str], language: str) -> list[tuple[int, str]]:
    return [
        (number, _spoken(column, values[column.member], language))
        for number, column in enumerate(COLUMNS, 1)
        if column.member in values
    ]


def _spoken(column: Column, text: str, language: str) -> str:
    """The words of the vocabulary by their labels."""
    words = column.words
    if words is None:
        return text
    parts = text.split("；")
    return "；".join(words[part][language == "en"] if part in words else part for part in parts)


def _help(sheet: Worksheet, language: str) -> None:
    titles = _HELP_TITLES["en" if language == "en" else "zh"]
    yes = "yes" if language == "en" else "是"
    lines = [
        (column.title(language), column.member, yes if column.required else "", column.help(language))
        for column in COLUMNS
    ]
    for number, line in enumerate([titles, *lines], 1):
        for place, text in enumerate(line, 1):
            cell = sheet.cell(number, place)
            set_text(cell, text)
            cell.alignment = _WRAPPED
            cell.font = Font(bold=number == 1)
    for letter, width in zip("ABCD", (24, 22, 10, 100), strict=True):
        sheet.column_dimensions[letter].width = width


def _vocabulary(sheet: Worksheet, language: str) -> dict[str, str]:
    """The range of each column's labels. Beside each label stands its word."""
    ranges: dict[str, str] = {}
    columns = [column for column in COLUMNS if column.words is not None]
    for place, column in enumerate(columns):
        assert column.words is not None
        left = 2 * place + 1
        set_text(sheet.cell(1, left), f"【{column.title(language)}】")
        sheet.cell(1, left).font = Font(bold=True)
        for number, (word, labels) in enumerate(column.words.items(), 2):
            set_text(sheet.cell(number, left), labels[language == "en"])
            set_text(sheet.cell(number, left + 1), word)
        letter = get_column_letter(left)
        sheet.column_dimensions[letter].width = 30
        ranges[column.member] = f"'{sheet.title}'!${letter}$2:${letter}${1 + len(column.words)}"
    return ranges


def _drop_downs(sheet: Worksheet, ranges: dict[str, str], language: str) -> None:
    """A list to choose from; where a cell may hold several values, others than those of the list are let in."""
    for number, column in enumerate(COLUMNS, 1):
        if (where := ranges.get(column.member)) is None:
            continue
        several = column.kind in LISTS or column.kind == "restriction"
        validation = DataValidation(
            type="list", formula1=f"={where}", allow_blank=True, showErrorMessage=not several, showInputMessage=True
        )
        validation.promptTitle = column.title(language)[:32]
        validation.prompt = column.help(language)[:255]
        letter = get_column_letter(number)
        validation.add(f"{letter}2:{letter}{MAX_ROWS + 1}")
        sheet.add_data_validation(validation)
