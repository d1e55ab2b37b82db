"""Every provider of keys as it really runs: a folder, an OpenBao server, moto's KMS over HTTP."""

from __future__ import annotations

import os
import random
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from moto.server import ThreadedMotoServer

from duilian.infra.keys import FileKeyProvider, KeyProvider
from duilian.infra.keys.kms import KmsKeyProvider
from duilian.infra.keys.openbao import OpenBaoKeyProvider
from duilian.infra.local.openbao import MOUNT, PORTS, LocalOpenBao

PROVIDERS = ("file", "openbao", "kms")


def free_ports(count: int) -> int:
    """The first of so many free neighbouring ports."""
    while True:
        first = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            if all(probe.connect_ex(("127.0.0.1", port)) for port in range(first, first + count)):
                return first


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalOpenBao]:
    server = LocalOpenBao(tmp_path_factory.mktemp("openbao"), free_ports(PORTS), "t")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_openbao(tmp_path: Path) -> Iterator[LocalOpenBao]:
    """A server that the test may stop and seal."""
    server = LocalOpenBao(tmp_path, free_ports(PORTS), "t")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def kms() -> Iterator[str]:
    """Address of a KMS; credentials for it lie in the environment as on a server of AWS."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with mock.patch.dict(os.environ, {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}):
        yield f"http://{host}:{port}"
    server.stop()


def make(kind: str, request: pytest.FixtureRequest, folder: Path) -> KeyProvider:
    """A provider of this kind with a new master key."""
    prefix = f"t-{secrets.token_hex(4)}"
    if kind == "openbao":
        server: LocalOpenBao = request.getfixturevalue("openbao")
        provider: KeyProvider = OpenBaoKeyProvider(server.address, server.token, MOUNT, prefix)
    elif kind == "kms":
        provider = KmsKeyProvider("us-east-1", request.getfixturevalue("kms"), prefix)
    else:
        FileKeyProvider.create(folder / "master.key")
        provider = FileKeyProvider(folder / "master.key")
    provider.create_master()
    return provider


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> KeyProvider:
    return make(request.param, request, tmp_path)
