"""A process of its own that appends to a log and prints what it may rely on: `python -m tests.ledger.appending`.

Arguments: the database's URL, the journal's path, a salt, how many batches. It waits for a line before it begins, and
prints a JSON line for each entry once a root that covers it is signed and stored.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, create_engine

from ledger.errors import HeadConflictError
from ledger.journal import SigningJournal
from ledger.log import Appended, Log
from ledger.storage.sql import SqlLogStorage
from registry.store.database import open_database, writing
from tests.ledger.logs import LOG_SIGNERS, START, folios_of, make_envelope
from tests.ledger.support import ORIGIN


def engine_of(url: str) -> Engine:
    return open_database(url) if url.startswith("sqlite") else create_engine(url)


def append_one(log: Log, engine: Engine, number: int, salt: str) -> tuple[Appended, bytes]:
    """The entry is committed, however often another writer is first."""
    while True:
        try:
            with writing(engine) as tx:
                batch = log.open_batch(tx, START + timedelta(days=1))
                envelope = make_envelope(number, salt)
                batch.add(envelope, envelope.digest(), folios_of(number))
                appended = batch.write(tx)
                assert appended
        except HeadConflictError:
            continue
        log.adopt(appended)
        return appended, envelope.digest()


def main(url: str, journal: str, salt: str, count: int) -> None:
    engine, storage = engine_of(url), SqlLogStorage()
    log = Log(storage, ORIGIN, LOG_SIGNERS, SigningJournal(Path(journal)))
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(1, count + 1):
        appended, digest = append_one(log, engine, number, salt)
        row = log.sign_covering(appended.head, engine.connect)
        with writing(engine) as tx:
            storage.put_checkpoint(tx, row)
        said = {"statement": digest.hex(), "position": appended.head.size - 1, "note": row.note}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
