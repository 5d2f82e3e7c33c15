import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from registry.law.cases import failed_cases
from registry.law.errors import RulebookError, RuleError
from registry.law.facts import FACT_FORMS, KNOWN_FACTS, Applicant, Claim, Filing, Form, Source
from registry.law.rulebook import load_builtin, parse_rulebook
from registry.title.vocabulary import SUPPLY_ARTICLE

BUILTIN = sorted(path.name.removesuffix(".toml") for path in (files("registry.law") / "rulebooks").iterdir())
TEXT = load_builtin("internal").decode()
ROOT = Path(__file__).parents[3]
LAW = (ROOT / "tests" / "vectors" / "law" / "nda-2026-excerpt.txt").read_text(encoding="utf-8")


def edited(old: str, new: str) -> bytes:
    assert old in TEXT
    return TEXT.replace(old, new, 1).encode()


@pytest.mark.parametrize("name", BUILTIN)
def test_every_case_in_the_file_holds(name: str) -> None:
    assert failed_cases(parse_rulebook(load_builtin(name))) == []


@pytest.mark.parametrize("name", BUILTIN)
def test_every_rule_has_a_case_where_it_bites_and_one_where_it_does_not(name: str) -> None:
    for rule in parse_rulebook(load_builtin(name)).rules:
        assert {bool(case.expect) for case in rule.test} == {True, False}, rule.id


def test_every_quotation_stands_in_the_law() -> None:
    book = parse_rulebook(load_builtin("internal"))
    quotations = [one.quotation for one in (*book.rules, *book.entitlements.values()) if one.quotation]
    assert len(quotations) > 30
    for quotation in quotations:
        assert quotation in LAW, quotation


def test_every_quotation_stands_in_the_article_that_is_cited() -> None:
    book = parse_rulebook(load_builtin("internal"))
    numerals = {
        "15": "第十五条",
        "16": "第十六条",
        "20": "第二十条",
        "21": "第二十一条",
        "22": "第二十二条",
        "annex 1": "附件1",
    }
    blocks = LAW.split("\n\n")
    for one in (*book.rules, *book.entitlements.values()):
        if one.quotation:
            heading = numerals[re.sub(r"\(.*", "", one.cite)]
            assert one.article.startswith(heading)
            assert any(one.quotation in block for block in blocks if re.match(heading + r"[ \u3000申]", block)), (
                one.cite
            )


def test_every_fact_has_a_form() -> None:
    assert {name for names in KNOWN_FACTS.values() for name in names} == FACT_FORMS.keys()


def test_a_failing_case_is_told() -> None:
    book = parse_rulebook(edited("when = \"grade == 'core'\"", "when = \"grade == 'important'\""))
    assert len(failed_cases(book)) == 2
    assert all("core-data" in line for line in failed_cases(book))


def test_the_same_bytes_give_the_same_rulebook() -> None:
    book = parse_rulebook(TEXT.encode())
    assert parse_rulebook(bytes(bytearray(TEXT.encode()))) is book
    assert book.data == TEXT.encode()
    assert len(book.sha256) == 64
    assert tomllib.loads(TEXT)["id"] == book.id == "internal"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"\xff", "not a rulebook", id="not UTF-8"),
        pytest.param(b"id = ", "not a rulebook", id="not TOML"),
        pytest.param(b" " * 300_000, "at most", id="too long"),
        pytest.param(edited('version = "1"', 'version = "1"\nauthor = "x"'), "author", id="unknown key"),
        pytest.param(edited("name_limit = 40", "name_limit = 40\nname_limits = 40"), "name_limits", id="constant"),
        pytest.param(edited("name_limit = 40", ""), "name_limit", id="constant missing"),
        pytest.param(edited("name_limit = 40", 'name_limit = "40"'), "name_limit", id="constant type"),
        pytest.param(edited('severity = "refuse"', 'severity = "refuse"\nwhy = "x"'), "rule core-data:.*why", id="key"),
        pytest.param(edited('severity = "refuse"', 'severity = "ask"'), "rule core-data:.*ask", id="severity"),
        pytest.param(edited('message.zh = "核心', 'article_zh = "核心'), "rule core-data", id="message missing"),
        pytest.param(edited("grade == 'core'", "grade == "), "core-data: .*not an expression", id="bad CEL"),
        pytest.param(edited("grade == 'core'", "grde == 'core'"), "core-data: .*grde", id="unknown variable"),
        pytest.param(
            edited("grade == 'core'", "intrusion == true"), "core-data: .*intrusion", id="fact in filing rule"
        ),
        pytest.param(edited("unlawful == true", "harm == true"), "no harm", id="fact of another basis"),
        pytest.param(edited('when = "true"', 'when = "1"'), "instead of true or false", id="constant not bool"),
        pytest.param(edited('when = "true"', ""), "either `when` or `native`", id="neither"),
        pytest.param(edited('native = "missing_facts"', 'native = "missing"'), "no native rule `missing`", id="native"),
        pytest.param(edited('id = "harm"', 'id = "intrusion"'), "rule intrusion: stands twice", id="twice"),
        pytest.param(edited('["government_duty"]', '["duty"]'), "duty, which is no basis", id="unknown basis"),
        pytest.param(edited("[entitlement.utility]", "[entitlement.utilities]"), "utility", id="basis missing"),
        pytest.param(edited("来源{number}", "来源{nummer}"), "nummer", id="placeholder"),
        pytest.param(edited('native = "malformed_facts"', 'native = "missing_facts"'), "malformed_facts", id="no gate"),
        pytest.param(
            edited('operating = "others_joined"', 'operating = "others"'),
            "fusion.operating: .*others",
            id="entitlement",
        ),
    ],
)
def test_a_file_that_is_no_rulebook_is_refused_with_the_place(data: bytes, message: str) -> None:
    with pytest.raises(RulebookError, match=message):
        parse_rulebook(data)


