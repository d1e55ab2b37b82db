"""`duilian up` as a person runs it: links that open, crashes healed, everything gone after it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

DUILIAN = Path(sys.executable).with_name("duilian")
PORTS_NEEDED = 20


@dataclass
class Running:
    """A `duilian up` in its own process. output: all it has printed so far."""

    process: subprocess.Popen[bytes]
    port: int
    data_dir: Path
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text("utf-8")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def child(self, name: str) -> psutil.Process:
        """The supervised process whose command line ends or begins with `name`; it may be on its way up."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for found in psutil.Process(self.process.pid).children():
                with suppress(psutil.Error):  # it may just be ending
                    line = found.cmdline()
                    if line and (Path(line[0]).name.startswith(name) or line[-1] == name):
                        return found
            time.sleep(0.05)
        raise AssertionError(f"{name} is not running:\n{self.output}")

    def wait_for(self, pattern: str, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.output):
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def listening(self) -> set[int]:
        mine = range(self.port, self.port + PORTS_NEEDED)
        return {
            found.laddr.port
            for found in psutil.net_connections("tcp")
            if found.status == psutil.CONN_LISTEN and found.laddr.port in mine
        }


def start(data_dir: Path, port: int, *options: str) -> Running:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DUILIAN_")}
    log = data_dir / f"up-{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [DUILIAN, "up", "--data-dir", data_dir, "--port", str(port), *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=data_dir,
            env=environment,
        )
    return Running(process, port, data_dir, log)


def end(running: Running, number: signal.Signals = signal.SIGTERM) -> float:
    """Seconds until it ended."""
    began = time.monotonic()
    if running.process.poll() is None:
        running.process.send_signal(number)
    running.process.wait(30)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def up(data_dir: Path, free_ports: Callable[[int], int]) -> Iterator[Running]:
    running = start(data_dir, free_ports(PORTS_NEEDED))
    try:
        running.wait_for("Duilian is running")
        yield running
    finally:
        end(running)


def test_printed_links_open(up: Running) -> None:
    links = re.findall(rf"{up.address}/\S+", up.output)
    assert len(links) >= 4
    for link in links:
        assert httpx.get(link, follow_redirects=True).status_code == 200, link


def test_other_commands_find_the_stack(up: Running) -> None:
    environment = os.environ | {"DUILIAN_SETTINGS": str(up.data_dir / "env")}
    told = subprocess.run(
        [DUILIAN, "env", "--json"], env=environment, capture_output=True, text=True, check=True
    )
    assert str(up.port) in told.stdout and "duilian_app" not in told.stdout


def test_second_start_says_who_runs(up: Running) -> None:
    second = start(up.data_dir, up.port)
    assert second.process.wait(60) == 1
    assert f"{up.process.pid}" in second.output and up.address in second.output


@pytest.mark.parametrize("name", ["seaweedfs", "postgres", "serving", "worker", "web"])
def test_what_is_killed_comes_back(up: Running, name: str) -> None:
    program = "weed" if name == "seaweedfs" else name
    killed = up.child(program)
    often = up.output.count(f"{name} is back")  # another part's end may have ended it before
    killed.kill()
    up.wait_for(rf"(?s)(.*{name} is back){{{often + 1}}}", 60)
    assert up.child(program).pid != killed.pid
    deadline = time.monotonic() + 20
    while httpx.get(f"{up.address}/health", timeout=10).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_ends_in_time_leaves_nothing_and_starts_again_with_its_data(up: Running) -> None:
    family = psutil.Process(up.process.pid).children(recursive=True)
    assert end(up) < 15
    assert up.process.returncode == 0
    assert "Everything is stopped" in up.output
    assert up.listening() == set()
    assert not [member for member in family if member.is_running()]

    again = start(up.data_dir, up.port)
    try:
        again.wait_for("Ctrl-C stops everything")  # the last line, after the links
        first, second = (set(re.findall(r"http://\S+/i/\S+", run.output)) for run in (up, again))
        assert first == second != set()
    finally:
        end(again)


def test_nothing_stays_after_the_supervisor_is_killed(
    data_dir: Path, free_ports: Callable[[int], int]
) -> None:
    running = start(data_dir, free_ports(PORTS_NEEDED), "--no-seed")
    try:
        running.wait_for("Duilian is running")
        family = psutil.Process(running.process.pid).children(recursive=True)
        assert len(family) >= 5
        end(running, signal.SIGKILL)
        gone, alive = psutil.wait_procs(family, timeout=20)
        assert not alive and len(gone) == len(family)
        holder = json.loads((data_dir / "up.lock").read_text())
        assert holder["pid"] == running.process.pid
    finally:
        end(running)
