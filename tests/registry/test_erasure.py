"""Erasing and restricting what is kept beside the ledger: contract sections 4 and 8."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from ledger.statement import format_envelope
from registry.admission import admit, open_submission
from registry.auditing import audit, open_subject
from registry.documents.folder import Incoming
from registry.drafting import sign_payload
from registry.law.rulebook import load_builtin
from registry.refusals.refusal import RefusedError
from registry.register.citation import Citation, Cited, Withheld, is_erased
from registry.store.loading import load
from registry.store.tables import DISCLOSURE
from tests.registry.desk import ALL, START, Actor, Desk, beside, newcomer, open_desk, party_body, sd
from tests.registry.telling import SCAN, SECRET, erase, everything, file_with_scan, file_with_title, read, tell, traces


class TestErasure:
    def test_the_value_is_nowhere_and_every_proof_holds(self, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        with open_desk(folder) as desk:
            a = desk.party("甲")
            digest, text, receipt = tell(desk, a)
            for number in range(40):
                tell(desk, a, value=f"其他{number}")
            assert any(trace in everything(folder) for trace in traces(text))
            gone = erase(desk, digest)
            assert gone["folios"] == [{"id": a.id, "n": 43, "prev": 42}]
            assert not any(trace in everything(folder) for trace in traces(text))
            assert read(desk, a, digest) is None
            assert read(desk, desk.registrar, digest) is None
            assert desk.view(a.id)["contact"] != {"sd": digest}
            keys = desk.registry.log.verifier_keys()
            entry = desk.registry.reader.entry(receipt["seq"]).data
            assert digest.encode() not in entry  # base64 of the payload
        with open_subject(folder) as subject:
            assert audit(subject, keys).findings == ()
        copied = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        assert not any(trace in copied for trace in traces(text))

    def test_it_does_not_come_back(self, desk: Desk) -> None:
        a = desk.party("甲")
        member, text = sd("contact", SECRET)
        envelope = desk.envelope("party.update", a, {"contact": member})
        first = desk.answer(beside(envelope, text)).receipt
        erase(desk, member["sd"])
        for again in (envelope, beside(envelope, text)):
            answer = desk.answer(again)
            assert answer.known
            assert answer.receipt is not None and first is not None
            assert answer.receipt["seq"] == first["seq"]
            assert read(desk, a, member["sd"]) is None
        refusal = desk.refusal("party.update", a, {"status": "x", "contact": member}, disclosures=[text])
        assert (refusal.code, refusal.reasons[0].pointer) == ("INVALID_VALUE", "/body")

    def test_a_missing_disclosure_may_be_brought_with_the_same_payload(self, desk: Desk) -> None:
        a = desk.party("甲")
        member, text = sd("contact", SECRET)
        envelope = desk.envelope("party.update", a, {"contact": member})
        desk.answer(beside(envelope, text))
        lose(desk, member["sd"])
        assert read(desk, a, member["sd"]) is None
        foreign = sd("contact", "别的")[1]
        assert desk.answer(beside(envelope, foreign)).known
        assert desk.answer(envelope).known
        assert read(desk, a, member["sd"]) is None
        assert desk.answer(beside(envelope, text)).known
        assert read(desk, a, member["sd"]) == SECRET

    def test_in_one_batch_with_what_it_erases(self, desk: Desk) -> None:
        a = desk.party("甲")
        member, text = sd("contact", SECRET)
        told = beside(desk.envelope("party.update", a, {"contact": member}), text)
        gone = desk.envelope("disclosure.erase", desk.registrar, {"digests": [member["sd"]], "basis": "request"})
        assert [answer.refusal for answer in desk.submit(told, gone)] == [None, None]
        assert read(desk, a, member["sd"]) is None
        assert text.encode() not in everything(Path(desk.registry.engine.url.database or "").parent)

    def test_who_erases_what(self, desk: Desk) -> None:
        a = desk.party("甲")
        digest, _, _ = tell(desk, a)
        body: dict[str, Any] = {"digests": [digest], "basis": "request"}
        desk.expect(("NOT_ENTITLED", 403, "/by"), "disclosure.erase", a, body)
        desk.expect(("NOT_ENTITLED", 403, "/by"), "disclosure.restrict", a, body)
        for act in ("disclosure.erase", "disclosure.restrict"):
            unknown = body | {"digests": ["A" * 43]}
            desk.expect(("NOT_FOUND", 404, "/body/digests/0"), act, desk.registrar, unknown)
            twice = body | {"digests": [digest, digest]}
            desk.expect(("INVALID_VALUE", 422, "/body/digests"), act, desk.registrar, twice)
            desk.expect(("INVALID_VALUE", 422, "/body/document"), act, desk.registrar, body | {"basis": "order"})
        erase(desk, digest)
        desk.expect(("ALREADY_ENDED", 409, "/body/digests/0"), "disclosure.erase", desk.registrar, body)
        desk.expect(("ALREADY_ENDED", 409, "/body/digests/0"), "disclosure.restrict", desk.registrar, body)

    def test_a_document_is_erased_by_its_digest(self, desk: Desk) -> None:
        a = desk.party("甲")
        document = file_with_scan(desk, a)
        erase(desk, document)
        assert desk.registry.documents.get(document) is None

    def test_a_crash_between_record_and_files_is_made_good_at_the_next_start(self, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        with open_desk(folder) as desk:
            a = desk.party("甲")
            document = file_with_scan(desk, a)
            erase(desk, document)
            desk.registry.documents.put(SCAN)
        with open_desk(folder) as desk:
            assert desk.registry.documents.get(document) is None

    def test_restricted_only_authorities_see_it(self, desk: Desk) -> None:
        a, reviewer, court = desk.party("甲"), desk.party("审查员"), desk.party("法院")
        desk.ok("role.grant", desk.registrar, {"party": reviewer.id, "role": "reviewer"})
        desk.ok("role.grant", desk.registrar, {"party": court.id, "role": "authority"})
        digest, _, _ = tell(desk, a)
        desk.ok("disclosure.restrict", desk.registrar, {"digests": [digest], "basis": "request"})
        assert [read(desk, who, digest) for who in (a, reviewer)] == [None, None]
        assert [read(desk, who, digest) for who in (court, desk.registrar)] == [SECRET, SECRET]
        erase(desk, digest)
        assert read(desk, court, digest) is None


def retaining(desk: Desk) -> None:
    """A rulebook that wants registration material kept for twenty years is the default."""
    text = load_builtin("internal").decode().replace('id = "internal"', 'id = "keeping"', 1)
    text = text.replace("overview_limit", "retention_years = 20\noverview_limit", 1)
    digest = desk.registry.documents.put(text.encode())
    book = desk.registry.documents.rulebook(digest)
    assert book is not None
    assert book.constants.retention_years == 20
    body = {"id": "keeping", "version": book.version, "sha256": digest, "default": True}
    desk.ok("rulebook.adopt", desk.registrar, body)


def test_registration_material_is_restricted_and_not_erased_while_it_is_kept(desk: Desk) -> None:
    retaining(desk)
    a = desk.party("甲")
    title, _ = file_with_title(desk, a, "合同")
    digest, _, _ = tell(desk, a)
    erase(desk, digest)
    body: dict[str, Any] = {"digests": [title], "basis": "request"}
    desk.expect(("INVALID_VALUE", 422, "/body/digests/0"), "disclosure.erase", desk.registrar, body)
    desk.ok("disclosure.restrict", desk.registrar, body)
    desk.clock.set(desk.clock.now() + timedelta(days=20 * 366))
    erase(desk, title)


def test_an_order_erases_what_would_be_kept(desk: Desk) -> None:
    retaining(desk)
    a = desk.party("甲")
    title, _ = file_with_title(desk, a, "合同")
    erase(desk, title, basis="order", document="cd" * 32)


def test_natural_persons_are_on_the_ledger_by_digests_and_can_be_forgotten(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with open_desk(folder) as desk:
        person = newcomer("张三")
        name, opened = sd("name", "张三丰")
        body = party_body(person, kind="natural_person", name=name)
        answer = desk.answer(beside(desk.envelope("party.register", person, body), opened))
        assert answer.refusal is None
        erase(desk, name["sd"])
        assert not any(trace in everything(folder) for trace in traces(opened, "张三丰"))
        receipt = desk.ok("case.file", person, desk.filing([{"party": person.id, "rights": ALL}]))
        assert receipt["seq"] == 3


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.text(min_size=8, max_size=40), min_size=1, max_size=12, unique=True), data=st.data())
def test_whatever_is_erased_is_gone_and_the_rest_stays(
    tmp_path_factory: pytest.TempPathFactory, values: list[str], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("erasing") / "data"
    with open_desk(folder) as desk:
        a = desk.party("甲")
        told = [(*tell(desk, a, value=value)[:2], value) for value in values]
        gone = data.draw(st.sets(st.sampled_from(range(len(told))), min_size=1))
        erase(desk, *(told[number][0] for number in sorted(gone)))
        kept = everything(folder)
        for number, (digest, text, value) in enumerate(told):
            assert (text.encode() in kept) is (number not in gone)
            assert read(desk, a, digest) == (None if number in gone else value)


def test_a_value_in_a_page_that_was_moved_is_overwritten_too(tmp_path: Path) -> None:
    """Bytes that stay behind in a page that the database rewrote are found, and the pages written anew."""
    folder = tmp_path / "data"
    with open_desk(folder) as desk:
        a = desk.party("甲")
        digest, text, _ = tell(desk, a)
        engine = desk.registry.engine
        with engine.begin() as tx:
            tx.exec_driver_sql("CREATE TABLE left_over (text TEXT)")
            tx.exec_driver_sql("INSERT INTO left_over VALUES (?)", (text,))
        with engine.begin() as tx:
            tx.exec_driver_sql("PRAGMA secure_delete=OFF")
            tx.exec_driver_sql("DELETE FROM left_over")
        erase(desk, digest)
        assert text.encode()[20:60] not in everything(folder)


def test_what_is_withheld_is_so_from_its_entry_on() -> None:
    assert not is_erased((Withheld(1, "x", "restricted", "request"),))
    assert is_erased((Withheld(1, "x", "restricted", "request"), Withheld(2, "x", "erased", "order")))
    citation = Citation(1, START, "case.file", (), Cited(("a",), ("b",)))
    assert citation.cites("a")
    assert citation.cites("b")
    assert not citation.cites("c")


def lose(desk: Desk, digest: str) -> None:
    """The side store has lost a disclosure."""
    with desk.registry.engine.begin() as tx:
        tx.exec_driver_sql("DELETE FROM sanquan_disclosure WHERE digest = ?", (digest,))


def test_drafts_that_tell_what_was_erased_are_gone(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    member, text = sd("contact", SECRET)
    desk.ok("party.update", a, {"contact": member}, disclosures=[text])
    other, told = sd("status", SECRET)
    payload = desk.payload("party.update", a, {"contact": member, "status": other}, with_=[b])
    envelope = format_envelope(sign_payload(payload, [a.signers[0]])).encode()
    result = desk.registry.drafts.open(beside(envelope, text, told), lambda _: None, 10)
    assert result.shown is not None
    erase(desk, member["sd"])
    assert desk.registry.drafts.page(b.id, waiting=False, after=0, limit=10)[0] == []
    folder = Path(desk.registry.engine.url.database or "").parent
    assert not any(trace in everything(folder) for trace in traces(text)[:1])


def drafted(desk: Desk, a: Actor, b: Actor, member: dict[str, str], text: str) -> bytes:
    """A statement of A's that B has still to sign, with A's signature."""
    payload = desk.payload("party.update", a, {"contact": member}, with_=[b])
    return beside(format_envelope(sign_payload(payload, [a.signers[0]])).encode(), text)


def drafts_of(desk: Desk, party: Actor) -> list[Any]:
    return desk.registry.drafts.page(party.id, waiting=False, after=0, limit=10)[0]


def test_however_long_it_is_and_though_only_the_draft_has_it(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    long, lost = sd("contact", "??>" * 16_000), sd("contact", SECRET)
    for member, text in (long, lost):
        desk.ok("party.update", a, {"contact": member}, disclosures=[text])
        desk.registry.drafts.open(drafted(desk, a, b, member, text), lambda _: None, 10)
    lose(desk, lost[0]["sd"])
    assert len(drafts_of(desk, b)) == 2
    erase(desk, long[0]["sd"])
    assert [shown.draft.disclosures for shown in drafts_of(desk, b)] == [(lost[1],)]
    erase(desk, lost[0]["sd"])
    assert drafts_of(desk, b) == []


def test_a_draft_does_not_keep_what_is_erased_while_it_is_opened(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    member, text = sd("contact", SECRET)
    desk.ok("party.update", a, {"contact": member}, disclosures=[text])
    with pytest.raises(RefusedError) as refusal:
        desk.registry.drafts.open(drafted(desk, a, b, member, text), lambda _: erase(desk, member["sd"]) and None, 10)
    assert (refusal.value.code, refusal.value.reasons[0].pointer) == ("INVALID_VALUE", "/body")
    assert drafts_of(desk, b) == []


class Overtaken(Incoming):
    """A document that is erased just before its file gets its name."""

    between: Callable[[], object]

    def finish(self, target: Path | None) -> bytes:
        self.between()
        return super().finish(target)


def test_a_document_erased_while_it_is_sent_does_not_stay(desk: Desk, tmp_path: Path) -> None:
    a, data = desk.party("甲"), SCAN
    digest = hashlib.sha256(data).hexdigest()
    evidence = [{"kind": "identity", "sha256": digest}]
    desk.ok("case.file", a, desk.filing([{"party": a.id, "rights": ALL}]) | {"evidence": evidence})
    incoming = Overtaken(tmp_path / "incoming", None)
    incoming.between = lambda: erase(desk, digest)
    incoming.write(data)
    with pytest.raises(RefusedError) as refusal:
        desk.registry.keeper.keep(incoming, digest, "image/png", a.id)
    assert (refusal.value.code, refusal.value.reasons[0].pointer) == ("INVALID_VALUE", "/sha256")
    assert not desk.registry.documents.has(digest)


def test_an_error_of_the_database_tells_nothing(desk: Desk) -> None:
    """Its words go into the log."""
    with desk.registry.engine.begin() as tx:
        tx.execute(insert(DISCLOSURE).values(digest="d" * 43, disclosure=SECRET))
    with pytest.raises(IntegrityError) as error, desk.registry.engine.begin() as tx:
        tx.execute(insert(DISCLOSURE).values(digest="d" * 43, disclosure=SECRET))
    assert SECRET not in str(error.value)


def test_citing_what_was_cited_often_costs_no_more(desk: Desk) -> None:
    a = desk.party("甲")
    member, text = sd("contact", SECRET)
    for number in range(3):
        desk.ok("party.update", a, {"name": f"甲{number}", "contact": member}, disclosures=[text])
    envelope = desk.envelope("party.update", a, {"contact": member})
    item = admit(open_submission(beside(envelope, text)), desk.registry.origin)
    with desk.registry.engine.connect() as tx:
        assert not [name for kind, name in load(tx, [item.names]) if kind in ("cited", "citation")]


def test_a_rulebook_that_was_adopted_stays(desk: Desk) -> None:
    retaining(desk)
    for name in ("keeping", "internal"):
        adopted = desk.registry.reader.registry().rulebook(name)
        assert adopted is not None
        evidence = [{"kind": "contract", "sha256": adopted.sha256}]
        desk.ok(
            "party.verify", desk.registrar, {"party": desk.party(name).id, "level": "documented", "evidence": evidence}
        )
        body = {"digests": [adopted.sha256], "basis": "order", "document": "cd" * 32}
        desk.expect(("INVALID_VALUE", 422, "/body/digests/0"), "disclosure.erase", desk.registrar, body)
        assert desk.registry.documents.rulebook(adopted.sha256) is not None
