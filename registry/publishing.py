"""Which checkpoint is published, and the thread that sees to it. Contract section 6, "Sizes".

Without a policy of witnesses the newest signed checkpoint is shown, a new one at most once a second, so that a busy log
does not publish a tree for every batch. With one, the newest that meets the policy: the thread asks the witnesses to
cosign the newest signed root and publishes it when the quorum has. If they have not for `Pace.deadline` seconds, the
newest signed is published without, the state is degraded, and asking goes on.

What is published under a policy never becomes smaller, also across a start and between processes on one database: it
stands there. Readers never wait for a witness. The newest root is signed again when it is older than `Pace.resign`
seconds, so that who reads it sees that the log is alive (ledger.md 0.7).

A witness that knows more of this log than there is, or another history, ends it: see `registry.disputes`.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection, Engine

from ledger.checkpoint import verify_checkpoint
from ledger.cosigning import DEADLINE_S, Asked, Dispute, Witnesses, add_lines
from ledger.errors import FormatError, LedgerError, SignatureError
from ledger.log import Log, node_reader
from ledger.merkle import EMPTY_ROOT, consistency_path, root_at
from ledger.note import parse_note
from ledger.policy import Policy
from ledger.storage import CheckpointRow, Head
from registry.disputes import dispute_words, ends_the_log
from registry.reading import not_found
from registry.refusals.refusal import Words
from registry.store.database import writing

logger = structlog.get_logger("sanquan.registry")
_NOTHING = CheckpointRow(0, EMPTY_ROOT, "")
"""Stands where under a policy nothing is published yet."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. `every`: between two publications, and two rounds of asking; `witness`: for what one witness answers;
    `look`: between two looks at what other processes have signed or published.
    """

    every: float = 1.0
    look: float = 0.2
    resign: float = 60.0
    deadline: float = 10.0
    witness: float = DEADLINE_S


@dataclass(frozen=True, slots=True)
class PublicationState:
    """`degraded`: why what is published is not what it should be, None if it is. `silent`: witnesses, and why."""

    published: int
    signed: int
    degraded: Words | None = None
    silent: dict[str, str] = field(default_factory=dict)


class Publisher:
    """Publishes one log. May be used from any thread; `start` it for re-signing and witnesses."""

    def __init__(
        self, engine: Engine, log: Log[Connection], policy: Policy | None = None, *, pace: Pace | None = None,
        is_new: bool = False, is_closed: Callable[[], bool] = lambda: False,
        on_dispute: Callable[[Words], None] = lambda _: None,
    ) -> None:  # fmt: skip
        """`is_closed`: whether the log signs nothing now. `on_dispute`: told once why the log may not go on."""
        self._engine = engine
        self._log = log
        self._policy = policy
        self._pace = pace or Pace()
        self._is_closed = is_closed
        self._on_dispute = on_dispute
        self._lock = threading.Lock()
        self._shown: CheckpointRow | None = None
        self._shown_at = 0.0
        self._looked_at = 0.0
        self._changed = True
        self._witnesses = Witnesses(policy, log.origin, log.verifier_keys(), self._pace.witness) if policy else None
        self._late_since: float | None = None
        self._degraded: Words | None = None
        self._silent: dict[str, str] = {}
        self._dispute: Words | None = None
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._begin(is_new)

    def _begin(self, is_new: bool) -> None:
        """What an earlier run may have published is published."""
        storage = self._log.storage
        with self._engine.connect() as tx:
            published, newest = storage.published(tx), storage.checkpoint(tx)
        if self._policy is None and published is not None:
            with writing(self._engine) as tx:
                storage.unpublish(tx)
        elif self._policy is not None and published is None:
            with writing(self._engine) as tx:  # without a policy, whatever was signed may have been shown
                storage.publish(tx, newest if newest and not is_new else _NOTHING)

    def start(self) -> None:
        """The thread runs."""
        self._thread.start()

    def stop(self) -> None:
        """The thread has ended, connections are released."""
        self._stopped.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._witnesses:
            self._witnesses.close()

    def wake(self) -> None:
        """Something was signed."""
        self._changed = True
        self._woken.set()

    def checkpoint(self) -> CheckpointRow:
        """The published checkpoint.

        Raises:
            RefusedError: NOT_FOUND before the first is published.
        """
        if (found := self._current()) is None:
            raise not_found("checkpoint", "检查点")
        return found

    def state(self) -> PublicationState:
        """How publishing goes."""
        shown = self._current()
        with self._engine.connect() as tx:
            newest = self._log.storage.checkpoint(tx)
        return PublicationState(
            shown.size if shown else 0,
            newest.size if newest else 0,
            self._dispute or self._degraded,
            dict(self._silent),
        )

    def _current(self) -> CheckpointRow | None:
        with self._lock:
            now = time.monotonic()
            is_due = self._changed or now - self._looked_at >= self._pace.look
            if self._shown is None or (is_due and now - self._shown_at >= self._pace.every):
                self._changed, self._looked_at = False, now
                with self._engine.connect() as tx:
                    newest = self._publishable(tx)
                if newest is not None and newest != self._shown and newest.size >= (self._shown or _NOTHING).size:
                    self._shown, self._shown_at = newest, now
            return self._shown

    def _publishable(self, tx: Connection) -> CheckpointRow | None:
        storage = self._log.storage
        found = storage.checkpoint(tx) if self._policy is None else storage.published(tx)
        return found if found and found.size else None

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._woken.clear()
            try:
                seconds = self.step()
            except Exception:
                logger.exception("publishing failed; it is tried again")
                seconds = self._pace.every
            if not self._stopped.wait(min(seconds, self._pace.every)):
                self._woken.wait(max(0.0, seconds - self._pace.every))

    def step(self) -> float:
        """One round: signs again what is old, asks witnesses, publishes. Answers when the next is due, in seconds."""
        with self._engine.connect() as tx:
            newest, published = self._log.storage.checkpoint(tx), self._log.storage.published(tx)
        if newest is None or self._dispute is not None or self._is_closed():
            return self._pace.every
        left = self._pace.resign - self._age(newest)
        is_due = left <= 0
        if self._policy is None or self._witnesses is None:
            if is_due:
                self._put(newest.size, self._sign_again(newest))
            return self._pace.resign if is_due else left
        is_good = published is not None and published.size == newest.size and self._meets(published.note)
        if is_good and not is_due:
            return left
        begun = time.monotonic()
        note = self._sign_again(newest) if is_due else newest.note
        asked = self._witnesses.ask(note, _History(self._engine, self._log, newest.size))
        return self._conclude(newest, note, asked, begun)

    def _conclude(self, newest: CheckpointRow, note: str, asked: Asked, begun: float) -> float:
        """What the witnesses answered has taken effect."""
        assert self._policy is not None
        row = self._put(newest.size, add_lines(note, list(asked.lines.values())))
        self._tell(asked)
        if ends_the_log(asked.disputes, others_are_enough=self._policy.is_met_by(asked.lines)):
            self._end(asked.disputes, newest.size)
        elif self._meets(row.note):
            self._late_since, self._degraded = None, None
            self._publish(row)
        else:
            self._late_since = begun if self._late_since is None else self._late_since
            if time.monotonic() - self._late_since >= self._pace.deadline:
                self._degraded = _late_words(self._pace.deadline, asked)
                self._publish(row)
        return self._pace.every

    def _tell(self, asked: Asked) -> None:
        """Who does not cosign is known, and said once."""
        silent = dict(asked.silent) | {each.witness: "it disputes the log" for each in asked.disputes}
        for name in silent.keys() - self._silent.keys():
            logger.warning("a witness does not cosign", witness=name, reason=silent[name])
        for name in self._silent.keys() - silent.keys():
            logger.info("a witness cosigns again", witness=name)
        self._silent = silent

    def _end(self, disputes: Sequence[Dispute], size: int) -> None:
        self._dispute = dispute_words(disputes, size)
        logger.critical(
            "a witness knows another log; nothing is published any more", witnesses=[each.witness for each in disputes],
            sizes=[each.size for each in disputes], proofs=[each.proof for each in disputes], size=size,
        )  # fmt: skip
        self._on_dispute(self._dispute)

    def _age(self, row: CheckpointRow) -> float:
        """Seconds since the newest line of the log's own that says a time; for ever, if there is none."""
        try:
            times = verify_checkpoint(row.note, self._log.verifier_keys()).timestamps
        except (FormatError, SignatureError):
            times = ()
        return time.time() - max(filter(None, times), default=float("-inf"))

    def _sign_again(self, row: CheckpointRow) -> str:
        """The root of the row, signed now; as it was where a greater one was signed meanwhile."""
        try:
            return self._log.sign(Head(row.size, row.root)).note
        except LedgerError as error:
            logger.info("not signed again", size=row.size, reason=str(error))
            return row.note

    def _meets(self, note: str) -> bool:
        assert self._policy is not None
        try:
            self._policy.verify(note, self._log.verifier_keys())
        except (FormatError, SignatureError):
            return False
        return True

    def _put(self, size: int, note: str) -> CheckpointRow:
        """The signed row has the lines of `note` and those that others brought; receipts for the size carry all."""
        with writing(self._engine) as tx:
            kept = self._log.storage.checkpoint(tx, size)
            assert kept is not None
            row = CheckpointRow(size, kept.root, add_lines(kept.note, parse_note(note).signatures))
            if row != kept:
                self._log.storage.put_checkpoint(tx, row)
        return row

    def _publish(self, row: CheckpointRow) -> None:
        with writing(self._engine) as tx:
            self._log.storage.publish(tx, row)
        self._changed = True


class _History:
    """See `ledger.cosigning.History`. Reads anew each time: other processes append, sign and ask as well."""

    def __init__(self, engine: Engine, log: Log[Connection], size: int) -> None:
        self._engine = engine
        self._storage = log.storage
        self._size = size

    def path(self, old: int) -> Sequence[bytes]:
        with self._engine.connect() as tx:
            return consistency_path(old, self._size, node_reader(self._storage, tx))

    def signed(self) -> int:
        with self._engine.connect() as tx:
            newest = self._storage.checkpoint(tx)
        return newest.size if newest else 0

    def root(self, size: int) -> bytes:
        with self._engine.connect() as tx:
            return root_at(size, node_reader(self._storage, tx))


def _late_words(deadline: float, asked: Asked) -> Words:
    silent = [*asked.silent, *(each.witness for each in asked.disputes)]
    reasons = "; ".join(f"{name}: {asked.silent.get(name, 'it disputes the log')}" for name in silent)
    return Words(
        f"The quorum has not cosigned for more than {deadline:g} s; what is published lacks cosignatures ({reasons}).",
        f"见证人未在 {deadline:g} 秒内达到法定数联署，现所公布者缺少联署（{'、'.join(silent)}）。",
    )
