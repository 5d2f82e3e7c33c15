"""The first start of a registry: its keys, and entry 0.

    DIR/ 0700: keys/{log,log-mldsa44,registrar,clerk,seal}.pem, keys/custody.key, admin.token, registry.db, journal.db,
    documents/

Contract section 10. A start with keys that are not live in the log is refused.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ledger.checkpoint import log_verifier_keys
from ledger.encoding import format_base64url, parse_hex
from ledger.errors import BrokenJournalError, FormatError
from ledger.identifiers import key_identifier, party_identifier
from ledger.journal import SigningJournal
from ledger.keys import Algorithm, KeySigner, read_private_key, write_private_key
from ledger.note import format_verifier_key
from ledger.private_files import sync_folder, write_private
from ledger.statement import Envelope
from registry.clock import Clock
from registry.desk.sealing import SECRET_BYTES
from registry.drafting import make_payload, sign_payload
from registry.law.rulebook import Rulebook
from registry.refusals.refusal import Words
from registry.register.office_state import Registry
from registry.succession import Continues

_ALGORITHMS = {
    "log": Algorithm.ED25519,
    "log-mldsa44": Algorithm.ML_DSA_44,
    "registrar": Algorithm.ED25519,
    "clerk": Algorithm.ED25519,
    "seal": Algorithm.ES256,
}


class FoundingError(Exception):
    """The registry cannot start with what it found. The words say what to do."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.words = Words(en, zh)


@dataclass(frozen=True, slots=True)
class RegistryKeys:
    """One key, one purpose."""

    log: KeySigner
    log_mldsa44: KeySigner
    registrar: KeySigner
    clerk: KeySigner
    seal: KeySigner

    @property
    def registrar_party(self) -> str:
        return party_identifier(self.registrar.public)

    def default_origin(self) -> str:
        """`<first 12 characters of the registrar's key id after key_>.local.test`."""
        return key_identifier(self.registrar.public).removeprefix("key_")[:12] + ".local.test"

    def log_keys(self, origin: str) -> list[str]:
        """The verifier keys of the log, as text."""
        return [format_verifier_key(key) for key in log_verifier_keys(origin, [self.log, self.log_mldsa44])]

    @classmethod
    def generate(cls) -> "RegistryKeys":
        """New keys, held in memory."""
        return cls(*(KeySigner.generate(algorithm) for algorithm in _ALGORITHMS.values()))


def read_or_make_keys(folder: Path) -> RegistryKeys:
    """The keys in `folder`, made if there are none at all.

    Raises:
        FoundingError: some are there and some are missing.
    """
    paths = {name: folder / f"{name}.pem" for name in _ALGORITHMS}
    present = [name for name, path in paths.items() if path.exists()]
    if not present:
        _make_keys(folder)
    elif len(present) != len(paths):
        missing = ", ".join(str(paths[name]) for name in paths if name not in present)
        raise FoundingError(
            f"keys are missing: {missing}. Put them back; a registry never starts with other keys.",
            f"缺少密钥：{missing}。请放回原处；登记系统不会以其他密钥启动。",
        )
    return RegistryKeys(*(read_private_key(path) for path in paths.values()))


def _make_keys(folder: Path) -> None:
    """All keys are there, or none, whenever the process ends: a registry with some of them would never start."""
    fresh = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    fresh.mkdir(mode=0o700, parents=True)
    for name, algorithm in _ALGORITHMS.items():
        write_private_key(fresh / f"{name}.pem", KeySigner.generate(algorithm))
    if folder.is_dir() and any(folder.iterdir()):  # keys/custody.key was put there before
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

    def shape(signer: KeySigner) -> dict[str, str]:
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


def check_keys(keys: RegistryKeys, registry: Registry) -> None:
    """Returns if the keys in the folder are those that the log names.

    Raises:
        FoundingError: they are not.
    """
    if registry.registrar != keys.registrar_party or list(registry.log_keys) != keys.log_keys(registry.origin):
        raise FoundingError(
            f"the keys in the data folder are not those of the log {registry.origin}; start with the folder that belongs to it",
            f"数据文件夹中的密钥不是账本 {registry.origin} 的密钥；请使用与之对应的文件夹",
        )
    seal = format_base64url(keys.seal.public)
    if seal not in {key.public for key in registry.seal_keys}:
        raise FoundingError(
            "the seal key in the data folder is not live in the log", "数据文件夹中的登记专用章密钥在账本中未生效"
        )
