"""Evidence bundles under mutation: refused in the module's own words or examined to the end, never a fault."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.checkpoint import verify_checkpoint
from ledger.errors import FormatError
from ledger.evidence.bundle import claimed_origin, format_evidence, is_evidence, parse_evidence
from ledger.evidence.examination import EvidenceReport, examine_evidence
from tests.ledger.evidence_book import A1, B, base, party
from tests.ledger.test_evidence import BUNDLE, KEYS, VALID, as_json

LOG = base()
STRINGS = st.sampled_from(["", "x", party(B), "pty_" + "0" * 26, LOG.raw, "ast_x", "11" * 32, "_", VALID["origin"]])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 2**53 - 1) | STRINGS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["sources", "inputs", "asset", "changes", "party", "to", "sd", "sha256", "origin", "keys"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def examined(data: bytes) -> EvidenceReport | None:
    claimed_origin(data)
    try:
        evidence = parse_evidence(data)
    except FormatError:
        return None
    assert is_evidence(data)
    assert parse_evidence(format_evidence(evidence)) == evidence
    return examine_evidence(evidence, lambda note: verify_checkpoint(note, KEYS))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places in a JSON value."""
    children: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return [path, *(place for key, item in children for place in leaves(item, (*path, key)))]


PLACES = leaves(VALID)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_other_bytes(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(BUNDLE) - 1))
    other = data.draw(st.binary(max_size=3))
    changed = BUNDLE[:at] + other + BUNDLE[at + data.draw(st.integers(0, 3)) :]
    report = examined(changed)
    assert report is None or json.loads(changed) == VALID or report.checks


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PLACES), JSON)
def test_other_members(place: tuple[Any, ...], value: Any) -> None:
    if not place:
        examined(as_json(value))
        return
    changed = json.loads(BUNDLE)
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    examined(as_json(changed))


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["log.open", "party.register", "key.add", "key.recover", "key.revoke", "log.key", "case.file",
                     "rulebook.adopt", "x.y"]),
    st.dictionaries(st.sampled_from(["sources", "changes", "keys", "registrar", "use", "add", "sha256", "party", "to"]), JSON),
    st.sampled_from([[LOG.derived], [LOG.raw], [party(A1)], [party(B), LOG.derived]]),
)  # fmt: skip
def test_statements_that_no_registry_would_take(act: str, body: Any, folios: list[str]) -> None:
    envelope = LOG.book.envelope(act, [B], body)
    report = examined(format_evidence(LOG.bundle(envelope, folios)))
    assert report is not None
    assert [check.name for check in report.checks][:3] == ["checkpoint", "inclusion", "entries"]
    assert all(check.holds for check in report.checks[:3])
