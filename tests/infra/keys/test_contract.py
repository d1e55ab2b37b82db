"""What every provider of keys promises, tried on all of them."""

from __future__ import annotations

import os
import threading
from uuid import uuid4

import pytest

from duilian.infra.keys import KeyDestroyed, KeyProvider, KeyServiceDown, KeyUnusable

KEY, CONTEXT = os.urandom(32), b"duilian-tenant-key|seal|1"


def test_what_is_wrapped_unwraps_and_does_not_show(provider: KeyProvider) -> None:
    tenant = uuid4()
    provider.create_lock(tenant)
    wrapped = provider.wrap(tenant, KEY, CONTEXT)
    assert provider.unwrap(tenant, wrapped, CONTEXT) == KEY
    assert KEY not in wrapped
    assert provider.wrap(tenant, KEY, CONTEXT) != wrapped, "equal keys must not look equal"


def test_another_context_does_not_open(provider: KeyProvider) -> None:
    tenant = uuid4()
    provider.create_lock(tenant)
    wrapped = provider.wrap(tenant, KEY, CONTEXT)
    with pytest.raises(KeyUnusable):
        provider.unwrap(tenant, wrapped, b"duilian-tenant-key|seal|2")


def test_another_tenant_does_not_open(provider: KeyProvider) -> None:
    tenant, other = uuid4(), uuid4()
    provider.create_lock(tenant)
    provider.create_lock(other)
    with pytest.raises(KeyUnusable):
        provider.unwrap(other, provider.wrap(tenant, KEY, CONTEXT), CONTEXT)


@pytest.mark.parametrize("place", [0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_an_altered_byte_does_not_open(provider: KeyProvider, place: float) -> None:
    tenant = uuid4()
    provider.create_lock(tenant)
    wrapped = bytearray(provider.wrap(tenant, KEY, CONTEXT))
    wrapped[int(place * len(wrapped))] ^= 1
    # moto's ciphertexts begin with the key's identifier; of one it does not know it says "access denied".
    told = (KeyUnusable, KeyServiceDown) if provider.name == "kms" else KeyUnusable
    with pytest.raises(told):
        provider.unwrap(tenant, bytes(wrapped), CONTEXT)


@pytest.mark.parametrize("raw", [b"", b"DLWK", b"DLWK\x01", b"DLWK\xff1", b"DLWK\x011", bytes(range(90))])
def test_what_was_never_wrapped_does_not_open(provider: KeyProvider, raw: bytes) -> None:
    tenant = uuid4()
    provider.create_lock(tenant)
    with pytest.raises(KeyUnusable):
        provider.unwrap(tenant, raw, CONTEXT)


def test_rotated_master_wraps_anew_and_still_opens_the_old(provider: KeyProvider) -> None:
    tenant = uuid4()
    provider.create_lock(tenant)
    old = provider.wrap(tenant, KEY, CONTEXT)
    assert provider.is_current(old)
    version = provider.rotate_master()
    assert version == provider.newest("master")
    assert not provider.is_current(old)
    assert provider.unwrap(tenant, old, CONTEXT) == KEY
    new = provider.rewrap(old, CONTEXT)
    assert provider.is_current(new)
    assert provider.unwrap(tenant, new, CONTEXT) == KEY
    assert provider.is_current(provider.wrap(tenant, KEY, CONTEXT))


def test_rewrapping_needs_what_it_is_bound_to(provider: KeyProvider) -> None:
    tenant = uuid4()
    provider.create_lock(tenant)
    with pytest.raises(KeyUnusable):
        provider.rewrap(provider.wrap(tenant, KEY, CONTEXT), b"other")


def test_master_is_made_once(provider: KeyProvider) -> None:
    tenant = uuid4()
    provider.create_lock(tenant)
    wrapped = provider.wrap(tenant, KEY, CONTEXT)
    provider.create_master()
    provider.create_lock(tenant)
    assert provider.is_current(wrapped)
    assert provider.unwrap(tenant, wrapped, CONTEXT) == KEY


def test_without_a_lock_nothing_is_wrapped(provider: KeyProvider) -> None:
    with pytest.raises(KeyDestroyed):
        provider.wrap(uuid4(), KEY, CONTEXT)


def test_a_destroyed_lock_wraps_nothing_and_may_be_destroyed_again(provider: KeyProvider) -> None:
    tenant, other = uuid4(), uuid4()
    provider.create_lock(tenant)
    provider.create_lock(other)
    kept = provider.wrap(other, KEY, CONTEXT)
    provider.destroy_lock(tenant)
    provider.destroy_lock(tenant)
    with pytest.raises(KeyDestroyed):
        provider.wrap(tenant, KEY, CONTEXT)
    assert provider.unwrap(other, kept, CONTEXT) == KEY, "other tenants are not touched"


def test_check_names_the_provider_and_its_version(provider: KeyProvider) -> None:
    said = provider.check()
    assert provider.name in said
    assert provider.newest("master") in said


def test_threads_use_one_provider(provider: KeyProvider) -> None:
    tenant = uuid4()
    provider.create_lock(tenant)
    wrong: list[object] = []

    def work() -> None:
        try:
            key = os.urandom(32)
            for _ in range(5):
                if provider.unwrap(tenant, provider.wrap(tenant, key, CONTEXT), CONTEXT) != key:
                    wrong.append("another key")
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
