"""Search in a register: what is found at which size, whatever the index knows yet."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from ledger.keys import KeySigner
from ledger.note import parse_verifier_key
from registry.auditing import audit, open_subject, rebuild
from registry.refusals.refusal import RefusedError
from registry.register.party import Details
from registry.search.index import Kind, index_of
from registry.search.indexing import changed_objects, index_next, indexed_size, next_step, take_step
from registry.search.query import parse_queries
from registry.search.texts import details_texts, form_texts
from registry.store.database import WRITER, open_database, sqlite_url
from registry.store.tables import INDEXED
from tests.registry.desk import Actor, Desk, ids, key_shape, open_desk, sd
from tests.registry.lists import listed

Reach = Callable[[Desk], None]


def not_at_all(_desk: Desk) -> None:
    """Nothing is indexed."""


def one_step(desk: Desk) -> None:
    assert index_next(desk.registry.engine, 4)


def to_the_end(desk: Desk) -> None:
    while index_next(desk.registry.engine):
        pass


@pytest.fixture
def still(desk: Desk) -> Desk:
    """A desk whose index moves only when a test moves it."""
    desk.registry.indexer.stop()
    return desk


def candidates(desk: Desk, kind: Kind, text: str) -> list[int]:
    with desk.registry.engine.connect() as tx:
        return sorted(tx.execute(index_of(tx).found(kind, parse_queries([text]))).scalars())


@pytest.mark.parametrize("reach", [not_at_all, one_step, to_the_end])
def test_an_answer_is_whole_however_far_the_index_reaches(still: Desk, reach: Reach) -> None:
    a, b = still.party("济南停车公司"), still.party("Qingdao 气象")
    parking = ids(still.register(a, name="2026年济南市停车数据"), "ast")
    weather = ids(still.register(b, name="青岛市气象数据 Weather", overview="风力与气温"), "ast")
    still.ok("party.update", a, {"name": "济南泊车公司"})
    more = ids(still.register(a, name="济南市公交数据", overview="线路"), "ast")
    reach(still)
    assert listed(still, "assets", q=["济南"]) == parking + more
    assert listed(still, "assets", q=["济南"], limit=1) == parking + more
    assert listed(still, "assets", q=["济南 停车"]) == parking
    assert listed(still, "assets", q=["WEATHER 气温"]) == weather
    assert listed(still, "assets", q=["青岛", "公交"]) == weather + more
    assert listed(still, "assets", q=["数据"], applicant=[b.id]) == weather
    assert listed(still, "assets", q=["数据"], size=4) == parking
    assert listed(still, "assets", q=["烟台"]) == []
    assert listed(still, "parties", q=["泊车"]) == [a.id]
    assert listed(still, "parties", q=["停车公司"]) == []
    assert listed(still, "parties", q=["停车公司"], size=3) == [a.id]
    assert listed(still, "parties", q=["泊车"], size=3) == []
    assert listed(still, "parties", q=["qingdao"]) == [b.id]


def test_what_changed_behind_the_index_is_found_by_its_new_words(still: Desk) -> None:
    a, b = still.party("济南公司"), still.party("青岛公司")
    to_the_end(still)
    still.ok("party.update", a, {"name": "烟台公司"})
    c = still.party("烟台市")
    assert candidates(still, "party", "烟台") == []
    assert listed(still, "parties", q=["烟台"]) == [a.id, c.id]
    assert listed(still, "parties", q=["烟台"], limit=1) == [a.id, c.id]
    assert listed(still, "parties", q=["公司"]) == [a.id, b.id]
    assert listed(still, "parties", q=["济南"]) == []
    assert listed(still, "parties", q=["济南"], size=3) == [a.id]
    to_the_end(still)
    assert len(candidates(still, "party", "烟台")) == 2
    assert listed(still, "parties", q=["烟台"]) == [a.id, c.id]


def test_what_of_a_form_is_searched(still: Desk) -> None:
    a = still.party("甲", identifier={"scheme": "duns", "value": "15-048-3782"})
    form = {
        "region": "山东省济南市", "fields": [{"name": "车牌_hash", "personal": "none"}],
        "identifiers": [{"scheme": "doi", "value": "10.5072/ABC-1"}],
        "restrictions": {"customers": "仅限持牌机构", "resale": False}, "links": ["https://example.test/secretword"],
    }  # fmt: skip
    found = ids(still.register(a, **form), "ast")
    to_the_end(still)
    for text in ("山东省", "车牌 hash", "10.5072/abc-1", "持牌", "I65", "选址分析"):
        assert listed(still, "assets", q=[text]) == found, text
    for text in ("secretword", "structured", "table", "doi", a.id):
        assert listed(still, "assets", q=[text]) == [], text
    assert listed(still, "parties", q=["3782 15"]) == [a.id]
    assert listed(still, "parties", q=["duns"]) == []


def test_nothing_confidential_is_searched(still: Desk) -> None:
    name, disclosure = sd("name", "张三丰")
    person = Actor("", [KeySigner.generate()])
    body = {"name": name, "kind": "natural_person", "keys": [key_shape(person.signers[0])]}
    still.ok("party.register", person, body, disclosures=[disclosure])
    for reach in (not_at_all, to_the_end):
        reach(still)
        assert listed(still, "parties", q=["三丰"]) == []
        assert listed(still, "parties", q=[name["sd"].split("-")[0].split("_")[0] or "sd"]) == []
    with still.registry.engine.connect() as tx:
        kept = "".join(tx.exec_driver_sql("SELECT words FROM sanquan_words_party").scalars())
    assert "三丰" not in kept
    assert name["sd"].casefold() not in kept


def test_words_of_a_member_that_is_a_digest_are_none() -> None:
    digest = {"sd": "济南停车abc"}
    form = {"name": digest, "overview": digest, "fields": digest, "identifiers": [digest], "restrictions": digest}
    assert list(form_texts(form)) == []
    assert list(form_texts({"restrictions": {"customers": digest}, "fields": [{"name": digest}]})) == []
    assert list(details_texts(Details(1, digest, "legal_person", identifier=digest))) == []


@pytest.mark.parametrize("text", ["", "停", "。", "停" * 201])
@pytest.mark.parametrize("what", ["assets", "parties"])
def test_nothing_to_search_by(still: Desk, what: str, text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        listed(still, what, q=[text])
    assert (caught.value.code, caught.value.reasons[0].pointer) == ("INVALID_VALUE", "/q")


def test_a_step_is_taken_once(still: Desk) -> None:
    """Two processes prepare the same step; the second finds the index moved."""
    still.register(still.party("济南公司"))
    engine = still.registry.engine.execution_options(**WRITER)
    with engine.connect() as tx:
        step, other = next_step(tx), next_step(tx)
    assert step is not None and step == other
    with engine.begin() as tx:
        assert take_step(tx, step)
    with engine.begin() as tx:
        assert not take_step(tx, other)
    with engine.connect() as tx:
        assert (indexed_size(tx), next_step(tx)) == (3, None)
    assert len(candidates(still, "party", "济南")) == 1


def test_two_processes_index_one_database(still: Desk) -> None:
    """Each with connections of its own; between them nothing is left out and nothing stands twice."""
    for number in range(40):
        still.party(f"济南公司{number:02d}")
    others = [open_database(still.registry.engine.url.render_as_string(hide_password=False)) for _ in range(3)]

    def work(engine: Engine) -> None:
        while index_next(engine, 3):
            pass

    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(work, others))
    finally:
        for engine in others:
            engine.dispose()
    assert len(candidates(still, "party", "济南")) == 40
    with still.registry.engine.connect() as tx:
        assert indexed_size(tx) == 41
        assert tx.exec_driver_sql("SELECT count(*) FROM sanquan_words_party").scalar() == 42  # registrar and clerk


def test_a_step_that_fails_leaves_nothing(still: Desk) -> None:
    still.register(still.party("济南公司"))
    engine = still.registry.engine.execution_options(**WRITER)
    with engine.connect() as tx:
        step = next_step(tx)
    assert step is not None
    with pytest.raises(KeyError), engine.begin() as tx:
        take_step(tx, step)
        raise KeyError
    with engine.connect() as tx:
        assert indexed_size(tx) == 0
    assert candidates(still, "party", "济南") == []
    to_the_end(still)
    assert len(candidates(still, "party", "济南")) == 1


def test_the_index_follows_by_itself_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with open_desk(tmp_path / "data") as desk:
        desk.register(desk.party("济南公司"))
        assert desk.registry.indexer.resting.wait(20)
        assert len(candidates(desk, "party", "济南")) == 1
        desk.registry.indexer.stop()
        desk.party("青岛公司")
        assert candidates(desk, "party", "青岛") == []
    with open_desk(tmp_path / "data") as desk:
        assert desk.registry.indexer.resting.wait(20)
        assert len(candidates(desk, "party", "青岛")) == 1


def test_a_rebuild_empties_and_refills_the_index_and_an_audit_does_not_look_at_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with open_desk(folder) as desk:
        party = desk.party("济南公司")
        parking = ids(desk.register(party), "ast")
        desk.ok("party.update", party, {"name": "青岛公司"})
        assert desk.registry.indexer.resting.wait(20)
        desk.registry.indexer.stop()
        keys = [parse_verifier_key(text) for text in desk.registry.keys.log_keys(desk.registry.origin)]
        with desk.registry.engine.execution_options(**WRITER).begin() as tx:
            index_of(tx).clear(tx)
            index_of(tx).put(tx, "asset", [(1, frozenset({"伪造"}))])
        assert listed(desk, "assets", q=["停车"]) == []
        rebuild(folder)
        assert listed(desk, "assets", q=["停车"]) == parking
        assert candidates(desk, "asset", "伪造") == []
        assert len(candidates(desk, "party", "济南")) == len(candidates(desk, "party", "青岛")) == 1
        with desk.registry.engine.execution_options(**WRITER).begin() as tx:
            tx.execute(update(INDEXED).values(size=1))
    with open_subject(folder) as subject:
        assert audit(subject, keys).holds


def test_a_folder_from_before_is_indexed_at_its_next_start(tmp_path: Path) -> None:
    with open_desk(tmp_path / "data") as desk:
        desk.register(desk.party("济南公司"))
    engine = open_database(sqlite_url(tmp_path / "data" / "registry.db"))
    with engine.execution_options(**WRITER).begin() as tx:
        for table in ("sanquan_words_asset", "sanquan_words_party", "sanquan_indexed"):
            tx.exec_driver_sql(f"DROP TABLE {table}")
    engine.dispose()
    with open_desk(tmp_path / "data") as desk:
        assert len(listed(desk, "assets", q=["停车"])) == 1
        assert desk.registry.indexer.resting.wait(20)
        assert len(candidates(desk, "asset", "停车")) == 1


def test_which_older_objects_entries_change(still: Desk) -> None:
    """It is read from the bytes of the entries, where what somebody wrote into a statement cannot be taken for it."""
    a = still.party("济南公司")
    still.register(a, overview=f'{{"id":"{still.registrar.id}","n":7,')
    with still.registry.engine.connect() as tx:
        assert changed_objects(tx, 0, 3) == set()
        assert changed_objects(tx, 2, 3) == set()
    still.ok("party.update", a, {"name": "青岛公司"})
    with still.registry.engine.connect() as tx:
        assert changed_objects(tx, 3, 4) == {64}
        assert changed_objects(tx, 1, 4) == set()
