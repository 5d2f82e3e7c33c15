"""What a start finds, and whether the registry may write.

Compared are the database's head, the signing journal, the newest checkpoint in the database, and what others are known
to have of the log (witnesses). Whatever was signed must be in the database; else somebody put an older copy back, and
whoever wrote on would sign a second history. Then the registry is read-only and says why. ledger.md 0.6 and 0.9.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Engine

from ledger.checkpoint import verify_checkpoint
from ledger.entry import parse_entry
from ledger.errors import BrokenLogError, FormatError, SignatureError
from ledger.journal import Ended, SignedRoot
from ledger.log import node_reader
from ledger.merkle import root_at
from ledger.note import VerifierKey, parse_verifier_key
from ledger.statement import format_envelope, parse_statement
from ledger.storage import Head
from registry.checkpoints import sign_again
from registry.desk.sealing import SealError
from registry.founding import FoundingError, opening_statement
from registry.law.rulebook import Rulebook
from registry.refusals.refusal import Words
from registry.store.loading import load_registry
from registry.succession import Continues

if TYPE_CHECKING:
    from registry.registry import Options, Registry


@dataclass(frozen=True, slots=True)
class SignedFact:
    """That the log signed `size` entries, as `source` knows it; with the root, if it knows that."""

    source: Words
    size: int
    root: bytes | None = None


KeptElsewhere = Callable[[str], Sequence[SignedFact]]
"""What others have of the log with this origin, as `serve --policy` asks its witnesses."""

JOURNAL = Words("The journal", "签署日志")


@dataclass(frozen=True, slots=True)
class Found:
    """What a start found. `root_of` answers the root of the database's first entries, of no more than `head.size`."""

    head: Head
    root_of: Callable[[int], bytes]
    journal: SignedRoot | None = None
    ended: Ended | None = None
    stored: SignedRoot | None = None
    """The newest checkpoint in the database, signed by the log's keys."""
    elsewhere: Sequence[SignedFact] = ()


def judge_start(found: Found) -> Words | None:
    """Why nothing may be written; None if everything may."""
    if found.ended is not None:
        return _ended(found.ended)
    facts = [] if found.journal is None else [SignedFact(JOURNAL, *found.journal)]
    for fact in [*facts, *found.elsewhere]:
        if fact.size > found.head.size:
            return Words(
                f"{fact.source.en} says that {fact.size} entries were signed, but the database holds {found.head.size}: "
                "an older copy was put back. Restore the newest copy, or fetch the entries with `sanquan recover --from`.",
                f"{fact.source.zh}载明已签署 {fact.size} 条分录，而数据库只有 {found.head.size} 条：放回的是较旧的副本。"
                "请恢复最新的副本，或以 `sanquan recover --from` 取回分录。",
            )
        if fact.root is not None and found.root_of(fact.size) != fact.root:
            return Words(
                f"{fact.source.en} says that another history of {fact.size} entries was signed than the one in the "
                "database. Restore the copy that was signed.",
                f"{fact.source.zh}所载的 {fact.size} 条分录与数据库中的不是同一历史。请恢复已签署的那一份副本。",
            )
    if found.stored is not None and found.journal is None:
        return Words(
            f"The database holds {found.stored.size} signed entries, but the journal is missing or empty, so nobody knows "
            "whether more were signed. Put the journal back, or run `sanquan recover --known FILE` with the newest "
            "checkpoint or receipt that anybody has.",
            f"数据库中有 {found.stored.size} 条已签署的分录，而签署日志缺失或为空，无从得知是否还签署过更多。请放回签署日志，"
            "或以 `sanquan recover --known FILE` 给出现存最新的检查点或回执。",
        )
    if found.stored is not None and found.root_of(found.stored.size) != found.stored.root:
        return damaged(f"its newest checkpoint, of {found.stored.size} entries, is not that of its entries")
    return None


def _ended(ended: Ended) -> Words:
    en, zh = (
        (f" It is continued by {ended.successor}.", f"其后继为 {ended.successor}。") if ended.successor else ("", "")
    )
    return Words(
        f"This log ended at {ended.time} and never signs again.{en}", f"本账本已于 {ended.time} 终结，不再签署。{zh}"
    )


