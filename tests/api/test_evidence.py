"""`GET /v1/{assets,rights,cases}/{id}/evidence`, and the SDK's way to it. Contract sections 6 and 9."""

import gzip
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.client import ProblemError, TrustError
from api.v1 import evidence
from ledger.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from ledger.evidence.bundle import format_evidence, parse_evidence
from ledger.evidence.examination import verify_evidence
from ledger.keys import KeySigner
from registry.evidence import Evidencer
from tests.api.client.fake import Between
from tests.api.live import Live, live_registry, problem
from tests.api.signing import signed


@pytest.fixture
def receipt(live: Live) -> dict[str, Any]:
    """Of an asset with three rights."""
    return live.asset(live.party())


def named(receipt: dict[str, Any], prefix: str) -> str:
    return next(str(made["id"]) for made in receipt["ids"] if made["id"].startswith(prefix))


def path_of(receipt: dict[str, Any], prefix: str = "ast") -> str:
    what = {"ast": "assets", "rgt": "rights", "cas": "cases"}[prefix]
    return f"/v1/{what}/{named(receipt, prefix)}/evidence"


@pytest.mark.parametrize("prefix", ["ast", "rgt", "cas"])
def test_an_asset_a_right_and_a_case_have_evidence(prefix: str, live: Live, receipt: dict[str, Any]) -> None:
    answer = live.http.get(path_of(receipt, prefix))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert list(body) == [
        "format", "origin", "subject", "log_keys", "checkpoint", "entries", "proofs", "rulebooks",
    ]  # fmt: skip
    keys = live.registry.log.verifier_keys()
    report = verify_evidence(
        parse_evidence(answer.content), lambda note: verify_checkpoint(note, keys), named(receipt, prefix)
    )
    assert report.assets == (named(receipt, "ast"),)
    assert report.checkpoint.size == live.size()


def test_it_is_kept_under_its_tag_and_for_ever_at_a_size(live: Live, receipt: dict[str, Any]) -> None:
    path, plain = path_of(receipt), {"Accept-Encoding": "identity"}
    newest = live.http.get(path, headers=plain)
    assert newest.headers["cache-control"] == "no-cache"
    fixed = live.http.get(path, params={"size": live.size()}, headers=plain)
    assert fixed.content == newest.content
    assert "immutable" in fixed.headers["cache-control"]
    for held in (newest.headers["etag"], "W/" + newest.headers["etag"]):
        again = live.http.get(path, headers=plain | {"If-None-Match": held})
        assert (again.status_code, again.content) == (304, b"")
    with live.http.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as packed:
        sent = b"".join(packed.iter_raw())
    assert (packed.headers["content-encoding"], gzip.decompress(sent)) == ("gzip", newest.content)
    assert packed.headers["etag"] == "W/" + newest.headers["etag"], "other bytes than those of the strong tag"
    assert "Accept-Encoding" in packed.headers["vary"]


def test_what_is_not_there_and_what_is_not_signed(live: Live, receipt: dict[str, Any]) -> None:
    path, size = path_of(receipt), live.size()
    asset, case = named(receipt, "ast"), named(receipt, "cas")
    for missing in ("assets/ast_0", f"assets/{case}", f"cases/{asset}", "rights/x", f"rights/{asset}"):
        problem(live.http.get(f"/v1/{missing}/evidence"), 404, "NOT_FOUND")
    problem(live.http.get(path, params={"size": size - 1}), 404, "NOT_FOUND")
    problem(live.http.get(path, params={"size": size + 1}), 503, "BEHIND")
    problem(live.http.get(path, params={"at": "2026-01-01T00:00:00Z"}), 400, "UNKNOWN_MEMBER")
    problem(live.http.get(path, params={"size": "x"}), 422, "INVALID_VALUE")


def test_a_size_without_a_checkpoint(live: Live, receipt: dict[str, Any]) -> None:
    actor = live.party("B")
    before = live.size()
    live.file(b"\n".join(live.envelope("party.update", actor, {"contact": str(n)}) for n in range(2)))
    assert live.size() == before + 2
    problem(live.http.get(path_of(receipt), params={"size": before + 1}), 404, "SIZE_NOT_SIGNED")


