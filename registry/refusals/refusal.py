"""Refusals: why a statement may not take effect, in words that a clerk understands and a code that never changes."""

from dataclasses import dataclass
from typing import Any

from registry.refusals.catalogue import entry as catalogue_entry


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence in both languages of the register."""

    en: str
    zh: str

    def get(self, language: str) -> str:
        """The sentence in `language` (`en`, otherwise Chinese)."""
        return self.en if language == "en" else self.zh


@dataclass(frozen=True, slots=True)
class Reason:
    """One ground. `pointer` is an RFC 6901 pointer into the payload; `rule` and `article` name the law.

    An article is given as it is cited in Chinese, whatever the language: `第二十一条第一款第四项`.
    """

    code: str
    message: Words
    pointer: str | None = None
    rule: str | None = None
    article: str | None = None
    right: str | None = None
    dimension: str | None = None
    wanted: tuple[str, ...] | None = None
    allowed: tuple[str, ...] | None = None

    def to_json(self, language: str) -> dict[str, object]:
        """The members of contract sections 6 and 7; absent ones are left out."""
        members: dict[str, object] = {"code": self.code}
        for name in ("rule", "article", "pointer", "right", "dimension"):
            if (value := getattr(self, name)) is not None:
                members[name] = value
        if self.wanted is not None:
            members["wanted"] = list(self.wanted)
        if self.allowed is not None:
            members["allowed"] = list(self.allowed)
        members["message"] = self.message.get(language)
        return members


class RefusedError(Exception):
    """The statement may not take effect. Nothing was written."""

    def __init__(self, *reasons: Reason, code: str | None = None) -> None:
        super().__init__(reasons[0].message.en)
        self.reasons = reasons
        self.code = code or reasons[0].code

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.reasons, self.code)

    @property
    def status(self) -> int:
        """The HTTP status that the catalogue gives the code."""
        return catalogue_entry(self.code).status or 500


def _again(reasons: tuple[Reason, ...], code: str) -> RefusedError:
    """What came from another process."""
    return RefusedError(*reasons, code=code)


def refused(code: str, en: str, zh: str, pointer: str | None = None) -> RefusedError:
    """A refusal for one reason."""
    return RefusedError(Reason(code, Words(en, zh), pointer))


def internal_error() -> RefusedError:
    """INTERNAL: a statement whose code raised; it fails alone."""
    return refused(
        "INTERNAL",
        "The registry failed on this statement; nothing was written. Report it with the time.",
        "登记系统处理该声明时出错，未写入任何内容；请连同时间报告。",
    )
