"""Keeps named processes running: restarts what crashes, gives up with a reason, stops all in reverse order.

Linux tells the children when the supervisor dies (PDEATHSIG), so nothing stays behind even after kill -9.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from duilian.infra.local.errors import KeepsFailing
from duilian.infra.local.files import tail
from duilian.infra.local.process import Command, Process

MOST_RESTARTS = 5
FIRST_DELAY = 0.5  # seconds; doubles with each restart
STEADY_SECONDS = 60.0  # a process that ran so long has its restarts forgotten
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should see now, in both languages."""

    zh: str
    en: str


Tell = Callable[[Notice], None]


@dataclass(slots=True)
class Watched:
    """A process and its recent crashes. due: monotonic time of the next start, None while it runs."""

    process: Process
    crashes: int = 0
    due: float | None = None
    started: float = field(default_factory=time.monotonic)
    announced: bool = True


class Supervisor:
    """Start processes in the order they need each other, then `watch` until asked to stop."""

    def __init__(self, tell: Tell, first_delay: float = FIRST_DELAY) -> None:
        """tell: gets what a person should see. first_delay: seconds before the first restart."""
        self._tell = tell
        self._first_delay = first_delay
        self._watched: list[Watched] = []
        self._stopping = threading.Event()

    def start(self, command: Command) -> Process:
        """Runs the command and waits until it is ready. Raises StartFailed."""
        process = self.launch(command)
        process.wait_ready()
        return process

    def launch(self, command: Command) -> Process:
        """Runs the command without waiting, to let several come up side by side; then `wait_ready`."""
        process = Process(command)
        process.start()
        self._watched.append(
            Watched(process)
        )  # only now: `watch` would take one that is starting for a crash
        return process

    def request_stop(self) -> None:
        """Makes `watch` return soon; callable from a signal handler or another thread."""
        self._stopping.set()

    def process(self, name: str) -> Process:
        """The process of that name. Raises KeyError."""
        return {watched.process.command.name: watched.process for watched in self._watched}[name]

    def watch(self) -> None:
        """Restarts what crashes until `request_stop`. Raises KeepsFailing when a process cannot be kept alive."""
        while not self._stopping.wait(POLL_SECONDS):
            for watched in self._watched:
                self._look_after(watched)

    def stop(self) -> None:
        """Stops everything, last started first."""
        self._stopping.set()
        while self._watched:
            self._watched.pop().process.stop()

    def _look_after(self, watched: Watched) -> None:
        now = time.monotonic()
        if watched.due is not None:
            if now >= watched.due:
                self._restart(watched)
        elif not watched.process.running:
            self._crashed(watched, now)
        elif not watched.announced:
            self._announce(watched)
        elif watched.crashes and now - watched.started > STEADY_SECONDS:
            watched.crashes = 0

    def _crashed(self, watched: Watched, now: float) -> None:
        command, code = watched.process.command, watched.process.exit_code
        watched.process.kill_session()
        watched.crashes += 1
        if watched.crashes > MOST_RESTARTS:
            log = command.log_file
            raise KeepsFailing(name=command.name, times=watched.crashes, log_file=log, tail=tail(log))
        watched.due = now + self._first_delay * 2 ** (watched.crashes - 1)
        count = f"{watched.crashes}/{MOST_RESTARTS}"
        self._tell(
            Notice(
                zh=f"{command.name} 意外退出（{ended(code)}），正在重启（{count}）。日志：{command.log_file}",
                en=f"{command.name} stopped unexpectedly ({ended(code)}); restarting it ({count}). Log: {command.log_file}",
            )
        )

    def _restart(self, watched: Watched) -> None:
        watched.due, watched.announced, watched.started = None, False, time.monotonic()
        watched.process.start()

    def _announce(self, watched: Watched) -> None:
        """Says once that a restarted process serves again; kills one that hangs instead (then it counts)."""
        command, age = watched.process.command, time.monotonic() - watched.started
        if command.ready():
            watched.announced = True
            self._tell(
                Notice(
                    zh=f"{command.name} 已恢复（{age:.1f} 秒）。", en=f"{command.name} is back ({age:.1f} s)."
                )
            )
        elif age > command.ready_seconds:
            watched.process.stop()


def ended(code: int | None) -> str:
    """How a process ended, from its exit code (negative: a signal)."""
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"


@contextmanager
def orderly_end() -> Generator[None]:
    """Inside the block SIGTERM and SIGHUP interrupt as Ctrl-C does (KeyboardInterrupt). Main thread only."""
    asking = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, _interrupt) for number in asking}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def uninterrupted() -> Generator[None]:
    """Inside the block a second Ctrl-C does not cut the stopping short (it is bounded in time). Main thread only."""
    asking = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in asking}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
