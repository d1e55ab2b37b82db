"""Each refusal before the start names what is wrong and the setting that changes it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from duilian.infra.local import lock, preflight
from duilian.infra.local.errors import AlreadyRunning, DiskFull, NotWritable, PortInUse, PythonTooOld
from duilian.infra.local.preflight import Place, PortUse


def both(problem: pytest.ExceptionInfo[Exception]) -> list[str]:
    return [problem.value.sentence(locale) for locale in ("zh-CN", "en")]  # type: ignore[attr-defined]


def test_port_in_use_names_holder_and_setting(free_ports: Callable[[int], int]) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", free_ports(1)))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(PortInUse) as refused:
            preflight.check([PortUse(port, "web", "--port")], [])
    for sentence in both(refused):
        assert str(port) in sentence and f"process {os.getpid()}" in sentence and "--port" in sentence


def test_free_port_and_roomy_folder_pass(tmp_path: Path, free_ports: Callable[[int], int]) -> None:
    preflight.check(
        [PortUse(free_ports(1), "web", "--port")], [Place(tmp_path / "new", "--data-dir")], needed_gb=0.001
    )
    assert list((tmp_path / "new").iterdir()) == []


def test_full_disk_says_how_much_and_where(tmp_path: Path) -> None:
    needed = shutil.disk_usage(tmp_path).total / 1e9 + 1
    with pytest.raises(DiskFull) as refused:
        preflight.check([], [Place(tmp_path, "--data-dir")], needed_gb=needed)
    for sentence in both(refused):
        assert f"{needed:.1f} GB" in sentence and str(tmp_path) in sentence and "--data-dir" in sentence


def test_unwritable_folder_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotWritable) as refused:
        preflight.check([], [Place(tmp_path / "file" / "data", "--data-dir")])
    for sentence in both(refused):
        assert "Not a directory" in sentence and "--data-dir" in sentence


def test_other_python_says_which_is_needed() -> None:
    with pytest.raises(PythonTooOld) as refused:
        preflight.check_python((3, 9))
    assert all("3.11" in sentence and "3.9" in sentence for sentence in both(refused))
    preflight.check_python()


def test_second_start_on_one_folder_says_who_runs(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from duilian.infra.local import lock\n"
    script += (
        "with lock.held(Path(sys.argv[1]), 'http://127.0.0.1:1'): print('held', flush=True); sys.stdin.read()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdin=pipe, stdout=pipe, text=True
    ) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        with pytest.raises(AlreadyRunning) as refused, lock.held(tmp_path, "http://127.0.0.1:2"):
            pass
        assert all(
            str(holder.pid) in sentence and "http://127.0.0.1:1" in sentence for sentence in both(refused)
        )
        holder.kill()
    with lock.held(tmp_path, "http://127.0.0.1:2"):
        assert f'"pid": {os.getpid()}' in (tmp_path / "up.lock").read_text()
