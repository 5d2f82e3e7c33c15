"""Disclosures that come beside an envelope. Contract section 8."""

import json

import pytest

from ledger.encoding import format_base64, format_base64url
from tests.registry.desk import Actor, Desk, ids, refusal, scope, sd

KIB = 1024


# ---- disclosures -----------------------------------------------------------------------------------------------------


def test_disclosures_match_the_members(desk: Desk, a: Actor) -> None:
    member, text = sd("contact", "010-1")
    wrong_name, other_name = sd("status", "x")
    salt = format_base64url(b"0" * 15)
    short_salt = format_base64url(json.dumps([salt, "contact", "x"]).encode())
    no_list = format_base64url(b'{"contact":1}')
    for body, disclosures, pointer in (
        ({"contact": member}, None, "/body/contact"),
        ({"contact": member}, [], "/body/contact"),
        ({"contact": member}, [sd("contact", "010-1")[1]], "/body/contact"),
        ({"contact": wrong_name}, [other_name], "/body/contact"),
        ({"contact": member, "status": member}, [text], "/body/status"),
        ({"contact": member}, [text, other_name], "/disclosures/1"),
        ({"contact": "1"}, [text], "/disclosures/0"),
        ({"contact": member}, [short_salt], "/disclosures/0"),
        ({"contact": member}, [no_list], "/disclosures/0"),
        ({"contact": member}, ["*"], "/disclosures/0"),
        ({"contact": member}, ["é"], "/disclosures/0"),
        ({"contact": {"sd": "short"}}, [text], "/body/contact/sd"),
    ):
        answer = desk.send("party.update", a, body, disclosures=disclosures)
        assert refusal(answer) == ("INVALID_VALUE", 422, pointer), (body, disclosures)
    desk.ok("party.update", a, {"contact": member}, disclosures=[text])


def test_a_confidential_member_has_no_other_member(desk: Desk, a: Actor) -> None:
    member, text = sd("contact", "010-1")
    answer = desk.send("party.update", a, {"contact": member | {"note": "x"}}, disclosures=[text])
    assert refusal(answer) == ("UNKNOWN_MEMBER", 400, "/body/contact/note")


@pytest.mark.parametrize(
    ("number", "length", "code"),
    [
        (64, 10, "INVALID_VALUE"),
        (65, 10, "TOO_LARGE"),
        (64, KIB, "INVALID_VALUE"),
        (63, KIB + 17, "TOO_LARGE"),
    ],
)
def test_limits_of_disclosures(desk: Desk, a: Actor, number: int, length: int, code: str) -> None:
    """Within the limits they are looked at, and are surplus; beyond them not even the act is."""
    disclosures = [f"{n:0{length}d}" for n in range(number)]
    answer = desk.send("party.update" if code == "INVALID_VALUE" else "party.dance", a, {"contact": "1"},
                       disclosures=disclosures)  # fmt: skip
    assert refusal(answer) == (code, 413 if code == "TOO_LARGE" else 422, "/disclosures" + "/0" * (code != "TOO_LARGE"))


def test_plain_values_do_not_stand_in_the_entry(desk: Desk, a: Actor) -> None:
    member, text = sd("contact", "秘密")
    receipt = desk.ok("party.update", a, {"contact": member}, disclosures=[text])
    entry = desk.registry.reader.entry(receipt["seq"]).data
    assert text.encode() not in entry
    assert format_base64("秘密".encode())[:6].encode() not in entry
    assert desk.view(a.id)["contact"] == member


def test_scopes_may_hold_confidential_texts(desk: Desk, a: Actor, b: Actor) -> None:
    title = ids(desk.register(a), "rgt")[2]
    member, text = sd("text", "每月报告")
    duty = {"id": "report", "when": "during", "text": member}
    body = {"from_right": title, "to": b.id, "rights": ["processing"], "scope": scope(duties=[duty])}
    answer = desk.send("right.grant", a, body, with_=[b])
    assert refusal(answer) == ("INVALID_VALUE", 422, "/body/scope/duties/0/text")
    desk.ok("right.grant", a, body, with_=[b], disclosures=[text])
