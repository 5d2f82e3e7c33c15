"""What is said of a bundle beside its checks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence in both languages."""

    en: str
    zh: str


LIMITS = (
    Words(
        "This cannot show that nothing came after the checkpoint: a right may have ended since.",
        "本证据包不能表明检查点之后没有新的分录：其后权利可能已经终止。",
    ),
    Words(
        "Whoever made the bundle can have left out the newest lines of a folio; no other line can be missing. What is said "
        "of a folio holds up to the line that is named. An entry whose statement names the lines its author saw, or that "
        "stands on two folios, limits this; ask at a later size, or audit the log.",
        "证据包的制作者可能略去某一登记簿页最末的若干行；其余任何一行缺失都会被发现。所述仅及于所列的行为止。载明签署时所见行数的声明、"
        "或记入两页的分录可限制此种略去；可以用更大的 size 再次索取，或审计整个账本。",
    ),
    Words(
        "Whether the acts had legal ground under the rulebooks is found by an audit, not here.",
        "各行为依规则簿是否有效，由审计重新判定，不在此处判断。",
    ),
)
NOT_REPLAYED = Words(
    "The question and answer in the bundle are not replayed by this version: nothing here confirms the answer.",
    "本版本尚不重演证据包中的问题与回答：此处不确认该回答。",
)
