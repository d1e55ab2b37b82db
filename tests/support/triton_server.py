"""A real Triton server on ports of this machine, from the environment that `make` prepares."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ENVIRONMENT = Path(__file__).parents[2] / ".venv-triton"


@dataclass
class TritonServer:
    """port: gRPC; HTTP and metrics follow it."""

    port: int
    folder: Path
    models_dir: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """By the command that `make triton` runs."""
        command = [str(Path(sys.executable).with_name("duilian")), "triton", "serve"]
        command += ["--environment", str(ENVIRONMENT), "--port", str(self.port)]
        places = {"DUILIAN_DATA_DIR": str(self.folder), "DUILIAN_MODELS_DIR": str(self.models_dir)}
        log = (self.folder / "triton.log").open("ab")
        self.process = subprocess.Popen(
            command, env=os.environ | places, stdout=log, stderr=log, start_new_session=True
        )

    def wait_ready(self, seconds: float = 60) -> None:
        assert self.process is not None
        deadline = time.monotonic() + seconds
        while self._status() != 200:
            assert self.process.poll() is None, (self.folder / "triton.log").read_text()[-2000:]
            assert time.monotonic() < deadline, "Triton never became ready"
            time.sleep(0.1)

    def _status(self) -> int | None:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port + 1}/v2/health/ready", timeout=2).status_code
        except httpx.TransportError:
            return None

    def metrics(self) -> str:
        return httpx.get(f"http://127.0.0.1:{self.port + 2}/metrics", timeout=5).text

    def signal(self, number: signal.Signals) -> None:
        """To the server and the processes of its models."""
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        assert self.process is not None
        self.signal(signal.SIGKILL)
        self.process.wait(20)


@contextmanager
def triton_server(port: int, folder: Path, models_dir: Path) -> Generator[TritonServer]:
    server = TritonServer(port, folder, models_dir)
    server.start()
    try:
        server.wait_ready()
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()
