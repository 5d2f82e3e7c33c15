import pytest

from registry.title import vocabulary
from registry.title.vocabulary import ACTIONS, HOLDING, KINDS, OPERATING, PROCESSING, Dimension


def test_first_action_is_the_default() -> None:
    assert [ACTIONS[kind][0] for kind in KINDS] == ["store", "process", "provide"]


@pytest.mark.parametrize(
    ("action", "kinds"),
    [
        ("access", (HOLDING, PROCESSING)),
        ("store", (HOLDING,)),
        ("derive", (PROCESSING,)),
        ("pledge", (OPERATING,)),
        ("own", ()),
    ],
)
def test_kind_of_action(action: str, kinds: tuple[str, ...]) -> None:
    assert vocabulary.kind_of_action(action) == kinds


def test_only_an_operating_grant_has_fewer_actions_than_its_kind() -> None:
    for kind in KINDS:
        assert vocabulary.default_actions(kind, is_title=True) == ACTIONS[kind]
    assert vocabulary.default_actions(OPERATING, is_title=False) == ("provide", "license", "sublicense")
    assert vocabulary.default_actions(PROCESSING, is_title=False) == ACTIONS[PROCESSING]
    assert vocabulary.default_actions("x.mining", is_title=True) == ()


@pytest.mark.parametrize("term", ["analytics", "analytics.credit", "credit.loan_2.a", "x.a", "x.a.b", "resale"])
def test_purposes(term: str) -> None:
    assert vocabulary.is_purpose(term)


@pytest.mark.parametrize(
    "term",
    [
        *("", "*", "x", "x.", "analytics.", ".analytics", "analytics..credit", "Analytics", "analytics credit"),
        *("analytics\n", "gardening", "analyticsx", "analytics.é", "analytics." + "a" * 91),
    ],
)
def test_no_purposes(term: str) -> None:
    assert not vocabulary.is_purpose(term)


def test_purpose_length_and_heads_of_a_rulebook() -> None:
    assert vocabulary.is_purpose("analytics." + "a" * 90)
    assert vocabulary.is_purpose("gardening.roses", {"gardening"})
    assert not vocabulary.is_purpose("x", {"x"})


def test_territories() -> None:
    assert all(map(vocabulary.is_territory, ["CN", "CN-SD", "FR-75C", "GB-1"]))
    assert not any(map(vocabulary.is_territory, ["", "*", "cn", "CHN", "CN-", "CN-SDXX", "CN-sd", "CN\n", "CN-SD-1"]))


def test_kinds() -> None:
    assert all(map(vocabulary.is_kind, [*KINDS, "x.mining"]))
    assert not any(map(vocabulary.is_kind, ["", "x", "x.", "x.Mining", "ownership", "holding.x", "*"]))


def test_every_kind_is_named_then_and_now() -> None:
    now = {kind: name.zh for kind, name in vocabulary.RIGHT_NAMES.items()}
    then = {kind: name.zh_2022 for kind, name in vocabulary.RIGHT_NAMES.items()}
    assert now == {HOLDING: "数据持有权", PROCESSING: "数据使用权", OPERATING: "数据经营权"}
    assert then == {HOLDING: "数据资源持有权", PROCESSING: "数据加工使用权", OPERATING: "数据产品经营权"}
    assert all(name.en and name.en_2022 for name in vocabulary.RIGHT_NAMES.values())


@pytest.mark.parametrize(
    ("dimension", "wide", "narrow", "expected"),
    [
        ("purposes", "analytics", "analytics", True),
        ("purposes", "analytics", "analytics.credit.small", True),
        ("purposes", "analytics", "analytics_x", False),
        ("purposes", "analytics.credit", "analytics", False),
        ("purposes", "*", "marketing", True),
        ("purposes", "marketing", "*", False),
        ("territory", "CN", "CN-SD", True),
        ("territory", "CN-SD", "CN", False),
        ("territory", "CN-S", "CN-SD", False),
        ("territory", "*", "*", True),
        ("fields", "score", "score.raw", False),
        ("fields", "score", "score-raw", False),
        ("fields", "*", "score", True),
    ],
)
def test_covers(dimension: Dimension, wide: str, narrow: str, expected: bool) -> None:
    assert vocabulary.covers(dimension, wide, narrow) is expected
    assert vocabulary.terms_within(dimension, (narrow,), (wide,)) is expected
    padding = tuple(sorted(f"zz{number}" for number in range(20)))
    if wide != "*":
        assert vocabulary.terms_within(dimension, (narrow,), (wide, *padding)) is expected


def test_normal_form_and_meet_of_territories() -> None:
    assert vocabulary.normal_terms("territory", ["CN-SD", "DE", "CN", "DE"]) == ("CN", "DE")
    assert vocabulary.meet_terms("territory", ("CN", "DE-BE"), ("CN-SD", "DE", "FR")) == ("CN-SD", "DE-BE")
    assert not vocabulary.terms_overlap("territory", ("CN-SD",), ("CN-JS",))
