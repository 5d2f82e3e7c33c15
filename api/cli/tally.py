"""What became of the rows of an import: for the report, for the copy of a spreadsheet, and in numbers."""

from dataclasses import dataclass, field
from typing import Any

from api.cli.sheets import errors_of, warnings_of
from api.client import LineResult
from api.importing.model import Refused, Row
from api.spreadsheets.results import Outcome
from api.spreadsheets.rows import SheetRefused, SheetRow


@dataclass(slots=True)
class Tally:
    """What became of the rows. `outcomes`: of the rows of the spreadsheet that is being read, by their numbers."""

    registered: int = 0
    passed: int = 0
    skipped: int = 0
    refused: int = 0
    warned: int = 0
    noted: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def skip(self, row: Row, asset: str) -> None:
        """A row that the register holds already."""
        self.skipped += 1
        self.lines.append({"row": row.source, "outcome": "held", "asset": asset})
        self._tell(row, Outcome(number_of(row), "held", asset))

    def refuse(self, source: str, code: str, message: str, **more: Any) -> None:
        """A row that was not registered, for the report."""
        self.refused += 1
        self.lines.append({"row": source, "outcome": "refused", "code": code, "message": message, **more})

    def refuse_unread(self, row: Refused, lang: str) -> None:
        """A row that cannot be filed."""
        message = row.en if lang == "en" else row.zh
        if isinstance(row, SheetRefused):
            errors = [error.to_json(lang) for error in row.errors]
            self.refuse(row.source, row.code, message, errors=errors)
            self.outcomes[row.number] = Outcome(row.number, "refused", errors=row.errors)
        else:
            self.refuse(row.source, row.code, message)

    def count(self, row: Row, result: LineResult, lang: str, *, trial: bool) -> None:
        """What the registry answered for a row."""
        if result.problem is not None:
            self._refuse_answered(row, result, lang)
            return
        assert result.receipt is not None
        self.registered += not trial
        self.passed += trial
        self.warned += bool(result.receipt.warnings)
        self.noted += bool(row.notes)
        line: dict[str, Any] = {"row": row.source, "outcome": "passed" if trial else "registered"}
        asset = "" if trial else result.receipt.id("ast")
        if not trial:
            line |= {"asset": asset, "seq": result.receipt.seq}
        notes = [{"code": n.code, "message": n.en if lang == "en" else n.zh} for n in row.notes]
        self.lines.append(line | {"warnings": result.receipt.warnings, "notes": notes})
        warnings = warnings_of(result.receipt.warnings)
        self._tell(row, Outcome(number_of(row), "passed" if trial else "registered", asset, warnings=warnings))

    def _refuse_answered(self, row: Row, result: LineResult, lang: str) -> None:
        problem = result.problem
        assert problem is not None
        if isinstance(row, SheetRow):
            errors = errors_of(problem, row.places, lang)
            told = [error.to_json(lang) for error in errors]
            self.refuse(row.source, problem.code, str(problem), reasons=problem.reasons, errors=told)
            self._tell(row, Outcome(number_of(row), "refused", errors=errors))
        else:
            self.refuse(row.source, problem.code, str(problem), reasons=problem.reasons)

    def _tell(self, row: Row, outcome: Outcome) -> None:
        if isinstance(row, SheetRow):
            self.outcomes[outcome.row] = outcome


def number_of(row: Row) -> int:
    """The number of a spreadsheet's row; 0 for others."""
    return row.places.row if isinstance(row, SheetRow) else 0
