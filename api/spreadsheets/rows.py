"""Rows of a table read into `case.file` bodies, or into everything that is wrong with them, cell by cell."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from api.importing.model import PERSONAL, Body, Refused, Row
from api.spreadsheets.columns import BY_MEMBER, CLAIM, COLUMNS, SOURCE, Column
from api.spreadsheets.errors import CellError, CellFaultError, address, shown
from api.spreadsheets.grids import Cell
from api.spreadsheets.headers import Header, Table
from api.spreadsheets.values import value_of
from ledger.instants import parse_instant
from ledger.strict_json import format_compact
from registry.acts.filing_body import InitialBody
from registry.acts.form import FormShape
from registry.acts.scopes import ScopeShape
from registry.acts.shapes import decode, evidence
from registry.law.facts import KNOWN_FACTS
from registry.refusals.refusal import RefusedError

REFERENCE_SCHEME = "ref"
CONTENT_SCHEME = "row"
BODY_BYTES = 32_000
"""Of a payload's 32,768; the rest is for the members around the body."""

Reasons = list[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Places:
    """Where in the sheet the members of one row's statement stand."""

    row: int
    header: Header
    values: Mapping[int, Any]

    def error(self, column: Column | None, code: str, zh: str, en: str, **more: str) -> CellError:
        """An error in the row's cell of a column, or of the row as a whole."""
        number = self.header.column_of(column.member) if column else 0
        titles = (column.zh, column.en) if column else ("", "")
        return CellError(self.row, number, *titles, shown(self.values.get(number)), code, zh, en, **more)

    def fault(self, column: Column | None, fault: CellFaultError) -> CellError:
        """The error that a value is at fault with."""
        return self.error(column, fault.code, fault.zh, fault.en)

    def refusal(self, pointer: str | None, code: str, zh: str, en: str, **more: str) -> CellError:
        """The error of a refusal whose pointer leads into the statement."""
        return self.error(column_at(pointer or ""), code, zh, en, **more)


@dataclass(frozen=True, slots=True)
class SheetRow(Row):
    """A row that can be filed, and where its members stand."""

    places: Places = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class SheetRefused(Refused):
    """A row that cannot be filed, with everything that is wrong with it."""

    number: int = field(kw_only=True)
    errors: tuple[CellError, ...] = field(kw_only=True)


def column_at(pointer: str) -> Column | None:
    """The column that holds what a pointer into the payload leads to: the closest around it, else the first below."""
    path = pointer.removeprefix("/body")
    around = [column for column in COLUMNS if column.pointer and f"{path}/".startswith(f"{column.pointer}/")]
    if around:
        return max(around, key=lambda column: len(column.pointer))
    if path.count("/") < 2 and path != "/sources":
        return None
    return next((column for column in COLUMNS if column.pointer.startswith(f"{path}/")), None)


def read_rows(table: Table, file: str, party: str) -> Iterator[SheetRow | SheetRefused]:
    """What each row says. An identifier given twice is an error of the second row."""
    seen: dict[tuple[str, str], int] = {}
    name = f"{file}!{table.sheet}" if table.sheet else file
    for number, cells in table.rows:
        yield _Reading(table.header, number, cells, f"{name}:{number}").read(party, seen)


class _Reading:
    """One row."""

    def __init__(self, header: Header, number: int, cells: list[Cell], source: str) -> None:
        self._header = header
        self._cells = {cell.column: cell for cell in cells}
        self._source = source
        self._places = Places(number, header, {cell.column: cell.value for cell in cells})
        self._errors: list[CellError] = []

    def read(self, party: str, seen: dict[tuple[str, str], int]) -> SheetRow | SheetRefused:
        values = self._values()
        self._relations(values)
        body = make_body(values, party)
        identifier = identifier_of(values, body)
        if not self._errors:
            self._form(body)
        self._must_be_new(identifier, seen)
        if self._errors:
            first = self._errors[0]
            ordered = sorted(self._errors, key=lambda each: each.column)
            return SheetRefused(
                self._source, first.code, first.zh, first.en, number=self._places.row, errors=tuple(ordered)
            )
        scheme, value = identifier
        body["asset"].setdefault("identifiers", []).insert(0, {"scheme": scheme, "value": value})
        return SheetRow(self._source, identifier, body, places=self._places)

    def _values(self) -> dict[str, Any]:
        """What the cells say, by member; what is wrong with them is noted."""
        values: dict[str, Any] = {}
        for column, number in ((each, self._header.column_of(each.member)) for each in COLUMNS):
            cell = self._cells.get(number)
            try:
                value = value_of(column, cell) if cell is not None else None
            except CellFaultError as fault:
                self._errors.append(self._places.fault(column, fault))
                continue
            if value is not None:
                values[column.member] = value
            elif column.required:
                self._note(column.member, "REQUIRED")
        self._errors += [
            CellError(
                self._places.row, number, "", "", shown(self._places.values[number]), "OUTSIDE_COLUMNS",
                *_words("OUTSIDE_COLUMNS"),
            )
            for number in self._cells
            if number not in self._header.columns
        ]  # fmt: skip
        return values

    def _relations(self, values: dict[str, Any]) -> None:
        """What is wrong between cells is noted."""
        basis = values.get("basis")
        for member in values:
            fact = BY_MEMBER[member].fact()
            if basis is not None and fact is not None and fact not in KNOWN_FACTS[basis]:
                words = BY_MEMBER["basis"].words
                assert words is not None
                self._note(member, "NOT_OF_BASIS", basis=words[basis][0])
        for start, end in (("time_from", "time_until"), ("from", "until"), ("agreement_from", "agreement_until")):
            self._must_follow(values, start, end)
        if (values.get("time_from") is None) != (values.get("time_until") is None):
            missing = "time_until" if "time_from" in values else "time_from"
            if all(error.title_en != BY_MEMBER[missing].en for error in self._errors):
                self._note(missing, "REQUIRED")
        self._mark_fields(values)

    def _must_follow(self, values: dict[str, Any], start: str, end: str) -> None:
        first, last = values.get(start), values.get(end)
        if first is None or last is None:
            return
        wrong = parse_instant(last) <= parse_instant(first) if end == "until" else last < first
        if wrong:
            self._note(end, "ENDS_BEFORE_START", cell=address(self._places.row, self._header.column_of(start)))

    def _mark_fields(self, values: dict[str, Any]) -> None:
        """Fields without a mark hold nothing personal where the data hold nothing personal."""
        personal = values.get("personal_information") in PERSONAL
        for item in values.get("fields", ()):
            if not item["personal"]:
                if personal:
                    self._note("fields", "FIELD_UNMARKED", item=item["name"])
                    return
                item["personal"] = "none"

    def _form(self, body: Body) -> None:
        """What the register would find wrong with the form is noted."""
        if len(format_compact(body)) > BODY_BYTES:
            self._errors.append(self._places.fault(None, CellFaultError("ROW_TOO_LARGE")))
            return
        for refusal in form_refusals(body):
            self._errors += [
                self._places.refusal(reason.pointer, reason.code, reason.message.zh, reason.message.en)
                for reason in refusal.reasons
            ]

    def _must_be_new(self, identifier: tuple[str, str], seen: dict[tuple[str, str], int]) -> None:
        scheme, _ = identifier
        first = seen.setdefault(identifier, self._places.row)
        if first == self._places.row:
            return
        if scheme == REFERENCE_SCHEME:
            place = address(first, self._header.column_of("reference"))
            self._note("reference", "REFERENCE_REPEATED", cell=place)
        elif not self._errors:
            self._errors.append(self._places.fault(None, CellFaultError("ROW_REPEATED", row=first)))

    def _note(self, member: str, code: str, **values: object) -> None:
        self._errors.append(self._places.fault(BY_MEMBER[member], CellFaultError(code, **values)))


def _words(code: str) -> tuple[str, str]:
    fault = CellFaultError(code)
    return fault.zh, fault.en


def make_body(values: Mapping[str, Any], party: str) -> Body:
    """The `case.file` body that the values of a row stand for."""
    body: Body = {
        "kind": "initial",
        "asset": {"volume": {}},
        "sources": [{"facts": {}}],
        "claims": [{"party": party}],
    }
    for member, value in values.items():
        if pointer := BY_MEMBER[member].pointer:
            _put(body, pointer, value)
    claim = body["claims"][0]
    if (scope := claim.get("scope")) is not None:
        claim["scope"] = {"purposes": ["*"], "territory": ["*"], "fields": ["*"], "until": None} | scope
    return body


def _put(body: Body, pointer: str, value: Any) -> None:
    *steps, last = pointer.removeprefix("/").split("/")
    place: Any = body
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    place[last] = value


def identifier_of(values: Mapping[str, Any], body: Body) -> tuple[str, str]:
    """What the row is known by: the applicant's own number, else the digest of what it says, whoever claims it."""
    if (reference := values.get("reference")) is not None:
        return REFERENCE_SCHEME, reference
    claims = [{name: value for name, value in claim.items() if name != "party"} for claim in body["claims"]]
    said = {**body, "claims": claims}
    return CONTENT_SCHEME, hashlib.sha256(format_compact(_sorted(said))).hexdigest()


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


def form_refusals(body: Body) -> Iterator[RefusedError]:
    """Each part of the body that the register would turn away at its counter, by the register's own shapes."""
    try:
        shape = decode(body, InitialBody)
    except RefusedError as refusal:
        yield refusal
        return
    for check in _checks(shape):
        try:
            check()
        except RefusedError as refusal:
            yield refusal


def _checks(shape: InitialBody) -> Iterator[Callable[[], object]]:
    form, scope = shape.asset, shape.claims[0].scope
    if isinstance(form, FormShape):
        yield lambda: form.check("/body/asset")
    yield lambda: shape.sources[0].check(f"/body{SOURCE}")
    if isinstance(scope, ScopeShape):
        yield lambda: scope.check(f"/body{CLAIM}/scope", title=True)
    yield lambda: evidence(shape.evidence, "/body/evidence")
