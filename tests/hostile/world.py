"""One history and what else could be made of it: the same log a while ago, forked, rewritten, under other keys.

Every registry here is a real one. Those that share keys are what an operator can do who has all of them.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from api.client import Client, Pins, Profile, Receipt
from api.demo.forgers import operators_keys, rewrite
from ledger.entry import Entry
from ledger.journal import SigningJournal
from ledger.keys import Signer
from ledger.known import Known, parse_known
from ledger.note import VerifierKey, parse_verifier_key
from ledger.sources import UrlSource
from ledger.storage.sql import SqlLogStorage
from registry.store.database import open_database, sqlite_url
from tests.api.live import FORM, OWN, Live, live_registry
from tests.hostile.liar import Liar, Upstream, lying

ORIGIN = "log.test"
URL = "http://registry.example"
"""The registry's address, as the client knows it."""
COMMON, SEEN, SIZE = 6, 8, 9
"""How many entries the histories share, how many the client has seen of the true one, and how many that has now."""


@dataclass
class World:
    """`truth` goes on from what the client saw; the others contradict it. `asset` has entries 2 and 5 on its folio."""

    liar: Liar
    lives: dict[str, Live]
    ask: dict[str, Upstream]
    home: Path
    signers: Sequence[Signer]
    keys: Sequence[VerifierKey]
    asset: str
    receipt: Receipt
    seen: str

    @property
    def known(self) -> list[Known]:
        """What the client kept: a receipt and a checkpoint."""
        return [*parse_known(json.dumps(dict(self.receipt.facts)).encode()), *parse_known(self.seen.encode())]

    def client(self, folder: Path, **more: Any) -> Client:
        """The client that has seen `SEEN` entries of the truth, with a copy of what it remembers; it asks the liar."""
        pins = folder / "pins"
        shutil.copytree(self.home / "pins", pins, dirs_exist_ok=True)
        via = _Via(self.liar.url)
        return Client(URL, Profile.open(self.home / "profile"), pins=Pins(pins), language="en", transport=via, **more)


class _Via(httpx.HTTPTransport):
    """Whatever address is asked for, there is the one server."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._there = httpx.URL(url)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host=self._there.host, port=self._there.port)
        return super().handle_request(request)


def _claims(client: Client) -> list[dict[str, Any]]:
    return [{"party": client.party_id, "rights": ["holding", "processing", "operating"]}]


def file_asset(client: Client, name: str) -> Receipt:
    """One more entry."""
    return client.file(FORM | {"name": name}, [OWN], _claims(client))


def _begin(folder: Path, home: Path) -> tuple[Receipt, str]:
    """What all histories begin with, but the rewritten one."""
    with live_registry(folder, origin=ORIGIN) as live, live.client(home) as client:
        client.ensure_registered()
        receipts = [file_asset(client, f"停车数据{number}") for number in range(3)]
        body = {"target": receipts[0].id("ast"), "evidence": [{"kind": "contract", "sha256": "ab" * 32}]}
        client.act("evidence.attach", body)
        assert live.size() == COMMON
        return receipts[0], receipts[0].id("ast")


def _go_on(live: Live, home: Path, pins: Path, names: Sequence[str]) -> None:
    """The history has more entries."""
    with Client(live.url, Profile.open(home / "profile"), pins=Pins(pins)) as client:
        for name in names:
            file_asset(client, name)


def _look(live: Live, home: Path) -> str:
    """The client has seen what is published, under the registry's own address; answers the checkpoint."""
    note = _await_publication(live, SEEN)
    Client(URL, pins=Pins(home / "pins"), transport=_Via(live.url)).close()
    return note


def _await_publication(live: Live, size: int) -> str:
    """The checkpoint of all entries, which are published at most once a second."""
    assert live.size() == size
    while f"\n{size}\n" not in (note := live.http.get("/checkpoint").text):
        pass
    return note


def _is_third(entry: Entry) -> bool:
    return entry.position == 3


def _rewrite(folder: Path, signers: Sequence[Signer]) -> None:
    """The folder holds another history, and a journal that says that it was always so."""
    rewrite(folder, _is_third, signers)
    for path in folder.glob("journal.db*"):
        path.unlink()
    engine, storage = open_database(sqlite_url(folder / "registry.db")), SqlLogStorage()
    journal = SigningJournal(folder / "journal.db")
    with engine.connect() as tx:
        head = storage.head(tx)
        journal.record(head.size, head.root)
    journal.close()
    engine.dispose()


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """All of it while the block runs."""
    home = folder / "home"
    receipt, asset = _begin(folder / "truth", home)
    for name in ("fork", "old", "rewritten"):
        shutil.copytree(folder / "truth", folder / name)
    signers = operators_keys(folder / "truth")
    _rewrite(folder / "rewritten", signers)
    with ExitStack() as stack:
        lives = {
            name: stack.enter_context(live_registry(folder / name, origin=ORIGIN))
            for name in ("truth", "fork", "old", "rewritten", "impostor")
        }
        lives["elsewhere"] = stack.enter_context(live_registry(folder / "elsewhere", origin="other.test"))
        _go_on(lives["truth"], home, home / "pins", ["甲", "乙"])
        seen = _look(lives["truth"], home)
        _go_on(lives["truth"], home, folder / "pins", ["丙"])
        _go_on(lives["fork"], home, folder / "pins-fork", ["丁", "戊", "己"])
        _go_on(lives["rewritten"], home, folder / "pins-rewritten", ["庚", "辛", "壬", "癸"])
        for name in ("truth", "fork", "rewritten"):
            _await_publication(lives[name], SIZE)
        ask = {name: Upstream(live.url) for name, live in lives.items()}
        stack.callback(lambda: [each.close() for each in ask.values()])
        keys = [parse_verifier_key(text) for text in lives["truth"].registry.keys.log_keys(ORIGIN)]
        liar = stack.enter_context(lying())
        yield World(liar, lives, ask, home, signers, keys, asset, receipt, seen)


@contextmanager
def source(url: str) -> Iterator[UrlSource]:
    """The log as an auditor reads it."""
    with UrlSource(url) as found:
        yield found
