"""What became of each row, as reports, answers and returned copies tell it."""

from dataclasses import dataclass
from typing import Literal

from api.spreadsheets.errors import CellError

Result = Literal["registered", "held", "passed", "refused"]
"""`held`: the register holds it already; `passed`: a dry run found nothing against it."""

RESULT_WORDS: dict[Result, tuple[str, str]] = {
    "registered": ("已登记", "registered"),
    "held": ("已在册", "registered before"),
    "passed": ("检查通过", "passed"),
    "refused": ("未登记", "refused"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row. `warnings`: what the registry wants known of a row that it registered, (zh, en)."""

    row: int
    result: Result
    asset: str = ""
    errors: tuple[CellError, ...] = ()
    warnings: tuple[tuple[str, str], ...] = ()

    def words(self) -> str:
        """The result in both languages."""
        zh, en = RESULT_WORDS[self.result]
        return f"{zh} {en}"

    def explanation(self, language: str) -> str:
        """Every error and warning, a line each: in the reader's language, then in the other."""
        languages = ("en", "zh") if language == "en" else ("zh", "en")
        lines = [error.sentence(each) for each in languages for error in self.errors]
        lines += [words[each == "en"] for each in languages for words in self.warnings]
        return "\n".join(lines)
