import pytest

from registry.law.counting import count_characters


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("数据abc", 3),
        ("abc数据", 3),
        ("2026年停车abc", 5),
        ("2026年济南市停车数据", 9),
        ("", 0),
        ("，。 —!", 0),
        ("a-b_c", 3),
        ("abc123", 1),
        ("2019年至2024年上海市农业产销数据报告", 16),
        ("\u3400\u4dbf\u4e00\u9fff\uf900\ufaff\U00020000\U000323af", 8),
        ("\u33ff\u4dc0\ufb00", 1),
        ("かな", 1),
        ("数\u0301", 2),
        ("e\u0301te\u0301", 1),
        ("Ⅻ½", 1),
        ("w 字", 2),
    ],
)
def test_each_ideograph_and_each_run_of_other_letters_counts_one(text: str, count: int) -> None:
    assert count_characters(text) == count
    assert count_characters(text) == count
