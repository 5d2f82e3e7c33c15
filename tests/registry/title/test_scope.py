from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from ledger.instants import parse_instant
from registry.title.scope import (
    Duty,
    Excess,
    Failure,
    Scope,
    excesses,
    failures,
    is_within,
    meet,
    overlaps,
    scope,
    whole,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "rights"
ATTENUATION = yaml.safe_load((VECTORS / "attenuation.yaml").read_text("utf-8"))
OVERLAP = yaml.safe_load((VECTORS / "overlap.yaml").read_text("utf-8"))


def midnight(date: Any) -> datetime:
    return parse_instant(f"{date}T00:00:00+08:00")


def read(text: dict[str, Any]) -> Scope:
    members = {name: value for name, value in text.items() if name not in ("from", "until", "duties")}
    return scope(
        **members,
        starts=midnight(text["from"]),
        ends=None if text["until"] is None else midnight(text["until"]),
        duties=[Duty(**duty) for duty in text.get("duties", ())],
    )


PARENT = read(ATTENUATION["parent"]["scope"])
CHILD = read(ATTENUATION["child"]["scope"])


def codes(found: tuple[Excess, ...] | tuple[Failure, ...]) -> list[str]:
    return [item.code for item in found]


@pytest.mark.parametrize("row", ATTENUATION["rows"], ids=lambda row: row["id"])
def test_attenuation(row: dict[str, Any]) -> None:
    base = ATTENUATION["child"]
    found = excesses(
        read(base["scope"] | row.get("scope", {})),
        read(ATTENUATION["parent"]["scope"] | row.get("parent", {})),
        rights=row.get("rights", base["rights"]),
        exclusivity=row.get("exclusivity", base["exclusivity"]),
        parent_exclusivity=ATTENUATION["parent"]["exclusivity"],
    )
    assert codes(found) == row["expect"]


@pytest.mark.parametrize("row", OVERLAP["rows"], ids=lambda row: row["id"])
def test_overlap(row: dict[str, Any]) -> None:
    existing = OVERLAP["existing"]
    new = read(existing["scope"] | row.get("scope", {}))
    shared = set(existing["rights"]) & set(row.get("rights", existing["rights"]))
    assert (bool(shared) and overlaps(new, read(existing["scope"]))) is row["conflict"]


def test_everything_wrong_is_named_in_the_order_of_the_contract() -> None:
    child = scope(
        purposes=["marketing", "analytics.credit"],
        territory=["DE", "CN-SD"],
        fields=["name", "score"],
        starts=midnight("2025-01-01"),
        ends=None,
        duties=[Duty("delete_on_expiry", "after", "within a week")],
        rights=["processing", "holding"],
        depth=3,
    )
    found = excesses(child, PARENT, rights=["operating"], exclusivity="sole")
    assert found == (
        Excess("DEPTH_EXCEEDS_PARENT", "depth", ("3",), ("1",)),
        Excess("RIGHT_NOT_IN_PARENT", "rights", ("holding", "operating"), ("processing",)),
        Excess("PURPOSE_EXCEEDS_PARENT", "purposes", ("marketing",), ("analytics",)),
        Excess("TERRITORY_EXCEEDS_PARENT", "territory", ("DE",), ("CN",)),
        Excess("FIELDS_EXCEED_PARENT", "fields", ("name",), ("addr", "dob", "score")),
        Excess(
            "TERM_EXCEEDS_PARENT",
            "term",
            ("2024-12-31T16:00:00.000Z", ".."),
            ("2025-12-31T16:00:00.000Z", "2026-12-31T16:00:00.000Z"),
        ),
        Excess("DUTY_DROPPED", "duties", ("delete_on_expiry after within a week",), ("delete_on_expiry after",)),
        Excess("EXCLUSIVITY_EXCEEDS_PARENT", "exclusivity", ("sole",), ("none",)),
    )
    last = msgspec.structs.replace(PARENT, depth=0)
    assert codes(excesses(child, last, rights=["operating"], exclusivity="sole"))[1:] == codes(found)[1:]
    assert excesses(child, last)[0] == Excess("NOT_DELEGABLE", "depth", ("3",), ("0",))


def test_a_title_confers_any_depth_and_exclusivity_but_not_without_end() -> None:
    title = whole(midnight("2026-01-01"))
    child = msgspec.structs.replace(CHILD, depth=99)
    assert excesses(child, title, rights=["operating"], exclusivity="exclusive", parent_exclusivity=None) == ()
    unlimited = msgspec.structs.replace(child, depth=None)
    assert excesses(unlimited, title) == (Excess("DEPTH_EXCEEDS_PARENT", "depth", ("*",), ("*",)),)
    assert codes(excesses(child, title, rights=["x.mining"])) == ["RIGHT_NOT_IN_PARENT"]


def test_an_absent_depth_is_zero_and_absent_rights_are_all_three() -> None:
    child = scope(purposes=["analytics"], territory=["CN"], fields=["score"], starts=PARENT.starts, ends=PARENT.ends)
    assert child.depth == 0
    assert codes(excesses(child, PARENT, rights=["processing"])) == ["DUTY_DROPPED"]
    parent = msgspec.structs.replace(PARENT, rights=("operating",), duties=())
    assert excesses(child, parent, rights=["operating"]) == (
        Excess("RIGHT_NOT_IN_PARENT", "rights", ("holding", "processing"), ("operating",)),
    )


@pytest.mark.parametrize(("child", "passes"), [("none", True), ("sole", True), ("exclusive", False)])
def test_exclusivity_of_the_parent_is_the_limit(child: Any, passes: bool) -> None:
    assert (excesses(CHILD, PARENT, exclusivity=child, parent_exclusivity="sole") == ()) is passes


def test_normal_form() -> None:
    given = scope(
        purposes=["analytics.credit", "analytics", "analytics"],
        territory=["CN-SD", "*"],
        fields=["b", "a"],
        starts=PARENT.starts,
        ends=None,
        duties=[Duty("b", "after"), Duty("a", "before", ""), Duty("a", "before"), Duty("b", "after")],
        actions=["process", "access", "process"],
        rights=["processing", "operating", "holding"],
        depth=2,
    )
    duties = (Duty("a", "before"), Duty("a", "before", ""), Duty("b", "after"))
    assert given == Scope(
        ("analytics",), ("*",), ("a", "b"), PARENT.starts, None, duties, ("access", "process"), None, 2
    )
    assert msgspec.json.decode(msgspec.json.encode(given), type=Scope) == given


@pytest.mark.parametrize(
    "wrong", [{"purposes": []}, {"territory": []}, {"fields": []}, {"until": "2026-03-01"}, {"depth": -1}]
)
def test_no_scope(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"at least one term|after it starts|negative"):
        read(ATTENUATION["child"]["scope"] | wrong)


def test_meet() -> None:
    title = whole(midnight("2026-02-01"))
    other = msgspec.structs.replace(
        PARENT, duties=(Duty("report_monthly", "during"),), actions=("process", "access"), rights=("holding",), depth=3
    )
    assert meet(title, CHILD) == CHILD
    shared = meet(PARENT, other)
    assert shared is not None
    assert [duty.id for duty in shared.duties] == ["delete_on_expiry", "report_monthly"]
    assert (shared.actions, shared.rights, shared.depth) == (("process", "access"), (), 1)
    assert meet(PARENT, msgspec.structs.replace(other, territory=("DE",))) is None
    assert is_within(CHILD, PARENT)
    assert not is_within(PARENT, CHILD)


QUESTION: dict[str, Any] = {
    "purpose": "analytics.credit.small",
    "territory": ["CN-SD"],
    "fields": ["score"],
    "action": "process",
    "at": midnight("2026-03-01"),
    "kind": "processing",
    "is_title": False,
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"at": CHILD.starts - timedelta(milliseconds=1)}, ["NOT_YET_EFFECTIVE"]),
        ({"at": midnight("2026-09-01") - timedelta(milliseconds=1)}, []),
        ({"at": midnight("2026-09-01")}, ["EXPIRED"]),
        ({"purpose": "analytics"}, ["PURPOSE_OUTSIDE_SCOPE"]),
        ({"territory": ["CN"]}, ["TERRITORY_OUTSIDE_SCOPE"]),
        ({"territory": None}, ["TERRITORY_OUTSIDE_SCOPE"]),
        ({"territory": []}, ["TERRITORY_OUTSIDE_SCOPE"]),
        ({"fields": ["score", "dob"]}, ["FIELDS_OUTSIDE_SCOPE"]),
        ({"fields": None}, ["FIELDS_OUTSIDE_SCOPE"]),
        ({"action": "store"}, ["ACTION_OUTSIDE_SCOPE"]),
        ({"kind": "operating", "action": "sublicense"}, []),
        ({"kind": "operating", "action": "transfer"}, ["ACTION_OUTSIDE_SCOPE"]),
        ({"kind": "operating", "action": "transfer", "is_title": True}, []),
        (
            {"purpose": "resale", "territory": None, "fields": None, "action": "own", "at": midnight("2027-01-01")},
            [
                *("EXPIRED", "PURPOSE_OUTSIDE_SCOPE", "TERRITORY_OUTSIDE_SCOPE", "FIELDS_OUTSIDE_SCOPE"),
                "ACTION_OUTSIDE_SCOPE",
            ],
        ),
    ],
)
def test_failures(change: dict[str, Any], expected: list[str]) -> None:
    assert codes(failures(CHILD, **(QUESTION | change))) == expected


def test_failures_say_what_was_wanted_and_allowed() -> None:
    narrow = msgspec.structs.replace(CHILD, actions=("access", "store"))
    assert failures(narrow, **(QUESTION | {"fields": ["dob", "score"]})) == (
        Failure("FIELDS_OUTSIDE_SCOPE", "fields", ("dob",), ("score",)),
        Failure("ACTION_OUTSIDE_SCOPE", "actions", ("process",), ("access",)),
    )
    assert failures(narrow, **(QUESTION | {"action": "access"})) == ()


def test_a_whole_title_answers_any_question_from_its_start() -> None:
    asked = QUESTION | {"territory": None, "fields": None, "is_title": True}
    assert failures(whole(midnight("2026-03-01")), **asked) == ()
    assert codes(failures(whole(midnight("2026-03-02")), **asked)) == ["NOT_YET_EFFECTIVE"]
