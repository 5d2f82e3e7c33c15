"""What is checked of the entries of a bundle together. Each check answers what holds, or raises what does not first."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

from ledger.encoding import format_base64url
from ledger.entry import FIRST_PREVIOUS
from ledger.errors import FormatError, SignatureError
from ledger.evidence.bundle import Evidence
from ledger.evidence.folios import Folios
from ledger.evidence.naming import concealed, rulebook_of
from ledger.evidence.reading import Line
from ledger.evidence.words import Words
from ledger.finding import BrokenError, broken
from ledger.identifiers import ObjectIdentifiers
from ledger.instants import format_instant
from ledger.key_state import KeyState, KeyStateError, signing_of
from ledger.keys import verify_signature
from ledger.merkle import leaf_hash

OPENING = "log.open"


def check_origin(evidence: Evidence, lines: Sequence[Line]) -> Words:
    """The log is opened in entry 0 under the name of the bundle, and every statement was made for it."""
    first = lines[0]
    if first.position != 0 or first.statement.act != OPENING:
        raise broken(
            first.position,
            "opening",
            "Entry 0, which opens the log and names its registrar, is not there.",
            "缺少开立账本并载明登记机构的第 0 条。",
        )
    for name, position in (
        (first.statement.body.get("origin"), 0),
        *((line.statement.log, line.position) for line in lines),
    ):
        if name != evidence.origin:
            raise broken(
                position,
                "origin_mismatch",
                f"Entry {position} was made for the log {name!r}, not for {evidence.origin!r}.",
                f"第 {position} 条是向账本 {name!r} 作出的，而非 {evidence.origin!r}。",
            )
    return Words(f"Every statement was made for {evidence.origin}.", f"各项声明均向 {evidence.origin} 作出。")


def check_chain(lines: Sequence[Line]) -> Words:
    """Neighbours are chained by their hashes, and times never decrease."""
    first = lines[0]
    if first.position == 0 and first.entry.previous != FIRST_PREVIOUS:
        raise _unchained(0)
    neighbours = 0
    for before, line in pairwise(lines):
        if line.position == before.position + 1:
            neighbours += 1
            if line.entry.previous != leaf_hash(before.data):
                raise _unchained(line.position)
        if line.entry.time < before.entry.time:
            raise broken(
                line.position,
                "time_backwards",
                f"Time goes backwards: entry {line.position} says {format_instant(line.entry.time)}, entry "
                f"{before.position} before it {format_instant(before.entry.time)}.",
                f"时间倒流：第 {line.position} 条为 {format_instant(line.entry.time)}，其前的第 {before.position} 条为 "
                f"{format_instant(before.entry.time)}。",
            )
    return Words(
        f"Times never decrease, and the {neighbours} entries whose neighbour before is here continue it.",
        f"时间不倒流；其中 {neighbours} 条的前一条亦在此，均与之相接。",
    )


def _unchained(position: int) -> BrokenError:
    return broken(
        position,
        "chain_broken",
        f"The chain is broken: entry {position} continues another line than the one before it.",
        f"链条断裂：第 {position} 条所接续的并非其前一条。",
    )


def check_statements(lines: Sequence[Line]) -> Words:
    """No statement stands in the log twice."""
    seen: dict[bytes, int] = {}
    for line in lines:
        before = seen.setdefault(line.statement.digest, line.position)
        if before != line.position:
            raise broken(
                line.position,
                "statement_twice",
                f"The statement in entry {line.position} stands in entry {before} already.",
                f"第 {line.position} 条中的声明已见于第 {before} 条。",
            )
    return Words("No statement is there twice.", "没有重复的声明。")


def check_folios(lines: Sequence[Line], folios: Folios) -> Words:
    """Folios are there without gaps from line 1, and an asset's line 1 is the statement that made the asset."""
    folios.check()
    for line in lines:
        made = line.statement.objects().identifier("ast")
        for each in line.entry.folios:
            if each.number == 1 and each.folio.startswith("ast_") and each.folio != made:
                raise broken(
                    line.position,
                    "folio_begin",
                    f"The folio {each.folio} begins with entry {line.position}, whose statement makes {made}.",
                    f"登记簿页 {each.folio} 始于第 {line.position} 条，而该声明所设立的是 {made}。",
                )
    shown = folios.shown()
    return Words(
        f"{len(shown)} folios are there from line 1 without a gap, and every entry stands on one of them.",
        f"{len(shown)} 页登记簿页自第 1 行起连续无缺，每条分录均在其中。",
    )


def check_named(lines: Sequence[Line], folios: Folios) -> Words:
    """The folios are there of whoever signed, of parties named on assets' folios, and of inputs."""
    for line in lines:
        wanted = set(line.named.signers)
        if any(each.folio.startswith("ast_") and folios.is_shown(each.folio) for each in line.entry.folios):
            wanted |= line.named.parties | line.named.inputs
        missing = sorted(folio for folio in wanted if not folios.is_shown(folio))
        if missing:
            raise broken(
                line.position,
                "folio_missing",
                f"Entry {line.position} names {missing[0]}, whose folio is not there.",
                f"第 {line.position} 条载明 {missing[0]}，但缺少其登记簿页。",
            )
    return Words(
        "The folios of the registrar, of whoever signed, of parties named on the assets' folios and of registered inputs are there.",
        "登记机构、全部签署人、资产页上载明的主体以及已登记的投入数据，其登记簿页均在。",
    )


