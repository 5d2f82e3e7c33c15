"""What rows say: values in every form that people enter them in, and every error named by its cell."""

import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from api.spreadsheets.columns import COLUMNS, LISTS
from api.spreadsheets.errors import WORDS, FileRefusedError, address
from api.spreadsheets.headers import open_table, survey
from api.spreadsheets.rows import SheetRefused, SheetRow, column_at, read_rows
from api.spreadsheets.template import EXAMPLES, template, template_csv
from registry.acts.form import FormShape
from tests.api.spreadsheets.made import DIGEST, NUMBERS, PARTY, PLANTED, filled, separated, simple, workbook
from tests.words import english_run


def read(path: Path) -> list[SheetRow | SheetRefused]:
    with open_table(path) as table:
        return list(read_rows(table, path.name, PARTY))


def rows_of(path: Path) -> list[dict[str, Any]]:
    found = read(path)
    assert all(isinstance(row, SheetRow) for row in found), found
    return [row.body for row in found if isinstance(row, SheetRow)]


def errors_of(path: Path) -> dict[str, str]:
    return {e.cell: e.code for row in read(path) if isinstance(row, SheetRefused) for e in row.errors}


def cell(member: str, row: int = 2) -> str:
    return address(row, NUMBERS[member])


def one(folder: Path, **changes: Any) -> dict[str, Any]:
    """The body of a row in a workbook with these changes."""
    (body,) = rows_of(workbook(folder / "one.xlsx", [filled(1, **changes)]))
    return body


def wrong(folder: Path, **changes: Any) -> dict[str, str]:
    return errors_of(workbook(folder / "wrong.xlsx", [filled(1, **changes)]))


def test_the_whole_form_can_be_entered() -> None:
    held = {column.pointer.removeprefix("/asset/").split("/")[0] for column in COLUMNS if "/asset/" in column.pointer}
    assert held == set(FormShape.__struct_encode_fields__)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_examples_of_the_template_are_right_and_its_first_sheet_is_empty(tmp_path: Path, language: str) -> None:
    book = load_workbook(io.BytesIO(template(language)))
    path = tmp_path / "t.xlsx"
    path.write_bytes(template(language))
    with pytest.raises(FileRefusedError, match="below the headings"):
        survey(path)
    assert book.worksheets[0].data_validations.count == sum(column.words is not None for column in COLUMNS)
    assert all(cell.comment is not None for cell in book.worksheets[0][1])
    del book[book.sheetnames[0]]
    book.save(path)
    found = rows_of(path)
    assert [body["asset"]["identifiers"][0]["value"] for body in found] == [each["reference"] for each in EXAMPLES]
    names = {column.title(language) for column in COLUMNS}
    assert set(template_csv(language).decode("utf-8-sig").strip().split(",")) == names


def test_a_row_is_the_same_in_every_format(tmp_path: Path) -> None:
    rows = [filled(number) for number in range(3)]
    book = rows_of(workbook(tmp_path / "a.xlsx", rows))
    assert book[0]["asset"]["identifiers"] == [{"scheme": "ref", "value": "P-00000"}]
    assert book[0]["claims"] == [{"party": PARTY, "rights": ["holding", "processing", "operating"]}]
    for delimiter, encoding in (
        (",", "utf-8"), (",", "utf-8-sig"), (";", "utf-8"), ("\t", "utf-16"), (",", "gb18030"), (";", "utf-16-le"),
        ("\t", "utf-16-be"),
    ):  # fmt: skip
        path = tmp_path / "a.csv"
        path.write_bytes(separated(rows, delimiter).encode(encoding))
        assert rows_of(path) == book, (delimiter, encoding)
    for titles in ([c.en for c in COLUMNS], [c.member for c in COLUMNS], [f"{c.zh} *（必填）" for c in COLUMNS]):
        path.write_text(separated(rows, titles=titles))
        assert rows_of(path) == book
    assert rows_of(workbook(tmp_path / "en.xlsx", rows, "en")) == book


def test_numbers_dates_and_booleans_of_the_program_become_what_the_form_wants(tmp_path: Path) -> None:
    body = one(
        tmp_path, reference=1001, time_from=date(2026, 1, 1), time_until=datetime(2026, 6, 30),  # noqa: DTZ001  as programs give it
        records=12.0,
        bytes=str(2**53), restrict_resale=True, restrict_region=2026.5, until=date(2027, 12, 31),
        **{"from": "2026-12-01T08:00:00+08:00"},
    )  # fmt: skip
    asset = body["asset"]
    assert asset["identifiers"][0]["value"] == "1001"
    assert asset["time_span"] == {"from": "2026-01-01", "until": "2026-06-30"}
    assert asset["volume"] == {"records": 12, "bytes": "9007199254740992"}
    assert asset["restrictions"] == {"resale": True, "region": "2026.5"}
    assert body["claims"][0]["scope"] == {
        "purposes": ["*"], "territory": ["*"], "fields": ["*"], "from": "2026-12-01T00:00:00.000Z",
        "until": "2027-12-31T16:00:00.000Z",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["2026-01-31", "2026/1/31", "2026年1月31日", "20260131", "２０２６-01-31"])
