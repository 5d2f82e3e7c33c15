"""Receipts as a program uses them, and files of statements: how they are cut, and their answers line by line."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.client.errors import ClientError, ProblemError, TransportError
from ledger.statement import Envelope, format_envelope
from registry.acts import ACTS
from registry.desk.hiding import chosen, hide, hideable
from registry.refusals.refusal import RefusedError

_FILE_LINES = 1_000
_FILE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Receipt:
    """A verified receipt: `facts` are the members that the registry answered."""

    facts: Mapping[str, Any]

    @property
    def seq(self) -> int:
        return int(self.facts["seq"])

    @property
    def size(self) -> int:
        """The smallest size of the log that holds the entry."""
        return self.seq + 1

    @property
    def warnings(self) -> list[str]:
        return [warning["code"] for warning in self.facts["warnings"]]

    def ids(self, prefix: str) -> list[str]:
        """The identifiers of what the statement made, of one kind of object."""
        return [made["id"] for made in self.facts["ids"] if made["id"].startswith(prefix + "_")]

    def id(self, prefix: str) -> str:
        """The first of them."""
        return self.ids(prefix)[0]

    def right(self, kind: str) -> str:
        """The right of a kind that the statement made."""
        return next(str(made["id"]) for made in self.facts["ids"] if made.get("kind") == kind)


@dataclass(frozen=True, slots=True)
class LineResult:
    """What became of one line of a file: a receipt, or the problem."""

    status: int
    receipt: Receipt | None
    problem: ProblemError | None


def conceal(act: str, body: Mapping[str, Any], pointers: Sequence[str]) -> tuple[Mapping[str, Any], Sequence[str]]:
    """The body with digests in place of the members that the pointers name, and the disclosures.

    Raises:
        ClientError: there is no such member, or it cannot be confidential.
    """
    shape = ACTS[act].shape if act in ACTS else None
    if not pointers:
        return body, ()
    try:
        return hide(body, chosen(hideable(body, shape) if shape else [], pointers))
    except RefusedError as refusal:
        raise ClientError(str(refusal)) from refusal


def answers_of(content: bytes, lines: int) -> list[dict[str, Any]]:
    """The answers of a file of statements, one a line.

    Raises:
        TransportError: they cannot be read, or were broken off.
    """
    try:
        answers = [json.loads(line) for line in content.split(b"\n") if line]
        if [answer["line"] for answer in answers] == list(range(1, lines + 1)) and all(map(_is_answer, answers)):
            return answers
    except (ValueError, KeyError, TypeError) as error:
        raise TransportError("the registry's answer to a file of statements cannot be read") from error
    raise TransportError("the registry did not answer every line")


def _is_answer(answer: Mapping[str, Any]) -> bool:
    told = answer.get("receipt", answer.get("problem"))
    return isinstance(told, dict) and isinstance(answer.get("status"), int)


def files(envelopes: Iterable[Envelope]) -> Iterator[list[Envelope]]:
    """The envelopes in files of at most 1,000 lines and 8 MiB."""
    chunk: list[Envelope] = []
    size = 0
    for envelope in envelopes:
        line = len(format_envelope(envelope)) + 1
        if chunk and (len(chunk) == _FILE_LINES or size + line > _FILE_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(envelope)
        size += line
    if chunk:
        yield chunk
