"""The names of all acts that the contract's section 4 has, built or not."""

from typing import Final

ACT_NAMES: Final = frozenset(
    {
        "log.open", "log.key", "log.spec", "registrar.succeed", "rulebook.adopt", "calendar.adopt",
        "party.register", "party.verify", "party.update", "party.succeed", "key.add", "key.revoke", "key.recover",
        "role.grant", "role.revoke", "mandate.give", "mandate.end", "agency.give", "agency.end",
        "case.file", "case.request", "case.supplement", "case.accept", "case.extend", "case.verify", "case.review",
        "case.publish", "case.deposit", "case.withdraw", "case.object", "case.assent", "case.notify", "case.answer",
        "case.conclude", "case.settle", "case.elapse", "asset.grade", "evidence.attach",
        "right.grant", "right.revoke", "right.surrender", "right.suspend", "right.resume", "right.annul",
        "pledge.create", "pledge.release", "pledge.rank", "caution.lodge", "caution.withdraw",
        "freeze.impose", "freeze.lift", "remark.record", "remark.remove", "consent.give", "consent.withdraw",
        "duty.fulfil", "disclosure.erase", "disclosure.restrict", "entry.correct", "revenue.policy",
        "revenue.statement",
    }
)  # fmt: skip
