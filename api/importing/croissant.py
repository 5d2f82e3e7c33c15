"""Croissant 1.0 dataset descriptions (JSON-LD, MLCommons), one a file."""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from api.importing import formats, mapping
from api.importing.body import (
    MAX_FINGERPRINTS,
    description,
    fit,
    identifier_value,
    integer,
    limited_links,
    links_in,
    open_data_body,
)
from api.importing.descriptors import overview_of, parse_object, tags_of, text_of
from api.importing.messages import note, refused
from api.importing.model import Body, Note, Options, PersonalInformation, Refused, Row, with_personal
from api.importing.paths import printable, why
from api.importing.shorten import plain_text, shorten_name

DESCRIPTOR_BYTES = 16 * 2**20
SCHEME = "croissant"
VOCABULARY = "mlcommons.org/croissant"

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"\s*(\d{1,15})(?:\.(\d{1,9}))?\s*([KMGTP]?I?B)?\s*", re.IGNORECASE | re.ASCII)
_UNITS: dict[str, int] = {"B": 1} | {f"{letter}B": 1000 ** (i + 1) for i, letter in enumerate("KMGTP")}
_UNITS |= {f"{letter}IB": 1024 ** (i + 1) for i, letter in enumerate("KMGTP")}
_NO_PERSONAL = re.compile(r"\s*(?:none|no|not applicable|n/?a|false|无)\b", re.IGNORECASE)
_DATA_TYPES = {"ImageObject": "image", "VideoObject": "video", "AudioObject": "audio"}


def is_croissant(value: Any) -> bool:
    """Whether the JSON value says of itself, by `@context` or `conformsTo`, that it is a Croissant description."""
    if not isinstance(value, dict):
        return False
    context = value.get("@context")
    words = [value.get("conformsTo"), *(context.values() if isinstance(context, dict) else [context])]
    flat = chain.from_iterable(word if isinstance(word, list) else [word] for word in words)
    return any(isinstance(word, str) and VOCABULARY in word for word in flat)


def read_croissant(path: Path, options: Options) -> Iterator[Row | Refused]:
    """The one row of the file, or why there is none."""
    source = printable(path.name)
    try:
        with path.open("rb") as file:
            raw = file.read(DESCRIPTOR_BYTES + 1)
    except OSError as error:
        yield refused(source, "FILE_UNREADABLE", why=why(error))
        return
    if len(raw) > DESCRIPTOR_BYTES:
        yield refused(source, "DESCRIPTOR_TOO_LONG", n=DESCRIPTOR_BYTES)
    else:
        yield read_document(raw, source, options)


def read_document(raw: bytes, source: str, options: Options) -> Row | Refused:
    """The row that one description stands for, or why it cannot be filed."""
    dataset = parse_object(raw, source)
    if isinstance(dataset, Refused):
        return dataset
    if not is_croissant(dataset):
        return refused(source, "NOT_CROISSANT")
    name, shortened = shorten_name(text_of(dataset.get("name")))
    if not name:
        return refused(source, "NAME_MISSING")
    notes = [note("NAME_SHORTENED")] if shortened else []
    identifier = _identifier(dataset, notes)
    form = _form(dataset, name, options, notes)
    form["identifiers"] = [{"scheme": SCHEME, "value": identifier}]
    body = open_data_body(options, form, description(raw, "application/ld+json", source))
    fit(body, notes)
    return Row(source, (SCHEME, identifier), body, tuple(notes))


def _identifier(dataset: dict[str, Any], notes: list[Note]) -> str:
    """URL and name together: several descriptions share one URL, and as many one name."""
    name = text_of(dataset.get("name"))
    urls = links_in([text_of(dataset.get("url"))])
    if not urls:
        notes.append(note("IDENTIFIER_FROM_NAME"))
        return identifier_value(name)
    return identifier_value(f"{urls[0]}#{name}")


