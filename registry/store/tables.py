"""The register's tables.

Objects are kept whole as JSON beside the columns that are searched by. `ref` is the position of the entry that made
the object times 64 plus its number, so a rebuild gives the same keys. `ast_`, `cas_`, `rgt_` identifiers are found
through the stem they share with their statement; no table repeats them in an index of its own.
"""

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from registry.store.columns import whole_number


class ActTable(SQLModel, table=True):
    """What each entry did, and what its receipt says besides the entry itself."""

    __tablename__ = "sanquan_act"

    seq: int = Field(sa_column=whole_number(primary=True))
    stem: str = Field(unique=True, max_length=26)
    act: str = Field(index=True, max_length=65)
    by_ref: int = Field(sa_column=whole_number(index=True))
    made: str = Field(sa_column=Column(Text, nullable=False))
    warnings: str = Field(sa_column=Column(Text, nullable=False))


class PartyTable(SQLModel, table=True):
    __tablename__ = "sanquan_party"

    ref: int = Field(sa_column=whole_number(primary=True))
    id: str = Field(unique=True, max_length=30)
    document: str = Field(sa_column=Column(Text, nullable=False))


class KeyTable(SQLModel, table=True):
    __tablename__ = "sanquan_key"

    key: str = Field(primary_key=True, max_length=30)
    party_ref: int = Field(sa_column=whole_number())


class VerifiedTable(SQLModel, table=True):
    """Which verified party has an official identifier."""

    __tablename__ = "sanquan_verified"

    identifier: str = Field(primary_key=True, max_length=255)
    party_ref: int = Field(sa_column=whole_number(primary=True))


class AssetTable(SQLModel, table=True):
    __tablename__ = "sanquan_asset"

    ref: int = Field(sa_column=whole_number(primary=True))
    applicant_ref: int = Field(sa_column=whole_number(index=True))
    form: str = Field(max_length=16)
    document: str = Field(sa_column=Column(Text, nullable=False))


class CaseTable(SQLModel, table=True):
    __tablename__ = "sanquan_case"

    ref: int = Field(sa_column=whole_number(primary=True))
    asset_ref: int = Field(sa_column=whole_number())
    applicant_ref: int = Field(sa_column=whole_number())
    kind: str = Field(max_length=16)
    state: str = Field(max_length=32)
    document: str = Field(sa_column=Column(Text, nullable=False))


class RightTable(SQLModel, table=True):
    __tablename__ = "sanquan_right"

    ref: int = Field(sa_column=whole_number(primary=True))
    asset_ref: int = Field(sa_column=whole_number(index=True))
    holder_ref: int = Field(sa_column=whole_number(index=True))
    kind: str = Field(max_length=42)
    document: str = Field(sa_column=Column(Text, nullable=False))


class SearchTable(SQLModel, table=True):
    """Objects by the first 64 bits of a digest of a random text about them: all but the newest. See `store.search`."""

    __tablename__ = "sanquan_search"
    __table_args__ = {"sqlite_with_rowid": False}

    key: int = Field(sa_column=whole_number(primary=True))
    ref: int = Field(sa_column=whole_number(primary=True))


class NewestSearchTable(SQLModel, table=True):
    __tablename__ = "sanquan_search_newest"
    __table_args__ = {"sqlite_with_rowid": False}

    key: int = Field(sa_column=whole_number(primary=True))
    ref: int = Field(sa_column=whole_number(primary=True))


class AgencyTable(SQLModel, table=True):
    """Who gave an agency, by the statement that names it."""

    __tablename__ = "sanquan_agency"

    agency: str = Field(primary_key=True, max_length=64)
    party_ref: int = Field(sa_column=whole_number())


class AttachedTable(SQLModel, table=True):
    """Rights by the digest of a document that was added to them. What they were made with is in the search tables,
    whose rows are as old as their objects.
    """

    __tablename__ = "sanquan_attached"

    sha256: str = Field(primary_key=True, max_length=64)
    right_ref: int = Field(sa_column=whole_number(primary=True))


class CitationTable(SQLModel, table=True):
    """Entries whose statements cite what is kept beside the ledger. Found by digest as `store.search` says."""

    __tablename__ = "sanquan_citation"

    seq: int = Field(sa_column=whole_number(primary=True))
    document: str = Field(sa_column=Column(Text, nullable=False))


class WithheldTable(SQLModel, table=True):
    """Digests whose values or documents are restricted or erased."""

    __tablename__ = "sanquan_withheld"

    digest: str = Field(primary_key=True, max_length=64)
    document: str = Field(sa_column=Column(Text, nullable=False))


class RegistryTable(SQLModel, table=True):
    """One row: what the register knows of itself."""

    __tablename__ = "sanquan_registry"

    id: int = Field(primary_key=True)
    document: str = Field(sa_column=Column(Text, nullable=False))


class DisclosureTable(SQLModel, table=True):
    """Plain values behind digests on the ledger. Beside the fold: never rebuilt from entries."""

    __tablename__ = "sanquan_disclosure"

    digest: str = Field(primary_key=True, max_length=43)
    disclosure: str = Field(sa_column=Column(Text, nullable=False))


class IndexedTable(SQLModel, table=True):
    """One row: how many entries the index of words reaches. Beside the fold. See `registry.search`."""

    __tablename__ = "sanquan_indexed"

    id: int = Field(primary_key=True)
    size: int = Field(sa_column=whole_number())


_TABLES = SQLModel.metadata.tables
ACT = _TABLES["sanquan_act"]
PARTY = _TABLES["sanquan_party"]
KEY = _TABLES["sanquan_key"]
VERIFIED = _TABLES["sanquan_verified"]
ASSET = _TABLES["sanquan_asset"]
CASE = _TABLES["sanquan_case"]
RIGHT = _TABLES["sanquan_right"]
SEARCH = _TABLES["sanquan_search"]
NEWEST_SEARCH = _TABLES["sanquan_search_newest"]
AGENCY = _TABLES["sanquan_agency"]
ATTACHED = _TABLES["sanquan_attached"]
CITATION = _TABLES["sanquan_citation"]
WITHHELD = _TABLES["sanquan_withheld"]
REGISTRY = _TABLES["sanquan_registry"]
DISCLOSURE = _TABLES["sanquan_disclosure"]
INDEXED = _TABLES["sanquan_indexed"]

FOLD_TABLES = [
    ACT, PARTY, KEY, VERIFIED, ASSET, CASE, RIGHT, SEARCH, NEWEST_SEARCH, CITATION, WITHHELD, REGISTRY, AGENCY, ATTACHED,
]  # fmt: skip
"""Tables that the entries alone determine: rebuilt from them and compared with them."""
