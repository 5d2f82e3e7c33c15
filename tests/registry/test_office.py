"""The office: batches, dry runs, threads, faults, restarts. Contract sections 2, 6 and 10."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ledger.identifiers import key_identifier
from ledger.keys import Algorithm, KeySigner
from ledger.note import format_note, parse_note
from ledger.proof import parse_proof
from ledger.statement import format_envelope
from registry import office as office_module
from registry.acts import ACTS
from registry.drafting import sign_payload
from registry.refusals.refusal import RefusedError
from registry.writer import Answer
from tests.registry.desk import ALL, Actor, Desk, codes, key_shape, proven, updates


def bad(desk: Desk, by: Actor) -> bytes:
    return desk.envelope("role.grant", by, {"party": by.id, "role": "auditor"})


# ---- batches ---------------------------------------------------------------------------------------------------------


def test_a_bad_line_among_good_ones(desk: Desk, a: Actor) -> None:
    first, second, third = updates(desk, a, 3)
    lines = [first, b"no json", bad(desk, a), second, first, third]
    answers = desk.registry.office.submit(lines)
    assert codes(answers) == ["ok", "MALFORMED", "NOT_ENTITLED", "ok", "known", "ok"]
    assert proven(desk, answers) == [2, 3, 2, 4]
    assert desk.view(a.id)["contact"] == "2"


def test_no_lines(desk: Desk) -> None:
    for kind in ({}, {"atomic": True}, {"trial": True}):
        assert desk.registry.office.submit([], **kind) == []


def test_a_key_of_an_earlier_line_signs_a_later_one(desk: Desk, a: Actor) -> None:
    newcomer, key = Actor("新", [KeySigner.generate(Algorithm.ED25519)]), KeySigner.generate(Algorithm.ES256)
    with_new_key = Actor(a.name, [key])
    register = {"name": "新", "kind": "legal_person", "keys": [key_shape(newcomer.signers[0])]}
    payload_by = desk.payload("party.update", a, {"contact": "x"})
    lines = [
        desk.envelope("party.register", newcomer, register),
        desk.envelope("case.file", newcomer, desk.filing([{"party": newcomer.id, "rights": ALL}])),
        desk.envelope("key.add", a, key_shape(key), extra=[key]),
        _signed(payload_by, with_new_key),
        desk.envelope("key.revoke", a, {"key": key_identifier(a.signers[0].public), "reason": "old"}),
        *updates(desk, a, 1),
    ]
    for atomic in (True, False):
        answers = desk.registry.office.submit(lines, atomic=atomic)
        if atomic:
            assert codes(answers) == ["BATCH_REFUSED"] * 5 + ["KEY_INACTIVE"]
        else:
            assert codes(answers) == ["ok"] * 5 + ["KEY_INACTIVE"]
            assert proven(desk, answers) == [2, 3, 4, 5, 6]


def _signed(payload: bytes, by: Actor) -> bytes:
    return format_envelope(sign_payload(payload, by.signers)).encode()


def test_all_or_none(desk: Desk, a: Actor) -> None:
    known, *lines = updates(desk, a, 4)
    desk.registry.office.submit([known])
    size = desk.size()
    answers = desk.registry.office.submit([known, *lines, lines[0], bad(desk, a)], atomic=True)
    assert codes(answers) == ["known", *["BATCH_REFUSED"] * 4, "NOT_ENTITLED"]
    assert all(answer.refusal.status == 409 for answer in answers[1:5] if answer.refusal)
    early = desk.registry.office.submit([*lines, b"{"], atomic=True)
    assert codes(early) == [*["BATCH_REFUSED"] * 3, "MALFORMED"]
    assert desk.size() == size
    assert desk.view(a.id)["contact"] == "0"
    answers = desk.registry.office.submit(lines, atomic=True)
    assert codes(answers) == ["ok"] * 3
    assert proven(desk, answers) == [size, size + 1, size + 2]


def test_a_refused_batch_leaves_nothing_for_its_neighbours(desk: Desk, a: Actor) -> None:
    """What a refused batch had judged is gone: its identifiers, its fingerprints, its positions."""
    prints = [{"alg": "sha-256", "value": "1" * 64}]
    filing = desk.envelope("case.file", a, desk.filing([{"party": a.id, "rights": ALL}], fingerprints=prints))
    pending = [
        desk.registry.office.begin([filing, bad(desk, a)], atomic=True),
        desk.registry.office.begin(updates(desk, a, 1)),
        desk.registry.office.begin([filing]),
    ]
    first, second, third = (each.answers() for each in pending)
    assert codes(first) == ["BATCH_REFUSED", "NOT_ENTITLED"]
    assert (codes(second), codes(third)) == (["ok"], ["ok"])
    assert proven(desk, [*second, *third]) == [2, 3]


def test_at_most_256_stand_or_fall_together(desk: Desk, a: Actor) -> None:
    lines = updates(desk, a, 1) * 257
    with pytest.raises(RefusedError) as refusal:
        desk.registry.office.submit(lines, atomic=True)
    assert (refusal.value.code, refusal.value.status) == ("TOO_LARGE", 413)
    assert codes(desk.registry.office.submit(lines[:256], atomic=True)) == ["ok"] + ["known"] * 255


def test_300_statements_in_one_call(desk: Desk, a: Actor) -> None:
    answers = desk.registry.office.submit(updates(desk, a, 300))
    assert codes(answers) == ["ok"] * 300
    assert proven(desk, answers) == list(range(2, 302))
    (last,) = desk.registry.office.submit(updates(desk, a, 1))
    assert last.receipt is not None
    assert last.receipt["folios"] == [{"id": a.id, "n": 302, "prev": 301}]


def test_short_receipts_carry_one_line(desk: Desk, a: Actor) -> None:
    (short,) = desk.registry.office.submit(updates(desk, a, 1), short=True)
    (whole,) = desk.registry.office.submit(updates(desk, a, 1))
    notes = [parse_note(parse_proof(r["proof"]).checkpoint) for r in (short.receipt, whole.receipt) if r]
    assert [len(note.signatures) for note in notes] == [1, 2]
    assert format_note(notes[0]).endswith("\n")
    proven(desk, [short, whole])


def test_several_threads_at_once(desk: Desk) -> None:
    actors = [desk.party(str(n)) for n in range(4)]
    files = [updates(desk, actor, 12) for actor in actors]
    results: dict[int, list[Answer]] = {}

    def work(number: int) -> None:
        found = [answer for line in files[number][:6] for answer in desk.registry.office.submit([line])]
        results[number] = found + desk.registry.office.submit(files[number][6:], atomic=bool(number % 2))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(codes(answers) == ["ok"] * 12 for answers in results.values())
    positions = [proven(desk, results[number]) for number in range(4)]
    assert all(each == sorted(each) for each in positions)
    assert sorted(p for each in positions for p in each) == list(range(5, 53))
    for actor in actors:
        assert desk.view(actor.id)["contact"] == "11"


# ---- dry runs --------------------------------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing(desk: Desk, a: Actor) -> None:
    line = desk.envelope("case.file", a, desk.filing([{"party": a.id, "rights": ALL}]))
    size = desk.size()
    (tried,) = desk.registry.office.submit([line], trial=True)
    assert tried.receipt is not None
    assert set(tried.receipt) == {"statement", "time", "ids", "folios", "warnings"}
    assert desk.size() == size
    assert desk.registry.reader.page("assets", {}, after=-1, limit=9, at=None, size=None)[0] == []
    (done,) = desk.registry.office.submit([line])
    assert done.receipt is not None
    assert not done.known
    assert {name: done.receipt[name] for name in tried.receipt} == tried.receipt
    (again,) = desk.registry.office.submit([line], trial=True)
    assert again.known


def test_a_dry_run_refuses_like_the_real_one(desk: Desk, a: Actor) -> None:
    assert codes(desk.registry.office.submit([bad(desk, a)], trial=True)) == ["NOT_ENTITLED"]


def test_a_dry_run_of_a_file_acts_in_order(desk: Desk) -> None:
    newcomer = Actor("新", [KeySigner.generate(Algorithm.ED25519)])
    register = {"name": "新", "kind": "legal_person", "keys": [key_shape(newcomer.signers[0])]}
    lines = [desk.envelope("party.register", newcomer, register), *updates(desk, newcomer, 2), bad(desk, newcomer)]
    size = desk.size()
    tried = desk.registry.office.submit(lines, trial=True)
    assert codes(tried) == ["ok", "ok", "ok", "NOT_ENTITLED"]
    numbers = [answer.receipt["folios"][0]["n"] for answer in tried if answer.receipt]
    assert numbers == [1, 2, 3]
    assert all("seq" not in answer.receipt for answer in tried if answer.receipt)
    strict = desk.registry.office.submit(lines, trial=True, atomic=True)
    assert codes(strict) == [*["BATCH_REFUSED"] * 3, "NOT_ENTITLED"]
    assert desk.size() == size
    assert codes(desk.registry.office.submit(lines[:3], atomic=True)) == ["ok"] * 3


# ---- faults ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def decide(*_: Any) -> Any:
        raise ZeroDivisionError("a program fault")

    monkeypatch.setitem(ACTS, "role.grant", replace(ACTS["role.grant"], decide=decide))
    yield


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("trial", [False, True])
def test_an_act_whose_code_raises_fails_alone(desk: Desk, a: Actor, trial: bool) -> None:
    first, second = updates(desk, a, 2)
    fault = desk.envelope("role.grant", desk.registrar, {"party": a.id, "role": "auditor"})
    answers = desk.registry.office.submit([first, fault, second], trial=trial)
    assert codes(answers) == ["ok", "INTERNAL", "ok"]
    assert answers[1].refusal is not None
    assert answers[1].refusal.status == 500
    if not trial:
        assert proven(desk, answers) == [2, 3]
        assert codes(desk.registry.office.submit([fault, first], atomic=True)) == ["INTERNAL", "known"]


@pytest.mark.parametrize("part", ["parse", "names"])
def test_so_does_one_whose_form_raises(desk: Desk, a: Actor, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    def fault(*_: Any) -> Any:
        raise ZeroDivisionError("a program fault")

    monkeypatch.setitem(ACTS, "role.grant", replace(ACTS["role.grant"], **{part: fault}))
    good, line = updates(desk, a, 1)[0], bad(desk, a)
    assert codes(desk.registry.office.submit([line, good])) == ["INTERNAL", "ok"]


def test_a_full_queue(desk: Desk, a: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    held, go = threading.Event(), threading.Event()

    def decide(*_: Any) -> Any:
        held.set()
        go.wait(30)
        raise ZeroDivisionError

    monkeypatch.setitem(ACTS, "role.grant", replace(ACTS["role.grant"], decide=decide))
    monkeypatch.setattr(office_module, "_QUEUE_PATIENCE_S", 0.0)
    office = desk.registry.office
    office._queue.maxsize = 1
    slow = office.begin([bad(desk, a)])
    assert held.wait(30)
    waiting, turned_away = (office.begin([line]) for line in updates(desk, a, 2))
    (refused,) = turned_away.answers()
    go.set()
    assert refused.refusal is not None
    assert (refused.refusal.code, refused.refusal.status) == ("QUEUE_FULL", 503)
    assert codes([*slow.answers(), *waiting.answers()]) == ["INTERNAL", "ok"]
