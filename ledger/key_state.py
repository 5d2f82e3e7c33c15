"""Which keys count at each position of a log: a pure function of the entries before it and of the entry's time.

A key counts for entry i if, after entry i-1 and at the time of entry i, it is added, effective and not ended. The keys
that `log.open` and `party.register` list count for that entry itself. A key belongs to one party for ever. A recovered
key is effective 72 hours after its entry, unless an entry on the party's own folio is signed meanwhile by a key of the
party that counts: then never.

    state = KeyState()
    for entry in entries:                                    in order, none left out that matters
        signing = signing_of(entry.envelope, statement)
        records = state.check(entry.position, entry.time, signing)
        ...verify each signature with its record, in order
        state.apply(entry.time, folio names, signing)

Source: contract section 2, "Who signs" and "Keys"; section 4, `key.recover`; ledger.md 0.10.
"""

from collections.abc import Collection, Mapping, MutableMapping
from datetime import datetime, timedelta

import msgspec

from ledger.errors import SignatureError
from ledger.keys import Algorithm
from ledger.signing import AddedKey, EndedKey, PublicKey, Signing, signing_of

__all__ = ["RECOVERY_DELAY", "KeyRecord", "KeyState", "KeyStateError", "Signing", "signing_of"]

RECOVERY_DELAY = timedelta(hours=72)


class KeyStateError(SignatureError):
    """The signatures of an entry are not those that the state of keys demands. `code` is one of the contract's."""

    def __init__(self, code: str, words_en: str, words_zh: str) -> None:
        super().__init__(words_en)
        self.code = code
        self.words_en = words_en
        self.words_zh = words_zh


class KeyRecord(msgspec.Struct, frozen=True):
    """A key of a party, as it stands."""

    key: str
    party: str
    algorithm: Algorithm
    public: bytes
    effective: datetime
    ended: datetime | None = None

    def counts(self, time: datetime) -> bool:
        """Whether signatures by the key count for an entry of this time."""
        return self.effective <= time and (self.ended is None or time < self.ended)


class KeyState:
    """The keys after the entries applied so far.

    `records` holds one record a key ever added, by its identifier; give another mapping to keep them elsewhere than in
    memory. The state changes in `apply` alone.
    """

    def __init__(
        self,
        records: MutableMapping[str, KeyRecord] | None = None,
        clerk: str = "",
        recovering: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """To go on with records that were kept, give the `clerk` and `recovering` of the state that wrote them."""
        self._records = {} if records is None else records
        self._recovering = dict(recovering or {})
        self._clerk = clerk

    @property
    def clerk(self) -> str:
        """The party of the clerk; empty before the log is opened."""
        return self._clerk

    @property
    def recovering(self) -> Mapping[str, tuple[str, ...]]:
        """By party the recovered keys that an entry of the party may still stop."""
        return dict(self._recovering)

    def check(self, position: int, time: datetime, signing: Signing) -> tuple[KeyRecord, ...]:
        """For each signature, in order, the key that must have made it.

        Raises:
            KeyStateError: a signature is missing or there is one too many; a key is not one of the party that signs
                there, does not count at this time, or is added though it belongs to a party already.
        """
        parties = (signing.by, *signing.with_)
        wanted = len(parties) + len(signing.proofs)
        if len(signing.keys) != wanted:
            code = "SIGNATURE_MISSING" if len(signing.keys) < wanted else "SIGNATURE_SURPLUS"
            raise KeyStateError(
                code,
                f"entry {position} has {len(signing.keys)} signatures, {wanted} are needed",
                f"第 {position} 条有 {len(signing.keys)} 个签名，应当恰有 {wanted} 个",
            )
        for added in signing.added:
            if added.key.key in self._records:
                raise KeyStateError(
                    "KEY_TAKEN",
                    f"entry {position} adds the key {added.key.key}, which belongs to a party already",
                    f"第 {position} 条添加的密钥 {added.key.key} 已属于某一主体",
                )
        found = [self._of_party(place, party, time, signing) for place, party in enumerate(parties)]
        found += [
            self._of_key(signing.keys[place], key, time) for place, key in enumerate(signing.proofs, len(parties))
        ]
        return tuple(found)

    def apply(self, time: datetime, folios: Collection[str], signing: Signing) -> None:
        """The entry, whose signatures `check` has passed, is part of the state. `folios` are the names of its folios."""
        self._stop_recoveries(time, folios, signing)
        self._clerk = signing.clerk or self._clerk
        for added in signing.added:
            self._add(time, added)
        for ended in signing.ended:
            self._end(time, ended, signing.at)

    def _of_party(self, place: int, party: str, time: datetime, signing: Signing) -> KeyRecord:
        name = signing.keys[place]
        if place == 0 and signing.founding is not None:
            return self._of_key(name, signing.founding, time)
        record = self._records.get(name)
        if record is None or record.party != party:
            raise KeyStateError("KEY_UNKNOWN", f"{name} is not a key of {party}", f"{name} 不是主体 {party} 的密钥")
        if not record.counts(time):
            raise KeyStateError(
                "KEY_INACTIVE",
                f"the key {name} does not count at this time: it is revoked or not yet effective",
                f"密钥 {name} 此时不生效：已吊销或尚未生效",
            )
        return record

    def _of_key(self, name: str, key: PublicKey, time: datetime) -> KeyRecord:
        if name != key.key:
            raise KeyStateError(
                "KEY_UNKNOWN", f"{name} signs where {key.key} must", f"应由 {key.key} 签署之处由 {name} 签署"
            )
        return KeyRecord(key.key, "", key.algorithm, key.public, time)

    def _add(self, time: datetime, added: AddedKey) -> None:
        party = added.party or self._clerk
        key = added.key
        effective = time + RECOVERY_DELAY if added.recovered else time
        self._records[key.key] = KeyRecord(key.key, party, key.algorithm, key.public, effective)
        if added.recovered:
            self._recovering[party] = (*self._recovering.get(party, ()), key.key)

    def _end(self, time: datetime, ended: EndedKey, at: datetime) -> None:
        """What lies between the statement's `at` and the entry's time counts as the entry's time."""
        record = self._records.get(ended.key)
        if record is None:
            return  # nothing ends; whether the act may say so is not for the keys to judge
        wanted = ended.effective
        effective = time if wanted is None or at <= wanted <= time else wanted
        if record.ended is None or effective < record.ended:
            self._records[ended.key] = msgspec.structs.replace(record, ended=effective)

    def _stop_recoveries(self, time: datetime, folios: Collection[str], signing: Signing) -> None:
        """The party itself wrote on its own folio with a key that counts: recoveries not yet effective never are."""
        if not self._recovering:
            return
        for party in (signing.by, *signing.with_):
            if party not in folios or party not in self._recovering:
                continue
            for name in self._recovering.pop(party):
                record = self._records[name]
                if time < record.effective and (record.ended is None or time < record.ended):
                    self._records[name] = msgspec.structs.replace(record, ended=time)
