"""Data assets and the cases about them."""

from datetime import datetime
from typing import Any

import msgspec

from registry.register.values import Attached, Evidence, Stamp

MAX_ANCESTORS = 1_024
"""What a filing may name as ancestors."""


class Input(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a derived asset was made from: an asset of this register with the right used, or something outside it."""

    asset: str | None = None
    right: str | None = None
    external: Any = None


class Derivation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the filing in the entry `seq` says the data were made from.

    `ancestors`: the inputs and, as of that entry, what these descend from. `public_collection`: collected from public
    sources by programs, or descending from such data.
    """

    seq: int
    inputs: tuple[Input, ...] = ()
    ancestors: tuple[str, ...] = ()
    public_collection: bool = False


class FormVersion(msgspec.Struct, frozen=True):
    """The form as it was filed, from the entry `seq` on."""

    seq: int
    form: dict[str, Any]


class Asset(msgspec.Struct, frozen=True, omit_defaults=True):
    """A data asset. Its first registration and each further title on it may add a derivation."""

    id: str
    ref: int
    recorded: Stamp
    applicant: str
    forms: tuple[FormVersion, ...]
    cases: tuple[str, ...]
    derivations: tuple[Derivation, ...] = ()
    late_cases: tuple[str, ...] = ()
    """Those of `cases` that recorded a derivation after a right to an input had ended."""
    attached: tuple[Attached, ...] = ()

    @property
    def form(self) -> dict[str, Any]:
        return self.forms[-1].form

    @property
    def inputs(self) -> tuple[Input, ...]:
        return tuple(item for derivation in self.derivations for item in derivation.inputs)

    @property
    def ancestors(self) -> tuple[str, ...]:
        """What the asset descends from, as far as its own filings knew; the rest stands with the ancestors."""
        return tuple(dict.fromkeys(name for derivation in self.derivations for name in derivation.ancestors))

    @property
    def public_collection(self) -> bool:
        return any(derivation.public_collection for derivation in self.derivations)

    def fingerprints(self) -> tuple[str, ...]:
        """`alg:value` of each fingerprint, sorted."""
        return tuple(sorted({f"{f['alg']}:{f['value']}" for f in self.form.get("fingerprints", ())}))

    def identifiers(self) -> tuple[str, ...]:
        """`scheme:value` of each identifier, sorted."""
        return tuple(sorted({f"{i['scheme']}:{i['value']}" for i in self.form.get("identifiers", ())}))

    def personal_fields(self) -> frozenset[str] | None:
        """The fields that hold personal information; None means every field (contract section 7)."""
        fields = self.form.get("fields")
        if fields is None:
            unpersonal = self.form["personal_information"] in ("none", "anonymised")
            return frozenset() if unpersonal else None
        return frozenset(field["name"] for field in fields if field["personal"] != "none")

    def as_of(self, size: int) -> "Asset | None":
        """The asset as the register knew it after `size` entries; None if it did not."""
        if self.recorded.seq >= size:
            return None
        return msgspec.structs.replace(
            self,
            forms=tuple(f for f in self.forms if f.seq < size),
            derivations=tuple(d for d in self.derivations if d.seq < size),
            attached=tuple(item for item in self.attached if item.recorded.seq < size),
        )


class CaseState(msgspec.Struct, frozen=True):
    """A move of a case, from the entry `seq` on."""

    seq: int
    state: str


class Assent(msgspec.Struct, frozen=True):
    """What a party that a case awaited has said."""

    recorded: Stamp
    party: str
    assents: bool


class AwaitedFiling(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was filed, kept until all have assented and it is decided again. `names`: what the act needs to see for it."""

    by: str
    at: datetime
    body: dict[str, Any]
    names: dict[str, tuple[str, ...]]
    for_: str | None = None
    with_: tuple[str, ...] = ()


OPEN_STATES = frozenset(
    {
        "submitted", "supplement_required", "accepted", "evidence_requested", "passed", "publicity", "publicity_closed",
        "objection",
    }
)  # fmt: skip
"""States from which a case still moves (contract section 5)."""


class Case(msgspec.Struct, frozen=True, omit_defaults=True):
    """The procedure around a registration. `awaits`: who had to assent besides those who signed the filing."""

    id: str
    ref: int
    recorded: Stamp
    kind: str
    rulebook: str
    rulebook_sha256: str
    asset: str
    applicant: str
    filed_at: datetime
    states: tuple[CaseState, ...]
    findings: tuple[dict[str, Any], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    attached: tuple[Attached, ...] = ()
    window: bool = False
    awaits: tuple[str, ...] = ()
    assents: tuple[Assent, ...] = ()
    filing: AwaitedFiling | None = None

    @property
    def state(self) -> str:
        return self.states[-1].state

    def is_open(self) -> bool:
        """Whether the case still moves."""
        return self.state in OPEN_STATES

    def awaited(self) -> tuple[str, ...]:
        """Who has still to assent."""
        if not self.is_open():
            return ()
        said = {assent.party for assent in self.assents}
        return tuple(party for party in self.awaits if party not in said)

    def as_of(self, size: int) -> "Case | None":
        """The case as the register knew it after `size` entries; None if it did not."""
        if self.recorded.seq >= size:
            return None
        return msgspec.structs.replace(
            self,
            states=tuple(s for s in self.states if s.seq < size),
            attached=tuple(item for item in self.attached if item.recorded.seq < size),
            assents=tuple(assent for assent in self.assents if assent.recorded.seq < size),
        )
