"""Laws of the algebra, over few terms and instants so that scopes often touch."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from registry.title.scope import Duty, Scope, excesses, failures, is_within, meet, overlaps, scope

DAY_0 = datetime(2026, 1, 1, tzinfo=UTC)
FOUR = ("purposes", "territory", "fields", "starts", "ends")


def days(least: int, most: int) -> st.SearchStrategy[datetime]:
    return st.integers(least, most).map(lambda day: DAY_0 + timedelta(days=day))


def some(*terms: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(terms), min_size=1, max_size=4)


scopes = st.builds(
    scope,
    purposes=some("*", "a", "a.b", "a.b.c", "a.d", "ab", "x.a"),
    territory=some("*", "CN", "CN-SD", "CN-JS", "DE", "DE-BE"),
    fields=some("*", "f", "f.g", "f-g", "h"),
    starts=days(0, 3),
    ends=st.none() | days(4, 6),
    duties=st.lists(st.builds(Duty, st.sampled_from("pq"), st.just("after"), st.sampled_from([None, "t"])), max_size=2),
    actions=st.none() | some("process", "access", "provide"),
    rights=st.none() | some("holding", "processing", "operating", "x.mining"),
    depth=st.none() | st.integers(0, 3),
)
late = st.builds(lambda one, day: msgspec.structs.replace(one, starts=day, ends=None), scopes, days(3, 7))
any_scope = scopes | late


def four(one: Scope) -> tuple[object, ...]:
    return tuple(getattr(one, name) for name in FOUR)


def meet_all(*given_scopes: Scope | None) -> Scope | None:
    first, *rest = given_scopes
    for other in rest:
        first = None if first is None or other is None else meet(first, other)
    return first


@st.composite
def children(draw: st.DrawFn, parent: Scope) -> Scope:
    """A scope that the parent may well pass on: its meet with another, one link shorter."""
    base = meet(parent, draw(any_scope)) or parent
    depth = draw(st.integers(0, 3)) if base.depth is None else max(base.depth - 1, 0)
    return msgspec.structs.replace(base, depth=depth)


chains = any_scope.flatmap(
    lambda c: children(c).flatmap(lambda b: children(b).map(lambda a: (a, b, c))),
)


@given(any_scope)
def test_normal_form_is_idempotent(one: Scope) -> None:
    assert scope(**msgspec.structs.asdict(one)) == one


@given(any_scope)
def test_meet_is_idempotent(one: Scope) -> None:
    assert meet(one, one) == one
    assert is_within(one, one)


@given(any_scope, any_scope)
def test_meet_is_commutative_and_in_normal_form(a: Scope, b: Scope) -> None:
    shared = meet(a, b)
    assert shared == meet(b, a)
    if shared is not None:
        assert scope(**msgspec.structs.asdict(shared)) == shared


@given(any_scope, any_scope, any_scope)
def test_meet_is_associative(a: Scope, b: Scope, c: Scope) -> None:
    assert meet_all(meet(a, b), c) == meet_all(a, meet(b, c))


@given(any_scope, any_scope)
def test_meet_lies_within_both(a: Scope, b: Scope) -> None:
    if (shared := meet(a, b)) is not None:
        for one in (a, b):
            assert is_within(shared, one)
            assert set(one.duties) <= set(shared.duties)
            assert one.depth is None or (shared.depth is not None and shared.depth <= one.depth)


@given(any_scope, any_scope, any_scope)
def test_meet_is_the_greatest_within_both(a: Scope, b: Scope, c: Scope) -> None:
    shared = meet(a, b)
    both = is_within(c, a) and is_within(c, b)
    assert both == (shared is not None and is_within(c, shared))


@given(any_scope, any_scope)
def test_overlap_is_symmetric_and_means_a_meet(a: Scope, b: Scope) -> None:
    assert overlaps(a, b) == overlaps(b, a) == (meet(a, b) is not None)


@given(any_scope, any_scope)
def test_within_means_that_the_meet_is_the_smaller(a: Scope, b: Scope) -> None:
    shared = meet(a, b)
    assert is_within(a, b) == (shared is not None and four(shared) == four(a))


@given(any_scope, any_scope)
def test_within_is_antisymmetric(a: Scope, b: Scope) -> None:
    assert (is_within(a, b) and is_within(b, a)) == (four(a) == four(b))


@given(chains)
def test_within_is_transitive(chain: tuple[Scope, Scope, Scope]) -> None:
    a, b, c = chain
    assert is_within(a, b)
    assert is_within(b, c)
    assert is_within(a, c)


@given(any_scope)
def test_attenuation_is_reflexive_but_for_one_link(one: Scope) -> None:
    child = msgspec.structs.replace(one, depth=0)
    parent = msgspec.structs.replace(one, depth=1)
    kinds = one.rights or ("holding", "processing", "operating")
    assert excesses(child, parent, rights=kinds) == ()
    assert [item.code for item in excesses(child, child)] == ["NOT_DELEGABLE"]


@given(chains)
def test_attenuation_is_transitive(chain: tuple[Scope, Scope, Scope]) -> None:
    a, b, c = chain
    kinds = ("operating",)
    if not excesses(a, b, rights=kinds) and not excesses(b, c, rights=kinds):
        assert excesses(a, c, rights=kinds) == ()


@given(any_scope, any_scope)
def test_no_excess_means_within(a: Scope, b: Scope) -> None:
    dimensions = {item.dimension for item in excesses(a, b)}
    assert is_within(a, b) == dimensions.isdisjoint({"purposes", "territory", "fields", "term"})


@given(any_scope, any_scope, st.sampled_from(["a", "a.b", "a.b.c"]), st.sampled_from(["CN", "CN-SD", None]), days(0, 7))
def test_the_meet_answers_as_both_links(a: Scope, b: Scope, purpose: str, place: str | None, at: datetime) -> None:
    def fails(one: Scope) -> bool:
        territory = None if place is None else [place]
        return bool(
            failures(
                one,
                purpose=purpose,
                territory=territory,
                fields=["f"],
                action="process",
                at=at,
                kind="processing",
                is_title=False,
            )
        )

    shared = meet(a, b)
    assert (fails(a) or fails(b)) == (shared is None or fails(shared))
