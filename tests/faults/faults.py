"""Faults that happen to a process that appends, and what must hold after each.

After each the registry starts by the code that always starts it; every acknowledged entry is at its position, every
receipt ever given agrees with the newest signed root, no size ever had two roots, and the audit holds on both levels.
"""

import os
import random
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DatabaseError

from ledger.checkpoint import parse_checkpoint
from ledger.encoding import parse_hex
from ledger.errors import LedgerError
from ledger.known import KnownReceipt
from ledger.note import parse_note
from ledger.proof import parse_proof
from registry.auditing import audit, open_subject
from registry.founding import FoundingError
from registry.registry import open_registry
from tests.faults.appender import options
from tests.faults.children import Child, Children

SYSCALLS = ("pwrite64", "fsync", "fdatasync", "pread64", "openat", "ftruncate", "unlink", "fchmod", "mmap", "fstat")
STOP_S = 0.05
CHECK_EVERY = 8
"""Faults between two whole audits; each start in between looks at the newest root by itself."""
GROWN = 4_000
"""Entries after which a folder is put away and a new one begun, so that audits stay short."""
_MIB = 1 << 20


class World:
    """One registry, what was ever acknowledged of it, and the faults that it survived."""

    def __init__(self, base: Path, children: Children, seed: int) -> None:
        self.chance = random.Random(seed)
        self.base = base
        self.children = children
        self.survived: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.sent_again = 0
        self._number = 0
        self._since = 0
        self.renew()

    def renew(self) -> None:
        """A new registry."""
        self._number += 1
        self.folder = self.base / f"data-{self._number}"
        self.receipts: list[KnownReceipt] = []
        self.unanswered: list[bytes] = []
        self._roots: dict[int, bytes] = {}

    def hear(self, said: dict[str, Any]) -> None:
        """What a child says."""
        if (receipt := said.get("receipt")) is not None:
            self._keep(receipt)
        elif "refused" in said:
            self.refused[said["refused"]] += 1
            self.unanswered.append(said["line"].encode())
        else:
            assert said["opened"], "the registry opened read-only after a fault"

    def _keep(self, receipt: dict[str, Any]) -> None:
        proof = parse_proof(receipt["proof"])
        self.receipts.append(KnownReceipt(proof, parse_hex(receipt["leaf_hash"]), receipt["seq"]))
        signed = parse_checkpoint(parse_note(proof.checkpoint).text)
        assert self._roots.setdefault(signed.size, signed.root) == signed.root, f"two roots for size {signed.size}"

    def start(self, **more: Any) -> Child:
        """A child that has opened the registry and got some receipts, unless it ended before."""
        child = self.children.start(self.folder, self.chance.getrandbits(32), self.hear, **more)
        child.wait_for(self.chance.randint(1, 24))
        return child

    def is_sound(self, kind: str) -> None:
        """Counts the fault; now and then everything is looked at."""
        self.survived[kind] += 1
        self._since += 1
        if self._since >= CHECK_EVERY:
            self.check()

    def check(self) -> None:
        """Everything that was ever promised holds; what got no answer may be sent again."""
        self._since = 0
        with closing(open_registry(options(self.folder))) as registry:
            assert registry.office.read_only is None, registry.office.read_only
            for line in self.unanswered:
                (answer,) = registry.office.submit([line], short=True)
                assert answer.receipt is not None, answer.refusal
                self._keep(answer.receipt)
            self.sent_again += len(self.unanswered)
            self.unanswered.clear()
            keys = registry.log.verifier_keys()
        with open_subject(self.folder) as subject:
            report = audit(subject, keys, self.receipts)
        assert report.holds, report.findings
        assert report.known_checked == len(self.receipts)
        if report.size > GROWN:
            self.renew()


Fault = Callable[[World], None]


