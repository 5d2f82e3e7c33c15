"""The first day of a registry: real data registered, rights granted and checked, the chain verified, forgers caught."""

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from api.client import Client, Pins, ProblemError, Profile
from api.demo import material
from api.demo.cast import Cast, DemoError, expect
from api.demo.narrator import Narrator
from api.demo.scribe import ScribeClient, Shelf
from api.demo.server import served
from api.demo.verification import audit_whole_log, catch_forgers, verify_offline
from ledger.instants import format_instant
from ledger.note import VerifierKey, format_verifier_key

_MARK = ".sanquan-demo"
LATER = "http://127.0.0.1:8000"
"""Where the registry answers once the reader serves it; the `curl` lines are for then."""
REGISTRAR = "示例登记处 / Example registry"
FIRM_A = ("甲数据公司 / Firm A", "91000000MA0000031W")
FIRM_B = ("乙保险公司 / Firm B", "91000000MA000004XL")
BANK = ("丙银行 / Bank C", "91000000MA0000058L")


def _sent(cast: Cast) -> None:
    """The line that sends what was sent last: the same payload again gets the same receipt."""
    cast.tell.command(f"curl {cast.url}/v1/statements -H 'Content-Type: application/json' -d @{cast.shelf.last}")


def run(data: Path, language: str) -> None:
    """Plays the whole day; `data` holds the registry afterwards.

    Raises:
        DemoError: a step did not come out as it must, or the folder is not one of this demonstration.
    """
    tell = Narrator(language, Console(highlight=False, soft_wrap=True))
    _prepare(data, tell)
    try:
        files = material.raw_files()
    except material.MaterialError as error:
        raise DemoError(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="sanquan-demo-") as folder:
        keys = _play(data, tell, Path(folder), files)
    _farewell(data, tell, keys)


def _prepare(data: Path, tell: Narrator) -> None:
    if data.exists():
        if not (data / _MARK).exists():
            raise DemoError(tell.pick(f"{data} exists and is not of a demo", f"{data} 已存在，且不是演示数据"))
        shutil.rmtree(data)
        for copy in data.parent.glob(f"{data.name}-forger-*"):
            shutil.rmtree(copy)
    data.mkdir(mode=0o700, parents=True)
    (data / _MARK).touch()


def _play(data: Path, tell: Narrator, profiles: Path, files: dict[str, bytes]) -> tuple[VerifierKey, ...]:
    tell.step(
        "A registry starts: keys, and entry 0 signed by its registrar.",
        "登记簿开立：生成密钥，登记机构签署第 0 条分录。",
    )
    with served(data, REGISTRAR) as url:
        pins = Pins(profiles / "pins")

        shelf = Shelf(data / "kept" / "statements")

        def client(folder: str, name: str) -> Client:
            profile = Profile.open(profiles / folder, name=name)
            return ScribeClient(url, profile, pins=pins, language=tell.language, shelf=shelf)

        with client("a", FIRM_A[0]) as a, client("b", FIRM_B[0]) as b, client("c", BANK[0]) as c:
            tell.good(f"{a.origin}; its keys are pinned", f"{a.origin}；其公钥已固定")
            tell.tell(
                f"(The curl lines below work afterwards, against `sanquan serve --data {data}`.)",
                f"（以下 curl 命令可在演示结束后、运行 `sanquan serve --data {data}` 时使用。）",
            )
            cast = Cast(tell, LATER, data, a, b, c, shelf)
            for scene in (_parties, _raw_data, _no_licence, _product, _licence, _questions, _beyond, _revoke):
                scene(cast, files)
            keys = a.log_keys
    verify_offline(cast, keys)
    audit_whole_log(cast, keys)
    catch_forgers(cast, keys)
    return keys


def _parties(cast: Cast, _files: dict[str, bytes]) -> None:
    tell = cast.tell
    tell.step(
        "Three parties register. Each makes its key itself; the key names the party.",
        "三个主体登记。密钥由各自生成，主体标识由密钥得出。",
    )
    for client, (name, code) in ((cast.firm_a, FIRM_A), (cast.firm_b, FIRM_B), (cast.bank, BANK)):
        client.register_party(identifier={"scheme": "uscc", "value": code}, subkind="enterprise")
        _sent(cast)
        tell.good(f"{name}  {client.party_id}", f"{name}  {client.party_id}")


