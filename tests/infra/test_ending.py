"""A benchmark that is told to stop leaves nothing running (tests/support/ending.py)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

SUPPORT = Path(__file__).parents[1] / "support"
PROGRAM = """
import asyncio, subprocess, sys
import ending

def main():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"], start_new_session=True)
    try:
        print(child.pid, flush=True)
        asyncio.run(asyncio.sleep(120))
    finally:
        child.kill()
        child.wait()

ending.run(main)
"""


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_what_was_started_ends_with_it(asked: signal.Signals) -> None:
    environment = os.environ | {"PYTHONPATH": str(SUPPORT)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout
        child = psutil.Process(int(program.stdout.readline()))
        time.sleep(0.2)
        program.send_signal(asked)
        program.send_signal(asked)
        assert program.wait(20) == 128 + asked
    assert not child.is_running()
