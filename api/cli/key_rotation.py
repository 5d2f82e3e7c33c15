"""`sanquan keys rotate`, `keys retire`: the operator changes the keys of a running log, its seal or its clerk.

The new key is put among the server's keys first, where it is pending and signs nothing; then `log.key` says so on the
ledger, signed by the registrar's key in the same folder. A rotation that was cut off goes on with the pending key.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from api.cli.client_commands import (
    DEFAULT_URL,
    JsonOption,
    LangOption,
    UrlOption,
    keys_app,
    open_client,
    print_receipt,
    profile_of_key,
)
from api.cli.operating import DataOption
from api.cli.output import USAGE, fail, say
from api.client import Client, Receipt
from ledger.checkpoint import log_verifier_keys
from ledger.encoding import format_base64url
from ledger.identifiers import key_identifier
from ledger.keys import Algorithm, KeySigner, Signer, write_private_key
from ledger.note import format_verifier_key
from registry.drafting import sign_payload
from registry.key_ring import HeldKey, KeyFileError, later_name, read_keys

RotatedUse = Literal["log", "seal", "clerk"]
UseOption = Annotated[RotatedUse, typer.Option(help="log, seal or clerk.")]
_DEFAULT = Path("sanquan-data")
_ALGORITHMS = {"log": Algorithm.ED25519, "seal": Algorithm.ES256, "clerk": Algorithm.ED25519}


@dataclass(frozen=True, slots=True)
class Office:
    """A running registry, and the keys in its data folder."""

    client: Client
    facts: Mapping[str, Any]
    folder: Path
    held: Sequence[HeldKey]
    registrar: Signer

    def listed(self, use: RotatedUse) -> list[str]:
        """Every key that the log names or named for a use: verifier keys of the log, else identifiers."""
        match use:
            case "log":
                added = [change["add"] for change in self.facts["log_key_changes"] if "add" in change]
                return list(dict.fromkeys([*self.facts["log_keys"], *self.facts["retired_log_keys"], *added]))
            case "seal":
                return [str(key["key"]) for key in self.facts["seal_keys"]]
            case "clerk":
                return [str(key["key"]) for key in self.client.party(self.facts["clerk"])["keys"]]

    def name(self, use: RotatedUse, signer: Signer) -> str:
        """How the log tells a key of this use."""
        if use == "log":
            return format_verifier_key(*log_verifier_keys(self.client.origin, [signer]))
        return key_identifier(signer.public)

    def new_key(self, use: RotatedUse, algorithm: Algorithm) -> Signer:
        """A key among the server's that the log does not know yet: one left over, else made now."""
        listed = self.listed(use)
        for key in self.held:
            pending = key.use == use and not key.is_first and self.name(use, key.signer) not in listed
            if pending and key.signer.algorithm is algorithm:
                return key.signer
        made = KeySigner.generate(algorithm)
        write_private_key(self.folder / f"{later_name(use, made, self.client.origin)}.pem", made)
        return made

    def send(self, body: Mapping[str, Any], proofs: Sequence[Signer]) -> Receipt:
        """`log.key`, signed by the registrar and by the keys that prove themselves."""
        payload = self.client.payload("log.key", body, by=str(self.facts["registrar"]))
        return self.client.submit(sign_payload(payload, [self.registrar, *proofs]))


@contextmanager
def _office(data: Path, url: str, lang: str | None) -> Iterator[Office]:
    folder = data / "keys"
    try:
        held = read_keys(folder)
    except KeyFileError as error:
        fail(USAGE, str(error), f"密钥无法读取：{error.path}", lang)
    registrars = [key for key in held if key.use == "registrar"]
    if not registrars:
        fail(USAGE, f"{folder} holds no key of the registrar", f"{folder} 中没有登记机构的密钥", lang)
    first = registrars[0].path
    profile = profile_of_key(first, lang) if first is not None and first.suffix == ".pem" else None
    with open_client(url, profile, lang) as client:
        facts = client.well_known()
        shown = client.party(facts["registrar"])["keys"]
        live = {key["key"] for key in shown if "revoked" not in key}
        signers = [key.signer for key in registrars if key_identifier(key.signer.public) in live]
        if not signers:
            fail(
                USAGE,
                f"{folder} is not that of {client.origin}: its registrar's key is another",
                f"{folder} 不属于 {client.origin}：登记机构的密钥不同",
                lang,
            )
        yield Office(client, facts, folder, held, signers[-1])


def _listed_key(office: Office, use: RotatedUse, text: str, lang: str | None) -> str:
    """The key that the operator means: whole, or the eight hexadecimal digits of a verifier key."""
    listed = office.listed(use)
    found = [key for key in listed if text == key or (use == "log" and text == key.split("+")[1])]
    if len(found) != 1:
        fail(USAGE, f"{text} is no key of this use", f"{text} 不是用于此目的的密钥", lang)
    return found[0]


@keys_app.command("rotate")
def keys_rotate(
    use: UseOption, data: DataOption = _DEFAULT,
    alg: Annotated[str | None, typer.Option(help="Ed25519 or ML-DSA-44 for log and clerk; the seal's is ES256.")] = None,
    retire: Annotated[
        str | None, typer.Option(help="The key that ends with this: vkey or its 8 hexadecimal digits, key_… otherwise.")
    ] = None,
    url: UrlOption = DEFAULT_URL, as_json: JsonOption = False, lang: LangOption = None,
) -> None:  # fmt: skip
    """Make a new key of the log, its seal or its clerk, and put it on the ledger."""
    algorithm = _algorithm(use, alg, lang)
    with _office(data, url, lang) as office:
        old = _listed_key(office, use, retire, lang) if retire else None
        key = office.new_key(use, algorithm)
        name = office.name(use, key)
        shape = {"alg": key.algorithm.value, "public": format_base64url(key.public)}
        body: dict[str, Any] = {"use": use, "add": name if use == "log" else shape}
        receipt = office.send(body | ({"retire": old} if old else {}), [] if use == "log" else [key])
        print_receipt(receipt, as_json=as_json, lang=lang)
        if not as_json:
            say(f"  new: {name}", f"  新密钥：{name}", lang)


def _algorithm(use: RotatedUse, text: str | None, lang: str | None) -> Algorithm:
    algorithm = _ALGORITHMS[use] if text is None else next((each for each in Algorithm if each == text), None)
    if algorithm is None or (algorithm is Algorithm.ES256) != (use == "seal"):
        fail(USAGE, f"--alg: {text} is not for {use}", f"--alg：{use} 不使用 {text}", lang)
    return algorithm


@keys_app.command("retire")
def keys_retire(
    key: Annotated[str, typer.Argument(help="A vkey or its 8 hexadecimal digits; key_… of seal and clerk.")],
    use: UseOption, data: DataOption = _DEFAULT, url: UrlOption = DEFAULT_URL, as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:  # fmt: skip
    """Retire a key of the log, its seal or its clerk; what it signed holds for ever."""
    with _office(data, url, lang) as office:
        body = {"use": use, "retire": _listed_key(office, use, key, lang)}
        print_receipt(office.send(body, []), as_json=as_json, lang=lang)


def install(app: typer.Typer) -> None:
    """The commands are there."""
