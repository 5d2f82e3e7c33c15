"""Which texts of an object are searched: plain values alone. A digest of something confidential is never among them."""

from collections.abc import Iterator, Mapping
from typing import Any

from registry.register.asset import Asset
from registry.register.party import Details, Party
from registry.search.words import all_words

_FORM_TEXTS = ("name", "overview", "industry", "region")


def form_texts(form: Mapping[str, Any]) -> Iterator[str]:
    """Name, overview, industry, region, restrictions, names of fields, values of identifiers."""
    for name in _FORM_TEXTS:
        yield from _plain(form.get(name))
    restrictions = form.get("restrictions")
    if isinstance(restrictions, Mapping) and "sd" not in restrictions:
        for value in restrictions.values():
            yield from _plain(value)
    yield from _each(form.get("fields"), "name")
    yield from _each(form.get("identifiers"), "value")


def details_texts(details: Details) -> Iterator[str]:
    """A party's name and the value of its identifier."""
    yield from _plain(details.name)
    yield from _each([details.identifier], "value")


def _plain(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value


def _each(items: Any, member: str) -> Iterator[str]:
    for item in items if isinstance(items, list | tuple) else ():
        if isinstance(item, Mapping):
            yield from _plain(item.get(member))


def current_words(value: Asset | Party) -> frozenset[str]:
    """The words by which the object is found as it stands."""
    return all_words(form_texts(value.form) if isinstance(value, Asset) else details_texts(value.current))


def words_ever(value: Asset | Party) -> frozenset[str]:
    """The words by which the object is found at some size."""
    if isinstance(value, Asset):
        return all_words(text for version in value.forms for text in form_texts(version.form))
    return all_words(text for version in value.details for text in details_texts(version))
