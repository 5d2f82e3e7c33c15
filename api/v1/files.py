"""A file of statements: NDJSON, acted on in order while it arrives, answered line by line when it has been read.

Reading, opening envelopes, and writing overlap: chunks are begun in order and at most a few are under way. A file is
not one transaction unless `atomic`; what was begun stays begun when the connection breaks.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator

from starlette.concurrency import run_in_threadpool

from api.answers import json_bytes
from api.problems import problem_body
from registry.admission import MAX_SUBMISSION_BYTES
from registry.counter import Gate, Taking
from registry.office import MAX_ATOMIC, Office, Pending
from registry.refusals.refusal import RefusedError, refused
from registry.writer import Answer

_CHUNK = 256
"""Lines taken in together; the writer takes as many chunks as wait."""
_TAKEN = 2
"""Chunks that workers look at while the next is read."""
_UNDER_WAY = 8
"""Chunks that wait for the writer."""


class FileOfStatements:
    """One NDJSON request."""

    def __init__(self, office: Office, gate: Gate | None, language: str, *, trial: bool, atomic: bool) -> None:
        self._office = office
        self._gate = gate
        self._language = language
        self._trial = trial
        self._atomic = atomic
        self._chunk: list[tuple[int, bytes]] = []
        self._beginning: asyncio.Future[None] | None = None
        self._taken: deque[tuple[list[int], Taking]] = deque()
        self._begun: deque[tuple[list[int], Pending]] = deque()
        self._answered: list[bytes] = []
        self._line = 0

    async def read(self, stream: AsyncIterator[bytes], max_bytes: int) -> None:
        """The whole file has been begun; a file that is too long is refused from the first byte too many."""
        try:
            await self._read(stream, max_bytes)
        finally:
            await self._have_begun()
            await run_in_threadpool(self._enqueue_all)

    async def _read(self, stream: AsyncIterator[bytes], max_bytes: int) -> None:
        rest, total = b"", 0
        async for part in stream:
            kept = part[: max_bytes - total]
            total += len(part)
            lines = (rest + kept).split(b"\n") if rest else kept.split(b"\n")
            rest = lines.pop()
            for line in lines:
                await self._take(line)
            if total > max_bytes:
                await self._have_begun()
                await run_in_threadpool(self._refuse_rest, max_bytes)
                return
            if len(rest) > MAX_SUBMISSION_BYTES:
                rest = rest[: MAX_SUBMISSION_BYTES + 1]
        if rest:
            await self._take(rest)
        await self._hand_over()

    async def _take(self, line: bytes) -> None:
        self._line += 1
        if not line.strip():
            return
        self._chunk.append((self._line, line))
        if self._atomic and len(self._chunk) > MAX_ATOMIC:
            raise refused(
                "TOO_LARGE", f"At most {MAX_ATOMIC} lines stand or fall together.", f"整批提交至多 {MAX_ATOMIC} 行。"
            )
        if not self._atomic and len(self._chunk) == _CHUNK:
            await self._hand_over()

    async def _hand_over(self) -> None:
        """The chunk is being begun, the one before it has been; meanwhile the next is read."""
        await self._have_begun()
        chunk, self._chunk = self._chunk, []
        self._beginning = asyncio.ensure_future(run_in_threadpool(self._begin, chunk))

    async def _have_begun(self) -> None:
        if self._beginning is not None:
            beginning, self._beginning = self._beginning, None
            await beginning

    def _begin(self, chunk: list[tuple[int, bytes]]) -> None:
        if not chunk:
            return
        self._taken.append(([number for number, _ in chunk], self._office.take([line for _, line in chunk])))
        if len(self._taken) > _TAKEN:
            self._enqueue()

    def _enqueue(self) -> None:
        """The oldest chunk taken is in the queue, and no more are under way than may be."""
        numbers, taking = self._taken.popleft()
        pending = self._office.enqueue(
            taking, atomic=self._atomic, trial=self._trial, short=True, gate=self._gate,
            more=not self._atomic or len(numbers) > 1,
        )  # fmt: skip
        self._begun.append((numbers, pending))
        while len(self._begun) > _UNDER_WAY:
            self._finish()

    def _enqueue_all(self) -> None:
        while self._taken:
            self._enqueue()

    def _finish(self) -> None:
        numbers, pending = self._begun.popleft()
        for number, answer in zip(numbers, pending.answers(), strict=True):
            self._answered.append(answer_line(number, answer, self._language, trial=self._trial))

    def _refuse_rest(self, max_bytes: int) -> None:
        """What stands before the limit is acted on, unless all should stand or fall together; the rest is refused."""
        too_large = refused(
            "TOO_LARGE",
            f"The file is over {max_bytes} bytes; nothing from this line on was read. Send the rest in another request.",
            f"文件超过 {max_bytes} 字节，自该行起未读取；请将其余部分另行提交。",
        )
        if self._atomic:
            raise too_large
        chunk, self._chunk = self._chunk, []
        self._begin(chunk)
        self._enqueue_all()
        while self._begun:
            self._finish()
        self._answered.append(_refusal_line(self._line + 1, too_large, self._language))

    def lines(self) -> Iterator[bytes]:
        """The answer, a line for each line of the file, in few pieces: each costs a change of threads."""
        while True:
            yield b"".join(self._answered)
            self._answered.clear()
            if not self._begun:
                return
            self._finish()


def _refusal_line(number: int, refusal: RefusedError, language: str) -> bytes:
    return json_bytes({"line": number, "status": refusal.status, "problem": problem_body(refusal, language)}) + b"\n"


def answer_line(number: int, answer: Answer, language: str, *, trial: bool = False) -> bytes:
    """A line of the answer."""
    if answer.refusal:
        return _refusal_line(number, answer.refusal, language)
    status = 200 if answer.known or trial else 201
    return json_bytes({"line": number, "status": status, "receipt": answer.receipt}) + b"\n"
