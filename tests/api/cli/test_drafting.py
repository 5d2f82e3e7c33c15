"""`sanquan draft` and `sanquan document` as processes of two parties."""

import json

from tests.api.cli.console import Console, Served
from tests.api.cli.test_client_commands import Scene


def test_a_licence_is_signed_by_two_and_its_contract_read_by_both(sanquan: Console, served: Served) -> None:
    scene = Scene(sanquan, served)
    contract = sanquan.home / "contract.pdf"
    contract.write_bytes(b"%PDF-1.7 contract")
    digest = scene.done("document", "send", contract).strip()
    key = sanquan.home / "data" / "keys" / "registrar.pem"
    assert scene.done("document", "send", contract, "--key", key).strip() == digest
    scene.refused("document", "send", contract, "--key", contract, wanted=2)
    body = sanquan.home / "grant.json"
    scope = {"purposes": ["research"], "territory": ["CN"], "fields": ["*"], "until": None,
             "duties": [{"id": "report", "when": "after"}]}  # fmt: skip
    body.write_text(json.dumps({
        "from_right": scene.operating, "to": scene.receiver, "rights": ["processing"], "scope": scope,
        "evidence": [{"kind": "contract", "sha256": digest}],
    }))  # fmt: skip
    draft = scene.answer("draft", "new", "right.grant", body, "--with", scene.receiver)
    assert draft["waiting"] == [{"party": scene.receiver}]
    listed = scene.done("draft", "list", "--waiting-for-me", who="receiver")
    assert draft["id"] in listed
    assert f"waiting for {scene.receiver}" in listed
    shown = json.loads(scene.done("draft", "show", draft["id"], who="receiver"))
    assert (shown["body"]["to"], shown["by"]) == (scene.receiver, scene.provider)
    assert "envelope" not in shown
    assert "recorded as entry" in scene.done("draft", "sign", draft["id"], who="receiver")
    copy = sanquan.home / "copy.pdf"
    scene.done("document", "get", digest, "--purpose", "keep our copy", "--output", copy, who="receiver")
    assert copy.read_bytes() == contract.read_bytes()
    other = scene.done("draft", "new", "right.grant", body, "--with", scene.receiver).split()[1]
    assert other in scene.done("draft", "withdraw", other)
