"""Documents in a folder, once per digest: `<sha256>` is the file's name, so a file proves itself."""

import hashlib
import os
from pathlib import Path

from ledger.private_files import write_private
from registry.law.errors import LawError
from registry.law.rulebook import Rulebook, load_builtin, parse_rulebook


class Documents:
    """Documents by their SHA-256. Without a folder they live as long as the object."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._memory: dict[str, bytes] = {}
        self._rulebooks: dict[str, Rulebook] = {}
        if folder:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, data: bytes) -> str:
        """The document is kept; answers its digest."""
        digest = hashlib.sha256(data).hexdigest()
        if self._folder is None:
            self._memory[digest] = data
        elif not (self._folder / digest).exists():
            temporary = self._folder / f".{digest}.{os.getpid()}"
            write_private(temporary, data)
            temporary.rename(self._folder / digest)
        return digest

    def get(self, digest: str) -> bytes | None:
        """The document of a digest, if it is kept and its bytes are those of the digest."""
        if self._folder is None:
            return self._memory.get(digest)
        path = self._folder / digest
        data = path.read_bytes() if path.is_file() else None
        return data if data is not None and hashlib.sha256(data).hexdigest() == digest else None

    def remove(self, digest: str) -> None:
        """The document of a digest is not kept any more."""
        self._memory.pop(digest, None)
        if self._folder is not None:
            (self._folder / digest).unlink(missing_ok=True)

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
        return parse_rulebook(self.get(self.put(load_builtin(name))) or b"")
