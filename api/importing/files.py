"""One's own files and folders: each regular file is a row, known by the SHA-256 of its content.

Files are read in a stream and never written. Hidden entries, special files and folders met a second time are refused
with their reason; nothing is passed over in silence.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from api.importing.body import fit, integer
from api.importing.formats import combine, kind_of, media_type_of
from api.importing.messages import note, refused
from api.importing.model import Body, Options, Refused, Row, with_personal
from api.importing.paths import printable, why
from api.importing.shorten import shorten_name, shorten_overview

SCHEME = "file"
_CHUNK_BYTES = 2**20
_ALL_RIGHTS = ("holding", "processing", "operating")


@dataclass(frozen=True, slots=True)
class Digest:
    sha256: str
    size_bytes: int


def read_files(path: Path, options: Options) -> Iterator[Row | Refused]:
    """A row or a refusal for the file, or for every entry below the folder, in the order of their names."""
    for found in walk(path):
        yield found if isinstance(found, Refused) else read_file(found[0], found[1], options)


def walk(path: Path) -> Iterator[tuple[Path, str] | Refused]:
    """Every regular file at or below `path` with its printable name relative to the parent of `path`."""
    seen: set[tuple[int, int]] = set()
    waiting = [(path, printable(path.name or str(path)))]
    while waiting:
        current, name = waiting.pop()
        try:
            status = current.stat()
            if stat.S_ISREG(status.st_mode):
                yield current, name
            elif not stat.S_ISDIR(status.st_mode):
                yield refused(name, "NOT_A_FILE")
            elif (status.st_dev, status.st_ino) in seen:
                yield refused(name, "SYMLINK_LOOP")
            else:
                seen.add((status.st_dev, status.st_ino))
                entries = sorted((each.name for each in current.iterdir()), reverse=True)
                yield from (refused(f"{name}/{printable(each)}", "HIDDEN") for each in entries if each[0] == ".")
                waiting.extend((current / each, f"{name}/{printable(each)}") for each in entries if each[0] != ".")
        except FileNotFoundError:
            yield refused(name, "PATH_MISSING")
        except OSError as error:
            yield refused(name, "FILE_UNREADABLE", why=why(error))


def read_file(path: Path, source: str, options: Options) -> Row | Refused:
    """The row of one regular file, or why it cannot be filed."""
    try:
        digest = digest_of(path)
    except OSError as error:
        return refused(source, "FILE_UNREADABLE", why=why(error))
    if digest is None:
        return refused(source, "FILE_CHANGED")
    if not digest.size_bytes:
        return refused(source, "FILE_EMPTY")
    media_type, inner = media_type_of(path.name)
    evidence = {"kind": "fingerprint", "sha256": digest.sha256, "bytes": integer(digest.size_bytes)}
    form, shortened = _form(source, digest, (media_type, inner), options)
    body: Body = {
        "kind": "initial",
        "asset": form,
        "sources": [_source(options)],
        "claims": [{"party": options.party, "rights": list(claimed_rights(options))}],
        "evidence": [evidence | {"media_type": media_type}],
    }
    notes = [note(code) for code in shortened]
    fit(body, notes)
    return Row(source, (SCHEME, digest.sha256), body, tuple(notes))


def digest_of(path: Path) -> Digest | None:
    """SHA-256 and size of the file, read once in pieces; none if the file changed meanwhile."""
    sha256, size_bytes = hashlib.sha256(), 0
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        while chunk := file.read(_CHUNK_BYTES):
            sha256.update(chunk)
            size_bytes += len(chunk)
        after = os.fstat(file.fileno())
    unchanged = before.st_mtime_ns == after.st_mtime_ns and before.st_size == after.st_size == size_bytes
    return Digest(sha256.hexdigest(), size_bytes) if unchanged else None


def claimed_rights(options: Options) -> tuple[str, ...]:
    """The rights told, else what the basis can give at most: two for public collection, all three otherwise."""
    if options.rights:
        return options.rights
    return _ALL_RIGHTS[:2] if options.basis == "public_collection" else _ALL_RIGHTS


def _source(options: Options) -> Body:
    source: Body = {"origin": options.origin, "basis": options.basis, "facts": dict(options.facts)}
    if options.inputs:
        source["inputs"] = [dict(each) for each in options.inputs]
    return source


def _form(source: str, digest: Digest, types: tuple[str, str], options: Options) -> tuple[Body, list[str]]:
    media_type, inner = types
    name, name_cut = shorten_name(source)
    text = (
        f"文件 {source}，类型 {media_type}，{digest.size_bytes} 字节。"
        if options.language == "zh"
        else f"File {source}, type {media_type}, {digest.size_bytes} bytes."
    )
    overview, overview_cut = shorten_overview(f"{options.overview}\n{text}" if options.overview else text)
    kind = kind_of(inner)
    media, structure = combine([kind] if kind else [])
    form: Body = {"name": name, "overview": overview, "form": options.form, "industry": options.industry}
    form["region_scope"] = options.region_scope
    if options.region:
        form["region"] = options.region
    form |= {"update_frequency": options.update_frequency, "volume": {"bytes": integer(digest.size_bytes)}}
    form |= {"media": media, "structure": structure}
    form["categories"] = with_personal(options.categories, options.personal_information)
    form |= {"grade": options.grade, "personal_information": options.personal_information}
    form["fingerprints"] = [{"alg": "sha-256", "value": digest.sha256}]
    form["identifiers"] = [{"scheme": SCHEME, "value": digest.sha256}]
    return form, [code for code, done in (("NAME_SHORTENED", name_cut), ("OVERVIEW_SHORTENED", overview_cut)) if done]
