"""Loads the slice of the register that a batch names: whole asset aggregates, and what inputs descend from."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Table, select

from ledger.identifiers import is_identifier
from ledger.storage.rows import rows_with
from registry.acts.act import Names
from registry.register.asset import MAX_ANCESTORS, Asset, Case
from registry.register.citation import Citation, Withheld, is_erased
from registry.register.office_state import Registry
from registry.register.party import Party
from registry.register.register import Slot
from registry.register.right import Right
from registry.register.values import OBJECTS_PER_STATEMENT
from registry.store.search import LOOKUP, search, search_key
from registry.store.tables import (
    ACT,
    AGENCY,
    ASSET,
    CASE,
    CITATION,
    KEY,
    PARTY,
    REGISTRY,
    RIGHT,
    VERIFIED,
    WITHHELD,
)

_CHUNK = 500
_REGISTRY = select(REGISTRY.c.document)
Value = TypeVar("Value")
_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in (Party, Asset, Case, Right, Registry, Citation)
}
_WITHHELD = msgspec.json.Decoder(tuple[Withheld, ...])


def decode(kind: type[Value], document: str) -> Value:
    """The object that a row holds."""
    found: Value = _DECODERS[kind].decode(document)
    return found


def chunks(values: Collection[Any]) -> Iterable[list[Any]]:
    """Distinct values in lists short enough for one IN."""
    distinct = list(dict.fromkeys(values))
    return (distinct[start : start + _CHUNK] for start in range(0, len(distinct), _CHUNK))


def split_identifier(identifier: str) -> tuple[str, int]:
    """Stem and number of an object's identifier."""
    _, stem, *number = identifier.split("_")
    return stem, int(number[0]) if number else 0


def refs_of(tx: Connection, identifiers: Collection[str]) -> dict[str, int]:
    """The integer keys that objects of these identifiers would have; those of unknown statements are left out."""
    parts = {identifier: split_identifier(identifier) for identifier in identifiers if is_identifier(identifier)}
    seqs = stems(tx, [stem for stem, _ in parts.values()])
    return {
        identifier: seqs[stem] * OBJECTS_PER_STATEMENT + number
        for identifier, (stem, number) in parts.items()
        if stem in seqs
    }


def stems(tx: Connection, wanted: Collection[str]) -> dict[str, int]:
    """The entries that took effect under these stems."""
    return {row.stem: row.seq for row in rows_with(tx, ACT.c.stem, wanted, ACT.c.seq)}


def by_refs(tx: Connection, table: Table, kind: type[Value], refs: Collection[int]) -> list[Value]:
    """The objects of these integer keys, in the order of the keys."""
    rows = sorted(rows_with(tx, table.c.ref, refs, table.c.document), key=itemgetter(0))
    return [decode(kind, row.document) for row in rows]


def load_registry(tx: Connection) -> Registry | None:
    """What the register knows of itself; None before the log is open."""
    document: str | None = tx.execute(_REGISTRY).scalar()
    return decode(Registry, document) if document else None


def load_parties(tx: Connection, identifiers: Collection[str]) -> dict[Slot, Any]:
    """The parties of these identifiers."""
    rows = rows_with(tx, PARTY.c.id, identifiers, PARTY.c.document)
    return {("party", row.id): decode(Party, row.document) for row in rows}


def load_signers(tx: Connection, parties: Collection[str], keys: Collection[str]) -> dict[Slot, Any]:
    """These parties, and those that have these keys."""
    slots = load_parties(tx, parties)
    return slots | _load_keys(tx, keys, slots)


def load_assets(tx: Connection, refs: Collection[int]) -> dict[Slot, Any]:
    """Assets with all rights on them."""
    slots: dict[Slot, Any] = {}
    rights: dict[str, list[str]] = {}
    for asset in by_refs(tx, ASSET, Asset, refs):
        slots["asset", asset.id] = asset
        rights[asset.id] = []
    for row in sorted(rows_with(tx, RIGHT.c.asset_ref, refs, RIGHT.c.ref, RIGHT.c.document), key=itemgetter(1)):
        right = decode(Right, row.document)
        slots["right", right.id] = right
        rights.setdefault(right.asset, []).append(right.id)
    slots.update((("rights", asset), tuple(names)) for asset, names in rights.items())
    return slots


