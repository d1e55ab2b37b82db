"""What is particular to one provider: destruction, outages, rights, files."""

from __future__ import annotations

import base64
import os
import signal
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import boto3
import psutil
import pytest

from duilian.infra.keys import (
    FileKeyProvider,
    KeyDestroyed,
    KeyProvider,
    KeyServiceDown,
    KeyUnusable,
    aead,
    provider_of,
)
from duilian.infra.keys.kms import KmsKeyProvider
from duilian.infra.keys.openbao import TIMEOUT, OpenBaoKeyProvider
from duilian.infra.local.openbao import MOUNT, LocalOpenBao
from duilian.infra.settings import Settings

KEY, CONTEXT = os.urandom(32), b"duilian-tenant-key|seal|1"


@pytest.fixture
def bao(openbao: LocalOpenBao) -> OpenBaoKeyProvider:
    provider = OpenBaoKeyProvider(openbao.address, openbao.token, MOUNT, f"t-{uuid4().hex[:8]}")
    provider.create_master()
    return provider


@pytest.fixture
def files(tmp_path: Path) -> FileKeyProvider:
    FileKeyProvider.create(tmp_path / "master.key")
    return FileKeyProvider(tmp_path / "master.key")


@pytest.fixture(params=["files", "bao"])
def destroying(request: pytest.FixtureRequest) -> KeyProvider:
    """Those that can be asked to open with a destroyed key; moto opens with any."""
    return request.getfixturevalue(request.param)


def test_what_a_destroyed_lock_wrapped_never_opens_again(destroying: KeyProvider) -> None:
    tenant = uuid4()
    destroying.create_lock(tenant)
    wrapped = destroying.wrap(tenant, KEY, CONTEXT)
    destroying.rotate_master()
    destroying.destroy_lock(tenant)
    with pytest.raises(KeyDestroyed):
        destroying.unwrap(tenant, wrapped, CONTEXT)
    destroying.create_lock(tenant)
    with pytest.raises(KeyUnusable):
        destroying.unwrap(tenant, wrapped, CONTEXT)


def test_a_version_that_may_no_longer_decrypt_does_not_open(
    bao: OpenBaoKeyProvider, openbao: LocalOpenBao
) -> None:
    tenant = uuid4()
    bao.create_lock(tenant)
    wrapped = bao.wrap(tenant, KEY, CONTEXT)
    bao.rotate_master()
    name = f"{bao.prefix}-master"
    openbao.client().secrets.transit.update_key_configuration(name, min_decryption_version=2)
    with pytest.raises(KeyUnusable):
        bao.unwrap(tenant, wrapped, CONTEXT)
    openbao.client().secrets.transit.update_key_configuration(name, min_decryption_version=1)
    assert bao.unwrap(tenant, wrapped, CONTEXT) == KEY


def test_destroyed_lock_of_kms_is_scheduled_to_be_erased(kms: str) -> None:
    provider, tenant = KmsKeyProvider("us-east-1", kms, f"t-{uuid4().hex[:8]}"), uuid4()
    provider.create_lock(tenant)
    key_id = provider.newest(f"tenant-{tenant}")
    provider.destroy_lock(tenant)
    client = boto3.client("kms", region_name="us-east-1", endpoint_url=kms)
    assert client.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def nowhere(kind: str) -> KeyProvider:
    """A service that does not listen."""
    if kind == "kms":
        return KmsKeyProvider("us-east-1", "http://127.0.0.1:9", "t")
    return OpenBaoKeyProvider("http://127.0.0.1:9", "token", MOUNT, "t")


@pytest.mark.parametrize("kind", ["openbao", "kms"])
def test_an_outage_is_told_as_one(kind: str, kms: str) -> None:
    provider, began = nowhere(kind), time.monotonic()
    calls: list[Callable[[], object]] = [
        lambda: provider.wrap(uuid4(), KEY, CONTEXT),
        lambda: provider.unwrap(uuid4(), b"DLWK\x011" + os.urandom(60), CONTEXT),
        lambda: provider.create_lock(uuid4()),
        lambda: provider.destroy_lock(uuid4()),
        provider.create_master,
        provider.rotate_master,
        provider.check,
    ]
    for call in calls:
        with pytest.raises(KeyServiceDown):
            call()
    assert time.monotonic() - began < 2 * TIMEOUT


def test_openbao_loses_no_key_when_it_is_killed(own_openbao: LocalOpenBao) -> None:
    provider, tenant = OpenBaoKeyProvider(own_openbao.address, own_openbao.token, MOUNT, "t"), uuid4()
    provider.create_master()
    provider.create_lock(tenant)
    wrapped = provider.wrap(tenant, KEY, CONTEXT)
    os.kill(own_openbao.pid, signal.SIGKILL)
    own_openbao.stop()
    with pytest.raises(KeyServiceDown):
        provider.unwrap(tenant, wrapped, CONTEXT)
    own_openbao.start()
    assert provider.unwrap(tenant, wrapped, CONTEXT) == KEY


