"""A column that every table has: whole numbers of 64 bits."""

from sqlalchemy import BigInteger, Column, Integer


def whole_number(
    *, primary: bool = False, index: bool = False, optional: bool = False, counted: bool = False
) -> Column[int]:
    """A number, which SQLite calls INTEGER and then numbers rows by. `counted`: the database gives the next one."""
    return Column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=primary, index=index, nullable=optional,
        autoincrement="auto" if counted else False,
    )  # fmt: skip
