"""The life of a process that reads bundles and verifies signatures. Started by `ledger.audit.workers`.

Requests come on standard input, answers go to standard output, in the same order; both framed by
`multiprocessing.connection`. A first byte says what follows: R a `Reading` or `Summary`, V `PublicKeys` or a
`Verdict`, F the words of an error that should not have been. The process ends when its input does.
"""

import gc
import os
import signal
from multiprocessing.connection import Connection

import msgspec

from ledger.finding import Finding
from ledger.reading.bundle import Kept, PublicKeys, Reading, read_bundle, verify_bundle

READ, VERIFY, FAILED = b"R", b"V", b"F"


class Verdict(msgspec.Struct, array_like=True):
    """What became of a bundle's signatures."""

    finding: Finding | None


encode = msgspec.msgpack.Encoder().encode
_decode_reading = msgspec.msgpack.Decoder(Reading).decode
_decode_keys = msgspec.msgpack.Decoder(PublicKeys).decode


def main() -> None:
    """Answers until there is no more request."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    requests, answers = Connection(0, writable=False), Connection(os.dup(1), readable=False)
    os.dup2(2, 1)
    gc.freeze()
    gc.disable()  # nothing here is made in cycles
    kept: dict[int, Kept] = {}
    try:
        while True:
            message = requests.recv_bytes()
            try:
                answer = answer_of(message, kept)
            except Exception as error:  # noqa: BLE001  told to whoever started it
                answer = FAILED + repr(error).encode()
            answers.send_bytes(answer)
    except (EOFError, OSError):
        return


def answer_of(message: bytes, kept: dict[int, Kept]) -> bytes:
    """The answer to a request. `kept` holds what later requests need."""
    kind, body = message[:1], memoryview(message)[1:]
    if kind == READ:
        reading = _decode_reading(body)
        summary, signed = read_bundle(reading)
        if reading.with_signatures:
            kept[reading.index] = signed
        return READ + encode(summary)
    keys = _decode_keys(body)
    return VERIFY + encode(Verdict(verify_bundle(keys, kept.pop(keys.index))))