def _form(dataset: dict[str, Any], name: str, options: Options, notes: list[Note]) -> Body:
    files = [each for each in _list(dataset.get("distribution")) if isinstance(each, dict)]
    tags = tags_of(dataset.get("keywords"))
    licence = text_of(dataset.get("license"))
    people = [_name_and_url(each) for member in ("creator", "publisher") for each in _list(dataset.get(member))]
    media, structure = formats.combine(_kinds(files, dataset.get("recordSet")))
    personal = _personal_information(dataset, tags, licence, notes)
    form: Body = {
        "name": name,
        "overview": overview_of(text_of(dataset.get("description")), name, notes),
        "form": "resource",
        "industry": mapping.industry(tags),
        "region_scope": "international",
        "update_frequency": "other",
        "volume": _volume(files),
        "media": media,
        "structure": structure,
        "categories": with_personal([mapping.category(" ".join(people), licence)], personal),
        "grade": options.grade,
        "personal_information": personal,
    }
    if fingerprints := _fingerprints(files, notes):
        form["fingerprints"] = [{"alg": "sha-256", "value": value} for value in fingerprints]
    texts = [text_of(each) for member in ("url", "sameAs", "license") for each in _list(dataset.get(member))]
    limited_links(form, links_in(texts), notes)
    return form


def _personal_information(
    dataset: dict[str, Any], tags: list[str], licence: str, notes: list[Note]
) -> PersonalInformation:
    value: PersonalInformation = "none"
    reason = mapping.human_data(tags, text_of(dataset.get("description")), licence)
    said = text_of(dataset.get("rai:personalSensitiveInformation")).strip()
    if said and not _NO_PERSONAL.match(said):
        value, reason = "personal", "rai:personalSensitiveInformation"
    elif reason:
        value = "deidentified"
    if reason:
        notes.append(note("PERSONAL_INFORMATION_ASSUMED", reason=plain_text(reason), value=value))
    return value


def _fingerprints(files: list[dict[str, Any]], notes: list[Note]) -> list[str]:
    """The files' SHA-256, each once. Descriptions also put MD5 or an address there; such values are left out."""
    given = [text_of(each.get("sha256")).strip().lower() for each in files]
    valid = list(dict.fromkeys(value for value in given if _SHA256.fullmatch(value)))
    if invalid := sum(1 for value in given if value and not _SHA256.fullmatch(value)):
        notes.append(note("FINGERPRINTS_INVALID", n=invalid))
    if len(valid) > MAX_FINGERPRINTS:
        notes.append(note("FINGERPRINTS_DROPPED", n=len(valid) - MAX_FINGERPRINTS))
    return valid[:MAX_FINGERPRINTS]


def _volume(files: list[dict[str, Any]]) -> Body:
    """`bytes` only if every file that is not inside another one says its size: part of a sum would be untrue."""
    sizes = [_size(text_of(each.get("contentSize"))) for each in files if not each.get("containedIn")]
    known = [size for size in sizes if size is not None]
    return {"bytes": integer(sum(known))} if known and len(known) == len(sizes) else {}


def _size(text: str) -> int | None:
    match = _SIZE.fullmatch(text)
    if not match:
        return None
    whole, fraction, unit = match.groups()
    digits, unit_bytes = fraction or "", _UNITS[(unit or "B").upper()]
    scale: int = 10 ** len(digits)
    return int(whole + digits) * unit_bytes // scale


def _kinds(files: list[dict[str, Any]], record_sets: Any) -> Iterator[tuple[str, str]]:
    for each in files:
        for media_type in _list(each.get("encodingFormat")):
            if isinstance(media_type, str) and "://" not in media_type and (kind := formats.kind_of(media_type)):
                yield kind
    for record_set in _list(record_sets):
        for each in _list(record_set.get("field")) if isinstance(record_set, dict) else []:
            for data_type in _list(each.get("dataType")) if isinstance(each, dict) else []:
                kind_name = _DATA_TYPES.get(re.split(r"[:/]", data_type)[-1]) if isinstance(data_type, str) else None
                if kind_name:
                    yield kind_name, "unstructured"


def _name_and_url(value: Any) -> str:
    if isinstance(value, dict):
        return f"{text_of(value.get('name'))} {text_of(value.get('url'))}"
    return text_of(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