def kill(world: World) -> None:
    """kill −9 at a random moment, of the start too."""
    child = world.children.start(world.folder, world.chance.getrandbits(32), world.hear)
    if world.chance.random() < 0.8:
        child.wait_for(world.chance.randint(1, 40))
    child.listen(world.chance.random() * 0.03)
    child.send(signal.SIGKILL)
    child.ended()


def founding(world: World) -> None:
    """kill −9 while a registry is founded: the next start founds it, or goes on with what there is."""
    folder = world.base / f"founding-{world.chance.getrandbits(32)}"
    for is_last in (False, False, True):
        opened: list[bool] = []
        child = world.children.start(folder, 1, lambda said, opened=opened: opened.append(said.get("opened", True)))
        if is_last:
            child.wait_for(2)
        else:
            child.listen(world.chance.random() * 0.15)
        child.send(signal.SIGKILL)
        child.ended()
    assert opened
    assert all(opened)
    shutil.rmtree(folder)


def stop(world: World) -> None:
    """SIGSTOP for a while; then it goes on, or is killed as it stands."""
    child = world.start()
    for _ in range(world.chance.randint(1, 3)):
        child.send(signal.SIGSTOP)
        child.listen(STOP_S)
        if world.chance.random() < 0.4:
            break
        child.send(signal.SIGCONT)
        child.listen(world.chance.random() * 0.02)
    child.send(signal.SIGKILL)
    child.ended()


def two_writers(world: World) -> None:
    """Two processes write; one is killed or stopped, the other goes on."""
    first, second = (world.start() for _ in range(2))
    for child in (first, second):
        child.listen(world.chance.random() * 0.05)
    if world.chance.random() < 0.5:
        first.send(signal.SIGSTOP)
        second.listen(STOP_S)
        first.send(signal.SIGCONT)
    first.send(signal.SIGKILL)
    first.ended()
    second.wait_for(second.count + world.chance.randint(5, 20))
    second.send(signal.SIGKILL)
    second.ended()


def input_output_error(world: World) -> None:
    """A file syscall answers EIO once, or from then on."""
    syscall = SYSCALLS[world.survived["input_output_error"] % len(SYSCALLS)]
    first = (
        world.chance.randint(1, 12) if syscall in ("unlink", "fchmod", "ftruncate") else world.chance.randint(1, 150)
    )
    when = f"{first}{'+' if world.chance.random() < 0.3 else ''}"
    child = world.children.start(world.folder, world.chance.getrandbits(32), world.hear, traced=True)
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(child.pid), "-e", f"trace={syscall}",
         "-e", f"inject={syscall}:error=EIO:when={when}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    child.wait_for(world.chance.randint(20, 80))
    child.send(signal.SIGKILL)
    child.ended()
    tracer.wait(timeout=60)


def full_file(world: World) -> None:
    """No file may grow beyond what the largest has now and a little more."""
    sizes = [path.stat().st_size for path in world.folder.glob("*.db*")] or [_MIB]
    largest = max(sizes) + world.chance.randint(0, 400_000)
    child = world.children.start(world.folder, world.chance.getrandbits(32), world.hear, largest_file=largest)
    child.wait_for(world.chance.randint(100, 300))
    child.send(signal.SIGKILL)
    child.ended()


def full_disk(world: World) -> None:
    """The file system of the data has no room for more; then it has again."""
    mounted = world.base / "small"
    small = World(mounted, world.children, world.chance.getrandbits(32))
    with _small_disk(mounted) as resize:
        for _ in range(3):
            child = small.start()
            if child.has_ended():
                child.ended()
                continue
            while not _shrink(mounted, resize, small.chance.randint(50_000, 300_000)):
                pass  # it has written more meanwhile
            child.wait_for(10**6)
            child.ended()
            resize(64 * _MIB)
        small.check()
    world.refused += small.refused
    world.sent_again += small.sent_again


def _shrink(mounted: Path, resize: Callable[[int], None], room: int) -> bool:
    """The file system has no more than so much room."""
    disk = os.statvfs(mounted)
    try:
        resize((disk.f_blocks - disk.f_bfree) * disk.f_frsize + room)
    except subprocess.CalledProcessError:
        return False
    return True