def check_signatures(lines: Sequence[Line]) -> Words:
    """Every statement is signed by those who must, with keys that counted at its position and time."""
    state = KeyState()
    count = 0
    for line in lines:
        entry = line.entry
        try:
            signing = signing_of(entry.envelope, line.statement)
            records = state.check(entry.position, entry.time, signing)
            message = entry.envelope.signed_bytes()
            for record, signature in zip(records, entry.envelope.signatures, strict=True):
                verify_signature(record.algorithm, record.public, message, signature.value)
                count += 1
            state.apply(entry.time, [each.folio for each in entry.folios], signing)
        except (FormatError, SignatureError) as error:
            zh = error.words_zh if isinstance(error, KeyStateError) else str(error)
            raise broken(
                entry.position,
                "signature",
                f"Entry {entry.position} is not signed as it must be: {error}.",
                f"第 {entry.position} 条的签名不符合要求：{zh}。",
            ) from error
    return Words(
        f"All {count} signatures hold, each by a key that counted at its entry.",
        f"全部 {count} 个签名有效，且所用密钥在该条分录时均生效。",
    )


def check_expectations(lines: Sequence[Line], folios: Folios) -> Words:
    """Where a statement says how many lines its author saw on a folio that is here, so many are before it."""
    count = 0
    for line in lines:
        for folio, expected in line.statement.expect.items():
            if not folios.is_shown(folio):
                continue
            count += 1
            before = folios.lines_before(folio, line.position)
            if before != expected:
                raise broken(
                    line.position,
                    "expectation",
                    f"The author of entry {line.position} saw {expected} lines on {folio}; {before} are here before it.",
                    f"第 {line.position} 条的作者签署时在 {folio} 上见到 {expected} 行；此处在其之前有 {before} 行。",
                )
    return Words(
        f"What authors saw on folios is here: {count} statements say so.",
        f"{count} 处声明载明了签署时所见的行数，均与此处相符。",
    )


def check_rulebooks(evidence: Evidence, lines: Sequence[Line]) -> Words:
    """The texts are those of their digests, and every rulebook adopted by these entries is there."""
    for digest, text in evidence.rulebooks.items():
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            raise broken(
                None, "rulebook", f"A rulebook has not the digest {digest}.", f"规则簿原文与摘要 {digest} 不符。"
            )
    for line in lines:
        adopted = rulebook_of(line.statement)
        if adopted is not None and adopted not in evidence.rulebooks:
            raise broken(
                line.position,
                "rulebook",
                f"The rulebook {adopted}, adopted in entry {line.position}, is not there.",
                f"缺少第 {line.position} 条所采用的规则簿 {adopted}。",
            )
    return Words(
        f"The {len(evidence.rulebooks)} rulebooks are there, as adopted.",
        f"所采用的 {len(evidence.rulebooks)} 部规则簿均在。",
    )


def check_disclosures(disclosures: Sequence[str], lines: Sequence[Line]) -> Words:
    """Each opens a digest that stands in one of the entries."""
    digests = {digest for line in lines for digest in concealed(line.statement)}
    for text in disclosures:
        if format_base64url(hashlib.sha256(text.encode()).digest()) not in digests:
            raise broken(
                None,
                "disclosure",
                f"The disclosure {text[:40]}… opens nothing in these entries.",
                f"披露 {text[:40]}… 不对应任何分录中的摘要。",
            )
    return Words(
        f"{len(disclosures)} disclosures open what the entries conceal.",
        f"{len(disclosures)} 项披露均对应分录中的摘要。",
    )


def subject_assets(subject: str | None, lines: Sequence[Line], folios: Folios) -> tuple[str, ...]:
    """The assets that a bundle is about: that of the right or case named, or all that are shown and no input of another."""
    shown = [folio.folio for folio in folios.shown() if folio.folio.startswith("ast_")]
    if subject is None:
        inputs = {name for line in lines for name in line.named.inputs}
        return tuple(folio for folio in shown if folio not in inputs)
    if subject.startswith("ast_"):
        return (subject,) if subject in shown else ()
    stem = ObjectIdentifiers(subject.split("_")[1])
    makers = [line for line in lines if line.statement.objects() == stem]
    return tuple(each.folio for line in makers for each in line.entry.folios if each.folio in shown)


def check_subject(claimed: str | None, wanted: str | None, assets: Sequence[str]) -> Words:
    """The bundle shows the folio of the asset asked for, or of the right's or case's."""
    if wanted is not None and claimed not in (None, wanted):
        raise broken(
            None, "subject", f"The bundle is about {claimed}, not about {wanted}.", f"证据包所涉为 {claimed}，而非 {wanted}。"
        )  # fmt: skip
    if not assets:
        what = wanted or claimed
        raise broken(
            None,
            "subject",
            f"The folio of {what} is not there." if what else "No asset's folio is there from its first line.",
            f"缺少 {what} 所在的登记簿页。" if what else "没有自第 1 行起完整的资产登记簿页。",
        )
    names = ", ".join(assets)
    return Words(f"It shows the folio of {names}.", f"其中有 {names} 的登记簿页。")
