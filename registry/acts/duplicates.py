"""What is registered already: the same claim, or the same data. Contract section 5.

The same party claims a kind of right on an asset once; the same applicant registers data with an equal set of
fingerprints once. That others registered data with an equal fingerprint is a warning.
"""

from datetime import datetime
from typing import Any

from registry.acts.act import Context
from registry.acts.filing_body import InitialBody
from registry.refusals.refusal import refused
from registry.register.asset import Asset, Case
from registry.register.register import Register

_LIVE = ("active", "pending")


def must_be_new(
    context: Context, body: InitialBody, register: Register, asset: Asset | None, prints: tuple[str, ...],
    own: Case | None,
) -> None:  # fmt: skip
    """Returns if neither the claims nor the data are registered already, otherwise than by the filing's `own` case.

    Raises:
        RefusedError: ALREADY_REGISTERED or DUPLICATE_REGISTRATION.
    """
    live = register.rights_of(asset.id) if asset else ()
    seen = {
        (r.holder, r.kind)
        for r in live
        if r.is_title() and r.status_at(context.time) in _LIVE and (own is None or r.case != own.id)
    }
    _must_be_claimed_once(body, seen)
    names = {name for print_ in prints for name in register.names("fingerprint", print_)}
    for name in sorted(names):
        other = register.asset(name)
        if (
            other
            and (own is None or other.id != own.asset)
            and other.applicant == context.principal
            and other.fingerprints() == prints
            and _is_held(register, name, context.time)
        ):
            raise refused(
                "DUPLICATE_REGISTRATION",
                f"You registered data with the same fingerprints as {name}; renew or change that registration instead.",
                f"申请人已登记指纹相同的数据 {name}，请对该登记办理变更或续期。",
                "/body/asset/fingerprints",
            )


def _must_be_claimed_once(body: InitialBody, seen: set[tuple[str, str]]) -> None:
    for number, claim in enumerate(body.claims):
        for place, kind in enumerate(claim.rights):
            if (claim.party, kind) in seen:
                raise refused(
                    "ALREADY_REGISTERED",
                    f"A {kind} right of {claim.party} on this asset is registered or claimed already.",
                    f"主体 {claim.party} 对该数据的 {kind} 权利已登记或已申报。",
                    f"/body/claims/{number}/rights/{place}",
                )
            seen.add((claim.party, kind))


def equal_fingerprints(register: Register, prints: tuple[str, ...]) -> list[dict[str, Any]]:
    """A warning for each registered asset with a fingerprint of the new one."""
    names = {name for print_ in prints for name in register.names("fingerprint", print_)}
    return [{"code": "EQUAL_FINGERPRINT", "asset": name} for name in sorted(names)]


def _is_held(register: Register, asset: str, time: datetime) -> bool:
    return any(r.is_title() and r.status_at(time) in _LIVE for r in register.rights_of(asset))
