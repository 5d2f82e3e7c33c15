"""Media types, and what kind of data and how much structure each stands for (`media` and `structure` of the form)."""

import mimetypes
from collections.abc import Iterable
from pathlib import PurePath

MEDIA = ("image", "text", "video", "audio", "table", "other")

_OFFICE = "application/vnd.openxmlformats-officedocument."
_TYPES = mimetypes.MimeTypes(filenames=())
for _suffix, _type in {
    ".arrow": "application/vnd.apache.arrow.file",
    ".csv": "text/csv",
    ".docx": _OFFICE + "wordprocessingml.document",
    ".geojson": "application/geo+json",
    ".h5": "application/x-hdf5",
    ".jsonl": "application/jsonlines",
    ".jsonld": "application/ld+json",
    ".md": "text/markdown",
    ".nc": "application/x-netcdf",
    ".ndjson": "application/jsonlines",
    ".orc": "application/vnd.apache.orc",
    ".parquet": "application/vnd.apache.parquet",
    ".pptx": _OFFICE + "presentationml.presentation",
    ".sqlite": "application/vnd.sqlite3",
    ".tsv": "text/tab-separated-values",
    ".xlsx": _OFFICE + "spreadsheetml.sheet",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}.items():
    _TYPES.add_type(_type, _suffix)

_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_TABLES = ("csv", "tab-separated", "parquet", "spreadsheet", "ms-excel", "arrow", "orc", "sqlite", "x-arff", "arff")
_SEMI = ("json", "xml", "yaml", "html")
_ARRAYS = ("netcdf", "hdf", "zarr", "grib")
_PROSE = ("pdf", "msword", "wordprocessing", "presentation", "rtf", "epub", "opendocument.text")
_CONTAINERS = ("git+https", "zip", "x-tar", "gzip", "x-bzip2", "x-xz", "octet-stream", "x-7z", "vnd.rar")


def media_type_of(name: str) -> tuple[str, str]:
    """The media type of a file by its name, and that of what is inside if it is compressed (else the same)."""
    inner, encoding = _TYPES.guess_type("file" + "".join(PurePath(name).suffixes[-2:]).lower())
    inner = inner or "application/octet-stream"
    return (_COMPRESSED.get(encoding, "application/octet-stream") if encoding else inner), inner


def kind_of(media_type: str) -> tuple[str, str] | None:
    """(media, structure) of a media type; none for containers, which say nothing of what is in them."""
    media_type = media_type.partition(";")[0].strip().lower()
    top, _, sub = media_type.partition("/")
    if any(word in sub or word == media_type for word in _CONTAINERS):
        return None
    if any(word in sub for word in _TABLES):
        return "table", "structured"
    if top in ("image", "video", "audio"):
        return top, "unstructured"
    if any(word in sub for word in _ARRAYS):
        return "other", "semi_structured"
    if any(word in sub for word in _PROSE):
        return "text", "unstructured"
    if any(word in sub for word in _SEMI):
        return "text", "semi_structured"
    return ("text" if top == "text" else "other"), "unstructured"


def combine(kinds: Iterable[tuple[str, str]]) -> tuple[list[str], str]:
    """`media` in the form's order and one `structure` for several kinds of data together."""
    found = set(kinds) or {("other", "unstructured")}
    structures = {structure for _, structure in found}
    media = {kind for kind, _ in found}
    return [kind for kind in MEDIA if kind in media], structures.pop() if len(structures) == 1 else "semi_structured"
