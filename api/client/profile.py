"""A party's keys on this machine: `~/.config/sanquan`, readable by its owner only."""

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import LedgerError
from ledger.identifiers import party_identifier
from ledger.keys import KeySigner, read_private_key, write_private_key

_KEY_NAME = "key.pem"
_FACTS_NAME = "profile.json"


class ProfileError(Exception):
    """There is no profile where one is needed."""


def default_folder() -> Path:
    """`SANQUAN_PROFILE`, or `~/.config/sanquan`."""
    return Path(os.environ.get("SANQUAN_PROFILE") or Path.home() / ".config" / "sanquan")


@dataclass(frozen=True, slots=True)
class Profile:
    """A party that can sign: its first key names it."""

    folder: Path
    name: str
    signer: KeySigner

    @property
    def party_id(self) -> str:
        return party_identifier(self.signer.public)

    @classmethod
    def open(cls, folder: Path | None = None, *, name: str | None = None) -> "Profile":
        """The profile in the folder; made with a new key if there is none and a name is given.

        Raises:
            ProfileError: there is none and no name was given, or it cannot be read.
        """
        place = folder or default_folder()
        key = place / _KEY_NAME
        if not key.exists():
            if not name:
                raise ProfileError(f"there is no profile in {place}; give a name (--name) to make one")
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            (place / _FACTS_NAME).write_text(json.dumps({"name": name}, ensure_ascii=False))
            _make_key(key)
        try:
            facts = json.loads((place / _FACTS_NAME).read_text())
            return cls(place, str(facts["name"]), read_private_key(key))
        except (OSError, ValueError, KeyError, TypeError, LedgerError) as error:
            raise ProfileError(f"the profile in {place} cannot be read: {error}") from error

    @classmethod
    def of_key(cls, key: Path, name: str = "") -> "Profile":
        """A party whose only known thing is its key file, such as a registrar.

        Raises:
            ProfileError: the file holds no key.
        """
        try:
            return cls(key.parent, name, read_private_key(key))
        except (OSError, LedgerError) as error:
            raise ProfileError(f"{key} cannot be read: {error}") from error


def _make_key(path: Path) -> None:
    """There is a whole key at `path`, be it another process's that came first."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    write_private_key(temporary, KeySigner.generate())
    with contextlib.suppress(FileExistsError):
        os.link(temporary, path)
    temporary.unlink()
