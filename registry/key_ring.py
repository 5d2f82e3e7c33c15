"""The private keys of a registry: files in `DIR/keys`, told apart by what they are for. Contract section 10.

    log.pem, log-mldsa44.pem, seal.pem, clerk.pem, registrar.pem     made at the first start
    log-<id, 8 hex digits>.pem                                       a later key of the log, by its note key id
    seal-<id>.pem, clerk-<id>.pem, registrar-<id>.pem                likewise, by the key's identifier without `key_`

In place of `<name>.pem` may stand `<name>.uri`: one line, a key URI (`ledger.key_uris`). A later key whose entry is not
on the log yet is *pending*: it is kept and signs nothing. Retired keys may remain. The folder is read again whenever a
key is asked for that was not there, so that a running server finds what `sanquan keys rotate` put into it.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ledger.checkpoint import log_verifier_keys
from ledger.errors import LedgerError, SignatureError
from ledger.identifiers import key_identifier
from ledger.key_uris import open_signer
from ledger.keys import Algorithm, Signer, read_private_key
from ledger.log_keys import LogKey, signing_keys
from ledger.note import ED25519, VerifierKey
from registry.register.office_state import Registry

Use = Literal["log", "seal", "clerk", "registrar"]
USES: tuple[Use, ...] = get_args(Use)
FIRST_NAMES: dict[str, Algorithm] = {
    "log": Algorithm.ED25519,
    "log-mldsa44": Algorithm.ML_DSA_44,
    "registrar": Algorithm.ED25519,
    "clerk": Algorithm.ED25519,
    "seal": Algorithm.ES256,
}
"""The names of the keys that a first start makes."""
_SUFFIXES = (".pem", ".uri")


class KeyFileError(Exception):
    """A file among the keys does not hold what its name says."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A private key at hand, and the file that it comes from."""

    use: Use
    signer: Signer
    path: Path | None = None

    @property
    def is_first(self) -> bool:
        """Whether a first start made it, or it has no file."""
        return self.path is None or self.path.stem in FIRST_NAMES


def later_name(use: Use, signer: Signer, origin: str) -> str:
    """The name, without suffix, of the file of a key that comes later."""
    if use == "log":
        (key,) = log_verifier_keys(origin, [signer])
        return f"log-{key.key_id:08x}"
    return key_name(use, key_identifier(signer.public), is_first=False)


def key_name(use: Use, key: str, *, is_first: bool) -> str:
    """The name, without suffix, of the file of a key of seal, clerk or registrar."""
    return use if is_first else f"{use}-{key.removeprefix('key_')}"


def log_key_name(term: LogKey) -> str:
    """The name, without suffix, of the file of a key of the log."""
    if term.since:
        return f"log-{term.key.key_id:08x}"
    return "log" if term.key.kind == ED25519 else "log-mldsa44"


def read_key(path: Path) -> Signer:
    """The signer of a `.pem` or `.uri` file.

    Raises:
        KeyFileError: there is none.
    """
    try:
        return (
            open_signer(path.read_text(encoding="utf-8").strip()) if path.suffix == ".uri" else read_private_key(path)
        )
    except (OSError, UnicodeDecodeError, LedgerError) as error:
        raise KeyFileError(path, str(error)) from error


def read_keys(folder: Path) -> list[HeldKey]:
    """Every key in a folder: those of the first start, then the later ones by name.

    Raises:
        KeyFileError: a file that is named as a key holds none.
    """
    found = []
    for path in sorted(_key_files(folder), key=lambda path: (path.stem not in FIRST_NAMES, path.stem)):
        use = next(use for use in USES if path.stem.partition("-")[0] == use)
        found.append(HeldKey(use, read_key(path), path))
    return found


def _key_files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.suffix in _SUFFIXES and path.stem.partition("-")[0] in USES:
            yield path


