"""Contract section 8: disclosures travel beside the envelope, each for a member; natural persons need them."""

from typing import Any

import pytest

from ledger.encoding import format_base64url
from ledger.strict_json import format_compact
from registry.documents.disclosures import disclosure_digest
from tests.registry.desk import ALL, Desk, beside, newcomer, party_body, sd

CONTACT = {"contact": "电话"}


def test_disclosures_belong_to_members(desk: Desk) -> None:
    a = desk.party("甲")
    one, opened = sd("contact", "电话")
    other, other_opened = sd("status", "存续")
    misnamed, misnamed_opened = sd("name", "电话")

    def answer(body: dict[str, Any], *texts: str) -> str | None:
        return desk.code(beside(desk.envelope("party.update", a, body), *texts))

    assert desk.code(desk.envelope("party.update", a, {"contact": one})) == "INVALID_VALUE"
    assert answer({"contact": one}) == "INVALID_VALUE"
    assert answer({"contact": one}, other_opened) == "INVALID_VALUE"
    assert answer({"contact": one}, opened, other_opened) == "INVALID_VALUE"
    assert answer({"contact": misnamed}, misnamed_opened) == "INVALID_VALUE"
    assert answer({"contact": other, "status": other}, other_opened) == "INVALID_VALUE"
    assert answer({"contact": "电话"}, opened) == "INVALID_VALUE"
    assert answer({"contact": one, "status": other}, other_opened, opened) is None


@pytest.mark.parametrize(
    "value",
    [["salt", "contact", "x"], [format_base64url(bytes(15)), "contact", "x"], [format_base64url(bytes(16)), "contact"],
     {"a": 1, "b": 2, "c": 3}, "text", [format_base64url(bytes(16)), 1, "x"]],
    ids=range(6),
)  # fmt: skip
def test_a_disclosure_is_salt_name_and_value(desk: Desk, value: Any) -> None:
    text = format_base64url(format_compact(value) if not isinstance(value, str) else b'"text"')
    body = {"contact": {"sd": disclosure_digest(text)}}
    assert desk.code(beside(desk.envelope("party.update", desk.registrar, body), text)) == "INVALID_VALUE"


def test_no_two_disclosures_share_a_salt(desk: Desk) -> None:
    texts = [
        format_base64url(format_compact([format_base64url(bytes(15) + end), name, "x"]))
        for name, end in (("contact", b"1"), ("status", b"1"), ("status", b"2"))
    ]
    contact, status, other = ({"sd": disclosure_digest(text)} for text in texts)
    same = desk.envelope("party.update", desk.registrar, {"contact": contact, "status": status})
    assert desk.code(beside(same, texts[0], texts[1])) == "INVALID_VALUE"
    apart = desk.envelope("party.update", desk.registrar, {"contact": contact, "status": other})
    assert desk.code(beside(apart, texts[0], texts[2])) is None


def test_natural_persons_keep_their_texts_confidential(desk: Desk) -> None:
    person = newcomer("张三")
    name, opened = sd("name", "张三")
    body = party_body(person, kind="natural_person", name=name)
    for more in ({"name": "张三"}, CONTACT, {"identifier": {"scheme": "id", "value": "1"}}):
        assert desk.code(beside(desk.envelope("party.register", person, body | more), opened)) == "INVALID_VALUE"
    assert desk.code(beside(desk.envelope("party.register", person, body), opened)) is None
    assert desk.refused("party.update", person, CONTACT) == "INVALID_VALUE"
    filing = desk.filing([{"party": person.id, "rights": ALL}])
    titled = filing | {"evidence": [{"kind": "contract", "sha256": "0" * 64, "title": "张三的合同"}]}
    assert desk.refused("case.file", person, titled) == "INVALID_VALUE"
    assert desk.ok("case.file", person, filing)["seq"] == 2