@pytest.mark.parametrize("name", ["none", "../internal", "", "Internal"])
def test_only_shipped_rulebooks_are_loaded(name: str) -> None:
    with pytest.raises(RulebookError, match="is shipped"):
        load_builtin(name)


@pytest.mark.parametrize("expression", ["grade > 3", "grade", "applicant_subkind", "1 / sources == 1", "size(grade)"])
def test_a_rule_that_cannot_be_evaluated_is_never_passed(expression: str) -> None:
    changed = expression.replace("1 / sources", "1 / (name_limit - 40)")
    book = parse_rulebook(edited("grade == 'core'", changed))
    filing = Filing(
        Applicant("legal_person"),
        Form(form="raw", grade="general"),
        (Source(0, "generated", "own_operation", {}),),
        (Claim(0, ("holding",), "pty_a"),),
    )
    with pytest.raises(RuleError, match="rule core-data") as caught:
        book.judge(filing)
    assert caught.value.rule == "core-data"


def test_messages_and_pointers_are_filled() -> None:
    filing = Filing(
        Applicant("legal_person"),
        Form(form="raw", grade="general", name_length=41, overview_length=401),
        (Source(0, "generated", "own_operation", {}), Source(1, "generated", "data_source", {"contact": "x"})),
        (Claim(0, ("holding",), "pty_a"),),
    )
    findings = parse_rulebook(load_builtin("internal")).judge(filing).findings
    assert [(one.rule, one.pointer) for one in findings] == [
        ("facts-known", "/body/sources/1/facts/contact"),
        ("name-length", "/body/asset/name"),
        ("overview-length", "/body/asset/overview"),
    ]
    assert findings[1].zh == "数据名称超过40个字，请缩短。"
    assert findings[0].en.startswith("Source 2: “facts/contact”")
    assert not any("{" in one.zh + one.en + one.pointer for one in findings)


def test_a_code_that_nobody_could_look_up_is_refused() -> None:
    data = load_builtin("internal").replace(b'code = "R_NATIONAL_SECURITY"', b'code = "R_CITY_RULE"', 1)
    with pytest.raises(RulebookError, match="R_CITY_RULE"):
        parse_rulebook(data)


def test_every_article_is_cited_in_one_form() -> None:
    """In rulebooks and in the reasons that the code itself gives."""
    number = "[一二三四五六七八九十百]+"
    form = re.compile(rf"第{number}条(第{number}款)?(第{number}项)?|附件[0-9]+|《.+》.*")
    book = parse_rulebook(load_builtin("internal"))
    cited = {one.article for one in (*book.rules, *book.entitlements.values())} | {SUPPLY_ARTICLE}
    assert [article for article in cited if not form.fullmatch(article)] == []
    for folder in ("registry", "api"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not re.search(r"article=\"", path.read_text(encoding="utf-8")), path
