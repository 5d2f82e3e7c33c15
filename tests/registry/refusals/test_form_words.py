"""Breaches of form are said in Chinese: every sentence of the ledger that can reach an answer, every one of msgspec."""

import ast
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from ledger.errors import FormatError
from registry.acts.shapes import Shape, decode
from registry.admission import open_submission, refusal_of
from registry.refusals.form_words import GENERAL, form_words
from registry.refusals.refusal import RefusedError
from tests.words import english_run

ROOT = Path(__file__).parents[3]
SPEAKERS = (
    "ledger/statement.py", "ledger/strict_json.py", "ledger/encoding.py", "ledger/identifiers.py", "ledger/instants.py",
    "registry/admission.py", "registry/documents/disclosures.py",
)  # fmt: skip
ERRORS = {"FormatError", "TooLargeError", "UnknownMemberError", "DuplicateMemberError"}


def sentences() -> list[str]:
    """What the modules say when a form is broken, with something where they put a value."""
    found = []
    for name in SPEAKERS:
        for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
                match node.args[0]:
                    case ast.Constant(value=str(text)):
                        found.append(text)
                    case ast.JoinedStr(values=parts):
                        found.append("".join(map(sample, parts)))
    return found


def sample(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    source = ast.unparse(part)
    return "str" if "__name__" in source else "'x'" if "!r" in source else "12"


@pytest.mark.parametrize("sentence", sorted(set(sentences())))
def test_every_sentence_of_the_ledger_is_known(sentence: str) -> None:
    assert form_words(sentence) != GENERAL
    assert english_run(form_words(sentence)) is None


def test_an_unknown_sentence_is_said_in_general_words() -> None:
    assert form_words("something quite new went wrong") == GENERAL


class Inner(Shape, frozen=True):
    x: int


class Everything(Shape, frozen=True):
    """A member of every kind that bodies have."""

    text: Annotated[str, Meta(min_length=2, max_length=3)] = "aa"
    pattern: Annotated[str, Meta(pattern=r"^[a-z]+ of [a-z]+$")] = "a of a"
    number: Annotated[int, Meta(ge=0, le=5)] = 1
    many: Annotated[tuple[str, ...], Meta(min_length=1, max_length=2)] = ("a",)
    pair: tuple[str, int] = ("a", 1)
    choice: Literal["a", "b"] = "a"
    count: Annotated[int, Meta(ge=0)] | Annotated[str, Meta(pattern="^a$")] = 0
    free: dict[str, Any] = msgspec.field(default_factory=dict)
    flag: bool = True
    until: str | None = None
    inner: Inner = Inner(1)
    either: str | Inner = ""


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [
        ({"text": "a"}, "INVALID_VALUE", "不少于 2 个字符"),
        ({"text": "aaaa"}, "INVALID_VALUE", "不超过 3 个字符"),
        ({"text": 1}, "MALFORMED", "应为字符串，实为整数"),
        ({"pattern": "b"}, "INVALID_VALUE", "应符合"),
        ({"number": -1}, "INVALID_VALUE", "不小于 0"),
        ({"number": 6}, "INVALID_VALUE", "不大于 5"),
        ({"number": 1.5}, "MALFORMED", "应为整数，实为小数"),
        ({"many": []}, "INVALID_VALUE", "不少于 1 项"),
        ({"many": ["a", "a", "a"]}, "INVALID_VALUE", "不超过 2 项"),
        ({"many": ["a", None]}, "MALFORMED", "应为字符串，实为null"),
        ({"pair": ["a"]}, "MALFORMED", "应恰有 2 项，实有 1 项"),
        ({"choice": "c of d"}, "INVALID_VALUE", "不在可选值之内"),
        ({"count": []}, "MALFORMED", "应为整数或字符串，实为数组"),
        ({"free": []}, "MALFORMED", "应为对象，实为数组"),
        ({"flag": 1}, "MALFORMED", "应为布尔值，实为整数"),
        ({"until": 1}, "MALFORMED", "应为字符串或null"),
        ({"inner": {}}, "MALFORMED", "缺少成员"),
        ({"inner": {"x": 1, "y": 1}}, "UNKNOWN_MEMBER", "不在约定之内"),
        ({"either": 5}, "MALFORMED", "应为字符串或对象"),
        ([], "MALFORMED", "应为对象，实为数组"),
    ],
)
def test_every_breach_of_a_shape(value: Any, code: str, words: str) -> None:
    with pytest.raises(RefusedError) as caught:
        decode(value, Everything)
    (reason,) = caught.value.reasons
    assert reason.code == code
    assert words in reason.message.zh
    assert english_run(re.sub(r"\^.*\$", "", reason.message.zh)) is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "不是 JSON（第 1 个字符处）"),
        (b"\xff", "UTF-8"),
        (b"\xef\xbb\xbf{}", "字节顺序标记"),
        (b"[]", "不是 JSON 对象"),
        (b'{"a":1,"a":2}', "重复"),
        (b'{"a":1.5}', "1.5 不是约定写法的整数"),
        (b'{"a":9007199254740992}', "小于 2^53"),
        (b'{"a":"\\ud800"}', "代理码位"),
        (b"[" * 20 + b"]" * 20, "嵌套超过 16 层"),
        (b"{}", "缺少成员 'payload'"),
        (b'{"payload":1,"payloadType":"x","signatures":[]}', "payloadType 应为"),
        (b'{"envelope":{},"more":1}', "成员 'more' 不在约定之内"),
        (b'{"envelope":{},"disclosures":1}', "应为字符串数组"),
        (b" " * 200_000, "单次提交不超过"),
    ],
)
def test_every_breach_of_an_envelope(data: bytes, words: str) -> None:
    with pytest.raises(RefusedError) as caught:
        open_submission(data)
    (reason,) = caught.value.reasons
    assert words in reason.message.zh
    assert english_run(reason.message.zh) is None


def test_no_sentence_of_an_error_is_put_into_chinese() -> None:
    """In the sources: what stands in a Chinese sentence is a value, never another error's words."""
    for folder in ("registry", "api"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    text = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
                    values = [ast.unparse(part.value) for part in node.values if isinstance(part, ast.FormattedValue)]
                    if re.search(r"[一-鿿]", text):
                        assert english_run(text) is None, (path, text)
                        assert not {"what", "str(error)"} & set(values), (path, text)


def test_a_pointer_leads_the_sentence() -> None:
    (reason,) = refusal_of(FormatError("not base64", "/nonce")).reasons
    assert (reason.message.zh, reason.message.en) == ("/nonce：不是 base64。", "/nonce: not base64.")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({}, Inner)
