"""The keys of one's own registry, read and compared with the log that is there."""

from contextlib import suppress
from pathlib import Path

from sqlalchemy import Engine

from ledger.entry import parse_entry
from ledger.errors import FormatError
from ledger.storage.sql import SqlLogStorage
from registry.clock import Clock
from registry.founding import (
    RegistryKeys,
    check_keys,
    founding_keys,
    keys_on_log,
    read_held_keys,
    read_or_make_keys,
)
from registry.key_ring import KeyRing
from registry.register.office_state import Registry
from registry.store.loading import load_parties, load_registry


def open_keys(
    folder: Path | None, known: Registry | None, engine: Engine, storage: SqlLogStorage, clock: Clock
) -> tuple[RegistryKeys, KeyRing]:
    """The keys in use and all that are held: those of the log that is `known`, or those that will open one.

    Without a folder they are in memory only.

    Raises:
        FoundingError: keys are missing, cannot be read, or are not those of the log.
    """

    def signed_below(size: int) -> int:
        with engine.connect() as tx:
            return storage.signed_below(tx, size)

    def clerks() -> list[str]:
        with engine.connect() as tx:
            found = load_registry(tx)
            party = load_parties(tx, [found.clerk])["party", found.clerk] if found else None
        return [key.key for key in party.keys if key.is_live(clock.now())] if party else []

    if known is None:
        if folder is None:
            keys = RegistryKeys.generate()
            return keys, KeyRing(keys.held(), None, signed_below, clerks)
        held = read_or_make_keys(folder)
        return founding_keys(held), KeyRing(held, folder, signed_below, clerks)
    held = read_held_keys(folder) if folder else RegistryKeys.generate().held()
    with engine.connect() as tx:
        parties = load_parties(tx, [known.registrar, known.clerk])
        rows = storage.entries(tx, (size := storage.head(tx).size) - 1, size)
    then = clock.now()
    with suppress(FormatError, IndexError):  # what is wrong with the database is for the start to say
        then = max(then, parse_entry(rows[0].data).time)  # a clock that is behind is no reason to miss a key
    registrar, clerk = (parties["party", name] for name in (known.registrar, known.clerk))
    keys = check_keys(held, keys_on_log(known, registrar, clerk, then), known.origin)
    return keys, KeyRing(held, folder, signed_below, clerks)
