"""Disclosures: the plain value behind a digest on the ledger. RFC 9901's form; contract section 8.

A disclosure is base64url(JSON `[salt, name, value]`), its digest the base64url SHA-256 of that ASCII text, and the
member on the ledger `{"sd": "<digest>"}`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger.encoding import format_base64url, parse_base64url
from ledger.errors import FormatError, TooLargeError
from ledger.strict_json import parse_strict
from registry.refusals.refusal import RefusedError, refused

MAX_DISCLOSURES = 64
MAX_BYTES = 64 * 1024
_SALT_BYTES = 16


def disclosure_digest(text: str) -> str:
    """The digest under which a disclosure stands on the ledger."""
    return format_base64url(hashlib.sha256(text.encode("ascii")).digest())


def confidential_members(value: Any, name: str = "", pointer: str = "") -> Iterator[tuple[str, str, str]]:
    """Every confidential member of a decoded body: its pointer, its name and its digest."""
    if isinstance(value, dict):
        if value.keys() == {"sd"}:
            yield pointer, name, str(value["sd"])
            return
        for key, item in value.items():
            yield from confidential_members(item, key, f"{pointer}/{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from confidential_members(item, name, f"{pointer}/{number}")


def check_disclosure_sizes(disclosures: Sequence[str]) -> None:
    """Returns if the disclosures are within their limits.

    Raises:
        TooLargeError: too many, or too long together.
    """
    if len(disclosures) > MAX_DISCLOSURES or sum(len(text.encode()) for text in disclosures) > MAX_BYTES:
        raise TooLargeError(f"at most {MAX_DISCLOSURES} disclosures of {MAX_BYTES} bytes together", "/disclosures")


def match_disclosures(body: Mapping[str, Any], disclosures: Sequence[str]) -> dict[str, str]:
    """The disclosures by digest, if they are exactly those of the body's confidential members.

    Raises:
        RefusedError: INVALID_VALUE if one is missing, surplus, malformed or names another member, or if two share a
            salt: whoever is shown the one could then guess the other.
    """
    given = {}
    salted: dict[str, str] = {}
    for number, text in enumerate(disclosures):
        digest = _digest(text, number)
        salt, name = _salt_and_name(text, number)
        if salted.setdefault(salt, digest) != digest:
            raise _invalid(
                f"/disclosures/{number}", "its salt is that of another disclosure", "与另一披露件使用了相同的盐值"
            )
        given[digest] = (number, name, text)
    wanted = set()
    for pointer, name, digest in confidential_members(body, pointer="/body"):
        wanted.add(digest)
        if digest not in given:
            raise _invalid(pointer, "its disclosure is missing", "缺少对应的披露件")
        if given[digest][1] != name:
            raise _invalid(pointer, f"its disclosure names the member {given[digest][1]!r}", "披露件所载成员名不符")
    for digest, (number, _, _) in given.items():
        if digest not in wanted:
            raise _invalid(f"/disclosures/{number}", "no member has this digest", "没有成员对应该披露件")
    return {digest: text for digest, (_, _, text) in given.items()}


def _digest(text: str, number: int) -> str:
    if not text.isascii():
        raise _invalid(f"/disclosures/{number}", "a disclosure is ASCII", "披露件应为 ASCII 文本")
    return disclosure_digest(text)


def _salt_and_name(text: str, number: int) -> tuple[str, str]:
    try:
        value = parse_strict(parse_base64url(text))
        salt, name, _ = value
        if len(parse_base64url(salt)) == _SALT_BYTES and isinstance(name, str) and isinstance(value, list):
            return salt, name
    except (FormatError, ValueError, TypeError, AttributeError):
        pass
    raise _invalid(
        f"/disclosures/{number}", "a disclosure is base64url of JSON [salt of 16 bytes, name, value]",
        "披露件应为 [16 字节盐, 名称, 值] 的 base64url",
    )  # fmt: skip


def _invalid(pointer: str, en: str, zh: str) -> RefusedError:
    return refused("INVALID_VALUE", f"{pointer}: {en}.", f"{pointer}：{zh}。", pointer)
