"""The tokenizer, by the shared table and by what must hold of every text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.refusals.refusal import RefusedError
from registry.search.query import MAX_QUERY_CHARACTERS, matches, parse_queries
from registry.search.words import MAX_WORD_CHARACTERS, all_words, fold, words
from tests.registry.search.table import ASKED, REFUSED, TABLE, name, query

TEXT = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("济南停车数据 2026abcＡＢ㍿ﬁß\u0301\u200b'\"*")),
    max_size=40,
)


@pytest.mark.parametrize("case", ASKED, ids=name)
def test_what_is_found(case: dict[str, Any]) -> None:
    assert matches(query(case), all_words([case["text"]])) == case["found"]


@pytest.mark.parametrize("case", [case for case in TABLE if "words" in case], ids=name)
def test_what_a_text_is_cut_into(case: dict[str, Any]) -> None:
    assert list(words(case["text"])) == case["words"]


@pytest.mark.parametrize("text", sorted({case["query"] for case in REFUSED}), ids=ascii)
def test_what_nobody_can_search_by(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_queries(["济南", text])
    assert (caught.value.code, caught.value.reasons[0].pointer) == ("INVALID_VALUE", "/q")


def test_any_of_several_texts() -> None:
    assert matches(parse_queries(["青岛", "济南 停车"]), all_words(["济南市停车"]))
    assert not matches(parse_queries(["青岛", "济南 烟台"]), all_words(["济南市停车"]))
    with pytest.raises(RefusedError):
        parse_queries(["济南"] * (MAX_QUERY_CHARACTERS // 2 + 1))


def test_no_word_reaches_over_the_end_of_a_text() -> None:
    assert "南停" not in all_words(["济南", "停车"])


@given(TEXT)
def test_folding_what_is_folded_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(TEXT)
def test_a_text_finds_itself_and_words_find_themselves(text: str) -> None:
    found = all_words([text])
    assert all(list(words(word)) == [word] for word in found if len(word) < MAX_WORD_CHARACTERS)
    assert all(0 < len(word) <= MAX_WORD_CHARACTERS for word in found)
    assert all_words([fold(text)]) == found
    if found:
        assert matches(parse_queries([text]), found)


@given(TEXT)
def test_words_hold_nothing_that_a_database_could_read_as_an_operator(text: str) -> None:
    assert not any(set(word) & set(" \t\n\0'\"\\*^:&|!<>()-+{},;") for word in all_words([text]))
