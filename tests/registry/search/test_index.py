"""Both indexes find what the shared table says, and the same as each other."""

import random
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from registry.search.index import Fts5, Tsvector, WordIndex, index_of
from registry.search.query import matches, parse_queries
from registry.search.words import all_words
from registry.store.database import open_database, sqlite_url
from tests.postgres import postgres
from tests.registry.search.table import ASKED, query, rows


def found(tx: Connection, index: WordIndex, texts: Sequence[str], after: int = -1) -> list[int]:
    return sorted(tx.execute(index.found("asset", parse_queries(texts), after)).scalars())


def finds_what_the_table_says(engine: Engine) -> None:
    with engine.begin() as tx:
        index = index_of(tx)
        index.create(tx)
        index.create(tx)
        index.put(tx, "asset", rows())
        index.put(tx, "party", [(7, all_words(["济南"]))])
        for place, case in enumerate(ASKED):
            hits = set(tx.execute(index.found("asset", query(case))).scalars())
            assert (place in hits) == case["found"], case
            assert hits == {ref for ref, words in rows() if matches(query(case), words)}, case


def replaces_appends_and_empties(engine: Engine) -> None:
    with engine.begin() as tx:
        index = index_of(tx)
        index.clear(tx)
        big = 2**40
        index.put(tx, "asset", [(1, all_words(["济南 abc"])), (big, all_words(["济南"]))])
        index.put(tx, "asset", [])
        assert found(tx, index, ["济南"]) == [1, big]
        assert found(tx, index, ["济南"], after=1) == [big]
        assert found(tx, index, ["青岛", "abc"]) == [1]
        index.put(tx, "asset", [(1, all_words(["青岛"])), (2, frozenset())])
        assert (found(tx, index, ["济南"]), found(tx, index, ["abc"]), found(tx, index, ["青岛"])) == ([big], [], [1])
        long = " ".join(random.Random(1).sample([chr(n) for n in range(0x5000, 0x9000)], 90))[:190].replace(" ", "")
        index.put(tx, "asset", [(3, all_words([long + "尾巴"]))])
        assert found(tx, index, [long]) == [3]
        index.clear(tx)
        assert found(tx, index, ["青岛"]) == []


def test_fts5(tmp_path: Path) -> None:
    engine = open_database(sqlite_url(tmp_path / "words.db"))
    try:
        with engine.connect() as tx:
            assert isinstance(index_of(tx), Fts5)
        finds_what_the_table_says(engine)
        replaces_appends_and_empties(engine)
    finally:
        engine.dispose()


def test_postgresql() -> None:
    with postgres() as engine:
        with engine.connect() as tx:
            assert isinstance(index_of(tx), Tsvector)
        finds_what_the_table_says(engine)
        replaces_appends_and_empties(engine)
        with engine.begin() as tx:
            index_of(tx).put(tx, "asset", rows())
            tx.execute(text("SET LOCAL enable_seqscan = off"))
            asked = "SELECT ref FROM sanquan_words_asset WHERE words @@ CAST(:asked AS tsquery)"
            plan = tx.execute(text(f"EXPLAIN {asked}"), {"asked": "'济南'"}).scalars()
            assert "sanquan_words_asset_gin" in "\n".join(plan)
