"""Who reads what is kept beside the ledger, and who is shown that it was read: contract section 8."""

import pytest

from registry.refusals.refusal import RefusedError
from tests.registry.desk import Desk, granting, ids, sd
from tests.registry.telling import SECRET, file_with_title, read, room, tell


def test_those_concerned_read_and_are_shown_who_read(desk: Desk) -> None:
    a, b, stranger = desk.party("甲"), desk.party("乙"), desk.party("丙")
    operating = ids(desk.register(a), "rgt")[2]
    member, text = sd("consideration", "每年十万元")
    body = granting(operating, b, ["processing"], consideration=member)
    desk.ok("right.grant", a, body, with_=[b], disclosures=[text])
    assert read(desk, a, member["sd"]) == read(desk, b, member["sd"]) == "每年十万元"
    assert read(desk, stranger, member["sd"]) is None
    assert read(desk, desk.registrar, member["sd"]) == "每年十万元"
    (items, _), (others, _) = room(desk).accesses(a.id, 0, 10), room(desk).accesses(stranger.id, 0, 10)
    assert [item["reader"] for item in items] == [a.id, b.id, desk.registrar.id]
    assert {item["purpose"] for item in items} == {"核对"}
    assert others == []


def test_officers_read_in_their_office(desk: Desk) -> None:
    a = desk.party("甲")
    digest, _, _ = tell(desk, a)
    for role, may in (
        ("reviewer", True), ("approver", True), ("authority", True), ("regulator", True), ("auditor", False), ("trustee", False),
    ):  # fmt: skip
        officer = desk.party(role)
        assert read(desk, officer, digest) is None
        desk.ok("role.grant", desk.registrar, {"party": officer.id, "role": role})
        assert (read(desk, officer, digest) == SECRET) is may
        desk.ok("role.revoke", desk.registrar, {"party": officer.id, "role": role})
        assert read(desk, officer, digest) is None


def test_a_holder_of_the_asset_reads_registration_material(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    title, asset = file_with_title(desk, a, "采购合同")
    further = desk.filing([{"party": b.id, "rights": ["holding"]}]) | {"asset": asset}
    assert read(desk, b, title) is None
    desk.ok("case.file", b, further, with_=[a])
    assert read(desk, b, title) == "采购合同"


@pytest.mark.parametrize("purpose", ["", " ", "x" * 201, "a\nb"])
def test_a_purpose_says_something(desk: Desk, purpose: str) -> None:
    a = desk.party("甲")
    digest, _, _ = tell(desk, a)
    with pytest.raises(RefusedError) as found:
        room(desk).disclosure(a.id, digest, purpose)
    assert (found.value.code, found.value.reasons[0].pointer) == ("INVALID_VALUE", "/purpose")
    assert room(desk).accesses(a.id, 0, 10) == ([], None)


def test_the_log_comes_in_pages(desk: Desk) -> None:
    a = desk.party("甲")
    digest, _, _ = tell(desk, a)
    for number in range(5):
        room(desk).disclosure(a.id, digest, str(number))
    seen: list[str] = []
    after: int | None = 0
    while after is not None:
        items, after = room(desk).accesses(a.id, after, 2)
        seen += [item["purpose"] for item in items]
    assert seen == list("01234")
