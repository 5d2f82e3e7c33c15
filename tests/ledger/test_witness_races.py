"""A witness that many ask at once, in threads and in processes, and that is killed: it never contradicts itself."""

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from ledger.errors import ProofError
from ledger.witness.errors import OldSizeError, UnavailableError
from ledger.witness.folder import open_witness
from ledger.witness.protocol import origin_path
from ledger.witness.witness import Witness
from tests.ledger.witnessed import LOG, SomeLog, head_of

ROOT = Path(__file__).parents[2]
NAME = "witness.example/w1"
HISTORIES = (*(LOG.forked(at) for at in (0, 1, 5, 10, 20)), LOG)
TIMEOUT_S = 60


def press(witness: Witness, seed: int, rounds: int) -> Iterable[tuple[int, int, str]]:
    """Asks with one history after another, with sizes old and new; what was cosigned: time, size, root."""
    choose = random.Random(seed)
    old = 0
    for _ in range(rounds):
        log: SomeLog = choose.choice(HISTORIES)
        start = choose.choice([old, old, old, choose.randint(0, old)])
        new = min(start + choose.choice([0, 0, 1, 1, 2]), len(log.leaves))
        try:
            given = witness.add_checkpoint(log.body(start, new))
        except OldSizeError as error:
            old = error.size
        except (ProofError, UnavailableError):  # the second where so many write that one waits too long
            pass
        else:
            old = new
            yield int.from_bytes(given.line.payload[:8], "big"), new, given.checkpoint.root.hex()


def press_as_process(folder: str, seed: str, rounds: str) -> None:
    """Writes a line for each cosignature, right after it was given."""
    with closing(open_witness(Path(folder)).witness) as witness:
        print("ready", flush=True)
        sys.stdin.readline()
        for time, size, root in press(witness, int(seed), int(rounds)):
            print(time, size, root, flush=True)


def pressing(folder: Path, seed: int, rounds: int) -> subprocess.Popen[str]:
    """A process that is ready to press, and begins when it is told."""
    program = "import sys; from tests.ledger.test_witness_races import press_as_process as run; run(*sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder), str(seed), str(rounds)], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def must_agree(cosigned: list[tuple[int, int, str]], witness: Witness) -> None:
    """One root for each size, sizes that grow with time, and nothing of it is beyond what is stored."""
    roots: dict[int, str] = {}
    times: dict[int, list[int]] = {}
    for time, size, root in cosigned:
        assert roots.setdefault(size, root) == root
        times.setdefault(size, []).append(time)
    assert all(max(times[smaller]) <= min(times[larger]) for smaller, larger in pairwise(sorted(times)))
    size, stored = head_of(witness.checkpoint(origin_path(LOG.origin)))
    assert size >= max(roots)
    assert roots.get(size, stored.hex()) == stored.hex()


def test_threads_and_processes_on_one_store(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    first, second = open_witness(folder, NAME, LOG.keys).witness, open_witness(folder).witness
    processes = [pressing(folder, seed, 60) for seed in (1, 2)]
    cosigned: list[tuple[int, int, str]] = []
    smaller: list[int] = []
    path = origin_path(LOG.origin)

    def collect(witness: Witness, seed: int) -> None:
        for each in press(witness, seed, 40):
            cosigned.append(each)
            smaller.extend(head for head in [head_of(witness.checkpoint(path))[0]] if head < each[1])

    threads = [
        threading.Thread(target=collect, args=(witness, 10 + at)) for at, witness in enumerate([first, second] * 3)
    ]
    for process in processes:
        begin(process)
    for thread in threads:
        thread.start()
    for process in processes:
        out, _ = process.communicate(timeout=TIMEOUT_S)
        cosigned += [(int(time), int(size), root) for time, size, root in map(str.split, out.splitlines())]
        assert process.returncode == 0
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert smaller == []  # nobody rolled the store back below what was just cosigned
    must_agree(cosigned, first)
    assert head_of(first.checkpoint(origin_path(LOG.origin)))[0] == max(size for _, size, _ in cosigned)
    first.close()
    second.close()


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_process_has_kept_what_it_cosigned(seed: int, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    open_witness(folder, NAME, LOG.keys).witness.close()
    process = pressing(folder, seed, 100_000)
    begin(process)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(random.Random(seed).randint(1, 30))]
    process.send_signal(signal.SIGKILL)
    out, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == -signal.SIGKILL
    whole = [line for line in [*lines, *out.splitlines(keepends=True)] if line.endswith("\n")]
    cosigned = [(int(time), int(size), root) for time, size, root in map(str.split, whole)]
    with closing(open_witness(folder).witness) as witness:
        must_agree(cosigned, witness)
        must_agree([*cosigned, *press(witness, seed + 100, 20)], witness)
