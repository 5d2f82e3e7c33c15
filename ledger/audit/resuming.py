"""Going on where an audit ended: what is carried over, and whether the log has only grown since.

Everything that the entries up to the last full bundle add up to is carried in one SQLite file, beside the statements,
folios and keys that are in it anyway; what stands behind that bundle is read again. The auditor trusts the file as he
trusts his own memory: it is his, and nobody else's.
"""

import sqlite3

import msgspec

from ledger.checkpoint import Checkpoint
from ledger.errors import BrokenLogError, ProofError
from ledger.finding import BrokenError, broken
from ledger.merkle import (
    HASH_BYTES,
    NodeReader,
    consistency_path,
    inclusion_path,
    node_hash,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from ledger.sources import LogSource
from ledger.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, tile_width

FORMAT = 1
"""Changes whenever an older file would be read wrongly, or what it says was judged by weaker rules."""


class Carried(msgspec.Struct, frozen=True):
    """What the first `size` entries add up to; a multiple of 256. `audited` is the checkpoint that was audited."""

    format: int
    origin: str
    size: int
    audited_size: int
    audited_root: bytes
    previous: str
    time: str
    bundles: tuple[bytes, ...]
    """The right edge over full bundles."""
    hashes: tuple[tuple[bytes, ...], ...]
    """Of the open tiles of the levels from 1 on."""
    log_keys: tuple[tuple[int, str], ...]
    clerk: str
    recovering: dict[str, tuple[str, ...]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Carried).decode


def load(state: sqlite3.Connection) -> Carried | None:
    """What an earlier audit left; None if there is nothing that can be gone on with."""
    state.execute("CREATE TABLE IF NOT EXISTS carried (id INTEGER PRIMARY KEY, data BLOB)")
    row = state.execute("SELECT data FROM carried").fetchone()
    try:
        found = None if row is None else _decode(row[0])
    except msgspec.DecodeError:
        return None
    return found if found is not None and found.format == FORMAT else None


def save(state: sqlite3.Connection, carried: Carried) -> None:
    """The next audit goes on from there."""
    state.execute("INSERT OR REPLACE INTO carried VALUES (1, ?)", (_encode(carried),))


def tile_nodes(source: LogSource, size: int) -> NodeReader:
    """Reads subtrees from the tiles of a log of `size` entries; nothing of it is verified."""
    tiles: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        tile_level, inner = divmod(level, TILE_HEIGHT)
        if inner:
            return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
        place = (tile_level, index // TILE_WIDTH)
        if place not in tiles:
            tiles[place] = source.tile(Tile(*place, tile_width(*place, size)))
        start = index % TILE_WIDTH * HASH_BYTES
        found = tiles[place][start : start + HASH_BYTES]
        if len(found) != HASH_BYTES:
            raise BrokenLogError(f"hash {index} of tile level {tile_level} is missing")
        return found

    return node


def check_growth(source: LogSource, checkpoint: Checkpoint, carried: Carried) -> None:
    """Returns if the log that the checkpoint signs begins with the one that was audited.

    Raises:
        BrokenError: it is smaller, or another one, or its tiles are not those of the checkpoint.
        BrokenLogError: a tile is missing.
    """
    size, root = carried.audited_size, carried.audited_root
    if checkpoint.size < size:
        raise broken(
            checkpoint.size,
            "entries_lost",
            f"The log has lost entries: it had {size} when it was audited last, and shows {checkpoint.size} now.",
            f"账本丢失分录：上次审计时有 {size} 条，而现在只有 {checkpoint.size} 条。",
        )
    node = tile_nodes(source, checkpoint.size)
    try:
        if root_at(checkpoint.size, node) != checkpoint.root:
            raise broken(
                None,
                "root_mismatch",
                f"The hash tiles do not lead to the root that the checkpoint of {checkpoint.size} entries signs.",
                f"哈希瓦片与 {checkpoint.size} 条的检查点所签之根不符。",
            )
        verify_consistency(size, checkpoint.size, root, checkpoint.root, consistency_path(size, checkpoint.size, node))
    except ProofError as error:
        raise broken(
            None,
            "history_rewritten",
            f"The log was rewritten and signed again: its first {size} entries are not those that were audited last. "
            "The two signed roots prove it to anybody.",
            f"账本被改写并重新签名：其前 {size} 条已不是上次审计的内容。两个签名的根即为证据。",
        ) from error


def proven_root(checkpoint: Checkpoint, size: int, node: NodeReader) -> bytes:
    """The root that the log of the checkpoint had at `size`.

    Raises:
        BrokenError: what the tiles say is not consistent with the checkpoint.
    """
    found = root_at(size, node)
    if not size:
        return found
    try:
        path = consistency_path(size, checkpoint.size, node)
        verify_consistency(size, checkpoint.size, found, checkpoint.root, path)
    except ProofError as error:
        raise _inconsistent() from error
    return found


def proven_leaf(checkpoint: Checkpoint, index: int, node: NodeReader) -> bytes:
    """The leaf hash of an entry of the log.

    Raises:
        BrokenError: what the tiles say is not consistent with the checkpoint.
    """
    found = node(0, index)
    try:
        verify_inclusion(found, index, checkpoint.size, inclusion_path(index, checkpoint.size, node), checkpoint.root)
    except ProofError as error:
        raise _inconsistent() from error
    return found


def _inconsistent() -> BrokenError:
    return broken(
        None,
        "tile_changed",
        "Hash tiles of entries that were audited before were changed: they do not lead to the signed root.",
        "先前已审计分录的哈希瓦片被改动：与所签之根不符。",
    )
