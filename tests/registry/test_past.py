"""The same question at the same size has the same answer for ever. Contract section 7."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.instants import format_instant
from registry.title.question import Question
from tests.registry.acts.tables import titled
from tests.registry.desk import Actor, Desk, ids, open_desk, scope

# ---- the same question at the same size has the same answer for ever ---------------------------------------------------

MOVES = st.lists(
    st.tuples(st.sampled_from(["grant", "grant", "survive", "revoke", "judge", "wait"]), st.integers(0, 9)),
    min_size=3, max_size=10,
)  # fmt: skip
PURPOSES = ["research", "credit", "research.health"]


def _move(desk: Desk, parties: list[Actor], held: list[tuple[Actor, str, Actor]], move: tuple[str, int]) -> None:
    """One step: a grant from some operating right, or an end of some grant, whatever comes of it."""
    what, number = move
    if what == "wait":
        desk.pass_time(days=number)
        return
    holder, right, grantor = held[number % len(held)]
    if what == "revoke":
        body: dict[str, Any] = {"rights": [right], "ground": "breach"}
        if number % 2:
            body["effective"] = format_instant(desk.clock.now() + timedelta(days=number))
        desk.send("right.revoke", grantor, body)
        return
    if what == "judge":
        moved = format_instant(desk.clock.now() + timedelta(days=number - 5))
        body = {"rights": [right], "ground": "judgment", "document": "d" * 64, "effective": moved}
        desk.send("right.revoke", desk.registrar, body)
        return
    to = parties[(number + 1) % len(parties)]
    depth = max(0, 3 - len(held) % 4)
    given = scope(purposes=[PURPOSES[number % 3]], rights=["processing", "operating"], depth=depth)
    body = {"from_right": right, "to": to.id, "rights": ["processing", "operating"], "scope": given}
    body |= {"survives": True} if what == "survive" else {}
    joins = {party.id: party for party in (to, parties[0]) if party is not holder}
    answer = desk.send("right.grant", holder, body, with_=list(joins.values()))
    if answer.receipt:
        held.append((to, ids(answer.receipt, "rgt")[1], holder))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MOVES)
def test_answers_at_a_past_size_never_change(moves: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_desk(Path(folder)) as desk:
        parties = [desk.party(name) for name in "甲乙丙丁"]
        asset, _, title = titled(desk, parties[0])
        held = [(parties[0], title, parties[0])]
        ats = [desk.clock.now() + timedelta(days=days) for days in (-10, 0, 4, 12, 40)]
        questions = [Question(party.id, asset, purpose, territory=("CN",)) for party in parties for purpose in PURPOSES]

        def ask(size: int) -> list[Any]:
            found = []
            for at in ats:
                answers, ledger = desk.registry.reader.check(questions, at, size)
                found += [answer.to_json("en", ledger) for answer in answers]
            return found

        remembered: dict[int, list[Any]] = {}
        for move in moves:
            _move(desk, parties, held, move)
            size = desk.size()
            remembered.setdefault(size, ask(size))
        for size, answers in remembered.items():
            assert ask(size) == answers
