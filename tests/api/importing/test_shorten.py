"""Shortened text is within its limits whatever goes in, and ends where a sentence or a word ends."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.importing.shorten import cut, plain_text, shorten_name, shorten_overview
from registry.law.counting import count_characters

ANY_TEXT = st.text(st.characters(categories=None), max_size=300) | st.text(
    st.sampled_from("a b。数据.!?\n<>[]()*`#&;\u0301\ud800\x00é𠀀"), max_size=6_000
)


@settings(deadline=None)
@given(ANY_TEXT)
def test_overview_is_within_limits_and_clean(text: str) -> None:
    overview, shortened = shorten_overview(text)
    assert count_characters(overview) <= 400
    assert len(overview) <= 4_000
    assert unicodedata.is_normalized("NFC", overview)
    assert not any(unicodedata.category(each) in ("Cc", "Cs") and each != "\n" for each in overview)
    overview.encode()
    assert shortened == (overview != plain_text(text))


@settings(deadline=None)
@given(ANY_TEXT)
def test_name_is_one_line_within_limits(text: str) -> None:
    name, _ = shorten_name(text)
    assert count_characters(name) <= 40
    assert len(name) <= 200
    assert "\n" not in name


@settings(deadline=None)
@given(ANY_TEXT, st.integers(1, 60), st.integers(1, 200))
def test_cut_keeps_a_beginning(text: str, count: int, characters: int) -> None:
    short = cut(text, count, characters)
    assert len(short) <= characters
    assert count_characters(short) <= count
    assert text.startswith(short.removesuffix("…")) or short == text


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [
        ("One two three. Four five six.", 4, "One two three."),
        ("One two three (e.g. four five six).", 5, "One two three (e.g.…"),
        ("Version 3.5 of it. More and more words", 6, "Version 3.5 of it."),
        ("数据共三类。第二句话很长很长", 8, "数据共三类。"),
        ("“你好！”然后再说别的话", 6, "“你好！”"),
        ("第一段\n第二段没有完", 5, "第一段"),
        ("no sentence ends in here at all", 3, "no sentence ends…"),
        ("short enough", 2, "short enough"),
    ],
)
def test_cut(text: str, count: int, expected: str) -> None:
    assert cut(text, count, 4_000) == expected


def test_one_endless_word_is_divided() -> None:
    assert cut("a" * 5_000, 400, 4_000) == "a" * 3_999 + "…"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a <b>bold</b> move<br/>then &amp; &lt;that&gt;", "a bold move\nthen & <that>"),
        ("see [the site](https://x.test/a_(b)) now", "see the site now"),
        ("![logo](x.png) **Name** `code`", "logo Name code"),
        ("# Title\n\nText", "Title\nText"),
        ("wrapped\nline", "wrapped line"),
        ("<https://x.test/>", "https://x.test/"),
        ("e\u0301\x07\u202e\ufeff", "é"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
    ],
)
def test_plain_text(text: str, expected: str) -> None:
    assert plain_text(text) == expected


def test_long_markup_is_reduced_in_linear_time() -> None:
    for part in ("[](", "<a", "[", "![", "**", "<!--", "((", ". "):
        shorten_overview(part * 200_000)