def _raw_data(cast: Cast, files: dict[str, bytes]) -> None:
    tell, a = cast.tell, cast.firm_a
    tell.step(
        f"Firm A registers {len(files)} public data files as what they are: collected. {material.NAMES_PERSONS} names persons and is left out.",
        f"甲公司如实登记 {len(files)} 个收集来的公开数据文件；{material.NAMES_PERSONS} 含自然人姓名，不予登记。",
    )
    for name, data in files.items():
        claim = {"party": a.party_id, "rights": ["holding", "processing"]}
        cast.raw[name] = a.file(material.raw_form(name, data), [material.COLLECTED], [claim])
    _sent(cast)
    receipt = cast.raw[material.SOURCE]
    tell.good(
        f"{len(cast.raw)} assets, each with the rights to hold and to process and use; receipts verified. "
        f"{material.SOURCE}: {receipt.id('ast')}",
        f"{len(cast.raw)} 项数据资产，各登记数据持有权（资源持有权）与数据使用权（加工使用权）；回执均已验证。"
        f"{material.SOURCE}：{receipt.id('ast')}",
    )


def _refusal(cast: Cast, action: Callable[[], Any]) -> ProblemError:
    try:
        action()
    except ProblemError as problem:
        _sent(cast)
        for reason in problem.reasons:
            article = f" [{reason['article']}]" if "article" in reason else ""
            line = f"{problem.status} {reason['code']}{article}: {reason['message']}"
            cast.tell.caught(line, line)
        return problem
    raise DemoError("the demonstration failed: what should be refused was accepted")


def _no_licence(cast: Cast, files: dict[str, bytes]) -> None:
    tell, a = cast.tell, cast.firm_a
    tell.step(
        "Firm A asks for the right to operate (supply) such data too, then tries to license them all the same. Refused, with the article.",
        "甲公司再申报这些数据的经营权，又试图直接许可他人。均被拒绝，并指明条文。",
    )
    claim = {"party": a.party_id, "rights": ["operating"]}
    form = material.raw_form(material.SOURCE, files[material.SOURCE]) | {"fingerprints": []}
    problem = _refusal(cast, lambda: a.file(form, [material.COLLECTED], [claim]))
    expect(problem.code == "R_RIGHT_NOT_ENTITLED", problem.code)
    scope = {"purposes": ["insurance"], "territory": ["CN"], "fields": ["*"], "until": None}
    held = cast.raw[material.SOURCE].right("processing")
    problem = _refusal(cast, lambda: a.grant(held, cast.firm_b.party_id, ["processing"], scope))
    expect(problem.code == "DISPOSITION_NEEDS_OPERATE", problem.code)


def _product(cast: Cast, files: dict[str, bytes]) -> None:
    tell, a = cast.tell, cast.firm_a
    summary = material.monthly_summary(files[material.SOURCE])
    months = material.months_of(summary)
    tell.step(
        f"Firm A computes a product of its own from {material.SOURCE} ({months} months) and registers it as derived "
        "data that do not substitute their source: all three rights.",
        f"甲公司由 {material.SOURCE} 计算出自己的产品（{months} 个月），作为不实质性替代来源的衍生数据登记：三权俱全。",
    )
    source = {
        "origin": "derived",
        "basis": "derived",
        "facts": {
            "change": "derivative",
            "activity_time": format_instant(a.now()),
            "value_increase": True,
            "substitutes_source": False,
        },
        "inputs": [
            {"asset": cast.raw[material.SOURCE].id("ast"), "right": cast.raw[material.SOURCE].right("processing")}
        ],
    }
    claim = {"party": a.party_id, "rights": ["holding", "processing", "operating"]}
    cast.product = a.file(material.product_form(summary), [source], [claim])
    _sent(cast)
    tell.good(
        f"{cast.product.id('ast')}: hold, process and use, operate", f"{cast.product.id('ast')}：持有权、使用权、经营权"
    )


def _licence(cast: Cast, _files: dict[str, bytes]) -> None:
    tell = cast.tell
    assert cast.product is not None
    tell.step(
        "Firm A licenses the product to Firm B: for insurance, in China, for one year.",
        "甲公司将该产品许可给乙公司：用于保险，限中国境内，为期一年。",
    )
    until = format_instant(datetime.now(UTC) + timedelta(days=365))
    scope = {"purposes": ["insurance"], "territory": ["CN"], "fields": ["*"], "until": until}
    cast.licence = cast.firm_a.grant(cast.product.right("operating"), cast.firm_b.party_id, ["processing"], scope)
    _sent(cast)
    tell.good(f"{cast.licence.id('rgt')}, until {until}", f"{cast.licence.id('rgt')}，至 {until}")


