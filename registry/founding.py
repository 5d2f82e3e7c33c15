"""The first start of a registry: its keys, and entry 0.

    DIR/ 0700: keys/{log,log-mldsa44,registrar,clerk,seal}.pem, keys/custody.key, admin.token, registry.db, journal.db,
    documents/

Contract section 10. A start with keys that are not live in the log is refused. Keys that come later: `registry.key_ring`.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ledger.checkpoint import log_verifier_keys
from ledger.encoding import format_base64url, parse_hex
from ledger.errors import BrokenJournalError, FormatError
from ledger.identifiers import key_identifier, party_identifier
from ledger.journal import SigningJournal
from ledger.keys import Algorithm, KeySigner, Signer, write_private_key
from ledger.note import format_verifier_key
from ledger.private_files import sync_folder, write_private
from ledger.statement import Envelope
from registry.clock import Clock
from registry.desk.sealing import SECRET_BYTES
from registry.drafting import make_payload, sign_payload
from registry.key_ring import (
    FIRST_NAMES,
    USES,
    HeldKey,
    KeyFileError,
    Use,
    key_name,
    later_name,
    log_key_name,
    read_keys,
)
from registry.law.rulebook import Rulebook
from registry.refusals.refusal import Words
from registry.register.office_state import Registry
from registry.register.party import Key, Party
from registry.succession import Continues


class FoundingError(Exception):
    """The registry cannot start with what it found. The words say what to do."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.words = Words(en, zh)


@dataclass(frozen=True, slots=True)
class RegistryKeys:
    """The keys in use, one for each purpose."""

    log: Signer
    log_mldsa44: Signer
    registrar: Signer
    clerk: Signer
    seal: Signer

    @property
    def registrar_party(self) -> str:
        return party_identifier(self.registrar.public)

    def default_origin(self) -> str:
        """`<first 12 characters of the registrar's key id after key_>.local.test`."""
        return key_identifier(self.registrar.public).removeprefix("key_")[:12] + ".local.test"

    def log_keys(self, origin: str) -> list[str]:
        """The verifier keys of the log, as text."""
        return [format_verifier_key(key) for key in log_verifier_keys(origin, [self.log, self.log_mldsa44])]

    def held(self) -> list[HeldKey]:
        """The same keys, each with its use."""
        return [
            HeldKey("log", self.log), HeldKey("log", self.log_mldsa44), HeldKey("registrar", self.registrar),
            HeldKey("clerk", self.clerk), HeldKey("seal", self.seal),
        ]  # fmt: skip

    @classmethod
    def generate(cls) -> "RegistryKeys":
        """New keys, held in memory."""
        return cls(*(KeySigner.generate(algorithm) for algorithm in FIRST_NAMES.values()))


def read_held_keys(folder: Path) -> list[HeldKey]:
    """The keys in `folder`.

    Raises:
        FoundingError: a file among them holds none.
    """
    try:
        return read_keys(folder)
    except KeyFileError as error:
        raise FoundingError(
            f"a key cannot be read: {error}. Put the right file back.",
            f"密钥无法读取：{error.path}。请放回正确的文件。",
        ) from error


def read_or_make_keys(folder: Path) -> list[HeldKey]:
    """The keys of a first start: made, but for those whose places `.uri` files tell.

    Raises:
        FoundingError: some were made before and some are missing, or one cannot be read.
    """
    held = read_held_keys(folder)
    there = {key.path.stem for key in held if key.path is not None}
    missing = [name for name in FIRST_NAMES if name not in there]
    if missing and any(key.path is not None and key.path.suffix == ".pem" for key in held):
        raise _missing(", ".join(str(folder / f"{name}.pem") for name in missing))
    if missing:
        _make_keys(folder, missing)
    return read_held_keys(folder) if missing else held


def founding_keys(held: Sequence[HeldKey]) -> RegistryKeys:
    """The keys that open a log, of those in the folder of a first start."""
    by_name = {key.path.stem: key.signer for key in held if key.path is not None}
    return RegistryKeys(*(by_name[name] for name in FIRST_NAMES))


def _missing(names: str) -> FoundingError:
    return FoundingError(
        f"keys are missing: {names}. Put them back; a registry never starts with other keys.",
        f"缺少密钥：{names}。请放回原处；登记系统不会以其他密钥启动。",
    )


def _make_keys(folder: Path, names: Sequence[str]) -> None:
    """All keys are there, or none, whenever the process ends: a registry with some of them would never start."""
    fresh = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    fresh.mkdir(mode=0o700, parents=True)
    for name in names:
        write_private_key(fresh / f"{name}.pem", KeySigner.generate(FIRST_NAMES[name]))
    if folder.is_dir() and any(folder.iterdir()):  # keys/custody.key or a key's URI was put there before
        for path in fresh.iterdir():
            path.rename(folder / path.name)
        fresh.rmdir()
    else:
        fresh.rename(folder)
    sync_folder(folder.parent)


def open_journal(folder: Path | None) -> SigningJournal:
    """The signing journal in the data folder, made if it is not there; in memory without a folder.

    Raises:
        FoundingError: it cannot be read.
    """
    try:
        return SigningJournal(folder / "journal.db" if folder else None)
    except BrokenJournalError as error:
        raise FoundingError(
            f"{error}; nothing is signed without it. Put a sound copy back, or move the file away and run `sanquan "
            "recover --known FILE` with the newest checkpoint or receipt that anybody has",
            f"签署日志无法使用（{error}），无之则不签署。请放回完好的副本，或移走该文件并以 `sanquan recover --known FILE` "
            "给出现存最新的检查点或回执",
        ) from error


