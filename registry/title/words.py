"""Sentences for reasons: what a clerk reads when a scope is exceeded or a question denied."""

from registry.refusals.catalogue import entry
from registry.refusals.refusal import Words
from registry.title.scope import OPEN_END, Excess, Failure

_DIMENSIONS = {
    "depth": ("links that may follow", "再许可层级"),
    "rights": ("rights", "权利种类"),
    "purposes": ("purposes", "用途"),
    "territory": ("territory", "地域"),
    "fields": ("fields", "字段"),
    "term": ("term", "期限"),
    "duties": ("duties", "义务"),
    "exclusivity": ("exclusivity", "排他程度"),
    "actions": ("actions", "行为"),
}


def _listing(values: tuple[str, ...], separator: str) -> str:
    return separator.join("…" if value == OPEN_END else value for value in values) or "–"


def excess_words(excess: Excess | Failure, right: str) -> Words:
    """What was wanted, what the right allows, and in which dimension."""
    en, zh = _DIMENSIONS[excess.dimension]
    title = entry(excess.code).title
    return Words(
        f"{title.en}: {en} wanted {_listing(excess.wanted, ', ')}, {right} allows {_listing(excess.allowed, ', ')}.",
        f"{title.zh}：{zh}要求 {_listing(excess.wanted, '、')}，而 {right} 允许 {_listing(excess.allowed, '、')}。",
    )


def plain_words(code: str, right: str | None = None) -> Words:
    """The catalogue's sentence for a code, with the right it is about."""
    help_ = entry(code).help
    return Words(f"{help_.en} ({right})" if right else help_.en, f"{help_.zh}（{right}）" if right else help_.zh)
