"""The ledger's tables. Integer keys inside; the only random keys, those of statements, are in a `Lookup`."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary
from sqlmodel import Field, SQLModel


class EntryTable(SQLModel, table=True):
    __tablename__ = "sanquan_entry"

    position: int = Field(sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True))
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    leaf: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    statement: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))


class _LookupColumns(SQLModel):
    """The form of both tables of a `ledger.storage.lookup.Lookup`."""

    key: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    ref: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})


class StatementTable(_LookupColumns, table=True):
    """Positions of statements by the first 64 bits of their digest: all but the newest."""

    __tablename__ = "sanquan_statement"
    __table_args__ = {"sqlite_with_rowid": False}


class NewestStatementTable(_LookupColumns, table=True):
    __tablename__ = "sanquan_statement_newest"
    __table_args__ = {"sqlite_with_rowid": False}


class FolioTable(SQLModel, table=True):
    __tablename__ = "sanquan_folio"
    __table_args__ = {"sqlite_with_rowid": False}

    folio: str = Field(primary_key=True, max_length=32)
    number: int = Field(sa_column=Column(BigInteger, primary_key=True))
    position: int = Field(sa_column=Column(BigInteger, nullable=False))


class TileTable(SQLModel, table=True):
    __tablename__ = "sanquan_tile"

    level: int = Field(primary_key=True)
    index: int = Field(sa_column=Column(BigInteger, primary_key=True))
    hashes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CheckpointTable(SQLModel, table=True):
    __tablename__ = "sanquan_checkpoint"

    size: int = Field(sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True))
    root: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    note: str


class PublishedTable(SQLModel, table=True):
    """One row at most: what is published under a policy of witnesses."""

    __tablename__ = "sanquan_published"

    id: int = Field(primary_key=True)
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    root: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    note: str


class HeadTable(SQLModel, table=True):
    """One row."""

    __tablename__ = "sanquan_log_head"

    id: int = Field(primary_key=True)
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    root: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))


METADATA = SQLModel.metadata
_NAMES = ("entry", "folio", "tile", "checkpoint", "published", "log_head")
TABLES = [METADATA.tables[f"sanquan_{name}"] for name in _NAMES]
STATEMENTS = (METADATA.tables["sanquan_statement"], METADATA.tables["sanquan_statement_newest"])