def test_dates_as_people_write_them(tmp_path: Path, text: str) -> None:
    body = one(tmp_path, time_from=text, time_until=20260131)
    assert body["asset"]["time_span"] == {"from": "2026-01-31", "until": "2026-01-31"}


def test_lists_inside_a_cell(tmp_path: Path) -> None:
    body = one(
        tmp_path, media="表格; image\nTEXT；", fields="车牌：敏感个人信息；时间:none；a:b:personal",
        fingerprints=f"{DIGEST}; sm3:AB", identifiers="doi:10.1/x;own:2", links="https://a.example/;http://b.example/c",
        evidence=f"合同:{DIGEST}；sample:{DIGEST}", rights="持有权;数据加工使用权;x.custody", territory="CN-SD;US",
        purposes="科学研究;research.health", inputs="", claim_fields="车牌;时间",
    )  # fmt: skip
    asset = body["asset"]
    assert asset["media"] == ["table", "image", "text"]
    assert [(f["name"], f["personal"]) for f in asset["fields"]] == [
        ("车牌", "sensitive"), ("时间", "none"), ("a:b", "personal")
    ]  # fmt: skip
    assert asset["fingerprints"] == [{"alg": "sha-256", "value": DIGEST}, {"alg": "sm3", "value": "AB"}]
    assert asset["identifiers"][1:] == [{"scheme": "doi", "value": "10.1/x"}, {"scheme": "own", "value": "2"}]
    assert [item["kind"] for item in body["evidence"]] == ["contract", "sample"]
    assert body["claims"][0]["rights"] == ["holding", "processing", "x.custody"]
    assert body["claims"][0]["scope"]["purposes"] == ["research", "research.health"]


def test_facts_and_inputs_of_a_derived_source(tmp_path: Path) -> None:
    inside = "ast_01m861m8h8ed7jf9427vqqa0k3/rgt_01m861m8h8ed7jf9427vqqa0k3_1"
    body = one(
        tmp_path, basis="衍生数据", origin="衍生创造", change="实质改变", activity_time="2026-05-01", value_increase="是",
        inputs=f"{inside}；external: 公开气象数据",
    )  # fmt: skip
    (source,) = body["sources"]
    assert source["facts"] == {
        "change": "derivative",
        "activity_time": "2026-04-30T16:00:00.000Z",
        "value_increase": True,
    }
    asset, right = inside.split("/")
    assert source["inputs"] == [{"asset": asset, "right": right}, {"external": {"name": "公开气象数据"}}]


@pytest.mark.parametrize(("change", "member", "code"), PLANTED, ids=[f"{m}-{c}" for _, m, c in PLANTED])
def test_every_local_error_names_its_cell(tmp_path: Path, change: dict[str, Any], member: str, code: str) -> None:
    found = wrong(tmp_path, **change)
    assert found == ({cell(member): code} if code in WORDS else {})


