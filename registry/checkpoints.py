"""The checkpoint rows that the journal speaks of and the database lacks: the same roots, signed again.

A power cut may take the newest row, an older copy of the database lacks many. Sizes that were signed once stay signed:
receipts to them, and the partial tiles that they imply, are answered as before. ledger.md 0.6.
"""

from collections.abc import Iterator
from contextlib import suppress

from sqlalchemy import Connection, Engine

from ledger.errors import SignatureError
from ledger.journal import Journal, SignedRoot
from ledger.log import Log, is_on_history
from ledger.storage import Head
from registry.store.database import writing

_AT_ONCE = 256


def sign_again(log: Log[Connection], engine: Engine, above: int = 0) -> int:
    """Every size above `above` that the journal knows and the database covers has its row; answers how many were made.

    Raises:
        JournalConflictError: the log has ended.
    """
    made = 0
    for signed in signed_above(log.journal, above):
        with writing(engine) as tx:
            if log.storage.checkpoint(tx, signed.size) is None and is_on_history(log.storage, tx, signed):
                with suppress(SignatureError):  # a key that was retired since is not at hand: that size stays unsigned
                    log.storage.put_checkpoint(tx, log.sign(Head(*signed)))
                    made += 1
    return made


def signed_above(journal: Journal, size: int) -> Iterator[SignedRoot]:
    """All signed sizes greater than `size`, ascending."""
    while chunk := journal.above(size, _AT_ONCE):
        yield from chunk
        size = chunk[-1].size
