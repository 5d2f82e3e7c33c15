"""Runs the test cases that stand in a rulebook: also what a registrar sees before adopting one."""

from typing import Any

from registry.law.facts import Applicant, Claim, Filing, Form, Input, Source
from registry.law.rulebook import Rulebook
from registry.law.spec import RuleCase


def filing_of(case: RuleCase) -> Filing:
    """The filing that a test case describes; what it does not say is harmless."""
    form: dict[str, Any] = {"form": "raw", "grade": "general", **case.form}
    source = Source(
        index=0,
        origin=case.origin,
        basis=case.basis,
        facts=case.facts,
        inputs=tuple(Input(**{"registered": True, **one}) for one in case.inputs),
        others_joined=case.others_joined,
    )
    return Filing(
        applicant=Applicant(**{"kind": "legal_person", **case.applicant}),
        form=Form(**form),
        sources=(source,) * case.sources,
        claims=tuple(Claim(index, kinds, "applicant") for index, kinds in enumerate(case.claims)),
    )


def failed_cases(book: Rulebook) -> list[str]:
    """A sentence for each test case whose rule did not find its ground exactly where the case says."""
    failures = []
    for rule in book.rules:
        for number, case in enumerate(rule.test, 1):
            judgement = book.judge(filing_of(case))
            found = tuple(one.pointer for one in judgement.findings + judgement.warnings if one.rule == rule.id)
            if found != case.expect:
                failures.append(f"rule {rule.id}, case {number}: found {found}, expected {case.expect}")
    return failures
