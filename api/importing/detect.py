"""Which reader a path is for, decided by content: NDJSON descriptors, Croissant, or one's own files."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

from api.importing.croissant import DESCRIPTOR_BYTES, VOCABULARY, is_croissant, read_croissant
from api.importing.descriptors import lines, parse_object, read_open_data_registry
from api.importing.files import read_files, walk
from api.importing.model import Options, Refused, Row

Kind = Literal["registry", "croissant", "files"]

_PEEKED_LINES = 20
_CHUNK_BYTES = 2**20
_READERS = {"registry": read_open_data_registry, "croissant": read_croissant}


def rows(paths: Sequence[Path], options: Options) -> Iterator[Row | Refused]:
    """Everything the paths hold, in order; a path that is missing is one refusal."""
    for path in paths:
        for file, kind in _readings(path):
            yield from (read_files if kind == "files" else _READERS[kind])(file, options)


def needs_source(paths: Sequence[Path]) -> bool:
    """Whether some path holds own files, so that their source has to be asked for (once)."""
    return any(kind == "files" for path in paths if _may_exist(path) for _, kind in _readings(path))


def count(paths: Sequence[Path]) -> int | None:
    """About how many rows will come, for a progress bar; none where a path cannot be read."""
    total = 0
    try:
        for path in paths:
            for file, kind in _readings(path):
                if kind == "registry":
                    total += _count_lines(file)
                else:
                    total += 1 if kind == "croissant" else sum(1 for _ in walk(file))
    except OSError:
        return None
    return total


def kind_of_path(path: Path) -> Kind:
    """The reader for one file. A file that cannot be read is left to the reader of own files, which says why."""
    suffix = path.suffix.lower()
    try:
        if path.is_file() and suffix in (".ndjson", ".jsonl"):
            return "registry" if _holds_descriptors(path) else "files"
        if path.is_file() and suffix in (".json", ".jsonld"):
            return "croissant" if _holds_croissant(path) else "files"
    except OSError:
        pass
    return "files"


def _readings(path: Path) -> list[tuple[Path, Kind]]:
    """A folder of nothing but descriptors is read file by file; in any other, descriptors are own files too."""
    readings: list[tuple[Path, Kind]] = []
    try:
        if not path.is_dir():
            return [(path, kind_of_path(path))]
        for file in sorted(each for each in path.iterdir() if not each.name.startswith(".")):
            kind = kind_of_path(file)
            if kind == "files":
                return [(path, "files")]
            readings.append((file, kind))
    except OSError:
        return [(path, "files")]
    return readings or [(path, "files")]


def _may_exist(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True


def _holds_descriptors(path: Path) -> bool:
    """Whether one of the first lines is an object with the members that every descriptor has."""
    with path.open("rb") as file:
        for _, line in islice(lines(file), _PEEKED_LINES):
            value = parse_object(line, "") if line else None
            if isinstance(value, dict) and {"slug", "Name"} <= value.keys():
                return True
    return False


def _holds_croissant(path: Path) -> bool:
    with path.open("rb") as file:
        raw = file.read(DESCRIPTOR_BYTES + 1)
    return len(raw) <= DESCRIPTOR_BYTES and VOCABULARY.encode() in raw and is_croissant(parse_object(raw, ""))


def _count_lines(path: Path) -> int:
    found, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            found += chunk.count(b"\n")
            last = chunk
    return found + (not last.endswith(b"\n"))