def test_all_errors_of_a_row_are_named(tmp_path: Path) -> None:
    found = wrong(tmp_path, name="", grade="绝密", records=-1, rights="持有权;持有权", until="昨天", is_public="是",
                  personal_information="个人信息", reference="x" * 201)  # fmt: skip
    assert found == {
        cell("reference"): "TEXT_TOO_LONG", cell("name"): "REQUIRED", cell("grade"): "NOT_IN_LIST",
        cell("records"): "NOT_A_COUNT", cell("rights"): "VALUE_REPEATED", cell("until"): "NOT_AN_INSTANT",
        cell("is_public"): "NOT_OF_BASIS", cell("fields"): "FIELD_UNMARKED",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "member", "code"),
    [
        ({"overview": "a\x01b"}, "overview", "CONTROL_CHARACTER"),
        ({"overview": "字" * 4001}, "overview", "TEXT_TOO_LONG"),
        ({"links": ";".join(f"https://a.example/{n}" for n in range(65))}, "links", "VALUES_TOO_MANY"),
        ({"time_until": None}, "time_until", "REQUIRED"),
        ({"fields": "车牌:什么"}, "fields", "NOT_A_FIELD"),
        ({"identifiers": "无体系"}, "identifiers", "NOT_AN_IDENTIFIER"),
        ({"evidence": "合同"}, "evidence", "NOT_EVIDENCE"),
        ({"territory": "山东"}, "territory", "NOT_A_TERRITORY"),
        ({"basis": "data_source", "contract": "abc"}, "contract", "NOT_A_DIGEST"),
        ({"basis": "fusion", "participants": "甲公司"}, "participants", "NOT_A_PARTY"),
        ({"basis": "derived", "inputs": "ast_1"}, "inputs", "NOT_AN_INPUT"),
        ({"unlawful": "也许"}, "unlawful", "NOT_YES_OR_NO"),
        ({"records": float(2**60)}, "records", "NUMBER_INEXACT"),
        ({"from": "2027-01-01", "until": "2026-12-30"}, "until", "ENDS_BEFORE_START"),
    ],
)
def test_errors_that_the_register_never_sees(tmp_path: Path, changes: dict[str, Any], member: str, code: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(separated([filled(1, **changes)]))
    found = wrong(tmp_path, **changes) if "\x01" not in str(changes) and "records" in changes else errors_of(path)
    assert found == {cell(member): code}


def test_error_values_columns_without_heading_and_repeated_references(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [filled(1), filled(1), filled(2, overview="#N/A")])
    book = load_workbook(path)
    book.worksheets[0].cell(4, len(COLUMNS) + 3).value = "旁注"
    book.save(path)
    assert errors_of(path) == {
        cell("reference", 3): "REFERENCE_REPEATED", cell("overview", 4): "ERROR_VALUE",
        address(4, len(COLUMNS) + 3): "OUTSIDE_COLUMNS",
    }  # fmt: skip


def test_without_a_reference_the_content_names_the_row(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx", [filled(1, reference=None), filled(2, reference=None), filled(1, reference=None)]
    )
    first, second, third = read(path)
    assert isinstance(first, SheetRow) and isinstance(second, SheetRow) and isinstance(third, SheetRefused)
    assert first.identifier[0] == "row" and first.identifier != second.identifier
    assert [(error.cell, error.code) for error in third.errors] == [("4", "ROW_REPEATED")]
    with open_table(path) as table:
        again = next(read_rows(table, "other.xlsx", PARTY.replace("0", "1")))
    assert isinstance(again, SheetRow) and again.identifier == first.identifier


def test_headers(tmp_path: Path) -> None:
    titles = [column.zh for column in COLUMNS]
    path = simple(tmp_path / "a.xlsx", [["登记清单"], [], [*titles, "# 经办人", "结果/Result"], ["x"]])
    with open_table(path) as table:
        assert (table.header.row, table.header.own, table.header.results) == (
            3, {len(titles) + 1}, {"result": len(titles) + 2},
        )  # fmt: skip
    for change, expected in (
        (lambda t: [*t, "备注说明"], {address(1, len(titles) + 1): "COLUMN_UNKNOWN"}),
        (lambda t: [*t, "Name"], {address(1, len(titles) + 1): "COLUMN_REPEATED"}),
        (lambda t: [each for each in t if each != "数据名称"], {"1": "COLUMN_MISSING"}),
    ):
        with pytest.raises(FileRefusedError) as refused:
            survey(simple(tmp_path / "b.xlsx", [change(titles), ["x"]]))
        assert {error.cell: error.code for error in refused.value.errors} == expected
    with pytest.raises(FileRefusedError, match="headings") as missing:
        survey(simple(tmp_path / "c.xlsx", [["a", "b"], [1, 2]]))
    assert missing.value.code == "HEADER_MISSING"


def test_pointers_lead_back_to_cells() -> None:
    for column in COLUMNS:
        if column.pointer:
            for pointer in (f"/body{column.pointer}", f"/body{column.pointer}/0/value"):
                found = column_at(pointer)
                assert found is column, pointer
    near = {
        pointer: column_at(pointer) for pointer in ("/body/asset/time_span", "/body/claims/0/scope", "/body/sources")
    }
    assert [c.member if c else None for c in near.values()] == ["time_from", "purposes", "origin"]
    assert [column_at(pointer) for pointer in ("", "/by", "/body", "/body/asset", "/body/claims/0/party")] == [None] * 5


def test_every_error_is_said_in_both_languages() -> None:
    for code, (zh, en) in WORDS.items():
        assert code == "FORM_INVALID" or (zh and en and english_run(zh) is None), code
    assert all(english_run(c.help_zh) is None and c.help_en and c.zh != c.en for c in COLUMNS)


@given(st.data())
def test_any_text_in_any_cell_is_a_value_or_an_error_with_its_cell(data: st.DataObject) -> None:
    from api.spreadsheets.errors import CellFaultError
    from api.spreadsheets.grids import Cell
    from api.spreadsheets.values import value_of

    column = data.draw(st.sampled_from(COLUMNS))
    words = [w for word, labels in (column.words or {}).items() for w in (word, *labels)]
    some = st.text() | st.floats() | st.integers() | st.booleans() | st.dates() | st.datetimes() | st.times()
    value = data.draw(some | st.sampled_from([*words, "2026-01-01", DIGEST, PARTY]))
    try:
        found = value_of(column, Cell(1, value))
    except CellFaultError as fault:
        assert fault.code in WORDS
    else:
        assert found is None or isinstance(found, list) == (column.kind in LISTS)
