"""Documents in a folder, once per digest: `<sha256>` is the file's name, so a file proves itself.

A document is received into a file of its own under `.incoming` and gets its name only when all of it is on the disk: a
name stands for whole bytes at any moment, and what a crash leaves lies where nobody looks for documents.
"""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ledger.private_files import OWNER_ONLY
from registry.law.errors import LawError
from registry.law.rulebook import Rulebook, load_builtin, parse_rulebook
from registry.refusals.refusal import refused

_INCOMING = ".incoming"
_READ_BYTES = 1 << 18


class DamagedError(Exception):
    """A file that is being read is gone, or its bytes are not those of its name."""


class Incoming:
    """A document that is being received. Either `keep` or `drop` ends it."""

    def __init__(self, path: Path | None, max_bytes: int | None) -> None:
        """Without a path the document is received into memory."""
        self._path = path
        self._file: BinaryIO | None = None
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()
        self._memory = bytearray()
        self.size = 0
        if path is not None:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
            self._file = os.fdopen(descriptor, "wb", buffering=0)

    @property
    def digest(self) -> str:
        """The digest of what was received so far."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """The bytes follow those received before.

        Raises:
            RefusedError: TOO_LARGE.
        """
        self.size += len(data)
        must_be_within(self.size, self._max_bytes)
        self._hash.update(data)
        if self._file is None:
            self._memory += data
            return
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def drop(self) -> None:
        """Nothing of it is left."""
        if self._file is not None and self._path is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)
        self._memory.clear()

    def finish(self, target: Path | None) -> bytes:
        """The document stands at `target` and survives a power cut; without a folder its bytes are answered."""
        if self._file is None or self._path is None or target is None:
            return bytes(self._memory)
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.rename(target)
        _sync_folder(target.parent)
        return b""


class Documents:
    """Documents by their SHA-256. Without a folder they live as long as the object."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._memory: dict[str, bytes] = {}
        self._rulebooks: dict[str, Rulebook] = {}
        self.shipped: frozenset[str] = frozenset()
        """Those that came with this version."""
        if folder:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def begin(self, max_bytes: int | None = None) -> Incoming:
        """A document is being received."""
        if self._folder is None:
            return Incoming(None, max_bytes)
        place = self._folder / _INCOMING
        place.mkdir(mode=0o700, exist_ok=True)
        return Incoming(place / secrets.token_hex(16), max_bytes)

    def keep(self, incoming: Incoming) -> str:
        """What was received is among the documents and survives a power cut; answers its digest."""
        digest = incoming.digest
        if self.has(digest):
            incoming.drop()
            return digest
        data = incoming.finish(self._folder / digest if self._folder else None)
        if self._folder is None:
            self._memory[digest] = data
        return digest

    def put(self, data: bytes) -> str:
        """The document is kept; answers its digest."""
        incoming = self.begin()
        try:
            incoming.write(data)
            return self.keep(incoming)
        except BaseException:
            incoming.drop()
            raise

    def has(self, digest: str) -> bool:
        """Whether a document of this digest is kept."""
        return digest in self._memory if self._folder is None else (self._folder / digest).is_file()

    def get(self, digest: str) -> bytes | None:
        """The document of a digest, if it is kept and its bytes are those of the digest."""
        if self._folder is None:
            return self._memory.get(digest)
        path = self._folder / digest
        data = path.read_bytes() if path.is_file() else None
        return data if data is not None and hashlib.sha256(data).hexdigest() == digest else None

    def stream(self, digest: str) -> tuple[int, Iterator[bytes]] | None:
        """The size of a document and its bytes in pieces; the last is given only if all are those of the digest.

        The pieces raise `DamagedError` where they are not, or where the document is removed meanwhile.
        """
        if self._folder is None:
            data = self._memory.get(digest)
            return None if data is None else (len(data), iter([data]))
        path = self._folder / digest
        try:
            size = path.stat().st_size
        except OSError:
            return None
        return size, _checked_pieces(path, digest)

    def remove(self, digest: str) -> None:
        """The document is gone."""
        self._memory.pop(digest, None)
        self._rulebooks.pop(digest, None)
        if self._folder is not None:
            (self._folder / digest).unlink(missing_ok=True)

    def drop_unfinished(self) -> int:
        """What a process that ended had begun to receive is gone; answers how many. Only before anything is received."""
        found = list((self._folder / _INCOMING).glob("*")) if self._folder else []
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def rulebook(self, digest: str) -> Rulebook | None:
        """The rulebook of a digest; None if its bytes are not here or are no rulebook."""
        found = self._rulebooks.get(digest)
        if found is None and (data := self.get(digest)) is not None:
            try:
                found = self._rulebooks[digest] = parse_rulebook(data)
            except LawError:
                return None
        return found

    def put_builtin(self, name: str) -> Rulebook:
        """A rulebook that is shipped with this version is among the documents."""
        digest = self.put(load_builtin(name))
        self.shipped |= {digest}
        return parse_rulebook(self.get(digest) or b"")


def must_be_within(size: int, max_bytes: int | None) -> None:
    """Returns if a document of this size is taken.

    Raises:
        RefusedError: TOO_LARGE.
    """
    if max_bytes is not None and size > max_bytes:
        raise refused("TOO_LARGE", f"A document has at most {max_bytes} bytes.", f"单个文件不超过 {max_bytes} 字节。")


def _checked_pieces(path: Path, digest: str) -> Iterator[bytes]:
    hashed = hashlib.sha256()
    held = b""
    try:
        with path.open("rb") as file:
            while piece := file.read(_READ_BYTES):
                hashed.update(piece)
                if held:
                    yield held
                held = piece
    except OSError as error:
        raise DamagedError(digest) from error
    if hashed.hexdigest() != digest:
        raise DamagedError(digest)
    yield held


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every system opens folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
