"""A small registry moved at random, and what holds whatever happens."""

import hashlib
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger.instants import format_instant
from registry.acts.act import Names
from registry.register.register import Register
from registry.store.loading import load
from registry.title.chain import chain_of
from registry.title.scope import excesses
from tests.registry.desk import ALL, Actor, Desk, ids, open_desk, scope

PURPOSES = st.lists(st.sampled_from(["research", "research.health", "credit"]), min_size=1, max_size=2, unique=True)
PICK = st.integers(0, 30)


def tree_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word by word."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + tree_root(leaves[:split]) + tree_root(leaves[split:])).digest()


class RegistryMachine(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.stack = ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.desk: Desk = self.stack.enter_context(open_desk(Path(folder)))
        self.parties: list[Actor] = [self.desk.party(name) for name in "甲乙丙"]
        self.accepted = 4
        self.leaves: list[bytes] = []
        self.assets: list[str] = []
        self.held: list[tuple[Actor, str]] = []
        """Operating rights and their holders."""
        self.granted: list[tuple[Actor, str]] = []
        """Grants and their grantors."""

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()

    def send(self, act: str, by: Actor, body: dict[str, Any], **more: Any) -> dict[str, Any] | None:
        answer = self.desk.send(act, by, body, **more)
        if answer.refusal is not None:
            assert answer.refusal.code != "INTERNAL"
            return None
        self.accepted += 1
        return answer.receipt

    def holders(self) -> set[tuple[str, str, str, str]]:
        """Who may do what now: party, asset, purpose, right."""
        return {
            (party.id, asset, purpose, right)
            for party in self.parties
            for asset in self.assets
            for purpose in ("research", "credit")
            for right in ("processing", "operating")
            if self.desk.check(party, asset, purpose, right=right, territory=("CN",)).decision
        }

    @precondition(lambda self: len(self.assets) < 3)
    @rule(owner=PICK, joint=st.booleans())
    def register(self, owner: int, joint: bool) -> None:
        by, other = (self.parties[(owner + shift) % 3] for shift in (0, 1))
        claims = [{"party": by.id, "rights": ALL}] + ([{"party": other.id, "rights": ["operating"]}] if joint else [])
        receipt = self.send("case.file", by, self.desk.filing(claims), with_=[other] if joint else [])
        assert receipt is not None
        self.assets += ids(receipt, "ast")
        titles = ids(receipt, "rgt")
        self.held += [(by, titles[2]), *([(other, titles[3])] if joint else [])]

    @precondition(lambda self: self.held)
    @rule(
        place=PICK, to=PICK, purposes=PURPOSES, depth=st.integers(0, 2), days=st.integers(0, 20),
        exclusivity=st.sampled_from(["none", "none", "none", "sole", "exclusive"]), survives=st.booleans(),
    )  # fmt: skip
    def grant(
        self, place: int, to: int, purposes: list[str], depth: int, days: int, exclusivity: str, survives: bool
    ) -> None:
        by, right = self.held[place % len(self.held)]
        grantee = self.parties[to % 3]
        given = scope(purposes=purposes, rights=["processing", "operating"], depth=depth)
        given["from"] = format_instant(self.desk.clock.now())
        if days:
            given["until"] = format_instant(self.desk.clock.now() + timedelta(days=days))
        body = {
            "from_right": right, "to": grantee.id, "rights": ["operating", "processing"], "scope": given,
            "exclusivity": exclusivity, "survives": survives,
        }  # fmt: skip
        receipt = self.send("right.grant", by, body, with_=[party for party in self.parties if party is not by])
        if receipt is not None:
            operating, processing = ids(receipt, "rgt")
            self.held.append((grantee, operating))
            self.granted += [(by, operating), (by, processing)]

    @precondition(lambda self: self.granted)
    @rule(place=PICK, days=st.integers(0, 10))
    def revoke(self, place: int, days: int) -> None:
        by, right = self.granted[place % len(self.granted)]
        body: dict[str, Any] = {"rights": [right], "ground": "breach"}
        if days:
            body["effective"] = format_instant(self.desk.clock.now() + timedelta(days=days))
        before = self.holders()
        self.send("right.revoke", by, body)
        after = self.holders()
        freed = {key for key in after - before if self.is_title_holder(*key[:2])}
        assert after - before <= freed, "a revocation made a holder who is no titleholder freed of an exclusive grant"

    def is_title_holder(self, party: str, asset: str) -> bool:
        rights = self.desk.view(asset)["rights"]
        return any(right["holder"] == party and "from_right" not in right for right in rights)

    @rule(hours=st.integers(1, 120))
    def wait(self, hours: int) -> None:
        self.desk.pass_time(hours=hours)

    @rule(by=PICK)
    def say_nonsense(self, by: int) -> None:
        actor = self.parties[by % 3]
        assert self.send("role.grant", actor, {"party": actor.id, "role": "auditor"}) is None

    @invariant()
    def entries_are_accepted_statements(self) -> None:
        if hasattr(self, "desk"):
            assert self.desk.size() == self.accepted

    @invariant()
    def the_root_is_that_of_the_entries(self) -> None:
        if not hasattr(self, "desk"):
            return
        for position in range(len(self.leaves), self.desk.size()):
            data = self.desk.registry.reader.entry(position).data
            self.leaves.append(hashlib.sha256(b"\x00" + data).digest())
        _, ledger = self.desk.registry.reader.check([])
        assert ledger["root"] == tree_root(self.leaves).hex()

    @invariant()
    def every_grant_lies_within_its_parent(self) -> None:
        if not getattr(self, "assets", None):
            return
        with self.desk.registry.reader._moment(None, None) as (tx, _):
            register = Register(load(tx, [Names(assets=tuple(self.assets))]))
        now = self.desk.clock.now()
        for asset in self.assets:
            for right in register.rights_of(asset):
                if right.is_title():
                    continue
                parent = register.right(right.granted_from or "")
                assert parent is not None
                found = excesses(
                    right.scope, parent.scope, rights=[right.kind], exclusivity=right.exclusivity,
                    parent_exclusivity=None if parent.is_title() else parent.exclusivity,
                )  # fmt: skip
                assert not found
                chain = chain_of(register, right, now)
                assert chain[0].is_title()
                if right.status_at(now) == "active":
                    assert all(link.status_at(now) == "active" for link in chain)


RegistryMachine.TestCase.settings = settings(
    max_examples=8, stateful_step_count=15, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
TestRegistry = RegistryMachine.TestCase
