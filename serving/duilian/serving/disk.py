"""Bytes on disk: is there room, are they the right ones."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from duilian.serving.errors import DiskFull

SPARE = 256 << 20  # room for a package while it is unpacked


def make_room(folder: Path, needed: int) -> None:
    """Create the folder and see that `needed` bytes fit. Raises DiskFull."""
    with disk_full_told(folder, needed):
        folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE:
        raise DiskFull(folder=folder, needed=needed + SPARE, free=free)


@contextmanager
def disk_full_told(folder: Path, needed: int) -> Generator[None]:
    """Turns "no space left on device" into DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFull(folder=folder, needed=needed, free=shutil.disk_usage(folder).free) from error


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
