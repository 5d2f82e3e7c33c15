"""The words of an audit: one function for each thing that can be wrong with the entries of a log and its tree."""

from ledger.finding import BrokenError, Finding, broken
from ledger.tiles import TILE_HEIGHT, TILE_WIDTH, Bundle, Tile

Line = tuple[int, int | None]
"""Number of a folio line and the position of the line before it."""


def entry_changed(position: int) -> BrokenError:
    """The entry's hash is not in the tile."""
    return broken(
        position,
        "entry_changed",
        f"The bytes of entry {position} were changed: their hash is not the one that the tree holds for it.",
        f"第 {position} 条的字节被改动：其哈希与树中所存不符。",
    )


def entry_form(position: int, error: Exception) -> BrokenError:
    """Not the bytes of an entry."""
    return broken(
        position,
        "entry_form",
        f"The bytes of entry {position} are not those of an entry: {error}.",
        f"第 {position} 条的字节不是分录的唯一形式：{error}。",
    )


def other_position(position: int, said: int) -> BrokenError:
    """The entry names another position."""
    return broken(
        position,
        "entry_position",
        f"Where entry {position} should stand, there is one that says it is entry {said}: entries were swapped, "
        "inserted or removed.",
        f"第 {position} 条的位置上是自称第 {said} 条的分录：分录被调换、插入或删除。",
    )


def chain_broken(position: int) -> BrokenError:
    """The entry continues another one."""
    return broken(
        position,
        "chain_broken",
        f"The chain is broken: entry {position} continues another line than the one that stands before it. One of the "
        "two was changed.",
        f"链条断裂：第 {position} 条所接续的并非其前一条，两者之一被改动。",
    )


def time_backwards(position: int, said: str, before: str) -> BrokenError:
    """The entry is earlier than the one before it."""
    return broken(
        position,
        "time_backwards",
        f"Time goes backwards: entry {position} says {said}, the entry before it {before}.",
        f"时间倒流：第 {position} 条为 {said}，其前一条为 {before}。",
    )


def statement_form(position: int, error: Exception) -> BrokenError:
    """The payload is not a statement."""
    return broken(
        position,
        "statement_form",
        f"The statement in entry {position} is not one: {error}.",
        f"第 {position} 条中的声明格式不符：{error}。",
    )


def foreign_statement(position: int, log: str, origin: str) -> BrokenError:
    """The statement was made for another log."""
    return broken(
        position,
        "origin_mismatch",
        f"The statement in entry {position} was made for the log {log!r}, not for {origin!r}.",
        f"第 {position} 条中的声明是向账本 {log!r} 作出的，而非 {origin!r}。",
    )


def statement_twice(position: int, first: int) -> BrokenError:
    """The statement stands in the log already."""
    return broken(
        position,
        "statement_twice",
        f"The statement in entry {position} stands in entry {first} already.",
        f"第 {position} 条中的声明已见于第 {first} 条。",
    )


def folio_gap(position: int, folio: str, said: Line, head: Line) -> BrokenError:
    """The folio line does not follow the folio's last one; a head of number 0 means that there is none."""
    number, previous = said
    stands, stands_zh = "no line", "无"
    if head[0]:
        stands, stands_zh = f"line {head[0]} in entry {head[1]}", f"第 {head[1]} 条中的第 {head[0]} 行"
    return broken(
        position,
        "folio_gap",
        f"The folio {folio} has a gap: entry {position} calls itself its line {number}, following entry {previous}; "
        f"before it the folio has {stands}.",
        f"登记簿页 {folio} 不连续：第 {position} 条自称其第 {number} 行，上一行在第 {previous} 条；实际其前为{stands_zh}。",
    )


def log_key_form(position: int, error: Exception) -> BrokenError:
    """A key of the log that the entry names is none."""
    return broken(
        position,
        "log_keys",
        f"Entry {position} names a key of the log that is none: {error}.",
        f"第 {position} 条所列账本公钥无效：{error}。",
    )


def key_form(position: int, error: Exception) -> BrokenError:
    """What the entry says of keys is not in its form."""
    return broken(
        position,
        "MALFORMED",
        f"What entry {position} says of keys cannot be used: {error}.",
        f"第 {position} 条关于密钥的内容无法使用：{error}。",
    )


def signature_invalid(position: int, number: int, error: Exception) -> Finding:
    """A signature of the entry does not verify. Signatures are counted from 0."""
    return Finding(
        position,
        "SIGNATURE_INVALID",
        f"Signature {number + 1} of the statement in entry {position} does not verify: {error}.",
        f"第 {position} 条中声明的第 {number + 1} 个签名验证不通过：{error}。",
    )


def key_state(position: int, code: str, en: str, zh: str) -> BrokenError:
    """The signatures are not those that the keys of this position demand."""
    return broken(
        position,
        code,
        f"The statement in entry {position} is not signed as it must be ({code}): {en}.",
        f"第 {position} 条中的声明未按规定签署（{code}）：{zh}。",
    )


def bundle_cut_off(bundle: Bundle, start: int, error: Exception) -> BrokenError:
    """The bundle is none."""
    return broken(
        start,
        "bundle_truncated",
        f"The bundle {bundle.path}, from entry {start} on, is cut off or no bundle: {error}.",
        f"自第 {start} 条起的分录包 {bundle.path} 被截断或已损坏：{error}。",
    )


def bundle_too_long(bundle: Bundle, start: int, count: int) -> BrokenError:
    """The bundle has more entries than the log."""
    more = count - bundle.width
    return broken(
        start + bundle.width,
        "bundle_too_long",
        f"The bundle {bundle.path} has {count} entries, {more} more than the log.",
        f"分录包 {bundle.path} 有 {count} 条，比账本多 {more} 条。",
    )


def entry_missing(bundle: Bundle, position: int) -> BrokenError:
    """The bundle ends early."""
    return broken(
        position,
        "bundle_truncated",
        f"Entry {position} is missing: the bundle {bundle.path} ends before it, the signed checkpoint counts it.",
        f"缺少第 {position} 条：分录包 {bundle.path} 在其之前结束，而签名的检查点将其计入。",
    )


def wrong_tile(tile: Tile) -> BrokenError:
    """The tile is not what the entries below it add up to."""
    position = (tile.index * TILE_WIDTH) << (TILE_HEIGHT * tile.level)
    return broken(
        position,
        "tile_changed",
        f"The hash tile {tile.path} was changed: it is not what the entries below it, from entry {position} on, add up "
        "to.",
        f"哈希瓦片 {tile.path} 被改动：与其下自第 {position} 条起的分录计算所得不符。",
    )


def unreadable(position: int | None, error: Exception) -> Finding:
    """A part of the log is missing or cannot be read."""
    return Finding(position, "unreadable", f"The log cannot be read: {error}.", f"账本无法读取：{error}。")