class KeyRing:
    """Every private key that this process holds, and who of them signs which checkpoint. May be used from any thread."""

    def __init__(
        self, held: Sequence[HeldKey], folder: Path | None, signed_below: Callable[[int], int],
        clerks: Callable[[], Sequence[str]],
    ) -> None:  # fmt: skip
        """`signed_below` answers the greatest signed size below one, from where checkpoints are kept; `clerks` the
        identifiers of the clerk's live keys, oldest first.
        """
        self._clerks = clerks
        self._lock = threading.Lock()
        self._folder = folder
        self._signed_below = signed_below
        self._held: dict[tuple[Use, str], Signer] = {}
        self._registry: Registry | None = None
        self._origin = ""
        self._add(held)

    def _add(self, held: Sequence[HeldKey]) -> None:
        with self._lock:
            for key in held:
                self._held.setdefault((key.use, key_identifier(key.signer.public)), key.signer)

    def open(self, origin: str, registry: Registry | None) -> None:
        """The ring is that of this log. Before its first entry every log key that is held signs."""
        self._origin, self._registry = origin, registry

    def follow(self, registry: Registry | None) -> None:
        """What is signed from now on is signed by the keys that this state of the register names."""
        if registry is not None:
            self._registry = registry

    def signer(self, use: Use, key: str) -> Signer | None:
        """The private key of an identifier, if it is at hand for this use; the folder is looked through again."""
        found = self._held.get((use, key))
        if found is None and self._folder is not None:
            self._add([each for each in self._readable() if each.use == use])
            found = self._held.get((use, key))
        return found

    def holds(self, use: Use, key: str) -> bool:
        """Whether the private key of this identifier is at hand for this use."""
        return self.signer(use, key) is not None

    def _readable(self) -> Iterator[HeldKey]:
        """What is in the folder now; a file that holds no key is passed over here and stops the next start."""
        assert self._folder is not None
        for path in _key_files(self._folder):
            use = next(use for use in USES if path.stem.partition("-")[0] == use)
            try:
                yield HeldKey(use, read_key(path), path)
            except KeyFileError:
                continue

    def verifier_keys(self) -> Sequence[VerifierKey]:
        """See `LogSigners.verifier_keys`."""
        if self._registry is not None:
            return tuple(term.key for term in self._registry.log_terms())
        return log_verifier_keys(self._origin, self._log_signers())

    def held_log_keys(self) -> Sequence[VerifierKey]:
        """The verifier keys of every log key that is held, whatever the register knows of them yet."""
        return log_verifier_keys(self._origin, self._log_signers())

    def _log_signers(self) -> list[Signer]:
        return [signer for (use, _), signer in self._held.items() if use == "log"]

    def at(self, size: int) -> Sequence[Signer]:
        """See `LogSigners.at`."""
        registry = self._registry
        if registry is None:
            return self._log_signers()
        previous = self._signed_below(size) if registry.key_changes else 0
        return [self._log_signer(key) for key in signing_keys(registry.log_terms(), previous, size)]

    def _log_signer(self, key: VerifierKey) -> Signer:
        signer = self.signer("log", key_identifier(key.public))
        if signer is None:
            raise SignatureError(f"the key {key.name}+{key.key_id:08x} has to sign and is not among the keys")
        return signer

    def seal(self) -> Signer:
        """The newest live key of the seal: with it answers and certificates are signed.

        Raises:
            SignatureError: it is not at hand.
        """
        terms = self._registry.seal_terms() if self._registry else ()
        return self._newest("seal", [term.key.key for term in terms if term.until is None])

    def clerk(self) -> Signer:
        """The newest live key of the clerk.

        Raises:
            SignatureError: it is not at hand.
        """
        return self._newest("clerk", self._clerks())

    def _newest(self, use: Use, live: Sequence[str]) -> Signer:
        signer = self.signer(use, live[-1]) if live else None
        if signer is None:
            raise SignatureError(f"no live key of the {use} is among the keys")
        return signer
