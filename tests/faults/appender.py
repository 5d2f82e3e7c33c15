"""Appends to a registry under load, in a process of its own that faults happen to.

A server of forks that has loaded everything reads one JSON line a child on its standard input and answers its process
id. A child opens the registry as `sanquan serve` does, submits statements one batch after another, and writes a line to
its pipe for each answer, after it was answered.
"""

import gc
import json
import os
import random
import resource
import signal
import sys
import time
import traceback
from contextlib import closing
from pathlib import Path
from typing import Any

import structlog

from ledger.keys import KeySigner
from ledger.statement import format_envelope
from registry.clock import SystemClock
from registry.drafting import make_payload, sign_payload
from registry.registry import Options, Registry, open_registry
from registry.writer import Answer
from tests.registry.desk import Actor, party_body

ORIGIN = "faults.test"
AUTHOR = Actor("author", [KeySigner.from_seed(bytes(range(32)))])
BATCHES = 400
STRANGE = 3
"""Answers other than receipts after which a child gives up."""


def options(folder: Path) -> Options:
    return Options(folder, ORIGIN)


def envelope(act: str, actor: Actor, body: dict[str, Any]) -> bytes:
    payload = make_payload(act, ORIGIN, actor.id, SystemClock().now(), body)
    return format_envelope(sign_payload(payload, actor.signers[:1])).encode()


def batch(chance: random.Random) -> list[bytes]:
    """One to eight statements: news of one party, and now and then a new one."""
    found = []
    for _ in range(chance.randint(1, 8)):
        if chance.random() < 0.2:
            newcomer = Actor("newcomer", [KeySigner.from_seed(chance.randbytes(32))])
            found.append(envelope("party.register", newcomer, party_body(newcomer)))
        else:
            found.append(envelope("party.update", AUTHOR, {"contact": str(chance.random())}))
    return found


def append(registry: Registry, seed: int, say: Any) -> None:
    """Submits until the batches are over or something other than a receipt is answered some times."""
    chance = random.Random(seed)
    registry.office.submit([envelope("party.register", AUTHOR, party_body(AUTHOR))])  # again and again: it stands once
    strange = 0
    for lines in (batch(chance) for _ in range(BATCHES)):
        for line, answer in zip(lines, registry.office.submit(lines, short=True), strict=True):
            strange += tell(line, answer, say)
        if strange >= STRANGE:
            return


def tell(line: bytes, answer: Answer, say: Any) -> bool:
    """Says what was answered; whether it was something that only a fault explains."""
    if answer.receipt is not None:
        say({"receipt": {name: answer.receipt[name] for name in ("seq", "statement", "leaf_hash", "proof")}})
        return False
    assert answer.refusal is not None
    say({"refused": answer.refusal.code, "line": line.decode()})
    return True


def run(wanted: dict[str, Any]) -> None:
    pipe = os.open(wanted["pipe"], os.O_WRONLY)

    def say(what: dict[str, Any]) -> None:
        os.write(pipe, json.dumps(what).encode() + b"\n")

    if wanted["traced"]:
        while "\nTracerPid:\t0\n" in Path("/proc/self/status").read_text():
            time.sleep(0.001)
    if limit := wanted["largest_file"]:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    with closing(open_registry(options(Path(wanted["folder"])))) as registry:
        say({"opened": registry.office.read_only is None})
        append(registry, wanted["seed"], say)


def serve() -> None:
    """Forks a child for each line until there are no more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer()], logger_factory=structlog.ReturnLoggerFactory()
    )
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                run(json.loads(line))
                status = 0
            finally:
                if status:
                    traceback.print_exc(limit=-3)
                os._exit(status)
        print(child, flush=True)


if __name__ == "__main__":
    serve()
