"""NDJSON descriptors of open data, one a line, in the shape of the Registry of Open Data on AWS.

Read line by line in bounded memory. A bad line is refused with its reason and the next one is read.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from api.importing import mapping
from api.importing.body import description, fit, identifier_value, limited_links, links_in, open_data_body
from api.importing.messages import note, refused
from api.importing.model import Body, Note, Options, Refused, Row, with_personal
from api.importing.paths import printable, why
from api.importing.shorten import plain_text, shorten_name, shorten_overview

LINE_BYTES = 8 * 2**20
SCHEME = "odr"

_TEXTS = ("Description", "Documentation", "License", "ManagedBy", "UpdateFrequency")


def read_open_data_registry(path: Path, options: Options) -> Iterator[Row | Refused]:
    """A row or a refusal for each line that is not blank."""
    name = printable(path.name)
    try:
        with path.open("rb") as file:
            for number, line in lines(file):
                source = f"{name}:{number}"
                if line is None:
                    yield refused(source, "LINE_TOO_LONG", n=LINE_BYTES)
                elif line.strip():
                    yield read_line(line, source, options)
    except OSError as error:
        yield refused(name, "FILE_UNREADABLE", why=why(error))


def lines(file: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Number and bytes of each line without its end; none for a line longer than `LINE_BYTES`, which is passed over."""
    number = 0
    while line := file.readline(LINE_BYTES + 2):
        number += 1
        if len(line.rstrip(b"\r\n")) <= LINE_BYTES:
            yield number, line.rstrip(b"\r\n")
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(LINE_BYTES)
        yield number, None


def read_line(line: bytes, source: str, options: Options) -> Row | Refused:
    """The row that one descriptor stands for, or why it cannot be filed."""
    descriptor = parse_object(line, source)
    if isinstance(descriptor, Refused):
        return descriptor
    name, shortened = shorten_name(text_of(descriptor.get("Name")))
    if not name:
        return refused(source, "NAME_MISSING")
    slug = identifier_value(text_of(descriptor.get("slug")))
    if not slug:
        return refused(source, "IDENTIFIER_MISSING")
    notes = [note("NAME_SHORTENED")] if shortened else []
    form = _form(descriptor, name, options, notes)
    form["identifiers"] = [{"scheme": SCHEME, "value": slug}]
    body = open_data_body(options, form, description(line, "application/json", source))
    fit(body, notes)
    return Row(source, (SCHEME, slug), body, tuple(notes))


def _form(descriptor: dict[str, Any], name: str, options: Options, notes: list[Note]) -> Body:
    texts = {member: text_of(descriptor.get(member)) for member in _TEXTS}
    tags = tags_of(descriptor.get("Tags"))
    unmapped = [member for member in _TEXTS if descriptor.get(member) is not None and not texts[member]]
    if descriptor.get("Tags") is not None and not isinstance(descriptor["Tags"], list):
        unmapped.append("Tags")
    overview = overview_of(texts["Description"], name, notes)
    frequency, whole = mapping.update_frequency(texts["UpdateFrequency"])
    if not whole:
        unmapped.append("UpdateFrequency")
    personal = "none"
    if reason := mapping.human_data(tags, texts["Description"], texts["License"]):
        personal = "deidentified"
        notes.append(note("PERSONAL_INFORMATION_ASSUMED", reason=plain_text(reason), value=personal))
    if descriptor.get("Deprecated") is True:
        notes.append(note("DEPRECATED"))
    scope, region = mapping.region(name, tags)
    media, structure = mapping.media(tags)
    form: Body = {"name": name, "overview": overview, "form": "resource", "industry": mapping.industry(tags)}
    form["region_scope"] = scope
    if region:
        form["region"] = region
    form |= {"update_frequency": frequency, "volume": {}, "media": media, "structure": structure}
    form["categories"] = with_personal([mapping.category(texts["ManagedBy"], texts["License"])], personal)
    form |= {"grade": options.grade, "personal_information": personal}
    limited_links(form, links_in((texts["Documentation"], texts["License"])), notes)
    if unmapped:
        notes.append(note("FIELD_NOT_MAPPED", fields=", ".join(dict.fromkeys(unmapped))))
    return form


def parse_object(raw: bytes, source: str) -> dict[str, Any] | Refused:
    """The JSON object in the bytes, or why there is none; never an exception."""
    try:
        value = json.loads(raw.decode("utf-8-sig"))
    except RecursionError:
        return refused(source, "JSON_INVALID", why="nested too deep")
    except ValueError as error:
        return refused(source, "JSON_INVALID", why=str(error)[:200])
    return value if isinstance(value, dict) else refused(source, "NOT_AN_OBJECT")


def overview_of(text: str, name: str, notes: list[Note]) -> str:
    """The overview within its limits, the name in its place where there is none; what was done is noted."""
    overview, shortened = shorten_overview(text)
    if shortened:
        notes.append(note("OVERVIEW_SHORTENED"))
    if overview:
        return overview
    notes.append(note("OVERVIEW_FROM_NAME"))
    return name


def text_of(value: Any) -> str:
    """A string, the first string of a list, or a JSON-LD `@value`; else empty."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        value = value.get("@value")
    return value if isinstance(value, str) else ""


def tags_of(value: Any) -> list[str]:
    """The strings of a list of tags, or of one string with commas."""
    if isinstance(value, str):
        value = value.split(",")
    return [tag.strip() for tag in value if isinstance(tag, str)] if isinstance(value, list) else []
