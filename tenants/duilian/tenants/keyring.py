"""The tenant's keys in use: opened at the start of a transaction, kept a process long, derived for each purpose.

Purposes: `seal` seals media and personal fields and rotates (versions count from 1); `index` is what look-ups, links
and certificates derive from and stays; `practice` seals what candidates keep for themselves: it opens in a
candidate's session only, the database hides its row from all others.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, select
from sqlalchemy.util import await_only

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import Problem
from duilian.infra.fields import FieldCipher
from duilian.infra.keys import KEY_BYTES, KeyDestroyed, KeyProvider, KeyUnusable, provider_of
from duilian.infra.settings import Settings
from duilian.tenants.models import Tenant, WrappedTenantKey

SEAL, INDEX, PRACTICE = "seal", "index", "practice"
FORGET_AFTER = 900.0  # seconds


@dataclass(frozen=True)
class OpenTenantKey:
    """A tenant's keys, unwrapped. Never stored, never logged."""

    tenant_id: UUID
    version: int
    versions: Mapping[int, bytes]  # of the seal key
    index: bytes

    def __repr__(self) -> str:
        return f"OpenTenantKey(tenant_id={self.tenant_id}, version={self.version})"

    @property
    def key(self) -> bytes:
        """The seal key of the newest version."""
        return self.versions[self.version]

    @property
    def wrapping(self) -> Mapping[int, AESGCM]:
        """The seal keys as ciphers: every object's data key is wrapped by one of them."""
        return self._ciphers

    @cached_property
    def _ciphers(self) -> Mapping[int, AESGCM]:
        return {number: AESGCM(key) for number, key in self.versions.items()}

    def derive(self, purpose: str) -> bytes:
        """A key for one purpose that outlives rotations (HMAC-SHA-256 as a KDF in counter mode, single block)."""
        return derived(self.index, purpose)

    def cipher(self) -> FieldCipher:
        versions = {number: derived(key, "fields") for number, key in self.versions.items()}
        return FieldCipher(self.tenant_id, versions, self.derive("blind-index"))


def derived(key: bytes, purpose: str) -> bytes:
    return hmac.new(key, b"duilian-derive\0" + purpose.encode(), hashlib.sha256).digest()


@dataclass(frozen=True)
class _Kept:
    epoch: int
    keys: OpenTenantKey
    cipher: FieldCipher
    asked: float  # when a transaction last had the epoch confirmed, by the monotonic clock


class Keyring:
    """Tenant keys by tenant and epoch: a rotation or a destruction raises the epoch, and what is kept is forgotten.

    So is what no transaction has asked for in `FORGET_AFTER`: it does not wait in memory for an epoch to be read.
    """

    def __init__(self, provider: KeyProvider) -> None:
        self.provider = provider
        self._open: dict[UUID, _Kept] = {}  # the longest unasked first

    def unlock(self, connection: Connection, info: dict[Any, Any], epoch: int) -> None:
        """Puts the tenant's keys on the session, or what kept them from opening, to be raised where they are used."""
        tenant_id: UUID = info["tenant_id"]
        self._forget()
        kept = self._open.pop(tenant_id, None)
        try:
            if kept is None or kept.epoch != epoch:
                key = self._unwrapped(connection, tenant_id)
                kept = _Kept(epoch, key, key.cipher(), 0)
                audit.note(info, "key.opened", "key", f"{SEAL}:{key.version}")
            self._open[tenant_id] = replace(kept, asked=time.monotonic())
            info["keys"], info["cipher"] = kept.keys, kept.cipher
        except Problem as problem:
            info["keys"] = info["cipher"] = problem

    def _forget(self) -> None:
        oldest = time.monotonic() - FORGET_AFTER
        while self._open and next(iter(self._open.values())).asked < oldest:
            del self._open[next(iter(self._open))]

    def _unwrapped(self, connection: Connection, tenant_id: UUID) -> OpenTenantKey:
        columns = (WrappedTenantKey.purpose, WrappedTenantKey.version, WrappedTenantKey.wrapped)
        rows = connection.execute(select(*columns).where(WrappedTenantKey.purpose.in_([SEAL, INDEX]))).all()
        if not rows:
            raise KeyDestroyed
        opened = {
            (purpose, version): await_only(
                asyncio.to_thread(
                    self.provider.unwrap, tenant_id, wrapped, context(tenant_id, purpose, version)
                )
            )
            for purpose, version, wrapped in rows
        }
        versions = {version: key for (purpose, version), key in opened.items() if purpose == SEAL}
        return OpenTenantKey(tenant_id, max(versions), versions, opened[INDEX, 1])

    async def create(self, session: TenantSession) -> None:
        """The lock and the first keys of a new tenant, opened in its session at once."""
        await asyncio.to_thread(self.provider.create_lock, session.tenant_id)
        for purpose in (SEAL, INDEX, PRACTICE):
            await self.add(session, purpose, 1, os.urandom(KEY_BYTES))
        await session.flush()
        connection = await session.connection()
        await connection.run_sync(self.unlock, session.sync_session.info, 0)

    async def add(self, session: TenantSession, purpose: str, version: int, key: bytes) -> None:
        bound = context(session.tenant_id, purpose, version)
        wrapped = await asyncio.to_thread(self.provider.wrap, session.tenant_id, key, bound)
        session.add(WrappedTenantKey(purpose=purpose, version=version, wrapped=wrapped, created_at=now()))

    async def destroy(self, session: TenantSession) -> None:
        """The lock, for good, and the wrapped keys that the session may see. May be repeated.

        The lock goes first: should we die in between, the copies are already unreadable and a repetition does the rest.
        """
        tenant = await session.get_one(Tenant, session.tenant_id, with_for_update=True)
        await asyncio.to_thread(self.provider.destroy_lock, session.tenant_id)
        await session.execute(delete(WrappedTenantKey))
        tenant.key_epoch += 1
        audit.record(session, "key.destroyed", "key", "all")

    async def practice(self, session: TenantSession) -> bytes:
        """The key of what candidates keep for themselves. Raises KeyUnusable outside a candidate's session."""
        row = await session.scalar(select(WrappedTenantKey).where(WrappedTenantKey.purpose == PRACTICE))
        if session.access.candidate_id is None or row is None:
            raise KeyUnusable(reason="practice opens for its candidate only")
        bound = context(session.tenant_id, PRACTICE, row.version)
        key = await asyncio.to_thread(self.provider.unwrap, session.tenant_id, row.wrapped, bound)
        return derived(key, f"practice|{session.access.candidate_id}")


def keys_of(session: TenantSession) -> OpenTenantKey:
    """The session's tenant's keys. Raises KeyUnusable where they were destroyed, Unavailable where out of reach."""
    keys = session.sync_session.info.get("keys")
    if isinstance(keys, Exception):
        raise keys
    if not isinstance(keys, OpenTenantKey):
        raise KeyUnusable(reason="the database was opened without keys")
    return keys


def open_keyring(settings: Settings) -> Keyring:
    return Keyring(provider_of(settings))


def open_database(settings: Settings, keyring: Keyring, pool: int | None = None) -> Database:
    """The application's database, whose sessions open the keys of their tenant."""
    return Database(settings.database_url, pool or settings.database_pool, keyring.unlock)


def context(tenant_id: UUID, purpose: str, version: int) -> bytes:
    """What a wrapped key is bound to."""
    return f"duilian-tenant-key|{tenant_id}|{purpose}|{version}".encode()
