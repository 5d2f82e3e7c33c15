"""Key URIs. ledger.md 0.10."""

from pathlib import Path

import pytest

from ledger.key_uris import SCHEMES, KeyUriError, open_signer
from ledger.keys import Algorithm, KeySigner, Signer, verify_signature, write_private_key

MESSAGE = b"message"


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_key_in_a_file_or_in_the_environment(
    algorithm: Algorithm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = KeySigner.generate(algorithm)
    write_private_key(tmp_path / "key.pem", key)
    monkeypatch.setenv("REGISTRY_KEY", key.to_pem().decode())
    for uri in (
        f"file:{tmp_path}/key.pem",
        f"file://{tmp_path}/key.pem",
        f"FILE:{tmp_path}/key.pem",
        "env:REGISTRY_KEY",
    ):
        found = open_signer(uri)
        assert (found.algorithm, found.public) == (algorithm, key.public)
        verify_signature(algorithm, key.public, MESSAGE, found.sign(MESSAGE))


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("pkcs11:token=log;object=key", "'pkcs11' are not known here, only file, env"),
        ("https://keys.example/1", "'https' are not known here"),
        ("/etc/key.pem", "a scheme, a colon and a place"),
        ("", "a scheme, a colon and a place"),
        ("file:key.pem", "absolute path"),
        ("file://elsewhere/key.pem", "absolute path"),
        ("file:", "absolute path"),
        ("file:/nowhere/key.pem", "cannot be read"),
        ("env:REGISTRY_KEY_THAT_IS_NOT_SET", "is not set"),
        ("env:", "is not set"),
        ("env:A\nenv:B", "on one line"),
        ("env:" + "A" * 5_000, "on one line"),
    ],
)
def test_no_key(uri: str, why: str) -> None:
    with pytest.raises(KeyUriError, match=why):
        open_signer(uri)


def test_what_is_no_key_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_KEY", "a secret of another kind")
    with pytest.raises(KeyUriError, match="unencrypted PKCS#8") as caught:
        open_signer("env:REGISTRY_KEY")
    assert "secret" not in str(caught.value)
    with pytest.raises(KeyUriError, match="cannot be read"):
        open_signer(f"file:{tmp_path}")


def test_the_table_is_open() -> None:
    key: Signer = KeySigner.generate()
    assert open_signer("pkcs11:object=log", {**SCHEMES, "pkcs11": lambda rest: key}) is key
