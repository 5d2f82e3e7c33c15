"""Whoever has seen the log before refuses each lie by its name, or cannot tell: then the table says why."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.client import Client, ClientError, TrustError
from ledger.entry import parse_entry
from ledger.errors import BrokenLogError
from ledger.known import parse_known
from ledger.statement import format_envelope
from registry.auditing import Subject, audit
from tests.hostile.lies import LIES, SENT, Lie
from tests.hostile.world import SIZE, World, source, world

IDS = [each.name for each in LIES]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as found:
        yield found


def use(client: Client, world: World) -> None:
    """A client's day: whatever it believes it has verified."""
    for position in (0, 3, 4, SENT):
        client.verify_entry(position)
    client.submit(parse_entry(client.entry_bytes(SENT)).envelope)
    client.history(world.asset)
    client.evidence(world.asset)
    list(client.assets())
    for rulebook in client.rulebooks():
        client.rulebook(rulebook["sha256"])
    client.check(client.party_id, world.asset, "research", at="2026-12-01T00:00:00Z")


def code_of(error: ClientError) -> str:
    return error.code if isinstance(error, TrustError) else type(error).__name__


def test_the_truth_is_believed(seen: World, tmp_path: Path) -> None:
    seen.liar.tells(seen.ask["truth"])
    with seen.client(tmp_path) as client:
        use(client, seen)
    with source(seen.liar.url) as found:
        report = audit(Subject(found), seen.keys, seen.known)
    assert (report.holds, report.size, report.known_checked) == (True, SIZE, 2)


@pytest.mark.parametrize("lie", LIES, ids=IDS)
def test_the_client_refuses(lie: Lie, seen: World, tmp_path: Path) -> None:
    seen.liar.tells(lie.tell(seen))
    refused = None
    try:
        with seen.client(tmp_path) as client:
            use(client, seen)
    except ClientError as error:
        refused = code_of(error)
    assert refused == lie.client
    assert lie.client or lie.why


def audited(world: World) -> list[str]:
    """The codes of what an audit finds; `unreadable` where there is no checkpoint to begin with."""
    with source(world.liar.url) as found:
        try:
            findings = audit(Subject(found), world.keys, world.known).findings
        except BrokenLogError:
            return ["unreadable"]
    assert all(finding.words_en and finding.words_zh for finding in findings)
    return [finding.what for finding in findings]


@pytest.mark.parametrize("lie", [each for each in LIES if each.auditor], ids=lambda lie: lie.name)
def test_the_auditor_names_it(lie: Lie, seen: World) -> None:
    seen.liar.tells(lie.tell(seen))
    assert audited(seen) == [lie.auditor]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("old_receipt", []),
        ("dressed_receipt", []),
        ("back_dated_receipt", []),
        ("receipt_of_a_fork", ["history_rewritten"]),
        ("receipt_under_other_keys", ["known_signature"]),
        ("receipt_of_another_entry", ["receipt_invalid"]),
    ],
)
def test_what_an_audit_says_of_a_false_receipt_that_somebody_kept(name: str, found: list[str], seen: World) -> None:
    (lie,) = (each for each in LIES if each.name == name)
    seen.liar.tells(lie.tell(seen))
    sent = format_envelope(parse_entry(seen.lives["truth"].registry.reader.entry(SENT).data).envelope)
    receipt = httpx.post(f"{seen.liar.url}/v1/statements", content=sent, headers={"Content-Type": "application/json"})
    seen.liar.tells(seen.ask["truth"])
    with source(seen.liar.url) as true:
        report = audit(Subject(true), seen.keys, parse_known(receipt.content))
    assert [finding.what for finding in report.findings] == found
