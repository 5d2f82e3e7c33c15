"""A registry, put together: database, journal, keys, log, office and reader. Opened by the server, tools and tests."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine

from ledger.log import Log
from ledger.storage.sql import SqlLogStorage
from registry.clock import Clock, SystemClock
from registry.desk.access import ReadingRoom
from registry.desk.drafts import Drafts
from registry.desk.front_desk import FrontDesk
from registry.desk.sealing import SECRET_BYTES, Sealer
from registry.documents.erasure import Eraser
from registry.documents.folder import Documents
from registry.documents.keeping import Keeper
from registry.evidence import Evidencer
from registry.founding import (
    FoundingError,
    RegistryKeys,
    open_journal,
    read_or_make_custody_key,
    read_or_make_token,
)
from registry.housekeeping import Housekeeping
from registry.judging import Rules
from registry.key_ring import KeyRing
from registry.office import Office
from registry.own_keys import open_keys
from registry.reading import Reader
from registry.search.indexer import Indexer
from registry.starting import KeptElsewhere, start
from registry.store.database import WRITER_CACHE_KIB, create_tables, open_database, sqlite_url
from registry.store.loading import load_registry
from registry.succession import Continues

DEFAULT_NAME = "Sanquan registry / 三权登记处"


@dataclass(frozen=True, slots=True)
class Options:
    """How a registry is opened. `folder` None: everything in memory but the database, for tests."""

    folder: Path | None = None
    origin: str | None = None
    database: str | None = None
    name: str = DEFAULT_NAME
    identifier: dict[str, str] | None = None
    verified_only: bool = False
    continues: Continues | None = None
    kept_elsewhere: KeptElsewhere = lambda _origin: ()


@dataclass(slots=True)
class Registry:
    """An open registry. `close` it when done."""

    origin: str
    keys: RegistryKeys
    ring: KeyRing
    office: Office
    reader: Reader
    documents: Documents
    eraser: Eraser
    keeper: Keeper
    drafts: Drafts
    clock: Clock
    log: Log[Connection]
    engine: Engine
    desk: FrontDesk
    reading_room: ReadingRoom
    evidencer: Evidencer
    indexer: Indexer
    admin_token: str
    is_new: bool
    _closers: list[Callable[[], None]] = field(default_factory=list)

    def close(self) -> None:
        """What was queued is answered, files are released."""
        for closer in self._closers:
            closer()


def open_registry(options: Options, clock: Clock | None = None, database: str | None = None) -> Registry:
    """The registry in the folder, made on a first start with an empty database and journal.

    Raises:
        FoundingError: keys missing or not those of the log, another origin, or no log where a journal is.
    """
    folder = options.folder
    clock = clock or SystemClock()
    if folder:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = database or options.database or (sqlite_url(folder / "registry.db") if folder else "")
    engine, writing = open_database(url), open_database(url, connections=1, cache_kib=WRITER_CACHE_KIB)
    storage = SqlLogStorage()
    with engine.begin() as tx:
        storage.create(tx)
        create_tables(tx)
        known = load_registry(tx)
    if known is not None and options.origin and options.origin != known.origin:
        raise FoundingError(
            f"this is the registry {known.origin}, not {options.origin}",
            f"此处的登记簿为 {known.origin}，不是 {options.origin}",
        )
    keys, ring = open_keys(folder / "keys" if folder else None, known, engine, storage, clock)
    secret = read_or_make_custody_key(folder / "keys") if folder else secrets.token_bytes(SECRET_BYTES)
    token = read_or_make_token(folder / "admin.token") if folder else ""
    origin = known.origin if known else options.origin or keys.default_origin()
    ring.open(origin, known)
    journal = open_journal(folder)
    documents = Documents(folder / "documents" if folder else None)
    log: Log[Connection] = Log(storage, origin, ring, journal)
    eraser = Eraser(writing, documents)
    eraser.sweep()
    rules = Rules(documents.rulebook, options.verified_only, ring.holds)
    indexer = Indexer(engine)
    office = Office(engine, writing, log, clock, rules, eraser, indexer.wake, ring.follow)
    desk = FrontDesk(engine, log, office, clock, Sealer(secret))
    keeper = Keeper(engine, clock, documents, verified_only=options.verified_only)
    drafts = Drafts(engine, log, office, clock, rules)
    housekeeping = Housekeeping([keeper.sweep, drafts.sweep], lambda: office.read_only is None)
    reader = Reader(engine, log, clock, documents.has)
    registry = Registry(
        origin, keys, ring, office, reader, documents, eraser, keeper, drafts, clock, log, engine, desk, ReadingRoom(engine, clock),
        Evidencer(engine, log, documents.get),
        indexer, token, known is None, [housekeeping.stop, office.stop, indexer.stop, journal.close, engine.dispose, writing.dispose],
    )  # fmt: skip
    try:
        documents.drop_unfinished()
        start(registry, options, engine)
        housekeeping.start()
    except BaseException:
        registry.close()
        raise
    return registry
