"""The supervisor with real processes: restarts, gives up, stops in order, leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from duilian.infra.local.errors import KeepsFailing, StartFailed
from duilian.infra.local.process import Command
from duilian.infra.local.supervisor import Notice, Supervisor

FOREVER = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
PARENT = (
    "import subprocess, sys, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
)


def python(
    folder: Path, name: str, code: str, ready: Callable[[], bool] = lambda: True, **options: float
) -> Command:
    log_file = folder / f"{name}.log"
    return Command(name, [sys.executable, "-c", code], dict(os.environ), log_file, ready, **options)  # type: ignore


def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def notices() -> list[Notice]:
    return []


@pytest.fixture
def supervisor(notices: list[Notice]) -> Iterator[Supervisor]:
    found = Supervisor(notices.append, first_delay=0.01)
    yield found
    found.stop()


@pytest.fixture
def watching(supervisor: Supervisor) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=supervisor.watch)
    thread.start()
    yield thread
    supervisor.request_stop()
    thread.join()


def test_killed_process_is_started_again_and_told(
    supervisor: Supervisor, watching: threading.Thread, notices: list[Notice], tmp_path: Path
) -> None:
    process = supervisor.start(python(tmp_path, "service", FOREVER))
    first = process.pid
    os.kill(first, signal.SIGKILL)
    eventually(lambda: len(notices) == 2)
    assert process.running and process.pid != first
    assert "service" in notices[0].zh and "SIGKILL" in notices[0].en and "1/5" in notices[0].en
    assert "service" in notices[1].en and "back" in notices[1].en


def test_gives_up_with_the_end_of_the_log(
    supervisor: Supervisor, notices: list[Notice], tmp_path: Path
) -> None:
    supervisor.launch(python(tmp_path, "broken", "import sys; sys.exit('no such table')"))
    with pytest.raises(KeepsFailing) as given_up:
        supervisor.watch()
    assert "no such table" in given_up.value.sentence("en")
    assert str(tmp_path / "broken.log") in given_up.value.sentence("zh-CN")
    assert [notice.en.count("/5") for notice in notices if "unexpectedly" in notice.en] == [1] * 5


def test_a_start_that_fails_says_why(supervisor: Supervisor, tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="exit code 1") as failed:
        supervisor.start(python(tmp_path, "service", "raise SystemExit('port is taken')", lambda: False))
    assert "port is taken" in failed.value.sentence("zh-CN")


def test_a_start_that_never_gets_ready_says_so(supervisor: Supervisor, tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="not ready after 0 s"):
        supervisor.start(python(tmp_path, "service", FOREVER, lambda: False, ready_seconds=0.2))


def test_stops_in_reverse_order_and_kills_the_stubborn(supervisor: Supervisor, tmp_path: Path) -> None:
    code = f"import signal, sys, time\ndef end(*_):\n    open({str(tmp_path / 'order')!r}, 'a').write(NAME)\n    sys.exit()\n"
    code += "signal.signal(signal.SIGTERM, end); print('up', flush=True); time.sleep(600)"
    for name in "ab":
        log = tmp_path / f"{name}.log"
        said = lambda log=log: log.exists() and "up" in log.read_text()  # noqa: E731
        supervisor.start(python(tmp_path, name, f"NAME = {name!r}\n{code}", said))
    deaf = tmp_path / "deaf.log"
    stubborn = supervisor.start(
        python(
            tmp_path, "deaf", STUBBORN, lambda: deaf.exists() and "deaf" in deaf.read_text(), stop_seconds=0.3
        )
    )
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 3
    assert (tmp_path / "order").read_text() == "ba"
    assert stubborn.exit_code == -signal.SIGKILL


def test_children_of_a_killed_process_do_not_stay(
    supervisor: Supervisor, watching: threading.Thread, tmp_path: Path
) -> None:
    log = tmp_path / "parent.log"
    process = supervisor.start(
        python(tmp_path, "parent", PARENT, lambda: log.exists() and log.read_text() != "")
    )
    grandchild = int(log.read_text().split()[0])
    assert alive(grandchild)
    os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: not alive(grandchild))


@pytest.mark.skipif(sys.platform != "linux", reason="PDEATHSIG is Linux's")
def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    script = f"""
import os, sys
from pathlib import Path
from duilian.infra.local.process import Command
from duilian.infra.local.supervisor import Supervisor
supervisor = Supervisor(print)
command = Command("service", [sys.executable, "-c", {FOREVER!r}], os.environ, Path({str(tmp_path)!r}) / "log", lambda: True)
print(supervisor.start(command).pid, flush=True)
supervisor.watch()
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
    eventually(lambda: not alive(child))
