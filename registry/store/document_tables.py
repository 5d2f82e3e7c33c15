"""Tables beside the ledger: documents, and who sent the bytes of each. No entry determines them."""

from sqlalchemy import Boolean, Column
from sqlmodel import Field, SQLModel

from registry.store.columns import whole_number


class DocumentTable(SQLModel, table=True):
    """Documents that were sent. `is_cited`: a statement was seen that cites it, so it stays."""

    __tablename__ = "sanquan_document"

    sha256: str = Field(primary_key=True, max_length=64)
    bytes: int = Field(sa_column=whole_number())
    media_type: str = Field(max_length=100)
    received: int = Field(sa_column=whole_number(index=True))
    is_cited: bool = Field(sa_column=Column(Boolean, nullable=False, index=True))


class DocumentSenderTable(SQLModel, table=True):
    """The parties that sent a document's bytes, and so have them."""

    __tablename__ = "sanquan_document_sender"

    sha256: str = Field(primary_key=True, max_length=64)
    party: str = Field(primary_key=True, max_length=30)
    received: int = Field(sa_column=whole_number())


_TABLES = SQLModel.metadata.tables
DOCUMENT = _TABLES["sanquan_document"]
DOCUMENT_SENDER = _TABLES["sanquan_document_sender"]

DOCUMENT_TABLES = [DOCUMENT, DOCUMENT_SENDER]
