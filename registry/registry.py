"""A registry, put together: database, journal, keys, log, office and reader. Opened by the server, tools and tests."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine

from ledger.entry import parse_entry
from ledger.journal import SigningJournal
from ledger.log import Log, node_reader
from ledger.merkle import root_at
from ledger.statement import format_envelope
from ledger.storage.sql import SqlLogStorage
from registry.clock import Clock, SystemClock
from registry.desk.access import ReadingRoom
from registry.desk.drafts import Drafts
from registry.desk.front_desk import FrontDesk
from registry.desk.sealing import SECRET_BYTES, Sealer, SealError
from registry.documents.erasure import Eraser
from registry.documents.folder import Documents
from registry.documents.keeping import Keeper
from registry.founding import (
    FoundingError,
    RegistryKeys,
    check_keys,
    founding_keys,
    keys_on_log,
    opening_statement,
    read_held_keys,
    read_or_make_custody_key,
    read_or_make_keys,
    read_or_make_token,
)
from registry.housekeeping import Housekeeping
from registry.judging import Rules
from registry.key_ring import KeyRing
from registry.office import Office
from registry.reading import Reader
from registry.refusals.refusal import Words
from registry.register.office_state import Registry as OfficeState
from registry.search.indexer import Indexer
from registry.store.database import WRITER_CACHE_KIB, create_tables, open_database, sqlite_url
from registry.store.loading import load_parties, load_registry

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
    keys, ring = _keys(folder, known, engine, storage, clock)
    secret = read_or_make_custody_key(folder / "keys") if folder else secrets.token_bytes(SECRET_BYTES)
    token = read_or_make_token(folder / "admin.token") if folder else ""
    origin = known.origin if known else options.origin or keys.default_origin()
    ring.open(origin, known)
    journal = SigningJournal(folder / "journal.db" if folder else None)
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
        indexer, token, known is None, [housekeeping.stop, office.stop, indexer.stop, journal.close, engine.dispose, writing.dispose],
    )  # fmt: skip
    try:
        documents.drop_unfinished()
        _start(registry, options, engine)
        housekeeping.start()
    except BaseException:
        registry.close()
        raise
    return registry


def _keys(
    folder: Path | None, known: OfficeState | None, engine: Engine, storage: SqlLogStorage, clock: Clock
) -> tuple[RegistryKeys, KeyRing]:
    """The keys in use and all that are held: those of the log that is there, or those that will open one."""

    def signed_below(size: int) -> int:
        with engine.connect() as tx:
            return storage.signed_below(tx, size)

    def clerks() -> list[str]:
        with engine.connect() as tx:
            found = load_registry(tx)
            party = load_parties(tx, [found.clerk])["party", found.clerk] if found else None
        return [key.key for key in party.keys if key.is_live(clock.now())] if party else []

    place = folder / "keys" if folder else None
    if known is None:
        if place is None:
            keys = RegistryKeys.generate()
            return keys, KeyRing(keys.held(), None, signed_below, clerks)
        held = read_or_make_keys(place)
        return founding_keys(held), KeyRing(held, place, signed_below, clerks)
    held = read_held_keys(place) if place else RegistryKeys.generate().held()
    with engine.connect() as tx:
        parties = load_parties(tx, [known.registrar, known.clerk])
        (newest,) = storage.entries(tx, (size := storage.head(tx).size) - 1, size)
    now = max(clock.now(), parse_entry(newest.data).time)  # a clock that is behind is no reason to miss a key
    registrar, clerk = (parties["party", name] for name in (known.registrar, known.clerk))
    keys = check_keys(held, keys_on_log(known, registrar, clerk, now), known.origin)
    return keys, KeyRing(held, place, signed_below, clerks)


def _start(registry: Registry, options: Options, engine: Engine) -> None:
    """The log is open and the newest root signed; read-only if the database is behind the journal."""
    builtin = registry.documents.put_builtin("internal")
    try:
        registry.desk.check()
    except SealError as error:
        raise FoundingError(
            "keys/custody.key is not the one that the keys in custody were sealed with; put the right one back",
            "keys/custody.key 不是封存托管密钥时所用的那一把；请放回正确的文件",
        ) from error
    with engine.connect() as tx:
        head = registry.log.storage.head(tx)
    signed = registry.log.signed_before()
    if signed is not None and signed[0] > head.size:
        registry.office.read_only = Words(
            f"The journal says that {signed[0]} entries were signed, but the database holds {head.size}: an older copy "
            "was put back. Restore the newest copy.",
            f"签署日志载明已签署 {signed[0]} 条分录，而数据库只有 {head.size} 条：放回的是较旧的副本。请恢复最新的副本。",
        )
    elif signed is not None and not _leads_to(registry, engine, *signed):
        registry.office.read_only = Words(
            f"The journal says that another history of {signed[0]} entries was signed than the one in the database. "
            "Restore the copy that was signed.",
            f"签署日志所载的 {signed[0]} 条分录与数据库中的不是同一历史。请恢复已签署的那一份副本。",
        )
    if registry.office.read_only is not None and registry.is_new:
        raise FoundingError(
            "a journal is here but no log; restore the database that belongs to it",
            "有签署日志而没有账本；请恢复与之对应的数据库",
        )
    registry.office.start()
    if registry.office.read_only is None:
        registry.indexer.start()
    if registry.is_new:
        envelope = opening_statement(
            registry.keys, registry.origin, registry.clock, builtin, options.name, options.identifier
        )
        (answer,) = registry.office.submit([format_envelope(envelope).encode()])
        if answer.refusal:
            words = answer.refusal.reasons[0].message
            raise FoundingError(f"the log could not be opened: {words.en}", f"账本未能开立：{words.zh}")


def _leads_to(registry: Registry, engine: Engine, size: int, root: bytes) -> bool:
    """Whether the first `size` entries of the database have this root."""
    with engine.connect() as tx:
        return root_at(size, node_reader(registry.log.storage, tx)) == root
