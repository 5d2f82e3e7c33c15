"""Key URIs: where a private key is, behind the one protocol `ledger.keys.Signer`. ledger.md 0.10.

    file:/etc/sanquan/log.pem      an unencrypted PKCS#8 key in a file, by its absolute path (RFC 8089)
    env:REGISTRY_LOG_KEY           the same text in an environment variable

`SCHEMES` is open: a hardware module (`pkcs11:`, RFC 7512) or a key service adds an entry that answers a signer which
never shows its key.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from ledger.errors import LedgerError, SignatureError
from ledger.keys import KeySigner, Signer

MAX_URI_CHARACTERS = 4_096


class KeyUriError(LedgerError):
    """There is no key where the URI says. The text names the URI, never what was found there."""


def _from_file(place: str) -> bytes:
    path = Path(place.removeprefix("//") if place.startswith("///") else place)
    if not path.is_absolute() or place.startswith("//") != place.startswith("///"):
        raise KeyUriError("a file: URI of a key names an absolute path on this machine")
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyUriError(f"{path} cannot be read: {error.strerror}") from error


def _from_environment(name: str) -> bytes:
    text = os.environ.get(name)
    if not name or text is None:
        raise KeyUriError(f"the environment variable {name or '(none named)'} is not set")
    return text.encode()


def _pkcs8(read: Callable[[str], bytes]) -> Callable[[str], Signer]:
    def opened(rest: str) -> Signer:
        try:
            return KeySigner.from_pem(read(rest))
        except SignatureError as error:
            raise KeyUriError(f"what is there is {error}") from error

    return opened


SCHEMES: Mapping[str, Callable[[str], Signer]] = MappingProxyType(
    {"file": _pkcs8(_from_file), "env": _pkcs8(_from_environment)}
)
"""What opens the rest of a URI, by its scheme."""


def open_signer(uri: str, schemes: Mapping[str, Callable[[str], Signer]] = SCHEMES) -> Signer:
    """The signer that a key URI names.

    Raises:
        KeyUriError: no URI, a scheme that is not known here, or no usable key behind it.
    """
    scheme, colon, rest = uri.partition(":")
    if not colon or len(uri) > MAX_URI_CHARACTERS or not uri.isprintable():
        raise KeyUriError("a key URI is a scheme, a colon and a place, on one line")
    opener = schemes.get(scheme.lower())
    if opener is None:
        raise KeyUriError(f"keys of the scheme {scheme!r} are not known here, only {', '.join(schemes)}")
    return opener(rest)
