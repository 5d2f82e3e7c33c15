"""What a log that continues an ended one says of it: the member `continues` of `log.open`. Contract section 3."""

from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.checkpoint import parse_checkpoint
from ledger.errors import FormatError
from ledger.note import parse_note

MAX_NOTE = 16_384
"""Characters: room for the lines of several log keys and witnesses within the limit of a payload."""


class Continues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The newest signed root that is known of the ended log, and how many of its entries are left and lost."""

    checkpoint: Annotated[str, Meta(min_length=1, max_length=MAX_NOTE)]
    """The note of the checkpoint, whole."""
    recovered_size: Annotated[int, Meta(ge=0)]
    lost: Annotated[int, Meta(ge=0)]

    @property
    def origin(self) -> str:
        """The origin of the ended log.

        Raises:
            FormatError: the checkpoint is none.
        """
        return parse_checkpoint(parse_note(self.checkpoint).text).origin


def check_continues(continues: Continues, origin: str) -> None:
    """Returns if the log `origin` may say that of another.

    Raises:
        FormatError: the checkpoint is none or its own, or its entries are not all accounted for; with the member.
    """
    try:
        checkpoint = parse_checkpoint(parse_note(continues.checkpoint).text)
    except FormatError as error:
        raise FormatError(f"not the note of a checkpoint: {error}", "/checkpoint") from error
    if checkpoint.origin == origin:
        raise FormatError("a log does not continue itself; its successor has another origin", "/checkpoint")
    if continues.recovered_size + continues.lost != checkpoint.size or not checkpoint.size:
        raise FormatError("recovered_size and lost add up to the size of the checkpoint", "/lost")


def parse_continues(data: bytes) -> Continues:
    """What `sanquan recover --end` writes.

    Raises:
        FormatError: something else.
    """
    try:
        return msgspec.json.decode(data, type=Continues)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"not what `sanquan recover --end` writes: {error}") from error


def format_continues(continues: Continues) -> bytes:
    """Inverse of `parse_continues`."""
    return msgspec.json.format(msgspec.json.encode(continues), indent=2) + b"\n"