def read_or_make_custody_key(folder: Path) -> bytes:
    """The secret that seals keys in custody.

    Raises:
        FoundingError: the file does not hold one.
    """
    path = folder / "custody.key"
    if not path.exists():
        _write_secret(path, secrets.token_hex(SECRET_BYTES))
    try:
        secret = parse_hex(path.read_text().strip())
    except (FormatError, UnicodeDecodeError):
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise FoundingError(
            f"{path} does not hold {SECRET_BYTES} bytes in hex; put the right file back",
            f"{path} 的内容不是 {SECRET_BYTES} 字节的十六进制；请放回正确的文件",
        )
    return secret


def read_or_make_token(path: Path) -> str:
    """The administrator's token."""
    if not path.exists():
        _write_secret(path, secrets.token_urlsafe(32))
    return path.read_text().strip()


def _write_secret(path: Path, text: str) -> None:
    write_private(path, f"{text}\n".encode(), fresh=True)


def opening_statement(
    keys: RegistryKeys,
    origin: str,
    clock: Clock,
    rulebook: Rulebook,
    name: str,
    identifier: dict[str, str] | None = None,
    continues: Continues | None = None,
) -> Envelope:
    """`log.open`, signed by the registrar, then by clerk and seal as proof that they have their keys."""

    def shape(signer: Signer) -> dict[str, str]:
        return {"alg": signer.algorithm.value, "public": format_base64url(signer.public)}

    registrar: dict[str, Any] = {"name": name}
    if identifier:
        registrar["identifier"] = identifier
    registrar["keys"] = [shape(keys.registrar)]
    body: dict[str, Any] = {
        "origin": origin,
        "registrar": registrar,
        "clerk": shape(keys.clerk),
        "log_keys": keys.log_keys(origin),
        "seal_keys": [shape(keys.seal)],
        "rulebook": rulebook.id,
        "rulebook_sha256": rulebook.sha256,
        "spec": 1,
    }
    if continues is not None:
        body["continues"] = msgspec.to_builtins(continues)
    payload = make_payload("log.open", origin, keys.registrar_party, clock.now(), body)
    return sign_payload(payload, [keys.registrar, keys.clerk, keys.seal])


class KeyOnLog(NamedTuple):
    """A key that the log names: its identifier, the name of its file without suffix, and whether it is live."""

    key: str
    name: str
    live: bool


KeysOnLog = Mapping[Use, Sequence[KeyOnLog]]
"""What a log says of keys: of each use those that it ever named, in the order listed."""


def keys_on_log(registry: Registry, registrar: Party, clerk: Party, now: datetime) -> KeysOnLog:
    """The state of the keys at an instant after the newest entry."""
    return {
        "log": [
            KeyOnLog(key_identifier(term.key.public), log_key_name(term), term.until is None)
            for term in registry.log_terms()
        ],
        "seal": [
            KeyOnLog(term.key.key, key_name("seal", term.key.key, is_first=term.since.seq == 0), term.until is None)
            for term in registry.seal_terms()
        ],
        "clerk": [_of_party("clerk", key, now) for key in clerk.keys],
        "registrar": [_of_party("registrar", key, now) for key in registrar.keys],
    }


def _of_party(use: Use, key: Key, now: datetime) -> KeyOnLog:
    return KeyOnLog(key.key, key_name(use, key.key, is_first=key.added.seq == 0), key.is_live(now))


def check_keys(held: Sequence[HeldKey], on_log: KeysOnLog, origin: str) -> RegistryKeys:
    """The keys in use, if those in the folder are the log's: every live one is there, and none of another log.

    A key of a later name that the log does not know is pending; retired keys may remain or not. The registrar needs one
    of its keys, the clerk one that is live.

    Raises:
        FoundingError: they are not.
    """
    signers: dict[tuple[Use, str], Signer] = {}
    for key in held:
        name = key_identifier(key.signer.public)
        signers[key.use, name] = key.signer
        if any(known.key == name for known in on_log[key.use]):
            continue
        if key.is_first or (key.path is not None and key.path.stem != later_name(key.use, key.signer, origin)):
            raise _foreign(origin, key.path)
    here = {use: [known for known in on_log[use] if (use, known.key) in signers] for use in USES}
    missing = [known.name for use in ("log", "seal") for known in on_log[use] if known.live and known not in here[use]]
    missing += [] if here["registrar"] else ["registrar"]
    missing += [] if any(known.live for known in here["clerk"]) else ["clerk"]
    if missing:
        raise _missing(", ".join(f"keys/{name}.pem" for name in missing))
    log = {signers["log", known.key].algorithm: signers["log", known.key] for known in here["log"] if known.live}

    def newest(use: Use) -> Signer:
        return signers[use, max(here[use], key=lambda known: (known.live, here[use].index(known))).key]

    return RegistryKeys(
        log[Algorithm.ED25519], log[Algorithm.ML_DSA_44], newest("registrar"), newest("clerk"), newest("seal")
    )


def _foreign(origin: str, path: Path | None) -> FoundingError:
    place = f" ({path})" if path else ""
    return FoundingError(
        f"the keys in the data folder are not those of the log {origin}{place}; start with the folder that belongs to it",
        f"数据文件夹中的密钥不是账本 {origin} 的密钥{place}；请使用与之对应的文件夹",
    )
