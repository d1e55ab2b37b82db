"""The local object store: its keys, its ports, its disk use, and that objects survive a kill -9."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError

from duilian.infra.local.seaweedfs import LocalObjectStore


def test_what_is_put_comes_back(store: LocalObjectStore) -> None:
    store.create_bucket("first")
    store.create_bucket("first")
    body = os.urandom(6_000_000)
    client = store.client()
    client.put_object(Bucket="first", Key="a/b", Body=body)
    assert client.get_object(Bucket="first", Key="a/b")["Body"].read() == body
    part = client.get_object(Bucket="first", Key="a/b", Range="bytes=1000000-1000009")["Body"].read()
    assert part == body[1_000_000:1_000_010]


@pytest.mark.parametrize("keys", [("wrong", "wrong"), (None, "wrong")])
def test_wrong_keys_are_refused(store: LocalObjectStore, keys: tuple[str | None, str]) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=store.endpoint,
        region_name="us-east-1",
        aws_access_key_id=keys[0] or store.access_key,
        aws_secret_access_key=keys[1],
    )
    with pytest.raises(ClientError) as refused:
        client.list_buckets()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_listens_on_loopback_and_its_own_ports_only(store: LocalObjectStore) -> None:
    listening = [
        found for found in psutil.Process(store.pid).net_connections("inet") if found.status == "LISTEN"
    ]
    assert {found.laddr.ip for found in listening} == {"127.0.0.1"}
    assert {found.laddr.port for found in listening} <= set(store.ports)


def test_keys_are_private(store: LocalObjectStore, data_dir: Path) -> None:
    assert stat.S_IMODE((data_dir / "seaweedfs.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((data_dir / "objects").stat().st_mode) == 0o700
    assert store.secret_key not in " ".join(psutil.Process(store.pid).cmdline())


def test_disk_is_taken_as_it_is_needed(folder: Path, free_ports: Callable[[int], int]) -> None:
    server = LocalObjectStore(folder, free_ports(10))
    server.start()
    try:
        server.create_bucket("small")
        server.client().put_object(Bucket="small", Key="k", Body=b"x" * 1000)
    finally:
        server.stop()
    blocks = sum(path.lstat().st_blocks for path in folder.rglob("*"))
    assert blocks * 512 < 20_000_000


def test_objects_survive_kill_and_a_new_start_on_other_ports(
    folder: Path, free_ports: Callable[[int], int]
) -> None:
    server = LocalObjectStore(folder, free_ports(10))
    server.start()
    try:
        server.create_bucket("kept")
        for number in range(20):
            server.client().put_object(Bucket="kept", Key=str(number), Body=str(number).encode() * 10_000)
        os.kill(server.pid, signal.SIGKILL)
    finally:
        server.stop()
    again = LocalObjectStore(folder, free_ports(10))
    again.start()
    try:
        for number in range(20):
            body = again.client().get_object(Bucket="kept", Key=str(number))["Body"].read()
            assert body == str(number).encode() * 10_000
    finally:
        again.stop()
