"""The ledger's own reading of who must sign, beside the registry's, over a history with every way to add or end a key."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import msgspec
import pytest

from ledger.entry import Entry, parse_entry
from ledger.errors import SignatureError
from ledger.instants import format_instant
from ledger.key_state import KeyState, KeyStateError, signing_of
from ledger.keys import Algorithm, KeySigner, verify_signature
from ledger.statement import Envelope, EnvelopeSignature, parse_statement
from registry.admission import Opened, admit
from registry.refusals.refusal import RefusedError
from registry.register.register import Register
from registry.signatures import required_verifications
from registry.store.loading import load
from tests.registry.acts.test_window import NOW
from tests.registry.desk import ALL, ORIGIN, START, Desk, key_shape, newcomer, open_desk, party_body


def entries_of(desk: Desk) -> list[Entry]:
    return [parse_entry(desk.registry.reader.entry(position).data) for position in range(desk.size())]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("keys") / "data") as desk:
        a, b = desk.party("甲"), desk.party("乙", Algorithm.ES256)
        c = newcomer("丙")
        c.signers += [KeySigner.generate(Algorithm.ML_DSA_44), KeySigner.generate()]
        desk.ok("party.register", c, party_body(c), extra=c.signers[1:])
        paper = newcomer("纸质")
        desk.ok("party.register", desk.registrar, party_body(paper) | NOW, for_=paper.id)
        second = KeySigner.generate()
        desk.ok("key.add", a, key_shape(second), extra=[second])
        claims = [{"party": a.id, "rights": ALL}, {"party": b.id, "rights": ["holding"]}]
        desk.ok("case.file", a, desk.filing(claims), with_=[b])
        at = START + timedelta(hours=1)
        first_key = desk.view(a.id)["keys"][0]["key"]
        desk.ok("key.revoke", a, {"key": first_key, "reason": "planned", "effective": format_instant(at)})
        desk.ok("party.update", a, {"contact": "1"})
        desk.pass_time(hours=1)
        desk.ok("key.revoke", desk.registrar, {"key": desk.view(b.id)["keys"][0]["key"], "reason": "lost"})
        desk.ok("party.update", c, {"contact": "3"})
        yield desk


def ours(state: KeyState, entry: Entry) -> str | None:
    """The code under which the state refuses the entry's signatures; None if it asks for none but those that hold."""
    statement = parse_statement(entry.envelope)
    try:
        state.check(entry.position, entry.time, signing_of(entry.envelope, statement))
    except KeyStateError as error:
        return error.code
    return None


def registrys(desk: Desk, entry: Entry) -> str | None:
    item = admit(Opened(entry.envelope, entry.envelope.digest()), ORIGIN, disclosed=False)
    with desk.registry.engine.connect() as tx:
        register = Register(load(tx, [item.names])).as_of(entry.position)
    try:
        required_verifications(register, item.signers, entry.envelope.signatures, entry.time)
    except RefusedError as refusal:
        return refusal.code
    return None


def resigned(entry: Entry, signatures: Sequence[EnvelopeSignature]) -> Entry:
    envelope = Envelope(entry.envelope.payload, tuple(signatures))
    return msgspec.structs.replace(entry, envelope=envelope)


def test_every_signature_of_a_log_holds_at_its_key_state(history: Desk) -> None:
    state = KeyState()
    for entry in entries_of(history):
        signing = signing_of(entry.envelope, parse_statement(entry.envelope))
        records = state.check(entry.position, entry.time, signing)
        for record, signature in zip(records, entry.envelope.signatures, strict=True):
            verify_signature(record.algorithm, record.public, entry.envelope.signed_bytes(), signature.value)
        state.apply(entry.time, {line.folio for line in entry.folios}, signing)


def test_ledger_and_registry_ask_for_the_same_signatures(history: Desk) -> None:
    """Each entry as it is, and with its signatures dropped, doubled, turned round, or by any other key of the log."""
    entries = entries_of(history)
    keys = list(dict.fromkeys(s.key for entry in entries for s in entry.envelope.signatures))
    state, seen = KeyState(), set()
    for entry in entries:
        signatures = entry.envelope.signatures
        changed = [signatures[:-1], (*signatures, signatures[0]), signatures[::-1]]
        for place, signature in enumerate(signatures):
            for key in keys:
                other = msgspec.structs.replace(signature, key=key)
                changed.append((*signatures[:place], other, *signatures[place + 1 :]))
        later = msgspec.structs.replace(entry, time=entry.time + timedelta(days=1))
        for each in [entry, later, *(resigned(entry, found) for found in changed)]:
            code = ours(state, each)
            if entry.position:  # the registry has no register to look at before the first entry
                assert code == registrys(history, each), (entry.position, each.envelope.signatures)
            seen.add(code)
        signing = signing_of(entry.envelope, parse_statement(entry.envelope))
        state.apply(entry.time, {line.folio for line in entry.folios}, signing)
    assert seen == {None, "SIGNATURE_MISSING", "SIGNATURE_SURPLUS", "KEY_UNKNOWN", "KEY_INACTIVE"}


def test_a_key_belongs_to_one_party_for_ever(history: Desk) -> None:
    state = KeyState()
    entries = entries_of(history)
    for entry in entries:
        signing = signing_of(entry.envelope, parse_statement(entry.envelope))
        state.apply(entry.time, (), signing)
    assert ours(state, entries[1]) == "KEY_TAKEN"


def test_an_unusable_key_is_no_key(history: Desk) -> None:
    entry = entries_of(history)[1]
    payload = entry.envelope.payload
    public = parse_statement(entry.envelope).body["keys"][0]["public"].encode()
    one = Envelope(payload.replace(public, b"AQ" + b"A" * 41), entry.envelope.signatures)
    with pytest.raises(SignatureError):
        signing_of(one, parse_statement(one))
