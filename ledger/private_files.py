"""Files that their owner alone may read and write, whatever the umask: what a registry keeps is not for other users."""

import contextlib
import os
import secrets
from pathlib import Path

OWNER_ONLY = 0o600


def sync_folder(folder: Path) -> None:
    """What was made or renamed in `folder` is there after a power cut. Where a system cannot do that, nothing is done."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def make_private(path: Path) -> None:
    """`path` is there and its owner's alone; what it holds is untouched. Another's file, or one that cannot be made, stays.

    SQLite gives the files that it puts beside a database the mode that the database has. A file that is there is never
    opened: to close it would drop the locks that this process holds on it.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY))
        sync_folder(path.parent)
    with contextlib.suppress(OSError):
        path.chmod(OWNER_ONLY)


def write_private(path: Path, data: bytes, *, fresh: bool = False) -> None:
    """`path` holds `data`, on disk, and is its owner's alone. With `fresh` it must not be there.

    Whole or not at all, whenever the process ends.

    Raises:
        FileExistsError: it is there.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb") as file:
        os.fchmod(file.fileno(), OWNER_ONLY)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        if fresh:
            _name(part, path)
        else:
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


def _name(part: Path, path: Path) -> None:
    """The file has its name, which no other had."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(path) from None
        part.replace(path)
