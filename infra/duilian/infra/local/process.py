"""One child process: started in a session of its own, dead when we die, stopped within a time limit."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from duilian.infra.local.accounts import Account
from duilian.infra.local.errors import StartFailed
from duilian.infra.local.files import open_log, tail

PR_SET_PDEATHSIG = 1  # linux/prctl.h
LIBC: ctypes.CDLL | None = ctypes.CDLL(None) if sys.platform == "linux" else None


def nothing() -> None:
    """Nothing has to be done before this process starts."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. `ready` answers whether it serves; `before` runs ahead of every start, restarts included.

    Times are seconds. `stop_signal` asks for an orderly end; `death_signal` is what the kernel sends when we die
    (SIGKILL suits a process without children: there is nobody left to wait for an orderly end).
    """

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    log_file: Path
    ready: Callable[[], bool]
    before: Callable[[], None] = nothing
    account: Account | None = None
    directory: Path = field(default_factory=Path.cwd)
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGTERM
    ready_seconds: float = 60.0
    stop_seconds: float = 5.0


class Process:
    """A running `Command`. Start it from a thread that lives as long as the child should (PDEATHSIG)."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self._popen: subprocess.Popen[bytes] | None = None
        self._session_cleared = True

    @property
    def pid(self) -> int:
        if self._popen is None:
            raise RuntimeError(f"{self.command.name} was not started")
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs or before it was started; negative for a signal."""
        return None if self._popen is None else self._popen.poll()

    @property
    def running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def start(self) -> None:
        """Runs the command; what it prints goes to the log file. Does not wait until it is ready."""
        command = self.command
        command.before()
        log = open_log(command.log_file)
        try:
            self._popen = subprocess.Popen(
                list(command.argv),
                env=dict(command.environment),
                cwd=command.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us alone, and leftovers can be killed as a group
                user=command.account.uid if command.account else None,
                group=command.account.gid if command.account else None,
                extra_groups=[] if command.account else None,
                preexec_fn=_dies_with(os.getpid(), command.death_signal),  # noqa: PLW1509  # only calls prctl
            )
        finally:
            os.close(log)
        self._session_cleared = False

    def wait_ready(self) -> None:
        """Blocks until `ready` answers yes. Raises StartFailed with the end of the log."""
        deadline = time.monotonic() + self.command.ready_seconds
        while not self.command.ready():
            if not self.running:
                raise self._failed(f"exit code {self.exit_code}")
            if time.monotonic() > deadline:
                raise self._failed(f"not ready after {self.command.ready_seconds:.0f} s")
            time.sleep(0.05)

    def stop(self) -> None:
        """Asks, waits, then kills; also what it left running in its session."""
        if self._popen is None:
            return
        if self._popen.poll() is None:
            self._popen.send_signal(self.command.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(self.command.stop_seconds)
        self.kill_session()
        self._popen.wait()

    def kill_session(self) -> None:
        """Kills whatever of its session still runs: workers of a master that was itself killed."""
        if self._session_cleared:  # the number may belong to somebody else by now
            return
        self._session_cleared = True
        with contextlib.suppress(ProcessLookupError):  # nothing is left: what we want
            os.killpg(self.pid, signal.SIGKILL)

    def _failed(self, reason: str) -> StartFailed:
        log_file = self.command.log_file
        return StartFailed(name=self.command.name, reason=reason, log_file=log_file, tail=tail(log_file))


def _dies_with(parent: int, death_signal: signal.Signals) -> Callable[[], None] | None:
    """For the child, between fork and exec: have the kernel signal it when its parent dies (Linux only)."""
    if LIBC is None:
        return None
    prctl = LIBC.prctl  # looked up here: after fork as little as possible may happen

    def arrange() -> None:
        prctl(PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # the parent died before we could ask
            os._exit(1)

    return arrange
