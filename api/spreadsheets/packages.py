"""Whether a workbook may be opened: a zip that stays small when read, well-formed, and without anything that acts.

Sizes are taken from the zip directory and counted again while every part is read through; a part can never give more
than the directory says, because `zipfile` stops there. Elements are counted besides: small ones cost more as objects
than as text. Document types are refused, and with them entities.
"""

import re
import zipfile
import zlib
from collections import Counter
from pathlib import PurePosixPath
from typing import IO, Any
from xml.parsers import expat

from defusedxml.ElementTree import fromstring

from api.spreadsheets.errors import FileRefusedError

MAX_FILE_BYTES = 32 * 2**20
MAX_ENTRIES = 2_000
MAX_TOTAL_BYTES = 320 * 2**20
MAX_SHEET_BYTES = 256 * 2**20
MAX_STRINGS_BYTES = 64 * 2**20
MAX_PART_BYTES = 16 * 2**20
MAX_RATIO = 200
"""Sheets of equal rows reach some 60; deflate's utmost is 1,032."""
MAX_CELLS = 6_000_000
MAX_ROW_CELLS = 16_384
MAX_ELEMENTS = 3_000_000
"""Marks of elements other than those of cells."""

_RATIO_FROM_BYTES = 2**20
_CHUNK = 2**16
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""OLE compound files: workbooks with a password, and the old format."""
_OF_CELLS = (b"<c ", b"<c>", b"</c>", b"<v>", b"</v>", b"<is>", b"</is>", b"<t>", b"</t>", b"<f>", b"</f>")
_MACROS = re.compile(r"vbaproject|vbadata|macrosheets?/|dialogsheets/|macroenabled|intlmacrosheet", re.IGNORECASE)
_OUTSIDE = re.compile(
    r"(?:^|/)(?:externallinks|querytables)/|(?:^|/)connections\.(?:xml|bin)$|custom(?:ui|data)/", re.IGNORECASE
)
_EMBEDDED = re.compile(
    r"(?:^|/)(?:embeddings|activex|ctrlprops)/|oleobject|\.(?:exe|dll|scr|bat|js|vbs)$", re.IGNORECASE
)
_BINARY = re.compile(r"(?:^|/)(?:workbook|sheet\d*)\.bin$|sheet\.binary", re.IGNORECASE)


def check_package(file: IO[bytes], size_bytes: int) -> int:
    """Returns how many cells the workbook has, if it may be opened; `file` stands at its beginning again.

    Raises:
        FileRefusedError: it may not.
    """
    if size_bytes > MAX_FILE_BYTES:
        raise FileRefusedError("FILE_TOO_LARGE", n=MAX_FILE_BYTES)
    if file.read(len(_COMPOUND)) == _COMPOUND:
        raise FileRefusedError("PROTECTED_OR_OLD")
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            _check_directory(archive)
            cells = _read_through(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise FileRefusedError("WORKBOOK_BROKEN", what=type(error).__name__) from error
    file.seek(0)
    return cells


def _check_directory(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise FileRefusedError("EXPANDS_TOO_FAR", what=f"{len(entries)} > {MAX_ENTRIES}")
    if sum(entry.file_size for entry in entries) > MAX_TOTAL_BYTES:
        raise FileRefusedError("EXPANDS_TOO_FAR", what=f"> {MAX_TOTAL_BYTES}")
    names = Counter(entry.filename.lower() for entry in entries)
    if "[content_types].xml" not in names:
        raise FileRefusedError("NOT_A_WORKBOOK")
    for entry in entries:
        _check_entry(entry)
        if names[entry.filename.lower()] > 1:
            raise FileRefusedError("WORKBOOK_BROKEN", what=_name(entry))


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if entry.flag_bits & 1:
        raise FileRefusedError("PROTECTED_OR_OLD")
    if "\\" in name or name.startswith("/") or ".." in PurePosixPath(name).parts:
        raise FileRefusedError("WORKBOOK_BROKEN", what=_name(entry))
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FileRefusedError("WORKBOOK_BROKEN", what=_name(entry))
    if entry.file_size > _most_bytes(name) or (
        entry.file_size > _RATIO_FROM_BYTES and entry.file_size > MAX_RATIO * max(entry.compress_size, 1)
    ):
        raise FileRefusedError("EXPANDS_TOO_FAR", what=_name(entry))
    _check_kind(name, _name(entry))


def _check_kind(text: str, what: str) -> None:
    """Returns if neither a part's name nor its type speaks of something that acts or reaches outside."""
    if _MACROS.search(text):
        raise FileRefusedError("MACROS")
    if _BINARY.search(text):
        raise FileRefusedError("NOT_A_WORKBOOK")
    if _OUTSIDE.search(text):
        raise FileRefusedError("EXTERNAL_CONTENT", what=what)
    if _EMBEDDED.search(text):
        raise FileRefusedError("EMBEDDED_OBJECTS", what=what)


