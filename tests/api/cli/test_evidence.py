"""`sanquan evidence`, and `sanquan verify` of what it keeps, for whoever has no network."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.api.cli.console import Console, Served
from tests.api.live import FORM
from tests.ledger.evidence_vector import FOLDER, patched

CASES = json.loads((FOLDER / "cases.json").read_text(encoding="utf-8"))


@pytest.fixture
def bundle(sanquan: Console, served: Served) -> Path:
    """The kept evidence of an asset; the registry is gone."""
    form = sanquan.home / "form.json"
    form.write_text(json.dumps(FORM))
    done = sanquan("asset", "register", form, "--url", served.url, "--basis", "own_operation", "--name", "A", "--json")
    kept = sanquan.home / "bundle.json"
    asset = json.loads(done.stdout)["ids"][0]["id"]
    fetched = sanquan("evidence", asset, kept, "--url", served.url).stdout
    assert f"* {asset}: lines 1 to 1, the newest in entry 2" in fetched
    served.end(signal.SIGKILL)
    return kept


def test_kept_evidence_is_verified_offline(sanquan: Console, served: Served, bundle: Path) -> None:
    nobody = {"SANQUAN_STATE": str(sanquan.home / "nobody")}
    holds = sanquan("verify", bundle, "--key", served.key).stdout
    assert "✗" not in holds
    assert "cannot show that nothing came after" in holds
    assert "✗" not in sanquan("verify", bundle).stdout, "by the keys pinned when it was fetched"
    unpinned = sanquan("verify", bundle, wanted=2, **nobody).stdout
    assert unpinned.count("✗") == 1
    assert "not pinned" in unpinned
    report = json.loads(sanquan("verify", bundle, "--key", served.key, "--json").stdout)
    assert (report["holds"], report["pinned"], report["size"], report["entries"]) == (True, True, 3, 3)
    assert all(check["holds"] and check["en"] and check["zh"] for check in report["checks"])
    assert "签名有效" in sanquan("verify", bundle, "--key", served.key, "--lang", "zh").stdout


def verified(sanquan: Console, value: Any, wanted: int, *words: str) -> str:
    path = sanquan.home / "case.json"
    path.write_text(json.dumps(value))
    return sanquan("verify", path, *words, wanted=wanted).stdout


@pytest.mark.parametrize("name", ["line_left_out", "revoked_key", "forgers_log_keys", "proof_missing", "question"])
def test_published_cases(name: str, sanquan: Console) -> None:
    case = next(case for case in CASES["cases"] if case["name"] == name)
    value = patched(json.loads((FOLDER / "bundle.json").read_bytes()), case["patch"])
    wanted = 1 if case["fails"] else 0
    report = json.loads(verified(sanquan, value, wanted, "--key", CASES["keys"][0], "--json"))
    assert [check["name"] for check in report["checks"] if not check["holds"]] == case["fails"]
    text = verified(sanquan, value, wanted, "--key", CASES["keys"][0])
    assert text.count("✗") == len(case["fails"])
    assert ("not replayed" in text) == (name == "question")


def test_by_a_policy(sanquan: Console) -> None:
    policy = sanquan.home / "trusted"
    value = json.loads((FOLDER / "bundle.json").read_bytes())
    policy.write_text(f"log {CASES['keys'][0]}\nquorum none\n")
    assert "✗" not in verified(sanquan, value, 0, "--policy", str(policy))
    witness = "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
    policy.write_text(f"log {CASES['keys'][0]}\nwitness w {witness}\nquorum w\n")
    assert verified(sanquan, value, 1, "--policy", str(policy)).count("✗") == 1


def test_what_is_no_bundle_is_no_receipt_either(sanquan: Console) -> None:
    verified(sanquan, {"format": "other", "seq": 1}, 2, "--key", CASES["keys"][0])
    assert "This is no evidence bundle" in verified(sanquan, {"format": "sanquan-evidence/1"}, 1)
