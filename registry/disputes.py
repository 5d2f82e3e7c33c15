"""What a log makes of a witness that says it signed something else.

Shown with the log's own signature it is beyond doubt: entries were lost, or there are two histories. Without, it is the
word of one witness, who may be wrong or lie. Then the policy decides, for it says how many witnesses are believed: the
log goes on if those that agree meet the quorum, and stops if they do not. Stopping wrongly costs time; signing a second
history could never be made good.
"""

from collections.abc import Sequence

from ledger.cosigning import Dispute
from registry.refusals.refusal import Words


def ends_the_log(disputes: Sequence[Dispute], *, others_are_enough: bool) -> bool:
    """Whether nothing may be signed or published any more."""
    return any(dispute.proof is not None for dispute in disputes) or (bool(disputes) and not others_are_enough)


def dispute_words(disputes: Sequence[Dispute], size: int) -> Words:
    """Why the log stops, at `size` entries."""
    worst = max(disputes, key=lambda dispute: (dispute.proof is not None, dispute.size or 0))
    shown = worst.proof is not None
    if worst.size is not None and worst.size > size:
        return Words(
            f"The witness {worst.witness} {'shows' if shown else 'says'} that it cosigned {worst.size} entries of this log,"
            f" which holds {size}: entries were lost. Restore the newest copy, or recover from an exported tree.",
            f"见证人 {worst.witness} {'出示了' if shown else '称有'}本账本 {worst.size} 条分录的联署，而本账本只有 {size} 条：分录已丢失。"
            "请恢复最新的副本，或以导出的文件树找回。",
        )
    return Words(
        f"The witness {worst.witness} {'shows' if shown else 'says'} that it cosigned another history of this log than"
        f" the {size} entries here. Find out which one is right before anything is signed.",
        f"见证人 {worst.witness} {'出示了' if shown else '称有'}本账本另一历史的联署，与此处的 {size} 条分录不符。请先查明何者为真，再行签署。",
    )