def damaged(what: str) -> Words:
    """Why a registry whose database contradicts itself writes nothing."""
    return Words(
        f"The database is damaged: {what}. Run `sanquan audit` on the data folder and restore a sound copy.",
        "数据库已损坏，其内容自相矛盾。请对数据文件夹运行 `sanquan audit`，并恢复完好的副本。",
    )


def start(registry: "Registry", options: "Options", engine: Engine) -> None:
    """The log is open and the newest root signed; or the registry is read-only and says why.

    Raises:
        FoundingError: keys that do not belong here, or a journal without its log.
    """
    builtin = registry.documents.put_builtin("internal")
    try:
        registry.desk.check()
    except SealError as error:
        raise FoundingError(
            "keys/custody.key is not the one that the keys in custody were sealed with; put the right one back",
            "keys/custody.key 不是封存托管密钥时所用的那一把；请放回正确的文件",
        ) from error
    if options.continues is not None and not registry.is_new:
        _must_continue(registry, options.continues)
    registry.office.read_only = _judge(registry, options, engine)
    if registry.office.read_only is not None and registry.is_new:
        raise FoundingError(
            "a journal is here but no log; restore the database that belongs to it, or fetch the entries with "
            "`sanquan recover --from`",
            "有签署日志而没有账本；请恢复与之对应的数据库，或以 `sanquan recover --from` 取回分录",
        )
    registry.office.start()
    if registry.office.read_only is None:
        registry.indexer.start()
    if registry.is_new:
        _open_log(registry, options, builtin)


def _judge(registry: "Registry", options: "Options", engine: Engine) -> Words | None:
    """As `judge_start`. What the journal knows and the database lacks of notes, and the other way round, is there then."""
    journal = registry.log.journal
    while True:
        newest = journal.newest()  # before the database: what is signed was committed before
        words, stored = _judge_once(registry, options, engine, newest)
        if words is None or journal.newest() == newest:  # else another process has written meanwhile
            break
    if words is None and newest is not None:
        if stored is not None and stored.size > newest.size:
            journal.record(*stored)
        sign_again(registry.log, engine, stored.size if stored else 0)
    return words


def _judge_once(
    registry: "Registry", options: "Options", engine: Engine, newest: SignedRoot | None
) -> tuple[Words | None, SignedRoot | None]:
    """Why nothing may be written, and the newest checkpoint in the database."""
    log = registry.log
    with engine.connect() as tx:
        row = log.storage.checkpoint(tx)
        try:
            log.load(tx)
            if row is not None:
                verify_checkpoint(row.note, [*log.verifier_keys(), *_keys_named_in(engine)])
        except (BrokenLogError, FormatError, SignatureError) as error:
            return damaged(str(error)), None
        reader = node_reader(log.storage, tx)
        stored = SignedRoot(row.size, row.root) if row else None
        elsewhere = options.kept_elsewhere(registry.origin)
        found = Found(
            log.storage.head(tx), lambda size: root_at(size, reader), newest, log.journal.ended(), stored, elsewhere
        )
        return judge_start(found), stored


def _keys_named_in(engine: Engine) -> Sequence[VerifierKey]:
    """The keys that the log has named."""
    with engine.connect() as tx:
        known = load_registry(tx)
    return [parse_verifier_key(text) for text in known.log_keys] if known else []


def _must_continue(registry: "Registry", continues: Continues) -> None:
    """The log said at its opening what the caller says.

    Raises:
        FoundingError: it did not.
    """
    statement = parse_statement(parse_entry(registry.reader.entry(0).data).envelope)
    if statement.body.get("continues") != msgspec.to_builtins(continues):
        raise FoundingError(
            f"the log {registry.origin} is open already and does not say that it continues {continues.origin}; open the "
            "successor in a folder of its own",
            f"账本 {registry.origin} 已经开立，且未载明其承继 {continues.origin}；请在另一文件夹中开立后继账本",
        )


def _open_log(registry: "Registry", options: "Options", rulebook: Rulebook) -> None:
    """Entry 0 is written."""
    envelope = opening_statement(
        registry.keys, registry.origin, registry.clock, rulebook, options.name, options.identifier, options.continues
    )
    (answer,) = registry.office.submit([format_envelope(envelope).encode()])
    if answer.refusal:
        words = answer.refusal.reasons[0].message
        raise FoundingError(f"the log could not be opened: {words.en}", f"账本未能开立：{words.zh}")