def test_openbao_that_refuses_us_is_no_destroyed_key(own_openbao: LocalOpenBao) -> None:
    """Sealed, wrong token, wrong mount: nothing is said about a key, so nothing is given up."""
    tenant = uuid4()

    def provider(token: str = own_openbao.token, mount: str = MOUNT) -> OpenBaoKeyProvider:
        return OpenBaoKeyProvider(own_openbao.address, token, mount, "t")

    provider().create_master()
    provider().create_lock(tenant)
    wrapped = provider().wrap(tenant, KEY, CONTEXT)
    for refused in (provider(token="s.wrong"), provider(mount="elsewhere")):
        with pytest.raises(KeyServiceDown):
            refused.unwrap(tenant, wrapped, CONTEXT)
    foreign = OpenBaoKeyProvider(own_openbao.address, own_openbao.token, MOUNT, "another-installation")
    with pytest.raises(KeyServiceDown):
        foreign.create_master()
    own_openbao.client().sys.seal()
    with pytest.raises(KeyServiceDown):
        provider().unwrap(tenant, wrapped, CONTEXT)
    own_openbao.unseal()
    assert provider().unwrap(tenant, wrapped, CONTEXT) == KEY


def test_local_openbao_keeps_to_itself(openbao: LocalOpenBao) -> None:
    server = psutil.Process(openbao.pid)
    listening = [found.laddr for found in server.net_connections("inet") if found.status == "LISTEN"]
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert {address.port for address in listening} == {openbao.port, openbao.port + 1}
    assert stat.S_IMODE(openbao.secrets_file.stat().st_mode) == 0o600
    assert openbao.token not in " ".join(server.cmdline())


def test_file_rotation_of_another_process_is_seen(files: FileKeyProvider, tmp_path: Path) -> None:
    other, tenant = FileKeyProvider(tmp_path / "master.key"), uuid4()
    files.create_lock(tenant)
    old = files.wrap(tenant, KEY, CONTEXT)
    assert other.rotate_master() == "2"
    assert not files.is_current(old)
    assert other.unwrap(tenant, files.wrap(tenant, KEY, CONTEXT), CONTEXT) == KEY


def test_file_rotations_at_once_lose_no_version(files: FileKeyProvider, tmp_path: Path) -> None:
    tenant = uuid4()
    files.create_lock(tenant)
    wrapped = files.wrap(tenant, KEY, CONTEXT)
    (tmp_path / ".master.key.new").write_text("left by a rotation that was cut short")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: FileKeyProvider(tmp_path / "master.key").rotate_master(), range(16)))
    assert files.newest("master") == "17"
    assert files.unwrap(tenant, wrapped, CONTEXT) == KEY


def test_file_opens_what_was_wrapped_before_there_were_locks(files: FileKeyProvider, tmp_path: Path) -> None:
    first = base64.b64decode((tmp_path / "master.key").read_text())
    wrapped = aead.wrap(first, KEY, CONTEXT)
    files.rotate_master()
    assert files.unwrap_without_lock(wrapped, CONTEXT) == KEY
    with pytest.raises(KeyUnusable):
        files.unwrap_without_lock(wrapped, b"other")


def test_key_files_are_private_and_gone_when_destroyed(files: FileKeyProvider, tmp_path: Path) -> None:
    tenant = uuid4()
    files.create_lock(tenant)
    files.rotate_master()
    lock = tmp_path / "tenant-keys" / f"tenant-{tenant}.key"
    assert {stat.S_IMODE(path.stat().st_mode) for path in (lock, tmp_path / "master.key")} == {0o600}
    assert stat.S_IMODE(lock.parent.stat().st_mode) == 0o700
    os.link(lock, tmp_path / "the same blocks")
    files.destroy_lock(tenant)
    assert not lock.exists()
    assert not (tmp_path / "the same blocks").read_bytes().strip(b"\0"), "the blocks were overwritten"


def test_file_open_to_others_wraps_nothing(files: FileKeyProvider, tmp_path: Path) -> None:
    tenant = uuid4()
    files.create_lock(tenant)
    (tmp_path / "tenant-keys" / f"tenant-{tenant}.key").chmod(0o640)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        files.wrap(tenant, KEY, CONTEXT)


def test_settings_choose_the_provider(tmp_path: Path) -> None:
    FileKeyProvider.create(tmp_path / "master.key")
    assert provider_of(Settings(master_key_file=tmp_path / "master.key")).name == "file"
    assert provider_of(Settings(key_provider="kms")).name == "kms"
    bao = Settings(key_provider="openbao", openbao_address="http://127.0.0.1:9", openbao_token="x")
    assert provider_of(bao).name == "openbao"
    with pytest.raises(KeyUnusable, match="DUILIAN_OPENBAO_ADDRESS"):
        provider_of(Settings(key_provider="openbao"))