def load(tx: Connection, wanted: Sequence[Names]) -> dict[Slot, Any]:
    """Everything that the acts named: objects, whole aggregates of the assets touched, and index entries."""
    slots: dict[Slot, Any] = {}
    if (registry := load_registry(tx)) is not None:
        slots["registry", ""] = registry
    if cases := _load_cases(tx, [name for names in wanted for name in names.cases]):
        slots |= {("case", case.id): case for case in cases}
        wanted = [*wanted, *map(_needed, cases)]
    slots |= _load_agencies(tx, [name for names in wanted for name in names.agencies])
    parties = [name for names in wanted for name in (*names.parties, *names.identifiers_of)]
    if registry is not None and any(names.keys for names in wanted):
        parties.append(registry.clerk)  # whose keys `log.key` changes
    slots |= load_signers(tx, parties, [key for names in wanted for key in names.keys])
    held = [slots.get(("party", name)) for names in wanted for name in names.identifiers_of]
    texts = [text for party in held if party and (text := party.identifier_text())]
    slots |= _load_verified(tx, {*texts, *(text for names in wanted for text in names.identifiers)})
    prints = [text for names in wanted for text in names.fingerprints]
    asset_refs = set(refs_of(tx, [name for names in wanted for name in names.assets]).values())
    right_refs = refs_of(tx, [name for names in wanted for name in names.rights])
    asset_refs |= _assets_of_rights(tx, right_refs.values())
    matches = _fingerprint_matches(tx, prints)
    asset_refs |= {ref for found in matches.values() for ref in found}
    if asset_refs:
        slots |= load_assets(tx, asset_refs)
    if concerned := [name for names in wanted for name in names.concerned]:
        slots |= _load_concerned(tx, concerned, slots)
    slots |= _load_ancestors(tx, [set(names.inputs) for names in wanted if names.inputs], slots)
    slots |= load_citations(tx, {digest for names in wanted for digest in names.digests})
    slots |= load_withheld(tx, {digest for names in wanted for digest in names.confidential})
    by_ref = {value.ref: value for (kind, _), value in slots.items() if kind == "asset"}
    for text, refs in matches.items():
        found = [by_ref[ref] for ref in refs if ref in by_ref]
        slots["fingerprint", text] = tuple([asset.id for asset in found if text in asset.fingerprints()])
    return slots


def _load_cases(tx: Connection, identifiers: Collection[str]) -> list[Case]:
    refs = refs_of(tx, identifiers) if identifiers else {}
    return [case for case in by_refs(tx, CASE, Case, refs.values()) if case.id in refs]


def _needed(case: Case) -> Names:
    """What deciding about a case needs to see: its asset and applicant, and all of a filing that waits for assents."""
    kept = msgspec.convert(case.filing.names, Names) if case.filing else Names()
    return msgspec.structs.replace(
        kept, parties=(*kept.parties, case.applicant), assets=(*kept.assets, case.asset)
    )  # fmt: skip


def _load_concerned(tx: Connection, names: Collection[str], known: Mapping[Slot, Any]) -> dict[Slot, Any]:
    """The applicants of these assets and the holders of these rights."""
    assets = [known["asset", name].applicant for name in names if ("asset", name) in known]
    rights = [known["right", name].holder for name in names if ("right", name) in known]
    return load_parties(tx, [name for name in (*assets, *rights) if ("party", name) not in known])


def _load_agencies(tx: Connection, agencies: Collection[str]) -> dict[Slot, Any]:
    """The parties that gave these agencies, with their index entries."""
    if not agencies:
        return {}
    givers = {row.party_ref for row in rows_with(tx, AGENCY.c.agency, agencies, AGENCY.c.party_ref)}
    slots: dict[Slot, Any] = {}
    for party in by_refs(tx, PARTY, Party, givers):
        slots["party", party.id] = party
        slots.update({("agency", agency.id): (party.id,) for agency in party.agencies if agency.id in agencies})
    return slots


