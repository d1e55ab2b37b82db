"""A platform of one's own, looked after as `make up` does, for what would disturb others."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.console import Console

from duilian.infra.local.supervisor import Supervisor
from duilian.platform.app.screen import Screen
from duilian.platform.app.up import Stack, running

FIRST = 24_000  # Ray takes 10,002 to 19,999 for its workers and 23,000 to 24,000 for its clients'
PORTS = 24
SPAN = 2_500
TWIN = 10_000  # a gRPC port lies so far above its HTTP port
_held: list[IO[str]] = []  # a lock lasts as long as its file is open


@contextmanager
def own_stack(**changes: object) -> Iterator[Stack]:
    """Settings as in `make up` (what is acknowledged is on disk) but for `changes`, an empty folder, no demo tenants."""
    with tempfile.TemporaryDirectory(prefix="duilian-own-") as name:
        Path(name).chmod(0o711)  # the database's account enters it
        overrides = {"port": free_block(), "data_dir": Path(name) / "stack"} | changes
        with running(overrides, Screen(Console(quiet=True)), with_seed=False) as stack, _watched(stack):
            yield stack


@contextmanager
def _watched(stack: Stack) -> Iterator[None]:
    """What crashes is restarted while the block lasts."""
    supervisor: Supervisor = stack.supervisor
    watcher = threading.Thread(target=supervisor.watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        supervisor.request_stop()
        watcher.join(10)


def free_block() -> int:
    """The first of enough ports in a row that nobody uses and no other test process has taken before."""
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST + SPAN * process
    for start in range(first, first + SPAN, 50):
        ports = (port for first in (start, start + TWIN) for port in range(first, first + PORTS))
        if all(_is_free(port) for port in ports) and _taken(start):
            return start
    raise RuntimeError("no free ports")


def _taken(block: int) -> bool:
    """Whether the block is ours now, until this process ends: another may ask before anything listens there."""
    folder = Path(tempfile.gettempdir()) / "duilian-test-ports"
    folder.mkdir(exist_ok=True)
    lock = (folder / str(block)).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return False
    _held.append(lock)
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
