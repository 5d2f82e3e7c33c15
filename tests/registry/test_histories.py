"""Acts for others, filings that wait, custody, evidence and erasures at random: what a replay makes of it, and the past."""

import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ledger.instants import format_instant
from registry.auditing import audit, open_subject, rebuild
from registry.title.question import Question
from tests.registry.desk import (
    ALL,
    START,
    Actor,
    Desk,
    beside,
    granting,
    ids,
    newcomer,
    open_desk,
    party_body,
    sd,
)
from tests.registry.proving import must_notice_what_is_left_out
from tests.registry.test_replay import rows

PICK = st.integers(0, 30)
AGENTS_ACTS = ["case.file", "case.assent", "right.grant", "right.revoke", "evidence.attach", "case.withdraw"]
SCAN = [{"kind": "identity", "sha256": "7a" * 32}]


class HistoryMachine(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.stack = ExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory())) / "data"
        self.desk: Desk = self.stack.enter_context(open_desk(self.folder))
        self.parties: list[Actor] = [self.desk.party(name) for name in "甲乙丙"]
        self.assets: list[str] = []
        self.rights: list[tuple[str, str, str]] = []
        """Rights with their kinds and holders."""
        self.granted: list[tuple[str, str]] = []
        """Grants and their grantors."""
        self.cases: list[tuple[str, Actor]] = []
        self.agencies: list[str] = []
        self.told: list[str] = []
        self.answers: dict[tuple[int, int, tuple[str, ...]], list[Any]] = {}
        """By size, days from the beginning, and assets."""
        self.let_act(0, 1, 9)
        self.let_act(1, 2, 9)

    def teardown(self) -> None:
        if not hasattr(self, "stack"):
            return
        with self.stack:
            keys = self.desk.registry.log.verifier_keys()
            asked = {key: self.asked(*key) for key in self.answers}
            assert asked == self.answers, "what was answered for a past size is answered otherwise now"
            for asset in self.assets:
                must_notice_what_is_left_out(self.desk, asset)
            self.desk.registry.close()
            with open_subject(self.folder) as subject:
                assert audit(subject, keys).findings == ()
            before = rows(self.folder)
            rebuild(self.folder)
            assert rows(self.folder) == before

    def actor(self, number: int) -> Actor:
        return self.parties[number % len(self.parties)]

    def asked(self, size: int, days: int, assets: tuple[str, ...]) -> list[Any]:
        at = START + timedelta(days=days)
        questions = [
            Question(party.id, asset, "research", action=action, territory=("CN",))
            for party in self.parties[:3]
            for asset in assets
            for action in ("process", "store", "license")
        ]
        answers, ledger = self.desk.registry.reader.check(questions, at, size)
        return [answer.to_json("en", ledger) for answer in answers]

    def send(self, act: str, by: Actor, body: dict[str, Any], **more: Any) -> dict[str, Any] | None:
        answer = self.desk.send(act, by, body, **more)
        if answer.refusal is not None:
            assert answer.refusal.code != "INTERNAL"
            return None
        return answer.receipt

    def sender(self, principal: str, number: int) -> Actor:
        """Who acts for a party: it itself, or whoever may be its agent."""
        place = next(place for place, party in enumerate(self.parties) if party.id == principal)
        return self.actor(place + (number % 3 == 0))

    def send_for(self, principal: str, act: str, by: Actor, body: dict[str, Any]) -> dict[str, Any] | None:
        return self.send(act, by, body, for_=None if by.id == principal else principal)

    @rule(owner=PICK, other=PICK, agent=PICK, waits=st.booleans(), derives=st.booleans())
    def file(self, owner: int, other: int, agent: int, waits: bool, derives: bool) -> None:
        principal, joined = self.actor(owner), self.actor(other)
        by = self.sender(principal.id, agent)
        claims = [{"party": principal.id, "rights": ALL}]
        if waits and joined.id not in (principal.id, by.id):
            claims.append({"party": joined.id, "rights": ["processing"]})
        body = self.desk.filing(claims) | {"evidence": SCAN}
        processing = [(right, holder) for right, kind, holder in self.rights if kind == "processing"]
        if derives and processing:
            right, _ = processing[agent % len(processing)]
            time = format_instant(self.desk.clock.now())
            facts = {"change": "compilation", "activity_time": time, "value_increase": False}
            source = {"origin": "derived", "basis": "derived", "facts": facts}
            body["sources"] = [source | {"inputs": [{"asset": self.desk.view(right)["asset"], "right": right}]}]
            body["claims"][0]["rights"] = ["holding", "processing"]
            body["asset"]["form"] = "derived"
        if len(claims) > 1:
            body["awaits"] = [joined.id]
        receipt = self.send_for(principal.id, "case.file", by, body)
        if receipt is not None:
            (asset,), (case,) = ids(receipt, "ast"), ids(receipt, "cas")
            self.assets.append(asset)
            self.cases.append((case, principal))
            shown = self.desk.view(asset)["rights"]
            self.rights += [(right["id"], right["kind"], right["holder"]) for right in shown]

    @rule(owner=PICK, days=st.integers(0, 3), assents=st.booleans())
    def file_ask_and_assent(self, owner: int, days: int, assents: bool) -> None:
        self.file(owner, owner + 2, 1, waits=True, derives=False)
        self.ask(days)
        self.move_case(0, 1, "yes" if assents else "no")

    @rule(principal=PICK, agent=PICK, days=st.integers(1, 9))
    def let_act(self, principal: int, agent: int, days: int) -> None:
        until = format_instant(self.desk.clock.now() + timedelta(days=days))
        body = {"agent": self.actor(agent).id, "acts": AGENTS_ACTS, "until": until}
        receipt = self.send("agency.give", self.actor(principal), body)
        if receipt is not None:
            self.agencies.append(receipt["statement"])

    @precondition(lambda self: self.agencies)
    @rule(number=PICK, by=PICK)
    def end_agency(self, number: int, by: int) -> None:
        self.send("agency.end", self.actor(by), {"agency": self.agencies[number % len(self.agencies)]})

    @precondition(lambda self: self.cases)
    @rule(number=PICK, agent=PICK, move=st.sampled_from(["yes", "yes", "no", "withdraw"]))
    def move_case(self, number: int, agent: int, move: str) -> None:
        case, applicant = self.cases[-1 - number % len(self.cases)]
        if move == "withdraw":
            self.send("case.withdraw", applicant, {"case": case})
            return
        awaited = [party for party in self.parties if party.id in self.desk.view(case).get("awaits", ())]
        principal = awaited[0] if awaited else self.actor(agent + 1)
        sender = self.sender(principal.id, agent)
        self.send_for(principal.id, "case.assent", sender, {"case": case, "assents": move == "yes"})

    @precondition(lambda self: self.rights)
    @rule(number=PICK, to=PICK, agent=PICK, capacity=st.sampled_from(["own", "custody", "entrusted"]))
    def grant(self, number: int, to: int, agent: int, capacity: str) -> None:
        parent, wanted = {
            "own": ("operating", "processing"), "custody": ("holding",) * 2, "entrusted": ("processing",) * 2
        }[capacity]  # fmt: skip
        found = [(right, holder) for right, kind, holder in self.rights if kind == parent]
        right, holder = found[number % len(found)] if found else (self.rights[0][0], self.rights[0][2])
        grantee, by = self.actor(to), self.sender(holder, agent)
        receipt = self.send_for(holder, "right.grant", by, granting(right, grantee, [wanted], capacity=capacity))
        if receipt is not None:
            self.rights.append((ids(receipt, "rgt")[0], wanted, grantee.id))
            self.granted.append((ids(receipt, "rgt")[0], holder))

    @precondition(lambda self: self.granted)
    @rule(number=PICK, agent=PICK)
    def revoke(self, number: int, agent: int) -> None:
        right, grantor = self.granted[number % len(self.granted)]
        body = {"rights": [right], "ground": "breach"}
        self.send_for(grantor, "right.revoke", self.sender(grantor, agent), body)

    @precondition(lambda self: self.rights)
    @rule(number=PICK, what=st.integers(0, 2), by=PICK)
    def attach(self, number: int, what: int, by: int) -> None:
        targets = [self.rights[number % len(self.rights)][0], self.assets[number % len(self.assets)]]
        target = [*targets, self.cases[number % len(self.cases)][0]][what]
        title, text = sd("title", f"材料{number}")
        body = {"target": target, "evidence": [{"kind": "contract", "sha256": f"{number:064x}", "title": title}]}
        if self.send("evidence.attach", self.actor(by), body, disclosures=[text]) is not None:
            self.told += [title["sd"], f"{number:064x}"]

    @precondition(lambda self: self.told)
    @rule(numbers=st.lists(PICK, min_size=1, max_size=3), how=st.sampled_from(["erase", "restrict"]))
    def withhold(self, numbers: list[int], how: str) -> None:
        digests = list(dict.fromkeys(self.told[number % len(self.told)] for number in numbers))
        self.send(f"disclosure.{how}", self.desk.registrar, {"digests": digests, "basis": "request"})

    @rule(person=st.booleans(), days=st.integers(0, 6))
    def enter_at_window(self, person: bool, days: int) -> None:
        came = newcomer("窗口")
        name, text = sd("name", "张三")
        more: dict[str, Any] = {"kind": "natural_person", "name": name} if person else {}
        title, told = sd("title", "申请表")
        body = party_body(came, **more) | {"evidence": [SCAN[0] | {"title": title}]}
        self.desk.pass_time(days=days)
        disclosures = [text, told] if person else [told]
        if self.send("party.register", self.desk.registrar, body, for_=came.id, disclosures=disclosures):
            self.told += [name["sd"], title["sd"]] if person else [title["sd"]]

    @rule(number=PICK, atomic=st.booleans())
    def tell_and_erase_in_one_batch(self, number: int, atomic: bool) -> None:
        by = self.actor(number)
        contact, text = sd("contact", "电话")
        told = beside(self.desk.envelope("party.update", by, {"contact": contact}), text)
        body = {"digests": [contact["sd"]], "basis": "request"}
        gone = self.desk.envelope("disclosure.erase", self.desk.registrar, body)
        again = beside(self.desk.envelope("party.update", by, {"contact": contact, "status": "在业"}), text)
        answers = self.desk.submit(told, gone, again, atomic=atomic)
        found = [answer.refusal and answer.refusal.code for answer in answers]
        assert found == (["BATCH_REFUSED"] * 2 if atomic else [None] * 2) + ["INVALID_VALUE"]

    @rule(hours=st.integers(1, 60))
    def wait(self, hours: int) -> None:
        self.desk.pass_time(hours=hours)

    @precondition(lambda self: self.assets)
    @rule(days=st.integers(-3, 20))
    def ask(self, days: int) -> None:
        key = (self.desk.size(), days, tuple(self.assets[-2:]))
        self.answers.setdefault(key, self.asked(*key))


HistoryMachine.TestCase.settings = settings(
    max_examples=6, stateful_step_count=20, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
TestHistories = HistoryMachine.TestCase
