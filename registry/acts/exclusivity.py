"""Sole and exclusive grants: what an earlier grant of the same root forbids a later one. Contract section 4; rights.md 3.3."""

from collections.abc import Collection, Sequence

from registry.refusals.refusal import Reason, RefusedError, Words
from registry.register.register import Register
from registry.register.right import Right
from registry.register.scope import Scope
from registry.title.chain import chain_of, until_end
from registry.title.scope import overlaps
from registry.title.vocabulary import Exclusivity


def conflicts(register: Register, chain: tuple[Right, ...], kinds: Collection[str], scope: Scope) -> list[Right]:
    """Live grants of the same root, kind and overlap, other than those of the branch that this grant belongs to."""
    branch = {link.holder for link in chain[1:]}
    found = []
    for other in register.rights_of(chain[0].asset):
        if other.is_title() or other.is_for_principal() or other.kind not in kinds or other.holder in branch:
            continue
        left = until_end(other)
        if left and overlaps(left, scope) and chain_of(register, other, scope.starts)[0].id == chain[0].id:
            found.append(other)
    return found


def must_not_conflict(earlier: Sequence[Right], wanted: Exclusivity, listed: Collection[str]) -> None:
    """Returns if nothing exclusive stands in the way, and an exclusive grant lists what stays good beside it.

    Raises:
        RefusedError: EXCLUSIVITY_CONFLICT or PRIOR_GRANTS_NOT_LISTED, a reason for each right.
    """
    bound = [right for right in earlier if right.exclusivity != "none"]
    if bound:
        raise RefusedError(
            *(
                Reason(
                    "EXCLUSIVITY_CONFLICT",
                    Words(
                        f"The {right.exclusivity} grant {right.id}, recorded earlier, overlaps in every dimension.",
                        f"在先登记的排他许可 {right.id} 在各项范围上均与之重叠。",
                    ),
                    "/body/scope",
                    right=right.id,
                )
                for right in bound
            )
        )
    missing = [right for right in earlier if right.id not in listed] if wanted != "none" else []
    if missing:
        raise RefusedError(
            *(
                Reason(
                    "PRIOR_GRANTS_NOT_LISTED",
                    Words(
                        f"The earlier grant {right.id} overlaps; list it in `subject_to`, it stays good.",
                        f"在先许可 {right.id} 与之重叠，请列入 subject_to，其效力不受影响。",
                    ),
                    "/body/subject_to",
                    right=right.id,
                )
                for right in missing
            )
        )
