"""`check`: may this party do this with these data? Contract section 7; rights.md 3.8 T5, fixed readings."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.instants import format_instant
from ledger.keys import Algorithm, KeySigner
from registry.law.rulebook import load_builtin
from registry.title.question import Answer, Question
from tests.registry.acts.tables import titled
from tests.registry.desk import ALL, CRAWLED, Actor, Desk, ids, scope

CN = {"territory": ("CN",)}


def denial(answer: Answer) -> str:
    assert (answer.decision, answer.status) == (False, "DENIED")
    for reason in answer.reasons:
        assert reason.message.en
        assert reason.message.zh
    return answer.reasons[0].code


def test_an_allowed_answer_has_all_members(desk: Desk, a: Actor, b: Actor) -> None:
    asset, _, title = titled(desk, a)
    receipt = desk.grant(a, title, b, ["processing"])
    answers, ledger = desk.registry.reader.check([_question(b, asset)], None, None)
    shown = answers[0].to_json("en", ledger)
    assert list(shown) == [
        "decision", "status", "reasons", "chain", "obligations", "warnings", "evaluated", "ledger",
    ]  # fmt: skip
    assert (shown["decision"], shown["status"], shown["reasons"]) == (True, "ALLOWED", [])
    assert shown["chain"] == [
        {"right": right, "holder": holder, "basis": "declared", "recorded": {"seq": seq, "time": receipt["time"]}}
        for right, holder, seq in ((title, a.id, 3), (ids(receipt, "rgt")[0], b.id, 4))
    ]
    assert shown["obligations"] == {"before": [], "during": [], "after": []}
    assert shown["warnings"] == [{"code": "SELF_DECLARED"}]
    book = desk.registry.reader.registry().rulebooks[0].sha256
    assert shown["evaluated"] == {"at": receipt["time"], "size": 5, "spec": 1, "rulebook": book}
    assert shown["ledger"] == {"origin": "desk.test", "size": 5, "root": ledger["root"]}
    assert len(ledger["root"]) == 64


def _question(party: Actor, asset: str, purpose: str = "research", **more: Any) -> Any:
    return Question(party.id, asset, purpose, **(CN | more))


def test_a_denial_shows_what_was_wanted_and_allowed(desk: Desk, a: Actor, b: Actor) -> None:
    asset, _, title = titled(desk, a)
    right = ids(desk.grant(a, title, b, ["processing"]), "rgt")[0]
    answers, ledger = desk.registry.reader.check([_question(b, asset, "marketing")], None, None)
    (reason,) = answers[0].to_json("zh", ledger)["reasons"]
    assert {name: reason[name] for name in ("code", "right", "dimension", "wanted", "allowed")} == {
        "code": "PURPOSE_OUTSIDE_SCOPE", "right": right, "dimension": "purposes", "wanted": ["marketing"],
        "allowed": ["research"],
    }  # fmt: skip


def test_unknown_names_are_denials(desk: Desk, a: Actor) -> None:
    asset = ids(desk.register(a), "ast")[0]
    stranger = Actor("stranger", [KeySigner.generate(Algorithm.ED25519)])
    assert denial(desk.check(stranger, asset)) == "PARTY_UNKNOWN"
    assert denial(desk.check(a, "ast_" + "0" * 26)) == "ASSET_UNKNOWN"
    assert denial(desk.check(a, "nonsense")) == "ASSET_UNKNOWN"
    assert denial(desk.check(a, asset, right="x.rental")) == "RIGHT_KIND_UNKNOWN"
    assert denial(desk.check(a, asset, right="owning")) == "RIGHT_KIND_UNKNOWN"
    assert denial(desk.check(desk.registrar, asset)) == "NO_ACTIVE_PATH"
    assert desk.check(stranger, asset).chain == ()


ACTIONS = {
    "holding": ["store", "access"],
    "processing": ["process", "access", "aggregate", "analyse", "train_model", "derive"],
    "operating": ["provide", "license", "sublicense", "transfer", "contribute", "pledge", "publish", "export"],
}


@pytest.mark.parametrize("kind", ALL)
def test_a_title_allows_the_actions_of_its_kind(desk: Desk, a: Actor, kind: str) -> None:
    asset = ids(desk.register(a, [kind]), "ast")[0]
    for other, actions in ACTIONS.items():
        for action in actions:
            wanted = action in ACTIONS[kind]
            assert desk.check(a, asset, action=action).decision is wanted, action
            assert desk.check(a, asset, action=action, right=other).decision is (other == kind)
        assert desk.check(a, asset, right=other).decision is (other == kind)
    assert desk.check(a, asset).decision is (kind == "processing")


def test_an_action_of_another_kind(desk: Desk, a: Actor) -> None:
    asset = ids(desk.register(a), "ast")[0]
    assert denial(desk.check(a, asset, right="holding", action="derive")) == "ACTION_OUTSIDE_SCOPE"


def test_disposition_needs_an_operating_right(desk: Desk, a: Actor, b: Actor) -> None:
    asset = ids(desk.register(a, ["holding", "processing"], CRAWLED, form="raw"), "ast")[0]
    answer = desk.check(a, asset, action="license")
    assert denial(answer) == "DISPOSITION_NEEDS_OPERATE"
    assert (answer.chain, answer.reasons[0].article) == ((), "第三条第四款")
    assert denial(desk.check(b, asset, action="license")) == "NO_ACTIVE_PATH"


def test_t5_who_may_grant_on(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    asset, _, title = titled(desk, a)
    both = scope(rights=["processing", "operating"], depth=1)
    held = ids(desk.grant(a, title, b, ["operating", "processing"], scope=both, with_=[b]), "rgt")[0]
    on = desk.grant(b, held, c, ["operating"], scope=scope(rights=["processing"]), with_=[c])
    d = desk.party("丁")
    desk.grant(b, held, d, ["processing"])
    assert desk.check(b, asset, action="sublicense", **CN).decision
    assert denial(desk.check(c, asset, action="sublicense", **CN)) == "NOT_DELEGABLE"
    assert denial(desk.check(d, asset, action="sublicense", **CN)) == "NOT_DELEGABLE"
    assert denial(desk.check(d, asset, action="provide", **CN)) == "DISPOSITION_NEEDS_OPERATE"
    assert desk.check(c, asset, action="provide", **CN).chain[-1].id == ids(on, "rgt")[0]


def test_actions_of_grants(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    asset, _, title = titled(desk, a)
    some = scope(actions=["process", "derive"])
    desk.grant(a, title, b, ["processing"], scope=some)
    allowed = [act for act in ACTIONS["processing"] if desk.check(b, asset, action=act, **CN).decision]
    assert allowed == ["process", "derive"]
    usual = scope(rights=["operating"], depth=1)
    held = ids(desk.grant(a, title, b, ["operating"], scope=usual, with_=[b]), "rgt")[0]
    allowed = [act for act in ACTIONS["operating"] if desk.check(b, asset, action=act, **CN).decision]
    assert allowed == ["provide", "license", "sublicense"]
    beyond = scope(rights=["operating"], actions=["provide", "export"])
    desk.grant(b, held, c, ["operating"], scope=beyond, with_=[c])
    assert desk.check(c, asset, action="provide", **CN).decision
    answer = desk.check(c, asset, action="export", **CN)
    assert (denial(answer), answer.reasons[0].right) == ("ACTION_OUTSIDE_SCOPE", held)


def test_every_dimension_of_the_scope(desk: Desk, a: Actor, b: Actor) -> None:
    fields = [{"name": name, "personal": "none"} for name in ("x", "y")]
    receipt = desk.register(a, fields=fields)
    asset, title = ids(receipt, "ast")[0], ids(receipt, "rgt")[2]
    narrow = scope(purposes=["research", "credit.loan"], territory=["CN", "DE"], fields=["x"])
    desk.grant(a, title, b, ["processing"], scope=narrow)
    within: dict[str, Any] = {"territory": ("CN-SD", "DE"), "fields": ("x",)}
    for purpose in ("research", "research.health", "credit.loan", "credit.loan.car"):
        assert desk.check(b, asset, purpose, **within).decision
    for purpose in ("credit", "researcher", "credit.loans", "x.other"):
        assert denial(desk.check(b, asset, purpose, **within)) == "PURPOSE_OUTSIDE_SCOPE"
    for territory in (("FR",), ("CN", "FR"), None, ("*",)):
        answer = desk.check(b, asset, **within | {"territory": territory})
        assert denial(answer) == "TERRITORY_OUTSIDE_SCOPE"
    for wanted in (("y",), ("x", "y"), None, ("*",)):
        assert denial(desk.check(b, asset, **within | {"fields": wanted})) == "FIELDS_OUTSIDE_SCOPE"
    both = desk.check(b, asset, "marketing", territory=("FR",), fields=("y",))
    assert [reason.code for reason in both.reasons] == [
        "PURPOSE_OUTSIDE_SCOPE", "TERRITORY_OUTSIDE_SCOPE", "FIELDS_OUTSIDE_SCOPE",
    ]  # fmt: skip


def test_the_term_is_half_open(desk: Desk, a: Actor, b: Actor) -> None:
    asset, _, title = titled(desk, a)
    start, end = desk.clock.now() + timedelta(days=1), desk.clock.now() + timedelta(days=2)
    term = {"from": format_instant(start), "until": format_instant(end)}
    desk.grant(a, title, b, ["processing"], scope=scope(**term))
    tick = timedelta(milliseconds=1)
    assert denial(desk.check(b, asset, at=start - tick, **CN)) == "NOT_YET_EFFECTIVE"
    assert desk.check(b, asset, at=start, **CN).decision
    assert desk.check(b, asset, at=end - tick, **CN).decision
    assert denial(desk.check(b, asset, at=end, **CN)) == "EXPIRED"


def test_revoked_and_cascade_revoked(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    asset, _, title = titled(desk, a)
    both = scope(rights=["processing"], depth=1)
    held = ids(desk.grant(a, title, b, ["operating", "processing"], scope=both, with_=[b]), "rgt")
    desk.grant(b, held[0], c, ["processing"])
    desk.ok("right.revoke", a, {"rights": held, "ground": "breach"})
    own, fallen = desk.check(b, asset, **CN), desk.check(c, asset, **CN)
    assert (denial(own), own.reasons[0].right) == ("REVOKED", held[1])
    assert (denial(fallen), fallen.reasons[0].right) == ("CASCADE_REVOKED", held[0])
    assert [link.id for link in own.chain] == [title, held[1]]


def test_duties(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    asset, _, title = titled(desk, a)
    report, delete = {"id": "report", "when": "during", "text": "每月"}, {"id": "delete", "when": "after"}
    desk.grant(a, title, b, ["processing"], scope=scope(duties=[report, delete]), with_=[b])
    answer = desk.check(b, asset, **CN)
    assert (answer.decision, answer.status) == (True, "ALLOWED_WITH_DUTIES")
    assert answer.obligations == {
        "before": [],
        "during": [{"id": "report", "text": "每月"}],
        "after": [{"id": "delete"}],
    }
    pay = {"id": "pay", "when": "before"}
    desk.grant(a, title, c, ["processing"], scope=scope(duties=[pay]), with_=[c])
    assert denial(desk.check(c, asset, **CN)) == "DUTY_UNFULFILLED"
    desk.grant(a, title, c, ["processing"])
    assert desk.check(c, asset, **CN).status == "ALLOWED"


def test_the_shortest_open_path_then_the_one_recorded_first(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    asset, _, title = titled(desk, a)
    held = ids(
        desk.grant(a, title, b, ["operating"], scope=scope(rights=["processing"], depth=1), with_=[b]), "rgt"
    )[0]  # fmt: skip
    longer = ids(desk.grant(b, held, c, ["processing"]), "rgt")[0]
    assert desk.check(c, asset, **CN).chain[-1].id == longer
    first, second = (ids(desk.grant(a, title, c, ["processing"]), "rgt")[0] for _ in range(2))
    assert desk.check(c, asset, **CN).chain[-1].id == first
    desk.ok("right.revoke", a, {"rights": [first], "ground": "breach"})
    assert desk.check(c, asset, **CN).chain[-1].id == second
    desk.ok("right.revoke", a, {"rights": [second], "ground": "breach"})
    assert desk.check(c, asset, **CN).chain[-1].id == longer


def test_of_failing_paths_the_nearest_is_shown(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    """Most links passed, then fewest links, then recorded first."""
    asset, _, title = titled(desk, a)
    wide = ids(
        desk.grant(a, title, b, ["operating"], scope=scope(purposes=["research", "credit"], rights=["processing"],
                                                           depth=1), with_=[b]), "rgt"
    )[0]  # fmt: skip
    direct = [ids(desk.grant(a, title, c, ["processing"]), "rgt")[0] for _ in range(2)]
    longer = ids(desk.grant(b, wide, c, ["processing"]), "rgt")[0]
    credit = desk.check(c, asset, "credit", **CN)
    assert [link.id for link in credit.chain] == [title, wide, longer]
    marketing = desk.check(c, asset, "marketing", **CN)
    assert [link.id for link in marketing.chain] == [title, direct[0]]
    assert [reason.right for reason in marketing.reasons] == [direct[0]]
    desk.ok("right.revoke", a, {"rights": [wide], "ground": "breach"})
    assert denial(desk.check(c, asset, "credit", **CN)) == "PURPOSE_OUTSIDE_SCOPE"


def test_granted_away(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    asset, _, title = titled(desk, a)
    end = desk.clock.now() + timedelta(days=5)
    given = scope(territory=["CN"], until=format_instant(end))
    grant = desk.grant(a, title, b, ["processing"], scope=given, exclusivity="exclusive", with_=[b])
    answer = desk.check(a, asset, **CN)
    assert (denial(answer), answer.reasons[0].right) == ("GRANTED_AWAY", ids(grant, "rgt")[0])
    assert denial(desk.check(a, asset, territory=("CN-SD",))) == "GRANTED_AWAY"
    assert denial(desk.check(a, asset)) == "GRANTED_AWAY"
    assert desk.check(a, asset, territory=("DE",)).decision
    assert desk.check(a, asset, "marketing", **CN).decision
    assert desk.check(a, asset, action="store", **CN).decision
    assert desk.check(a, asset, at=end, **CN).decision
    further = {"kind": "initial", "asset": asset, "sources": desk.filing([])["sources"],
               "claims": [{"party": c.id, "rights": ALL}]}  # fmt: skip
    desk.ok("case.file", c, further, with_=[a])
    assert desk.check(c, asset, **CN).decision
    desk.ok("right.revoke", a, {"rights": ids(grant, "rgt"), "ground": "breach"})
    assert desk.check(a, asset, **CN).decision


def test_personal_fields_need_a_consent(desk: Desk, a: Actor, b: Actor) -> None:
    fields = [
        {"name": "score", "personal": "personal"}, {"name": "health", "personal": "sensitive"},
        {"name": "area", "personal": "none"},
    ]  # fmt: skip
    receipt = desk.register(a, fields=fields, personal_information="sensitive")
    asset, title = ids(receipt, "ast")[0], ids(receipt, "rgt")[2]
    answer = desk.check(a, asset, fields=("score", "area"))
    assert (denial(answer), answer.reasons[0].wanted) == ("CONSENT_MISSING", ("score",))
    assert desk.check(a, asset).reasons[0].wanted == ("health", "score")
    assert desk.check(a, asset, fields=("area",)).decision
    desk.grant(a, title, b, ["processing"], scope=scope(fields=["score", "area"]))
    assert denial(desk.check(b, asset, fields=("score",), **CN)) == "CONSENT_MISSING"
    assert desk.check(b, asset, fields=("area",), **CN).decision


@pytest.mark.parametrize(
    ("form", "personal"),
    [
        ({"personal_information": "none"}, False),
        ({"personal_information": "anonymised"}, False),
        ({"personal_information": "deidentified"}, True),
        ({"personal_information": "personal"}, True),
        ({"personal_information": "minor"}, True),
        ({"personal_information": "personal", "fields": [{"name": "x", "personal": "none"}]}, False),
        ({"personal_information": "none", "fields": [{"name": "x", "personal": "personal"}]}, True),
    ],
)
def test_which_fields_are_personal(desk: Desk, a: Actor, form: dict[str, Any], personal: bool) -> None:
    asset = ids(desk.register(a, **form), "ast")[0]
    answer = desk.check(a, asset)
    assert answer.decision is not personal
    if personal:
        assert denial(answer) == "CONSENT_MISSING"


def test_parallel_titles(desk: Desk, a: Actor, b: Actor) -> None:
    asset = ids(desk.register(a, ["processing"]), "ast")[0]
    assert desk.check(a, asset).warnings == ("SELF_DECLARED",)
    further = {"kind": "initial", "asset": asset, "sources": desk.filing([])["sources"],
               "claims": [{"party": b.id, "rights": ["processing"]}]}  # fmt: skip
    desk.ok("case.file", b, further, with_=[a])
    for party in (a, b):
        assert desk.check(party, asset).warnings == ("SELF_DECLARED", "PARALLEL_TITLE")
    assert desk.check(a, asset, size=4).warnings == ("SELF_DECLARED",)


def test_recorded_later(desk: Desk, a: Actor) -> None:
    start = {"from": format_instant(desk.clock.now() - timedelta(days=30))}
    claim = {"party": a.id, "rights": ALL, "scope": scope(purposes=["*"], territory=["*"], **start)}
    asset = ids(desk.ok("case.file", a, desk.filing([claim])), "ast")[0]
    before = desk.check(a, asset, at=desk.clock.now() - timedelta(days=1))
    assert before.decision
    assert before.warnings == ("SELF_DECLARED", "RECORDED_LATER")
    assert desk.check(a, asset).warnings == ("SELF_DECLARED",)


def test_reviewed_titles_only(desk: Desk, a: Actor) -> None:
    declared = ids(desk.register(a), "ast")[0]
    assert desk.check(a, declared, reviewed_only=False).decision
    assert denial(desk.check(a, declared, reviewed_only=True)) == "NO_ACTIVE_PATH"
    assert denial(desk.check(a, declared, reviewed_only=True, action="license")) == "NO_ACTIVE_PATH"
    text = load_builtin("internal").replace(b'version = "1"', b'version = "r"')
    text = text.replace(b'basis = "declared"', b'basis = "reviewed"')
    body = {"id": "internal", "version": "r", "sha256": desk.registry.documents.put(text), "default": True}
    desk.ok("rulebook.adopt", desk.registrar, body)
    reviewed = ids(desk.register(a), "ast")[0]
    answer = desk.check(a, reviewed, reviewed_only=True)
    assert (answer.decision, answer.warnings) == (True, ())


def test_size_is_what_the_register_knew(desk: Desk, a: Actor, b: Actor) -> None:
    asset, _, title = titled(desk, a)
    size = desk.size()
    right = ids(desk.grant(a, title, b, ["processing"]), "rgt")[0]
    desk.ok("right.revoke", a, {"rights": [right], "ground": "breach"})
    answers = [desk.check(b, asset, size=n, **CN) for n in (size, size + 1, size + 2)]
    assert [answer.decision for answer in answers] == [False, True, False]
    assert [answer.size for answer in answers] == [size, size + 1, size + 2]
    assert denial(desk.check(a, asset, size=size - 1)) == "ASSET_UNKNOWN"
    assert denial(desk.check(a, asset, size=1)) == "PARTY_UNKNOWN"
    assert denial(desk.check(a, asset, size=0)) == "PARTY_UNKNOWN"


def test_many_questions_in_order(desk: Desk, a: Actor, b: Actor) -> None:
    asset, _, _ = titled(desk, a)
    questions = [_question(party, asset) for _ in range(300) for party in (a, b)]
    answers, _ = desk.registry.reader.check(questions, None, None)
    assert [answer.decision for answer in answers] == [True, False] * 300