@contextmanager
def _small_disk(place: Path) -> Iterator[Callable[[int], None]]:
    """A file system in memory, and how it gets another size."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={64 * _MIB}", "tmpfs", place], check=True)

    def resize(size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", place], check=True, capture_output=True)

    try:
        yield resize
    finally:
        subprocess.run(["umount", "-l", place], check=True)
        place.rmdir()


def copied(world: World) -> None:
    """The files are copied while it writes, in any order; as a restored copy they are refused, or hold."""
    child = world.start()
    copy = world.base / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(world.folder, copy, ignore=shutil.ignore_patterns("*.db*"))
    files = sorted(world.folder.glob("*.db")) + sorted(world.folder.glob("*.db-wal"))
    world.chance.shuffle(files)
    for path in files:
        with suppress(FileNotFoundError):
            shutil.copy2(path, copy / path.name)
        child.listen(world.chance.random() * 0.01)
    child.send(signal.SIGKILL)
    child.ended()
    try:
        with closing(open_registry(options(copy))) as registry:
            keys, read_only = registry.log.verifier_keys(), registry.office.read_only
    except (FoundingError, LedgerError, DatabaseError):
        return
    if read_only is None:
        with open_subject(copy) as subject:
            report = audit(subject, keys)
        assert report.holds, report.findings


def can_trace() -> bool:
    """Whether `strace` runs and may inject."""
    command = ["strace", "-qq", "-o", "/dev/null", "-e", "inject=fsync:error=EIO:when=1", "true"]
    return (
        shutil.which("strace") is not None and subprocess.run(command, check=False, capture_output=True).returncode == 0
    )


def can_mount(place: Path) -> bool:
    """Whether a file system in memory may be mounted."""
    try:
        with _small_disk(place / "trial"):
            return True
    except (OSError, subprocess.CalledProcessError):
        with suppress(OSError):
            (place / "trial").rmdir()
        return False


def faults_here(base: Path) -> dict[str, Fault]:
    """The faults that can be made on this machine."""
    found: dict[str, Fault] = {
        "kill": kill, "stop": stop, "copied": copied, "full_file": full_file,
        "two_writers": two_writers, "founding": founding,
    }  # fmt: skip
    if can_trace():
        found["input_output_error"] = input_output_error
    if can_mount(base):
        found["full_disk"] = full_disk
    return found


ALL_FAULTS = ("kill", "founding", "stop", "two_writers", "copied", "full_file", "input_output_error", "full_disk")
EVERY_KIND = (
    "kill", "input_output_error", "stop", "two_writers", "input_output_error", "founding", "copied", "full_file",
    "kill", "input_output_error", "stop", "kill",
)  # fmt: skip
"""In this order, again and again; a full disk comes now and then."""
FULL_DISK_EVERY = 13


def plan(count: int, here: dict[str, Fault]) -> list[str]:
    """Which faults happen, in order."""
    kinds = [EVERY_KIND[number % len(EVERY_KIND)] for number in range(count)]
    kinds[FULL_DISK_EVERY - 1 :: FULL_DISK_EVERY] = ["full_disk"] * len(kinds[FULL_DISK_EVERY - 1 :: FULL_DISK_EVERY])
    return [kind for kind in kinds if kind in here]


def run_faults(world: World, count: int, here: dict[str, Fault]) -> str:
    """Survives the faults; answers how many of each kind, and which kinds were left out."""
    for kind in plan(count, here):
        here[kind](world)
        world.is_sound(kind)
    world.check()
    kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(world.survived.items()))
    left_out = [kind for kind in ALL_FAULTS if kind not in here]
    without = f"; left out, for this machine cannot make them: {', '.join(left_out)}" if left_out else ""
    return (
        f"{world.survived.total()} faults survived ({kinds}); {world.refused.total()} statements refused during them, "
        f"{world.sent_again} sent again{without}"
    )
