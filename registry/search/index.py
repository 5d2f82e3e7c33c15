"""Where words are looked up: FTS5 in SQLite, `tsvector` in PostgreSQL. Both keep our own words, cut and folded by us.

Neither database's tokenizer has a say: FTS5 gets words of letters, marks and digits and splits at spaces only, PostgreSQL
gets an array of lexemes. What is asked travels as a bound value made of such words, so no operator can stand in it.
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from sqlalchemy import BigInteger, Connection, Select, Text, bindparam, cast, column, func, select, table, text
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, TSVECTOR, insert

from registry.search.query import Query
from registry.store.tables import INDEXED

Kind = Literal["asset", "party"]
KINDS: tuple[Kind, ...] = ("asset", "party")
Row = tuple[int, frozenset[str]]
"""An object's reference and the words by which it is found."""
_MOST_WORDS = 32
"""Of a query that are looked up: what is found is looked at again."""


class WordIndex(Protocol):
    """Finds objects by words."""

    def create(self, tx: Connection) -> None:
        """The index is there."""

    def clear(self, tx: Connection) -> None:
        """The index is empty."""

    def put(self, tx: Connection, kind: Kind, rows: Sequence[Row]) -> None:
        """The objects are found by these words, and by no others that stood before."""

    def found(self, kind: Kind, queries: Sequence[Query], after: int = -1) -> Select[Any]:
        """Selects references above `after` of objects that have all words of some query, and perhaps of others too."""


def index_of(tx: Connection) -> WordIndex:
    """The index that the database can keep."""
    return Fts5() if tx.dialect.name == "sqlite" else Tsvector()


def create_index(tx: Connection) -> None:
    """The index is there, and the row that says how far it reaches."""
    index_of(tx).create(tx)
    if tx.execute(select(INDEXED.c.size)).first() is None:
        tx.execute(text(f"INSERT INTO {INDEXED.name} (id, size) VALUES (1, 0) ON CONFLICT (id) DO NOTHING"))  # noqa: S608


def _name(kind: Kind) -> str:
    return f"sanquan_words_{kind}"


def _looked_up(query: Query) -> list[str]:
    """The longest words say most."""
    return sorted(query, key=lambda word: (-len(word), word))[:_MOST_WORDS]


class Fts5:
    """One FTS5 table a kind; `rowid` is the object's reference. Source: sqlite.org/fts5.html."""

    def create(self, tx: Connection) -> None:
        for kind in KINDS:
            tx.exec_driver_sql(
                f"CREATE VIRTUAL TABLE IF NOT EXISTS {_name(kind)} USING fts5"
                "(words, tokenize='ascii', detail=none, columnsize=0)"
            )

    def clear(self, tx: Connection) -> None:
        for kind in KINDS:
            tx.exec_driver_sql(f"DROP TABLE IF EXISTS {_name(kind)}")
        self.create(tx)

    def put(self, tx: Connection, kind: Kind, rows: Sequence[Row]) -> None:
        if rows:
            tx.exec_driver_sql(
                f"INSERT OR REPLACE INTO {_name(kind)}(rowid, words) VALUES (?, ?)",  # noqa: S608  our own table
                [(ref, " ".join(sorted(words))) for ref, words in rows],
            )

    def found(self, kind: Kind, queries: Sequence[Query], after: int = -1) -> Select[Any]:
        asked = " OR ".join("(" + " AND ".join(f'"{word}"' for word in _looked_up(query)) + ")" for query in queries)
        fts = table(_name(kind), column("rowid", BigInteger), column(_name(kind), Text))
        return select(fts.c.rowid).where(fts.c[_name(kind)].op("MATCH")(asked), fts.c.rowid > after)


class Tsvector:
    """One table a kind with a GIN index. Source: PostgreSQL's manual, "Text Search Types"."""

    def create(self, tx: Connection) -> None:
        for kind in KINDS:
            name = _name(kind)
            tx.execute(text(f"CREATE TABLE IF NOT EXISTS {name} (ref BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)"))
            tx.execute(text(f"CREATE INDEX IF NOT EXISTS {name}_gin ON {name} USING GIN (words)"))

    def clear(self, tx: Connection) -> None:
        for kind in KINDS:
            tx.execute(_rows(kind).delete())

    def put(self, tx: Connection, kind: Kind, rows: Sequence[Row]) -> None:
        if not rows:
            return
        new = insert(_rows(kind)).values(
            ref=bindparam("ref"), words=func.array_to_tsvector(bindparam("words", type_=ARRAY(Text)))
        )
        put = new.on_conflict_do_update(index_elements=["ref"], set_={"words": new.excluded.words})
        tx.execute(put, [{"ref": ref, "words": sorted(words)} for ref, words in rows])

    def found(self, kind: Kind, queries: Sequence[Query], after: int = -1) -> Select[Any]:
        asked = " | ".join("(" + " & ".join(f"'{word}'" for word in _looked_up(query)) + ")" for query in queries)
        rows = _rows(kind)
        return select(rows.c.ref).where(rows.c.words.op("@@")(cast(asked, TSQUERY)), rows.c.ref > after)


def _rows(kind: Kind) -> Any:
    return table(_name(kind), column("ref", BigInteger), column("words", TSVECTOR))
