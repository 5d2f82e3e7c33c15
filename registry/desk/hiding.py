"""Makes members of a body confidential: a digest takes the value's place, the disclosure goes beside. Contract section 8."""

import copy
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from msgspec import inspect

from ledger.encoding import format_base64url
from registry.acts.shapes import invalid
from registry.documents.disclosures import disclosure_digest

_SALT_BYTES = 16
Path = tuple[str | int, ...]


def make_disclosure(name: str, value: Any) -> tuple[str, str]:
    """The digest and the disclosure of a member, under a fresh salt."""
    salt = format_base64url(secrets.token_bytes(_SALT_BYTES))
    text = format_base64url(json.dumps([salt, name, value], ensure_ascii=False, separators=(",", ":")).encode())
    return disclosure_digest(text), text


def hideable(value: Any, shape: type) -> list[Path]:
    """The places in a body where a value stands in plain that the shape also takes as a digest."""
    return list(_hideable(value, _inspected(shape), ()))


@cache
def _inspected(shape: type) -> inspect.Type:
    return inspect.type_info(shape)


def _hideable(value: Any, shape: inspect.Type, path: Path) -> Iterator[Path]:
    options = shape.types if isinstance(shape, inspect.UnionType) else (shape,)
    structs = [option for option in options if isinstance(option, inspect.StructType)]
    if value is not None and _takes_digest(structs) and not (isinstance(value, dict) and "sd" in value):
        yield path
        return
    for option in options:
        match option, value:
            case inspect.StructType(), dict():
                for field in option.fields:
                    if field.encode_name in value:
                        yield from _hideable(value[field.encode_name], field.type, (*path, field.encode_name))
            case ((inspect.VarTupleType() | inspect.ListType()), list()):
                for number, item in enumerate(value):
                    yield from _hideable(item, option.item_type, (*path, number))
            case _:
                continue


def _takes_digest(structs: Sequence[inspect.StructType]) -> bool:
    return any(field.encode_name == "sd" for struct in structs for field in struct.fields)


def hide(body: Mapping[str, Any], places: Sequence[Path]) -> tuple[dict[str, Any], list[str]]:
    """The body with digests at these places, and the disclosures."""
    hidden: dict[str, Any] = copy.deepcopy(dict(body))
    disclosures = []
    for place in places:
        holder: Any = hidden
        for step in place[:-1]:
            holder = holder[step]
        digest, text = make_disclosure(_name(place), holder[place[-1]])
        holder[place[-1]] = {"sd": digest}
        disclosures.append(text)
    return hidden, disclosures


def _name(place: Path) -> str:
    """The member's name; an item of a list has the list's."""
    return str(next(step for step in reversed(place) if isinstance(step, str)))


def chosen(places: Sequence[Path], pointers: Sequence[str]) -> list[Path]:
    """The places that the pointers name.

    Raises:
        RefusedError: INVALID_VALUE for one that cannot be confidential.
    """
    by_pointer = {"".join(f"/{step}" for step in place): place for place in places}
    for number, pointer in enumerate(pointers):
        if pointer not in by_pointer:
            raise invalid(
                f"/confidential/{number}", f"{pointer} is no member that may be confidential", "该成员不能作为保密内容"
            )
    return [by_pointer[pointer] for pointer in dict.fromkeys(pointers)]
