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


_WHEN = {"before": "事前", "during": "事中", "after": "事后"}


def _duty_zh(value: str) -> str:
    """A duty, `<id> <when>` and what follows, in Chinese."""
    name, _, rest = value.partition(" ")
    when, _, text = rest.partition(" ")
    return f"{name}（{_WHEN.get(when, when)}）{text}"


def _listing(values: tuple[str, ...], separator: str) -> str:
    return separator.join("…" if value == OPEN_END else value for value in values) or "–"


def excess_words(excess: Excess | Failure, right: str) -> Words:
    """What was wanted, what the right allows, and in which dimension."""
    en, zh = _DIMENSIONS[excess.dimension]
    title = entry(excess.code).title
    wanted, allowed = excess.wanted, excess.allowed
    if excess.dimension == "duties":
        wanted, allowed = tuple(map(_duty_zh, wanted)), tuple(map(_duty_zh, allowed))
    return Words(
        f"{title.en}: {en} wanted {_listing(excess.wanted, ', ')}, {right} allows {_listing(excess.allowed, ', ')}.",
        f"{title.zh}：{zh}要求 {_listing(wanted, '、')}，而 {right} 允许 {_listing(allowed, '、')}。",
    )


def plain_words(code: str, *about: str) -> Words:
    """The catalogue's sentence for a code, with the right or the fields it is about."""
    help_ = entry(code).help
    if not about:
        return Words(help_.en, help_.zh)
    return Words(f"{help_.en} ({', '.join(about)})", f"{help_.zh}（{'、'.join(about)}）")