def _most_bytes(name: str) -> int:
    lower = name.lower()
    if "/worksheets/" in lower and lower.endswith(".xml"):
        return MAX_SHEET_BYTES
    return MAX_STRINGS_BYTES if lower.endswith("sharedstrings.xml") else MAX_PART_BYTES


def _name(entry: zipfile.ZipInfo) -> str:
    return "".join(each if each.isprintable() else "\ufffd" for each in entry.filename)[:100]


def _read_through(archive: zipfile.ZipFile) -> int:
    """The number of cells; every part has been read to its end, and every XML part is well-formed."""
    total = 0
    census = _Census()
    for entry in archive.infolist():
        lower = entry.filename.lower()
        is_xml = lower.endswith((".xml", ".rels"))
        parser = census.parser() if is_xml else None
        with archive.open(entry) as part:
            while chunk := part.read(_CHUNK):
                total += len(chunk)
                if total > MAX_TOTAL_BYTES:
                    raise FileRefusedError("EXPANDS_TOO_FAR", what=f"> {MAX_TOTAL_BYTES}")
                if parser is not None:
                    census.feed(parser, chunk, _name(entry))
        if parser is not None:
            census.feed(parser, b"", _name(entry))
        if lower == "[content_types].xml" or lower.endswith(".rels"):
            _check_links(archive.read(entry), _name(entry))
    return census.cells


def _check_links(data: bytes, what: str) -> None:
    """Returns if the types and relations of parts name nothing that acts; addresses behind cells may lead outside."""
    for element in fromstring(data, forbid_dtd=True).iter():
        kind = element.get("ContentType") or element.get("Type") or ""
        _check_kind(kind, what)
        outside = element.get("TargetMode", "").lower() == "external" and not kind.endswith("/hyperlink")
        if outside or kind.endswith(("/externalLinkPath", "/attachedTemplate", "/externalLink")):
            raise FileRefusedError("EXTERNAL_CONTENT", what=what)


class _Census:
    """Counts the marks that begin and end elements in all parts, by their bytes: a parser that called back for each would
    take longer than the reading. Text that only looks like a mark makes the counts larger, never smaller.
    """

    def __init__(self) -> None:
        self.cells = 0
        self._in_row = 0
        self._others = 0

    def parser(self) -> Any:
        """A parser for the next part."""
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._doctype
        return parser

    def feed(self, parser: Any, chunk: bytes, what: str) -> None:
        """The chunk has been read; an empty one ends the part.

        Raises:
            FileRefusedError: it is not XML, or there is too much of it.
        """
        try:
            parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            raise FileRefusedError("WORKBOOK_BROKEN", what=what) from error
        self._others += chunk.count(b"<") - sum(map(chunk.count, _OF_CELLS))
        for number, row in enumerate(chunk.split(b"<row")):
            cells = row.count(b"<c ") + row.count(b"<c>")
            self.cells += cells
            self._in_row = cells + (0 if number else self._in_row)
            if self._in_row > MAX_ROW_CELLS:
                raise FileRefusedError("EXPANDS_TOO_FAR", what=what)
        if self.cells > MAX_CELLS or self._others > MAX_ELEMENTS:
            raise FileRefusedError("EXPANDS_TOO_FAR", what=what)

    def _doctype(self, *_: Any) -> None:
        raise FileRefusedError("WORKBOOK_BROKEN", what="DOCTYPE")
