"""Who may read a document: whom the first citation concerns, and from there on whom those entitled let read it."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from registry.documents.readers import Sent, entitling
from registry.register.citation import Citation, Cited
from tests.registry.desk import START

DIGEST = "ab" * 32


def sent(second: int, party: str) -> Sent:
    return Sent(START + timedelta(seconds=second), party)


def cited(second: int, signers: str, named: str = "") -> Citation:
    """By each letter of `signers`, naming each letter of `named`."""
    what = Cited((), (DIGEST,), (*signers, *named), len(signers))
    return Citation(second, START + timedelta(seconds=second), "case.file", (), what)


def readers(senders: list[Sent], citations: list[Citation], trusted: str = "") -> set[str]:
    counted = entitling(senders, citations, lambda party: party in trusted)
    return {party for citation in counted for party in citation.cited.parties} | {each.party for each in senders}


def test_who_cites_first_entitles_and_who_comes_later_only_if_entitled() -> None:
    assert readers([], [cited(1, "a", "b")]) == set("ab")
    assert readers([], [cited(1, "a", "b"), cited(2, "s", "t")]) == set("ab")
    assert readers([], [cited(1, "a", "b"), cited(2, "b", "c"), cited(3, "c", "d")]) == set("abcd")
    assert readers([], [cited(1, "a"), cited(2, "sa", "t")]) == set("ast")


def test_who_sent_it_before_it_was_cited_keeps_it_from_whoever_cites_it_first() -> None:
    assert readers([sent(1, "a")], [cited(2, "s"), cited(3, "a", "b")]) == set("ab")
    assert readers([sent(2, "a")], [cited(1, "s"), cited(3, "a", "b")]) == set("sab")
    assert readers([sent(1, "a")], [cited(1, "s")]) == set("a")


def test_what_a_trusted_party_cites_is_shown_to_those_concerned() -> None:
    assert readers([], [cited(1, "a"), cited(2, "r", "c")], trusted="r") == set("arc")
    assert readers([], [cited(1, "a"), cited(2, "r", "c")]) == set("a")


PARTY = st.sampled_from("abcdefgh")
NAMES = st.lists(PARTY, unique=True, max_size=3).map("".join)
SENT = st.lists(st.builds(sent, st.integers(0, 9), PARTY), max_size=4).map(
    lambda found: sorted(found, key=lambda s: s.time)
)
CITED = st.lists(st.builds(cited, st.integers(0, 9), NAMES.filter(bool), NAMES), max_size=6).map(
    lambda found: sorted(found, key=lambda c: c.time)
)


@given(SENT, CITED, st.integers(0, 9), NAMES)
def test_a_stranger_gains_nothing_by_citing(
    senders: list[Sent], citations: list[Citation], second: int, named: str
) -> None:
    """`s` is named by nobody. Unless `s` is the very first, what it cites changes nothing for anybody."""
    before = [*senders, *citations]
    if not any(each.time < START + timedelta(seconds=second) for each in before):
        return
    attack = cited(second, "s", named)
    mixed = sorted([*citations, attack], key=lambda each: each.time)
    assert readers(senders, mixed) == readers(senders, citations)