def test_too_much_for_one_bundle(live: Live, receipt: dict[str, Any]) -> None:
    registry = live.registry
    registry.evidencer = Evidencer(registry.engine, registry.log, registry.documents.get, 2)
    problem(live.http.get(path_of(receipt)), 413, "TOO_LARGE")


def test_few_are_made_at_once(live: Live, receipt: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "_making", threading.BoundedSemaphore(1))
    monkeypatch.setattr(evidence, "_PATIENCE_S", 0.01)
    assert live.http.get(path_of(receipt)).status_code == 200
    with evidence._making:
        problem(live.http.get(path_of(receipt)), 503, "QUEUE_FULL")
    assert live.http.get(path_of(receipt)).status_code == 200


def test_a_members_register_shows_its_evidence_to_members(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", visibility="members") as live:
        reader = live.party("B")
        path = path_of(live.asset(live.party()))
        problem(live.http.get(path), 404, "NOT_FOUND")
        answer = live.http.send(signed(live.url, "GET", path, reader.signers[0]))
        assert answer.status_code == 200
        assert answer.headers["cache-control"].startswith("private")


def test_the_sdk_verifies_before_it_gives_on(live: Live, receipt: dict[str, Any], tmp_path: Path) -> None:
    with live.client(tmp_path) as client:
        for prefix in ("ast", "rgt", "cas"):
            bundle = client.evidence(named(receipt, prefix))
            assert bundle.report.assets == (named(receipt, "ast"),)
            assert parse_evidence(bundle.data) == bundle.evidence
        live.asset(live.party("B"))
        assert client.evidence(named(receipt, "ast"), size=bundle.report.checkpoint.size) != bundle
        with pytest.raises(ProblemError) as unknown:
            client.evidence("rgt_" + "0" * 26)
        assert unknown.value.code == "NOT_FOUND"


def answered(live: Live, tmp_path: Path, change: Callable[[bytes], bytes]) -> Any:
    """A client to whom evidence comes changed."""

    def tell(path: str, data: bytes) -> bytes:
        return change(data) if path.endswith("/evidence") else data

    return live.client(tmp_path, transport=Between(tell=tell))


def test_the_sdk_refuses_evidence_that_was_changed(live: Live, receipt: dict[str, Any], tmp_path: Path) -> None:
    asset, other = named(receipt, "ast"), named(live.asset(live.party("B")), "ast")
    of_other = live.http.get(f"/v1/assets/{other}/evidence").content
    forged = sign_checkpoint(Checkpoint(live.registry.origin, live.size(), bytes(32)), [KeySigner.generate()], 0)
    changes: list[tuple[Callable[[bytes], bytes], str]] = [
        (lambda data: data.replace(b'"seq":0', b'"seq":1'), "evidence_invalid"),
        (lambda data: data[:-1], "evidence_invalid"),
        (lambda _: b"{}", "evidence_invalid"),
        (lambda _: of_other, "evidence_invalid"),
        (lambda data: format_with(data, forged), "checkpoint_signature"),
    ]
    for number, (change, code) in enumerate(changes):
        with answered(live, tmp_path / str(number), change) as client, pytest.raises(TrustError) as refused:
            client.evidence(asset)
        assert refused.value.code == code


def format_with(data: bytes, checkpoint: str) -> bytes:
    return format_evidence(replace(parse_evidence(data), checkpoint=checkpoint))


def test_the_sdk_refuses_evidence_older_than_it_saw(live: Live, receipt: dict[str, Any], tmp_path: Path) -> None:
    asset = named(receipt, "ast")
    old = live.http.get(f"/v1/assets/{asset}/evidence").content
    live.party("B")
    for size, code in ((None, "entries_lost"), (live.size(), "answer_changed")):
        with answered(live, tmp_path, lambda _: old) as client, pytest.raises(TrustError) as refused:
            client.evidence(asset, size=size)
        assert refused.value.code == code
