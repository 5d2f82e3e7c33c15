"""Tables beside the ledger: what the front desk keeps. No entry determines them, no audit compares them.

What may be said of somebody stands in them only as long as it is needed: a token as its digest, a key sealed.
"""

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from registry.store.columns import whole_number


def _text() -> Column[str]:
    return Column(Text, nullable=False)


class TokenTable(SQLModel, table=True):
    """Bearer tokens by their public part; `digest` is that of the whole token."""

    __tablename__ = "sanquan_token"

    id: str = Field(primary_key=True, max_length=16)
    digest: str = Field(max_length=64)
    party: str = Field(index=True, max_length=30)
    name: str = Field(max_length=200)
    scopes: str = Field(sa_column=_text())
    created: int = Field(sa_column=whole_number())
    expires: int = Field(sa_column=whole_number())
    revoked: int | None = Field(default=None, sa_column=whole_number(optional=True))


class CustodyTable(SQLModel, table=True):
    """Private keys held for parties, sealed with a key that is not in the database."""

    __tablename__ = "sanquan_custody"

    key: str = Field(primary_key=True, max_length=30)
    party: str = Field(index=True, max_length=30)
    sealed: str = Field(sa_column=_text())


class ClaimTable(SQLModel, table=True):
    """Idempotency keys: which request was made under each, and the statement that it made at which size."""

    __tablename__ = "sanquan_claim"

    key: str = Field(primary_key=True, max_length=64)
    request: str = Field(max_length=64)
    statement: str = Field(max_length=64)
    size: int = Field(sa_column=whole_number())
    sealed: str = Field(sa_column=_text())
    created: int = Field(sa_column=whole_number(index=True))


class AccessTable(SQLModel, table=True):
    """Who read what was confidential, when and for what purpose (article 30)."""

    __tablename__ = "sanquan_access"

    id: int | None = Field(default=None, primary_key=True)
    time: int = Field(sa_column=whole_number())
    reader: str = Field(max_length=30)
    purpose: str = Field(sa_column=_text())
    kind: str = Field(max_length=16)
    digest: str = Field(max_length=64)


class ConcernedTable(SQLModel, table=True):
    """Whom each access concerns: they are shown it."""

    __tablename__ = "sanquan_concerned"

    party: str = Field(primary_key=True, max_length=30)
    access: int = Field(primary_key=True)


_TABLES = SQLModel.metadata.tables
TOKEN = _TABLES["sanquan_token"]
CUSTODY = _TABLES["sanquan_custody"]
CLAIM = _TABLES["sanquan_claim"]
ACCESS = _TABLES["sanquan_access"]
CONCERNED = _TABLES["sanquan_concerned"]

DESK_TABLES = [TOKEN, CUSTODY, CLAIM, ACCESS, CONCERNED]
