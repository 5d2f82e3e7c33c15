"""The ledger's tables. Integer keys inside; the only random key is the statement's digest, which must be unique."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary
from sqlmodel import Field, SQLModel


class EntryTable(SQLModel, table=True):
    __tablename__ = "sanquan_entry"

    position: int = Field(sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True))
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    leaf: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    statement: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, unique=True))


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


class HeadTable(SQLModel, table=True):
    """One row."""

    __tablename__ = "sanquan_log_head"

    id: int = Field(primary_key=True)
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    root: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))


METADATA = SQLModel.metadata
TABLES = [
    METADATA.tables[name]
    for name in ("sanquan_entry", "sanquan_folio", "sanquan_tile", "sanquan_checkpoint", "sanquan_log_head")
]
