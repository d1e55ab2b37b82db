"""Looks before starting: Python, data directory, disk and ports. Each refusal says what to do about it."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from duilian.infra.local.errors import DiskFull, NotWritable, PortInUse, PythonTooOld

PYTHON = (3, 11)
NEEDED_GB = 3.0
GB = 1_000_000_000
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class PortUse:
    """A port we want, what for, and the option that moves it."""

    port: int
    purpose: str
    setting: str


@dataclass(frozen=True, slots=True)
class Place:
    """A folder we write to and the option that moves it."""

    path: Path
    setting: str


def check(ports: Iterable[PortUse], places: Iterable[Place], needed_gb: float = NEEDED_GB) -> None:
    """All checks in turn; raises the Problem of the first that fails."""
    check_python()
    for place in places:
        check_writable(place)
        check_disk(place, needed_gb)
    for use in ports:
        check_port(use)


def check_python(version: tuple[int, int] | None = None) -> None:
    """Raises PythonTooOld. version: for a caller that asks about another Python than this one."""
    found = version or sys.version_info[:2]
    if found != PYTHON:
        raise PythonTooOld(wanted="3.11", found=".".join(str(part) for part in found))


def check_writable(place: Place) -> None:
    """Creates the folder where it is missing and a file in it. Raises NotWritable."""
    probe = place.path / f".writable-{os.getpid()}"
    try:
        place.path.mkdir(parents=True, exist_ok=True, mode=0o711)
        probe.write_bytes(b"?")
        probe.unlink()
    except OSError as error:
        raise NotWritable(path=place.path, reason=error.strerror, setting=place.setting) from error


def check_disk(place: Place, needed_gb: float) -> None:
    """Raises DiskFull when less than `needed_gb` (10^9 bytes) is free where `place` lies."""
    free = shutil.disk_usage(place.path).free / GB
    if free < needed_gb:
        raise DiskFull(path=place.path, free_gb=free, needed_gb=needed_gb, setting=place.setting)


def check_port(use: PortUse) -> None:
    """Raises PortInUse naming the holder, as far as the system tells us."""
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # a closed connection's remains do no harm
        try:
            probe.bind((HOST, use.port))
        except OSError as error:
            holder = holder_of(use.port)
            raise PortInUse(port=use.port, purpose=use.purpose, setting=use.setting, holder=holder) from error


def holder_of(port: int) -> str:
    """ "name (process 123)" of who listens on `port`; without the right to see it, "another program"."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return "another program"
    for found in connections:
        if found.status == psutil.CONN_LISTEN and found.laddr and found.laddr.port == port and found.pid:
            return f"{psutil.Process(found.pid).name()} (process {found.pid})"
    return "another program"
