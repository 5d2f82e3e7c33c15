"""`rulebook.adopt`. Contract sections 4 and 5."""

from typing import Any

from registry.law.rulebook import load_builtin
from tests.registry.desk import Desk, ids

TEXT = load_builtin("internal")


def kept(desk: Desk, version: str = "2", **changes: str) -> str:
    """The digest of another version of the rulebook, whose bytes are among the documents."""
    text = TEXT.replace(b'version = "1"', f'version = "{version}"'.encode())
    for old, new in changes.items():
        found = f"{old} = ".encode()
        line = next(line for line in text.splitlines() if line.startswith(found))
        text = text.replace(line, found + new.encode(), 1)
    return desk.registry.documents.put(text)


def adoption(digest: str, **members: Any) -> dict[str, Any]:
    return {"id": "internal", "version": "2", "sha256": digest} | members


def test_a_version_adopted_last_is_what_its_id_means(desk: Desk) -> None:
    actor, digest = desk.party("甲"), kept(desk)
    old = desk.register(actor)
    receipt = desk.ok("rulebook.adopt", desk.registrar, adoption(digest))
    assert (receipt["ids"], receipt["folios"]) == ([], [{"id": desk.registrar.id, "n": 2, "prev": 0}])
    named = desk.ok(
        "case.file", actor, desk.filing([{"party": actor.id, "rights": ["holding"]}]) | {"rulebook": "internal"}
    )
    unnamed = desk.register(actor)
    digests = [desk.view(ids(r, "cas")[0])["rulebook_sha256"] for r in (old, named, unnamed)]
    assert digests[1] == digest
    assert digests[0] == digests[2] != digest


def test_the_default_is_that_of_cases_that_name_none(desk: Desk) -> None:
    digest = kept(desk)
    desk.ok("rulebook.adopt", desk.registrar, adoption(digest, default=True))
    case = ids(desk.register(desk.party("甲")), "cas")[0]
    assert desk.view(case)["rulebook_sha256"] == digest


def test_check_names_the_rulebook_of_the_root_title(desk: Desk) -> None:
    actor, digest = desk.party("甲"), kept(desk)
    asset = ids(desk.register(actor), "ast")[0]
    desk.ok("rulebook.adopt", desk.registrar, adoption(digest, default=True))
    assert desk.check(actor, asset).rulebook == desk.registry.reader.registry().rulebooks[0].sha256
    assert desk.check(desk.registrar, asset).rulebook == digest


def test_a_rule_of_the_new_version_decides(desk: Desk) -> None:
    actor, digest = desk.party("甲"), kept(desk, name_limit="3")
    desk.ok("rulebook.adopt", desk.registrar, adoption(digest, default=True))
    body = desk.filing([{"party": actor.id, "rights": ["holding"]}], name="停车数据")
    desk.expect(("INVALID_VALUE", 422, "/body/asset/name"), "case.file", actor, body)
    desk.register(actor, name="停车")


def test_only_the_registrar_adopts(desk: Desk) -> None:
    desk.expect(("NOT_ENTITLED", 403, "/by"), "rulebook.adopt", desk.party("甲"), adoption(kept(desk)))


def test_the_bytes_must_be_here_and_be_a_rulebook(desk: Desk) -> None:
    for digest in ("b" * 64, desk.registry.documents.put(b"no rulebook")):
        desk.expect(("NOT_FOUND", 404, "/body/sha256"), "rulebook.adopt", desk.registrar, adoption(digest))


def test_what_an_adoption_may_not_say(desk: Desk) -> None:
    digest = kept(desk)
    for body, refusal in (
        (adoption(digest, version="3"), ("INVALID_VALUE", 422, "/body/id")),
        (adoption(digest, id="other"), ("INVALID_VALUE", 422, "/body/id")),
        (adoption(digest, id="No Id"), ("INVALID_VALUE", 422, "/body/id")),
        (adoption("B" * 64), ("INVALID_VALUE", 422, "/body/sha256")),
        (adoption(digest, default="yes"), ("MALFORMED", 400, "/body/default")),
        (adoption(digest, note="x"), ("UNKNOWN_MEMBER", 400, "/body/note")),
        (adoption(kept(desk, review="true")), ("INVALID_VALUE", 422, "/body/sha256")),
    ):
        desk.expect(refusal, "rulebook.adopt", desk.registrar, body)
