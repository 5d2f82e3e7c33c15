"""Workbooks that must not be opened, and workbooks that are no workbooks: refused with their reason, in little memory."""

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from api.spreadsheets import packages
from api.spreadsheets.detect import is_spreadsheet
from api.spreadsheets.errors import FileRefusedError
from api.spreadsheets.headers import survey
from tests.api.spreadsheets.made import filled, separated, simple, workbook

SHEET = "xl/worksheets/sheet1.xml"
TYPES = "[Content_Types].xml"
RELATIONS = "xl/_rels/workbook.xml.rels"
Change = Callable[[dict[str, bytes]], object]


def changed(path: Path, change: Change) -> Path:
    """The workbook with its parts changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def put(name: str, data: bytes) -> Change:
    return lambda parts: parts.__setitem__(name, data)


def swap(name: str, old: bytes, new: bytes) -> Change:
    def change(parts: dict[str, bytes]) -> None:
        assert old in parts[name]
        parts[name] = parts[name].replace(old, new, 1)

    return change


def refusal(path: Path) -> str:
    with pytest.raises(FileRefusedError) as refused:
        survey(path)
    assert refused.value.zh and refused.value.en
    return refused.value.code


NOT_OPENED: tuple[tuple[Change, str], ...] = (
        (put("xl/vbaProject.bin", b"x"), "MACROS"),
        (put("xl/macrosheets/sheet1.xml", b"<a/>"), "MACROS"),
        (swap(TYPES, b"sheet.main+xml", b"sheet.macroEnabled.main+xml"), "MACROS"),
        (put("xl/externalLinks/externalLink1.xml", b"<a/>"), "EXTERNAL_CONTENT"),
        (put("xl/connections.xml", b"<a/>"), "EXTERNAL_CONTENT"),
        (
            swap(RELATIONS, b"</Relationships>", b'<Relationship Id="x" Type="http://a/image" Target="http://b/" '
                 b'TargetMode="External"/></Relationships>'),
            "EXTERNAL_CONTENT",
        ),
        (put("xl/embeddings/oleObject1.bin", b"x"), "EMBEDDED_OBJECTS"),
        (put("xl/activeX/activeX1.xml", b"<a/>"), "EMBEDDED_OBJECTS"),
        (put("xl/workbook.bin", b"x"), "NOT_A_WORKBOOK"),
        (lambda parts: parts.pop(TYPES), "NOT_A_WORKBOOK"),
        (put("../evil.xml", b"<a/>"), "WORKBOOK_BROKEN"),
        (swap(SHEET, b"<sheetData", b"<sheetData <"), "WORKBOOK_BROKEN"),
        (swap(SHEET, b'r="2"', b'r="1"'), "WORKBOOK_BROKEN"),
        (lambda parts: parts.pop("xl/workbook.xml"), "WORKBOOK_BROKEN"),
        (put(SHEET, b"<worksheet>" + b" " * (30 * 2**20) + b"</worksheet>"), "EXPANDS_TOO_FAR"),
        (put("xl/styles.xml", b"<a>" + b" " * (17 * 2**20) + b"</a>"), "EXPANDS_TOO_FAR"),
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(NOT_OPENED)))
def test_what_is_not_opened(tmp_path: Path, number: int) -> None:
    change, code = NOT_OPENED[number]
    path = changed(workbook(tmp_path / "a.xlsx", [filled(1)]), change)
    assert refusal(path) == code
    assert is_spreadsheet(path, own_files=False)
    assert not is_spreadsheet(path, own_files=True)


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    path = changed(workbook(tmp_path / "a.xlsx", [filled(1)]), swap(SHEET, b"<worksheet", laughs + b"<worksheet"))
    assert refusal(path) == "WORKBOOK_BROKEN"


@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_ENTRIES", 3), ("MAX_TOTAL_BYTES", 1000), ("MAX_CELLS", 20), ("MAX_ELEMENTS", 20),
                         ("MAX_ROW_CELLS", 10), ("MAX_FILE_BYTES", 100)],
)  # fmt: skip
def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    path = workbook(tmp_path / "a.xlsx", [filled(1)])
    assert survey(path) == 1
    monkeypatch.setattr(packages, limit, value)
    assert refusal(path) == ("FILE_TOO_LARGE" if limit == "MAX_FILE_BYTES" else "EXPANDS_TOO_FAR")


def test_a_bomb_is_refused_in_little_memory(tmp_path: Path) -> None:
    """A directory that lies about its sizes does not help: nothing is read beyond what it says."""
    path = workbook(tmp_path / "a.xlsx", [filled(1)])
    changed(path, put(SHEET, b"<worksheet>" + b"<a/>" * (8 * 2**20) + b"</worksheet>"))
    tracemalloc.start()
    assert refusal(path) == "EXPANDS_TOO_FAR"
    assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    tracemalloc.stop()
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        true = archive.getinfo(SHEET).file_size.to_bytes(4, "little")
    path.write_bytes(bytes(data).replace(true, (1000).to_bytes(4, "little")))
    assert refusal(path) == "WORKBOOK_BROKEN"


def test_encrypted_and_old_files(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    assert refusal(path) == "PROTECTED_OR_OLD"
    workbook(path, [filled(1)])
    data = bytearray(path.read_bytes())
    for place in range(len(data) - 4):
        if data[place : place + 4] == b"PK\x01\x02":
            data[place + 8] |= 1
    path.write_bytes(data)
    assert refusal(path) == "PROTECTED_OR_OLD"
    path.write_bytes(path.read_bytes()[:2000])
    assert refusal(path) == "WORKBOOK_BROKEN"


TEXTS = (
    (b"\xff\xff\xfe\xff\xfe", "ENCODING_UNKNOWN"),
    (b"a\0b,\0c", "ENCODING_UNKNOWN"),
    (b"a,b\n1,2\n", "HEADER_MISSING"),
    (b"", "HEADER_MISSING"),
    (separated([filled(1)]).encode() + b'"a"b,"\n', "CSV_BROKEN"),
)


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_text_that_is_no_table(tmp_path: Path, number: int) -> None:
    data, code = TEXTS[number]
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    assert refusal(path) == code


def test_what_the_sheet_says_of_its_size_is_not_believed(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [filled(1), filled(2)])
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read(SHEET)
    claimed = sheet[sheet.index(b"<dimension") : sheet.index(b"/>", sheet.index(b"<dimension")) + 2]
    changed(path, swap(SHEET, claimed, b'<dimension ref="A1:A1"/>'))
    assert survey(path) == 2
    changed(path, swap(SHEET, b'<dimension ref="A1:A1"/>', b'<dimension ref="A1:XFD1048576"/>'))
    assert survey(path) == 2


def test_other_tables_are_files_of_ones_own(tmp_path: Path) -> None:
    assert not is_spreadsheet(simple(tmp_path / "data.xlsx", [["name", "value"], ["a", 1]]), own_files=False)
    path = tmp_path / "data.csv"
    path.write_text("name,form,region,from,until,records,fields,links,price\n1,2,3,4,5,6,7,8,9\n")
    assert not is_spreadsheet(path, own_files=False)
    assert not is_spreadsheet(tmp_path, own_files=False)
    path.write_text(separated([filled(1)]))
    assert is_spreadsheet(path, own_files=True)
