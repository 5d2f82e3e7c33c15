"""`sanquan demo`, from the first step to the last, in both languages."""

import pytest

from tests.api.cli.console import Console

pytestmark = pytest.mark.xdist_group("demo")


@pytest.mark.parametrize(("language", "last"), [("en", "What to open next"), ("zh", "接下来可以看什么")])
def test_the_first_day_to_its_end(sanquan: Console, language: str, last: str) -> None:
    told = sanquan("demo", "--data", "demo-data", "--lang", language).stdout
    assert last in told
    if language == "zh":
        return
    data = sanquan.home / "demo-data"
    sanquan("audit", data, "--key", data / "kept" / "log.vkey", "--known", data / "kept" / "receipt-of-revocation.json")
    assert "there is no demo" in sanquan("demo", "second-day", "--lang", "en", wanted=2).stderr
    (sanquan.home / "other").mkdir()
    sanquan("demo", "--data", "other", wanted=1)
