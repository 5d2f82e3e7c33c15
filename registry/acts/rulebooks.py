"""`rulebook.adopt`. Contract section 4: refused unless the bytes are among the documents; from then on served for ever."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.statement import Statement
from registry.acts.act import Act, Context, Outcome, must_be_registrar
from registry.acts.shapes import Digest, Shape, body_of, given, invalid
from registry.refusals.refusal import refused
from registry.register.office_state import Adoption
from registry.register.register import Register


class AdoptBody(Shape, frozen=True):
    id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    version: Annotated[str, Meta(min_length=1, max_length=40)]
    sha256: Digest
    default: bool | UnsetType = UNSET
    open: bool | UnsetType = UNSET


def _parse(statement: Statement) -> AdoptBody:
    return body_of(statement, AdoptBody)


def _decide(context: Context, body: AdoptBody, register: Register) -> Outcome:
    must_be_registrar(context, register)
    registry = register.registry()
    assert registry is not None
    book = context.rulebook(body.sha256)
    if book is None:
        raise refused(
            "NOT_FOUND",
            "The bytes of this rulebook are not among the documents, or are no rulebook; put them there first.",
            "规则簿的原文不在文件之中，或不是规则簿；请先存入。",
            "/body/sha256",
        )
    if (book.id, book.version) != (body.id, body.version):
        raise invalid(
            "/body/id",
            f"the bytes are rulebook {book.id} version {book.version}",
            f"原文为规则簿 {book.id} 第 {book.version} 版",
        )
    if book.constants.review:
        raise invalid(
            "/body/sha256", "procedures with review are not carried out by this version", "本版本尚不办理需审查的程序"
        )
    adoption = Adoption(
        context.seq, body.id, body.version, body.sha256, given(body.default) or False, given(body.open) or False,
        book.constants.review,
    )  # fmt: skip
    after = msgspec.structs.replace(registry, rulebooks=(*registry.rulebooks, adoption))
    return Outcome(register.put(("registry", "", after)), (registry.registrar,))


RULEBOOK_ADOPT = Act("rulebook.adopt", _parse, _decide)
