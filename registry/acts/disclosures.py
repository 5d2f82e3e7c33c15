"""`disclosure.erase`, `disclosure.restrict`: what is kept beside the ledger is gone for good, or kept under lock.

Contract sections 4 and 8; article 47 of the Personal Information Protection Law: while registration material has to be
kept by law its use is restricted, not the material erased. Proofs are not touched: the digests stay.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from ledger.statement import Statement
from registry.acts.act import Act, Context, Names, Outcome, must_be_registrar
from registry.acts.shapes import Digest, Shape, body_of, invalid
from registry.refusals.refusal import refused
from registry.register.citation import ERASED, RESTRICTED, Citation, Withheld, is_erased, is_restricted
from registry.register.register import Register

MAX_FOLIOS = 64
Kept = Annotated[str, Meta(pattern=r"^([A-Za-z0-9_-]{43}|[0-9a-f]{64})$")]


class WithholdBody(Shape, frozen=True):
    """`digests`: of disclosures (base64url) and of documents (hex)."""

    digests: Annotated[tuple[Kept, ...], Meta(min_length=1, max_length=64)]
    basis: Literal["request", "retention_over", "order"]
    document: Digest | UnsetType = UNSET


def _parse(statement: Statement) -> WithholdBody:
    body = body_of(statement, WithholdBody)
    if len(set(body.digests)) != len(body.digests):
        raise invalid("/body/digests", "a digest is listed twice", "摘要重复列出")
    if body.basis == "order" and body.document is UNSET:
        raise invalid(
            "/body/document", "an order is cited by its document's digest", "依据命令办理的，须写明其文书摘要"
        )
    return body


def _names(_statement: Statement, body: WithholdBody) -> Names:
    return Names(digests=body.digests)


def _decide_erase(context: Context, body: WithholdBody, register: Register) -> Outcome:
    must_be_registrar(context, register)
    for number, digest in enumerate(body.digests):
        pointer = f"/body/digests/{number}"
        _must_not_be_adopted(register, digest, pointer)
        for citation in _citations(register, digest, pointer):
            _must_not_be_retained(context, citation, pointer, by_order=body.basis == "order")
        if is_erased(register.withheld(digest)):
            raise refused("ALREADY_ENDED", f"{digest} is erased already.", "该内容已经删除。", pointer)
    return _withhold(context, body, register, ERASED)


def _decide_restrict(context: Context, body: WithholdBody, register: Register) -> Outcome:
    must_be_registrar(context, register)
    for number, digest in enumerate(body.digests):
        pointer = f"/body/digests/{number}"
        _citations(register, digest, pointer)
        if is_restricted(register.withheld(digest)):
            raise refused(
                "ALREADY_ENDED", f"{digest} is restricted or erased already.", "该内容已经限制使用或删除。", pointer
            )
    return _withhold(context, body, register, RESTRICTED)


def _citations(register: Register, digest: str, pointer: str) -> tuple[Citation, ...]:
    """The statements that cite a digest.

    Raises:
        RefusedError: NOT_FOUND.
    """
    found = register.citations(digest)
    if not found:
        raise refused("NOT_FOUND", f"No statement here cites {digest}.", "本登记簿中没有声明引用该摘要。", pointer)
    return found


def _must_not_be_adopted(register: Register, digest: str, pointer: str) -> None:
    """Returns unless a rulebook stands under the digest by which cases were decided: it is served for ever.

    Raises:
        RefusedError: INVALID_VALUE.
    """
    registry = register.registry()
    if registry is not None and any(adoption.sha256 == digest for adoption in registry.rulebooks):
        raise invalid(
            pointer,
            "it is a rulebook that was adopted here; by it cases were decided and can be decided again, so it stays",
            "该摘要对应本登记簿采用过的规则簿；案件据以作出并可据以复核，不得删除",
        )


def _must_not_be_retained(context: Context, citation: Citation, pointer: str, *, by_order: bool) -> None:
    """Returns if the rulebook of the case does not want the material kept any longer.

    Raises:
        RefusedError: INVALID_VALUE.
    """
    book = context.rulebook(citation.rulebook_sha256) if citation.rulebook_sha256 else None
    years = book.constants.retention_years if book else 0
    if by_order or not years:
        return
    until = _kept_until(context.time, citation, years)
    if until is not None:
        raise invalid(
            pointer,
            f"registration material of entry {citation.seq} is kept for {years} years, until {until}; restrict it instead "
            "(disclosure.restrict)",
            f"分录 {citation.seq} 的登记材料须保存 {years} 年，至 {until}；请改为限制使用（disclosure.restrict）",
        )


def _kept_until(now: datetime, citation: Citation, years: int) -> str | None:
    """The day on which the time for keeping is over, if it is not yet."""
    start = citation.time
    try:
        end = start.replace(year=start.year + years)
    except ValueError:
        end = start.replace(year=start.year + years, day=28)
    return None if end <= now else end.date().isoformat()


def _withhold(context: Context, body: WithholdBody, register: Register, how: str) -> Outcome:
    folios: dict[str, None] = {}
    for digest in body.digests:
        folios |= dict.fromkeys(folio for citation in register.citations(digest) for folio in citation.folios)
        withheld = Withheld(context.seq, digest, how, body.basis)
        register = register.put(("withheld", digest, (*register.withheld(digest), withheld)))
    if len(folios) > MAX_FOLIOS:
        raise refused(
            "TOO_LARGE", f"These digests stand on more than {MAX_FOLIOS} folios; withhold them in several statements.",
            f"这些摘要涉及的登记簿页超过 {MAX_FOLIOS} 页；请分多份声明办理。", "/body/digests",
        )  # fmt: skip
    return Outcome(register, tuple(folios))


DISCLOSURE_ERASE = Act("disclosure.erase", _parse, _decide_erase, _names)
DISCLOSURE_RESTRICT = Act("disclosure.restrict", _parse, _decide_restrict, _names)
