"""python -m tests.bench.search [--assets N]: how fast words are indexed, and how long a search takes.

Assets are put into the register's table as the office would have left them; nothing is signed or served.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from ledger.storage.sql import SqlLogStorage
from ledger.storage.tables import METADATA
from registry.register.asset import Asset, FormVersion
from registry.register.values import Stamp, reference
from registry.search.indexing import index_next
from registry.store.database import WRITER, create_tables, open_database, sqlite_url
from registry.store.lists import LISTINGS
from registry.store.saving import document
from registry.store.tables import ASSET
from tests.registry.desk import FORM

CITIES = ["济南", "青岛", "烟台", "潍坊", "临沂", "淄博", "济宁", "泰安", "威海", "德州"]
TOPICS = ["停车", "气象", "交通", "医疗", "用电", "物流", "招聘", "信贷", "水文", "旅游"]
NOW = datetime.now(UTC)
_LINE = b'{"v":1,"seq":0,"prev":"","time":"","folios":[{"id":"ast_0","n":1,"prev":null}],"statement":{%s}}' % (
    b"x" * 1_800
)


def fill(engine: Engine, count: int) -> None:
    """So many assets and entries are there."""
    choose = random.Random(1).choice
    entry, head = METADATA.tables["sanquan_entry"], METADATA.tables["sanquan_log_head"]
    with engine.execution_options(**WRITER).begin() as tx:
        SqlLogStorage().create(tx)
        create_tables(tx)
        tx.execute(head.delete())
        tx.execute(head.insert(), [{"id": 1, "size": count, "root": bytes(32)}])
        assets, entries = [], []
        for n in range(count):
            form = FORM | {"name": f"2026年{choose(CITIES)}市{choose(TOPICS)}数据{n}"}
            asset = Asset(f"ast_{n:026d}", reference(n), Stamp(n, NOW), "pty_0", (FormVersion(n, form),), ())
            assets.append({"ref": asset.ref, "applicant_ref": 0, "form": "product", "document": document(asset)})
            entries.append({"position": n, "data": _LINE, "leaf": bytes(32), "statement": n.to_bytes(32, "big")})
        tx.execute(ASSET.insert(), assets)
        tx.execute(entry.insert(), entries)


def seconds(work: Callable[[], object]) -> float:
    """The shortest of five runs."""
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=100_000)
    count = parser.parse_args().assets
    with tempfile.TemporaryDirectory(prefix="sanquan-bench-") as folder:
        engine = open_database(sqlite_url(Path(folder) / "registry.db"))
        fill(engine, count)
        steps = []
        begun = last = time.perf_counter()
        while index_next(engine):
            now = time.perf_counter()
            steps.append(now - last)
            last = now
        print(f"indexed {count:,} assets: {count / (last - begun):,.0f}/s, longest step {max(steps) * 1e3:.0f} ms")
        for asked in ("济南 停车", "数据", str(count - 1), "没有的词"):

            def page(asked: str = asked) -> int:
                with engine.connect() as tx:
                    return len(LISTINGS["assets"].page(tx, {"q": [asked]}, NOW, -1, 100, count).items)

            print(f"first page of `{asked}`: {page()} items, {seconds(page) * 1e3:.1f} ms")
        engine.dispose()


if __name__ == "__main__":
    main()
