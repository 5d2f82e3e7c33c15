"""The folder of a witness: its key, its name, the logs it was told of.

    DIR/ 0700: witness.pem (PKCS#8, 0600), witness.vkey (one line), witness.db

Whoever has an old copy of `witness.db` beside the key can make the witness contradict itself. So a key without its
store is refused, and so is a store with another key. Source: contract section 10.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import FormatError, SignatureError
from ledger.keys import Algorithm, KeySigner, read_private_key, write_private_key
from ledger.note import (
    ED25519,
    ED25519_COSIGNATURE,
    ML_DSA_44_COSIGNATURE,
    VerifierKey,
    format_verifier_key,
    parse_verifier_key,
    verifier_key,
)
from ledger.witness.errors import WitnessStartError
from ledger.witness.store import Contradiction, Records, WitnessStore
from ledger.witness.witness import Witness

STORE_NAME = "witness.db"
KEY_NAME = "witness.pem"
VERIFIER_KEY_NAME = "witness.vkey"
MAX_ORIGIN_BYTES = 255
"""The length of a name in what ML-DSA-44 signs is one byte."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open witness. `added` are the keys of logs that it did not know before, `logs` the origins that it knows."""

    witness: Witness
    is_new: bool
    added: tuple[VerifierKey, ...]
    logs: tuple[str, ...]


def is_witness_folder(folder: Path) -> bool:
    """Whether a witness ever started there."""
    return (folder / STORE_NAME).is_file()


def open_witness(
    folder: Path,
    name: str | None = None,
    log_keys: Iterable[VerifierKey] = (),
    *,
    clock: Callable[[], float] = time.time,
    on_contradiction: Callable[[Contradiction], None] = lambda _: None,
) -> Opened:
    """The witness of `folder`, made if there is none; what it knows of logs is what it knew and `log_keys`.

    Raises:
        WitnessStartError: no name at the first start or another one later, a key or store that is missing or does not
            belong, or keys that no log signs with.
        UnavailableError: the store cannot be opened.
    """
    keys = tuple(log_keys)
    for key in keys:
        _must_be_of_a_log(key)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / KEY_NAME).exists() and not is_witness_folder(folder):
        raise WitnessStartError(
            f"{STORE_NAME} is missing beside {KEY_NAME}: a witness that forgot what it cosigned would contradict "
            "itself. Bring the file back, or start in an empty folder with a new key and a new name",
            f"缺少与 {KEY_NAME} 相配的 {STORE_NAME}：忘记已联署内容的见证人会自相矛盾。请找回该文件，或在空文件夹中以新密钥、新名称启动",
        )
    store = WitnessStore(folder / STORE_NAME)
    try:
        with store.writing() as records:
            known = records.identity()
            signer, called = _identify(folder, records, name)
            added = tuple(key for key in keys if records.add_log_key(key.name, format_verifier_key(key)))
            logs: dict[str, tuple[VerifierKey, ...]] = {}
            for origin, text in records.log_keys():
                logs[origin] = (*logs.get(origin, ()), parse_verifier_key(text))
        witness = Witness(called, signer, store, logs, clock=clock, on_contradiction=on_contradiction)
        _show_key(folder / VERIFIER_KEY_NAME, format_verifier_key(witness.key) + "\n")
    except BaseException:
        store.close()
        raise
    return Opened(witness, known is None, added, tuple(logs))


def _must_be_of_a_log(key: VerifierKey) -> None:
    if key.kind not in (ED25519, ML_DSA_44_COSIGNATURE):
        raise WitnessStartError(
            f"the key of {key.name} is one of a witness (kind {key.kind:02x}); a log signs with kind 01 or 06",
            f"{key.name} 的公钥属于见证人（类型 {key.kind:02x}）；账本以类型 01 或 06 签名",
        )
    if len(key.name.encode()) > MAX_ORIGIN_BYTES:
        raise WitnessStartError(
            f"the name of a log has at most {MAX_ORIGIN_BYTES} bytes", f"账本名称不超过 {MAX_ORIGIN_BYTES} 字节"
        )


def _identify(folder: Path, records: Records, name: str | None) -> tuple[KeySigner, str]:
    """The key and the name, as they were or, at the first start, as they will be."""
    known = records.identity()
    if known is None:
        if name is None:
            raise WitnessStartError(
                "a new witness needs a name: --name NAME, such as witness.example.org/w1",
                "新的见证人需要名称：--name NAME，例如 witness.example.org/w1",
            )
        # a key without an entry in a store that is there is what an interrupted first start left
        is_left = (folder / KEY_NAME).exists()
        signer = _read(folder) if is_left else KeySigner.generate(Algorithm.ED25519)
        records.set_identity(name, _key_text(name, signer))
        if not is_left:
            write_private_key(folder / KEY_NAME, signer)  # on disk before anything is signed with it
        return signer, name
    if name not in (None, known[0]):
        raise WitnessStartError(
            f"the witness here is called {known[0]}, not {name}; another witness needs a folder and a key of its own",
            f"此处的见证人名为 {known[0]}，不是 {name}；另一个见证人须有自己的文件夹和密钥",
        )
    signer = _read(folder)
    if _key_text(known[0], signer) != known[1]:
        raise WitnessStartError(
            f"{KEY_NAME} is not the key of this witness, {known[1]}", f"{KEY_NAME} 不是该见证人的密钥 {known[1]}"
        )
    return signer, known[0]


def _key_text(name: str, signer: KeySigner) -> str:
    try:
        return format_verifier_key(verifier_key(name, ED25519_COSIGNATURE, signer.public))
    except FormatError as error:
        raise WitnessStartError(f"no witness can be called {name!r}: {error}", f"见证人不能名为 {name!r}") from error
    except SignatureError as error:
        raise WitnessStartError(f"{KEY_NAME} holds no Ed25519 key", f"{KEY_NAME} 中不是 Ed25519 密钥") from error


def _read(folder: Path) -> KeySigner:
    try:
        return read_private_key(folder / KEY_NAME)
    except (OSError, SignatureError) as error:
        raise WitnessStartError(f"{KEY_NAME} cannot be read: {error}", f"无法读取 {KEY_NAME}") from error


def _show_key(path: Path, line: str) -> None:
    """`path` holds the line; one that does is left alone, for another process may be reading it."""
    if not path.is_file() or path.read_text(encoding="utf-8") != line:
        path.write_text(line, encoding="utf-8")
