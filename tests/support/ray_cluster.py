"""A real Ray cluster of one node with our Serve application, for tests and benchmarks; every process of it is ours.

`ray stop` ends every Ray on the machine, so it is never used: the head runs in a session of its own and whatever
belongs to that session is ended.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import yaml

from duilian.serving.ray_config import serve_config

BIN = Path(sys.executable).parent


@dataclass
class RayCluster:
    """port: of the HTTP proxy; dashboard and gcs follow it. environment: of every process of the cluster."""

    port: int
    folder: Path
    environment: dict[str, str]
    limits: Mapping[str, Mapping[str, object]]
    applications: list[dict[str, object]] = field(default_factory=list[dict[str, object]])  # beside ours
    head: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def dashboard(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def client(self) -> str:
        """Where Ray's own client connects; it needs the token of the cluster in its environment."""
        return f"ray://127.0.0.1:{self.port + 3 + AGENT_PORTS.index('ray-client-server-port')}"

    @property
    def token(self) -> str:
        return self.environment["DUILIAN_SERVING_TOKEN"]

    def start(self) -> None:
        """The head alone; deploy comes next."""
        agent = {f"--{name}": str(self.port + at) for at, name in enumerate(AGENT_PORTS, 3)}
        command = [
            *(str(BIN / "ray"), "start", "--head", "--block", "--node-ip-address", "127.0.0.1"),
            *("--port", str(self.port + 2), "--dashboard-port", str(self.port + 1)),
            *("--temp-dir", str(self.folder), "--num-cpus", "4", "--object-store-memory", str(256 << 20)),
            *(part for pair in agent.items() for part in pair),
        ]
        log = (self.folder / "head.log").open("ab")
        self.head = subprocess.Popen(
            command, env=self.environment, stdout=log, stderr=log, start_new_session=True
        )
        self.wait_for_dashboard()

    def wait_for_dashboard(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while True:
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.dashboard}/api/version", headers=self.bearer, timeout=2).is_success:
                    return
            assert time.monotonic() < deadline, "the Ray dashboard never answered"
            time.sleep(0.2)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.environment['RAY_AUTH_TOKEN']}"}

    def deploy(self, **arguments: str) -> None:
        """`serve deploy` with the shipped file, on our port. arguments: of the application."""
        config = serve_config(port=self.port, arguments=arguments)
        for deployment in config["applications"][0]["deployments"]:
            for name, value in self.limits.get(deployment["name"], {}).items():
                deployment[name] = deployment[name] | value if isinstance(value, Mapping) else value
        config["applications"] += self.applications
        file = self.folder / "serve.yaml"
        file.write_text(yaml.safe_dump(config), "utf-8")
        command = [str(BIN / "serve"), "deploy", "-a", self.dashboard, str(file)]
        subprocess.run(command, env=self.environment, check=True, capture_output=True, timeout=60)

    def status(self) -> int | None:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/health", timeout=5).status_code
        return None

    def wait_for(self, status: int, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while (found := self.status()) != status:
            assert time.monotonic() < deadline, f"/health answered {found} and never {status}"
            time.sleep(0.2)

    def processes(self, title: str = "") -> list[psutil.Process]:
        """Those of the head's session whose title holds the words."""
        assert self.head is not None
        found: list[psutil.Process] = []
        for process in psutil.process_iter(["cmdline"]):
            with suppress(ProcessLookupError, psutil.NoSuchProcess):
                line = " ".join(process.info["cmdline"] or [])
                if os.getsid(process.pid) == self.head.pid and title in line:
                    found.append(process)
        return found

    def replicas(self, step: str) -> list[psutil.Process]:
        return self.processes(f"ray::ServeReplica:duilian:{step}")

    def kill(self) -> None:
        """Everything at once, as when the machine loses its power."""
        assert self.head is not None
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        self.head.wait(20)


AGENT_PORTS = (
    "dashboard-agent-grpc-port",
    "dashboard-agent-listen-port",
    "metrics-export-port",
    "ray-client-server-port",
)


@contextmanager
def ray_cluster(
    port: int,
    settings: Mapping[str, str],
    token: str = "a-token",
    limits: Mapping[str, Mapping[str, object]] | None = None,
) -> Generator[RayCluster]:
    """settings: DUILIAN_* of the nodes. limits: changes to serve.yaml per deployment, parts of a table in the
    table. Gone with the block.
    """
    # Ray's sockets lie in this folder, and a socket's path may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="dlr-", dir="/tmp"))
    environment = {
        **os.environ,
        **settings,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",  # its own 15 lets replicas starve beside other tests
        "DUILIAN_SERVING_TOKEN": token,
    }
    cluster = RayCluster(port, folder, environment, limits or {})
    try:
        cluster.start()
        cluster.deploy()
        yield cluster
    finally:
        if cluster.head is not None:
            cluster.kill()
        shutil.rmtree(folder, ignore_errors=True)