def _ask(cast: Cast, party: Client, en: str, zh: str, purpose: str, **more: Any) -> bool:
    assert cast.product is not None
    asset = cast.product.id("ast")
    answer = party.check(party.party_id, asset, purpose, **more)
    question = "&".join(
        f"{k}={v}" for k, v in {"party": party.party_id, "asset": asset, "purpose": purpose, **more}.items()
    )
    cast.tell.command(f"curl '{cast.url}/v1/check?{question}'")
    words = "; ".join(reason["message"] for reason in answer["reasons"])
    line = f"{answer['status']} {words}".rstrip()
    (cast.tell.good if answer["decision"] else cast.tell.caught)(f"{en} → {line}", f"{zh} → {line}")
    return bool(answer["decision"])


def _questions(cast: Cast, _files: dict[str, bytes]) -> None:
    tell, b = cast.tell, cast.firm_b
    assert cast.product is not None
    tell.step("Four questions to the register.", "向登记簿提出四个问题。")
    asked = [
        (
            _ask(
                cast,
                b,
                "May B use it for insurance in Shandong?",
                "乙公司可否在山东用于保险？",
                "insurance",
                territory="CN-SD",
            ),
            True,
        ),
        (_ask(cast, b, "May B use it for marketing?", "乙公司可否用于营销？", "marketing", territory="CN"), False),
        (
            _ask(
                cast,
                b,
                "May B supply it to others?",
                "乙公司可否对外提供？",
                "insurance",
                territory="CN",
                action="provide",
            ),
            False,
        ),
        (_ask(cast, cast.firm_a, "May A license it?", "甲公司可否许可他人？", "research", action="license"), True),
    ]
    expect(all(found is wanted for found, wanted in asked), "a question was answered wrongly")


def _beyond(cast: Cast, _files: dict[str, bytes]) -> None:
    tell, b = cast.tell, cast.firm_b
    assert cast.licence is not None
    tell.step(
        "Firm B tries to sub-license to Bank C, beyond its licence.", "乙公司试图再许可给丙银行，超出其许可范围。"
    )
    scope = {"purposes": ["credit"], "territory": ["*"], "fields": ["*"], "until": None}
    licence = cast.licence.id("rgt")
    problem = _refusal(cast, lambda: b.grant(licence, cast.bank.party_id, ["processing"], scope))
    expect(problem.status == 422, str(problem.status))


def _revoke(cast: Cast, _files: dict[str, bytes]) -> None:
    tell, a, b = cast.tell, cast.firm_a, cast.firm_b
    assert cast.licence is not None
    tell.step(
        "Firm A revokes the licence by agreement. The same question now, and as of the size before.",
        "甲公司依约撤销许可。同一问题，先问现在，再问此前的登记簿。",
    )
    cast.revocation = a.revoke([cast.licence.id("rgt")], "agreement")
    _sent(cast)
    before = cast.revocation.seq
    now = _ask(cast, b, "May B use it for insurance now?", "乙公司现在可否用于保险？", "insurance", territory="CN")
    then = _ask(cast, b, f"And at size {before}?", f"在第 {before} 条时呢？", "insurance", territory="CN", size=before)
    expect(not now and then, "the revocation did not take effect, or changed the past")
    material.save(dict(cast.revocation.facts), cast.data / "kept" / "receipt-of-revocation.json")
    tell.step(
        "Life goes on: Bank C registers data from its own business, with all three rights.",
        "业务照常：丙银行登记自身经营中产生的数据，三权俱全。",
    )
    source = {"origin": "generated", "basis": "own_operation", "facts": {}}
    claim = {"party": cast.bank.party_id, "rights": ["holding", "processing", "operating"]}
    receipt = cast.bank.file(material.BANK_FORM, [source], [claim])
    _sent(cast)
    tell.good(receipt.id("ast"), receipt.id("ast"))


def _farewell(data: Path, tell: Narrator, keys: tuple[VerifierKey, ...]) -> None:
    (data / "kept" / "log.vkey").write_text("".join(format_verifier_key(key) + "\n" for key in keys))
    tell.step("What to open next.", "接下来可以看什么。")
    for line in (
        f"sanquan serve --data {data}        # http://127.0.0.1:8000/  /docs  /v1/assets",
        f"sanquan audit {data} --key {data}/kept/log.vkey",
        f"sanquan export {data}/tree --data {data}",
    ):
        tell.command(line)
    tell.tell(
        '(or `make serve ARGS="--data …"`; in a checkout the command is .venv/bin/sanquan)',
        '（也可 `make serve ARGS="--data …"`；在源码目录中命令为 .venv/bin/sanquan）',
    )
