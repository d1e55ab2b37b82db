"""One supervisor per data directory: a lock the kernel drops when its holder dies, naming who holds it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from duilian.infra.local.errors import AlreadyRunning


@contextmanager
def held(data_dir: Path, address: str) -> Generator[None]:
    """Holds `data_dir/up.lock`. address: what to tell others. Raises AlreadyRunning naming the holder."""
    path = data_dir / "up.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(data_dir=data_dir, **_holder(path)) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"pid": os.getpid(), "address": address}).encode())
        yield
    finally:
        os.close(descriptor)


def _holder(path: Path) -> dict[str, object]:
    text = path.read_text("utf-8")
    # Empty for the instant between taking the lock and writing the name.
    return json.loads(text) if text else {"pid": "?", "address": "?"}
