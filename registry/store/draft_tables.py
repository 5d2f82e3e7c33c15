"""Tables beside the ledger: statements that still lack signatures, and who may see each. No entry determines them."""

from sqlalchemy import Boolean, Column, Text
from sqlmodel import Field, SQLModel

from registry.store.columns import whole_number


class DraftTable(SQLModel, table=True):
    """Drafts in the order in which they were opened; `document` holds payload, disclosures and signatures."""

    __tablename__ = "sanquan_draft"

    number: int = Field(sa_column=whole_number(primary=True, counted=True))
    id: str = Field(unique=True, max_length=64)
    opened_by: str = Field(index=True, max_length=30)
    expires: int = Field(sa_column=whole_number(index=True))
    is_complete: bool = Field(sa_column=Column(Boolean, nullable=False))
    document: str = Field(sa_column=Column(Text, nullable=False))


class DraftReaderTable(SQLModel, table=True):
    """`by`, `for` and `with` of each draft."""

    __tablename__ = "sanquan_draft_reader"

    party: str = Field(primary_key=True, max_length=30)
    number: int = Field(sa_column=whole_number(primary=True, index=True))


_TABLES = SQLModel.metadata.tables
DRAFT = _TABLES["sanquan_draft"]
DRAFT_READER = _TABLES["sanquan_draft_reader"]

DRAFT_TABLES = [DRAFT, DRAFT_READER]
