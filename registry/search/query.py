"""What is asked by `q`."""

from collections.abc import Sequence

from registry.refusals.refusal import refused
from registry.search.words import words

MAX_QUERY_CHARACTERS = 200
Query = frozenset[str]
"""Words that must all be there."""


def parse_queries(texts: Sequence[str]) -> list[Query]:
    """The words of each text; an object is found by any one of the texts.

    Raises:
        RefusedError: INVALID_VALUE.
    """
    if sum(map(len, texts)) > MAX_QUERY_CHARACTERS:
        raise refused(
            "INVALID_VALUE",
            f"The parameter `q` has at most {MAX_QUERY_CHARACTERS} characters; search with fewer words.",
            f"参数 `q` 不超过 {MAX_QUERY_CHARACTERS} 个字符，请减少检索词。",
            "/q",
        )
    found = [frozenset(words(text)) for text in texts]
    if not all(found):
        raise refused(
            "INVALID_VALUE",
            "The parameter `q` holds nothing to search by; give two Chinese characters side by side, or a whole word "
            "of letters or digits.",
            "参数 `q` 中没有可供检索的内容；中文请至少输入相连的两个字，其他文字或数字请输入完整的词。",
            "/q",
        )
    return found


def matches(queries: Sequence[Query], words_of_object: frozenset[str]) -> bool:
    """Whether some query has all its words there."""
    return any(query <= words_of_object for query in queries)