def _load_ancestors(tx: Connection, inputs: Sequence[set[str]], known: Mapping[Slot, Any]) -> dict[Slot, Any]:
    """What the inputs of each act descend from, without the rights on it: as many as a filing may have, and no more.

    A round for the ancestors that the inputs list, and one more for each time that some of these got inputs since.
    """
    slots: dict[Slot, Any] = {}

    def listed(name: str) -> tuple[str, ...]:
        asset: Asset | None = known.get(("asset", name)) or slots.get(("asset", name))
        return asset.ancestors if asset else ()

    walks = [(start, start) for start in inputs]
    while walks:
        steps = [(seen, {name for one in newest for name in listed(one)} - seen) for seen, newest in walks]
        walks = [(seen | new, new) for seen, new in steps if new and len(seen | new) <= MAX_ANCESTORS]
        names = {name for _, newest in walks for name in newest}
        missing = [name for name in names if ("asset", name) not in known and ("asset", name) not in slots]
        found = by_refs(tx, ASSET, Asset, refs_of(tx, missing).values())
        slots |= {("asset", asset.id): asset for asset in found}
    return slots


def load_citations(tx: Connection, digests: Collection[str]) -> dict[Slot, Any]:
    """The statements that cite these digests, and what withholds them."""
    if not digests:
        return {}
    slots: dict[Slot, Any] = {}
    seqs = [ref // OBJECTS_PER_STATEMENT for ref in search(tx, "cited", list(digests))]
    rows = sorted(rows_with(tx, CITATION.c.seq, seqs, CITATION.c.document), key=itemgetter(0))
    for row in rows:
        citation = decode(Citation, row.document)
        for digest in digests:
            if citation.cites(digest):
                slots["cited", digest] = (*slots.get(("cited", digest), ()), citation)
    return slots | load_withheld(tx, digests)


def load_withheld(tx: Connection, digests: Collection[str]) -> dict[Slot, Any]:
    """What withholds these digests."""
    rows = rows_with(tx, WITHHELD.c.digest, digests, WITHHELD.c.document) if digests else ()
    return {("withheld", row.digest): _WITHHELD.decode(row.document) for row in rows}


def erased_digests(tx: Connection) -> set[str]:
    """Everything under which nothing is kept any more."""
    rows = tx.execute(select(WITHHELD.c.digest, WITHHELD.c.document))
    return {row.digest for row in rows if is_erased(_WITHHELD.decode(row.document))}


def _load_keys(tx: Connection, keys: Collection[str], known: dict[Slot, Any]) -> dict[Slot, Any]:
    slots: dict[Slot, Any] = {}
    for chunk in chunks(keys):
        rows = tx.execute(
            select(KEY.c.key, PARTY.c.id, PARTY.c.document)
            .join(PARTY, PARTY.c.ref == KEY.c.party_ref)
            .where(KEY.c.key.in_(chunk))
        )
        for row in rows:
            slots["key", row.key] = (row.id,)
            if ("party", row.id) not in known:
                slots["party", row.id] = decode(Party, row.document)
    return slots


def _load_verified(tx: Connection, identifiers: Collection[str]) -> dict[Slot, Any]:
    """The verified parties of these identifiers, with their index entries."""
    slots: dict[Slot, Any] = {}
    for chunk in chunks(identifiers):
        rows = tx.execute(
            select(VERIFIED.c.identifier, PARTY.c.id, PARTY.c.document)
            .join(PARTY, PARTY.c.ref == VERIFIED.c.party_ref)
            .where(VERIFIED.c.identifier.in_(chunk))
            .order_by(VERIFIED.c.party_ref)
        )
        for row in rows:
            slots["verified", row.identifier] = (*slots.get(("verified", row.identifier), ()), row.id)
            slots["party", row.id] = decode(Party, row.document)
    return slots


def _assets_of_rights(tx: Connection, refs: Collection[int]) -> set[int]:
    return {row.asset_ref for row in rows_with(tx, RIGHT.c.ref, refs, RIGHT.c.asset_ref)}


def _fingerprint_matches(tx: Connection, prints: Collection[str]) -> dict[str, list[int]]:
    """References of assets that may have each fingerprint, in the order recorded."""
    if not prints:
        return {}
    keys = {search_key("fingerprint", text): text for text in prints}
    found: dict[str, list[int]] = {}
    for key, ref in sorted(LOOKUP.find(tx, keys), key=itemgetter(1)):
        found.setdefault(keys[key], []).append(ref)
    return found
