import json
import os
import stat
import threading
from pathlib import Path

import pytest

from api.client import ClientError, Pins, Profile, ProfileError
from ledger.identifiers import party_identifier
from ledger.keys import KeySigner, read_private_key, write_private_key
from tests.api.client.fake import FakeLog


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_use_makes_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    profile = Profile.open(tmp_path / "a" / "profile", name="济南停车公司")
    assert mode(profile.folder) == 0o700
    assert mode(profile.folder / "key.pem") == 0o600
    assert read_private_key(profile.folder / "key.pem").public == profile.signer.public
    assert profile.party_id == party_identifier(profile.signer.public)
    assert sorted(path.name for path in profile.folder.iterdir()) == ["key.pem", "profile.json"]


def test_later_uses_find_the_same_party_under_its_first_name(tmp_path: Path) -> None:
    first = Profile.open(tmp_path, name="Firm A")
    again = Profile.open(tmp_path, name="Firm B")
    assert (again.name, again.party_id) == ("Firm A", first.party_id)
    assert Profile.open(tmp_path).party_id == first.party_id


def test_without_a_name_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="--name"):
        Profile.open(tmp_path / "profile")
    assert not (tmp_path / "profile").exists()


def test_the_variable_names_the_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANQUAN_PROFILE", str(tmp_path / "here"))
    assert Profile.open(name="Firm A").folder == tmp_path / "here"
    monkeypatch.delenv("SANQUAN_PROFILE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Profile.open(name="Firm A").folder == tmp_path / ".config" / "sanquan"


@pytest.mark.parametrize(("file", "text"), [("profile.json", "{}"), ("profile.json", "["), ("key.pem", "no key")])
def test_a_damaged_profile_is_named_and_never_replaced(tmp_path: Path, file: str, text: str) -> None:
    Profile.open(tmp_path, name="Firm A")
    (tmp_path / file).write_text(text)
    with pytest.raises(ProfileError, match="cannot be read"):
        Profile.open(tmp_path, name="Firm A")
    assert (tmp_path / file).read_text() == text


def test_two_that_start_at_once_end_with_one_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2, timeout=30)
    link = os.link

    def link_together(source: Path, target: Path) -> None:
        both.wait()
        link(source, target)

    monkeypatch.setattr("api.client.profile.os.link", link_together)
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(Profile.open(tmp_path, name="Firm A").party_id)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert found[0] == found[1]
    assert json.loads((tmp_path / "profile.json").read_text()) == {"name": "Firm A"}


def test_a_key_file_alone_is_a_party(tmp_path: Path) -> None:
    signer = KeySigner.generate()
    write_private_key(tmp_path / "registrar.pem", signer)
    assert Profile.of_key(tmp_path / "registrar.pem").party_id == party_identifier(signer.public)


def test_a_client_without_a_profile_reads_but_does_not_sign(tmp_path: Path) -> None:
    with FakeLog().client(tmp_path) as client, pytest.raises(ClientError, match="profile"):
        client.act("party.update", {})
    assert Pins(tmp_path).keys("fake.test")
