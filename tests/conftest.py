"""The whole platform, once for the session: real PostgreSQL, object store, models, worker, web."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from rich.console import Console

from duilian.platform.app.screen import Screen
from duilian.platform.app.up import Stack, running
from world import World, open_world


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running stack on ports of its own; what crashes is restarted, as in `make up`."""
    overrides = {"port": _free_block(), "data_dir": tmp_path_factory.mktemp("duilian")}
    quiet = Screen(Console(quiet=True))
    with running(overrides, quiet, with_seed=False, tests=True) as stack:
        watcher = threading.Thread(target=stack.supervisor.watch, daemon=True)
        watcher.start()
        yield stack
        stack.supervisor.request_stop()
        watcher.join(10)


def _free_block(size: int = 24) -> int:
    """The first of `size` ports in a row that nobody uses, gRPC twins (+10000) included."""
    for start in range(21_000, 30_000, 50):
        if all(_is_free(port) for first in (start, start + 10_000) for port in range(first, first + size)):
            return start
    raise RuntimeError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture(scope="session")
def alice(stack: Stack) -> World:
    """Alice's tenant; Bob is its member without rights on interviews."""
    return open_world(stack.settings)


@pytest.fixture(scope="session")
def charlie(stack: Stack) -> World:
    """An outsider's tenant."""
    return open_world(stack.settings, "manufacturing")
