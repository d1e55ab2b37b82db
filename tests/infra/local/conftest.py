"""Free ports and folders for services that really run."""

from __future__ import annotations

import random
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from duilian.infra.local.postgres import LocalPostgres
from duilian.infra.local.seaweedfs import LocalObjectStore


def free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture(scope="session")
def free_ports() -> Callable[[int], int]:
    """The first of so many free neighbouring ports, below the range the system hands out itself."""

    def find(count: int) -> int:
        while True:
            first = random.randrange(20_000, 32_000 - count)
            if all(free(port) for port in range(first, first + count)):
                return first

    return find


@contextmanager
def open_folder() -> Iterator[Path]:
    """A new folder that the services' account can enter (pytest's own are closed to others)."""
    with tempfile.TemporaryDirectory(prefix="duilian-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """Shared by the services of one test module."""
    with open_folder() as folder:
        yield folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data directory for one test."""
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def postgres(data_dir: Path, free_ports: Callable[[int], int]) -> Iterator[LocalPostgres]:
    server = LocalPostgres(data_dir, free_ports(1), durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def store(data_dir: Path, free_ports: Callable[[int], int]) -> Iterator[LocalObjectStore]:
    server = LocalObjectStore(data_dir, free_ports(10))
    server.start()
    yield server
    server.stop()
