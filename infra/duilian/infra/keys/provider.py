"""What holds the keys above the tenants' keys, outside the database and the bucket.

Two keys lie over each key of a tenant: the tenant's lock, made with the tenant and destroyed with it, and around
that the master key. The master rotates without touching the locks; a destroyed lock makes every copy of what it
wrapped useless, whoever holds the master key (docs/decisions/0007).

Wrapped: magic "DLWK" ‖ length of the version (u8) ‖ version ‖ ciphertext, once for the lock and around it once for
the master. Each provider names versions in its own way: a number, or the identifier of a key.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from duilian.infra.keys.errors import KeyDestroyed, KeyUnusable

MASTER = "master"
_MAGIC = b"DLWK"


@dataclass(frozen=True)
class Wrapped:
    """A ciphertext and the version of the key that made it."""

    version: str
    ciphertext: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Wrapped:
        start = len(_MAGIC) + 1
        end = start + raw[start - 1] if raw.startswith(_MAGIC) and len(raw) > start else 0
        version = raw[start:end]
        if not version or not version.isascii() or end >= len(raw):
            raise KeyUnusable(reason="these bytes are no wrapped key")
        return cls(version.decode("ascii"), raw[end:])

    def __bytes__(self) -> bytes:
        version = self.version.encode("ascii")
        return _MAGIC + bytes([len(version)]) + version + self.ciphertext


class KeyProvider(ABC):
    """Holds a master key and a lock per tenant and never shows them. Calls block; those over a network for 5 s at
    most. Every method raises KeyServiceDown where the provider cannot be asked: never is another key used instead.
    """

    name: ClassVar[str]
    place: str  # where it is, for people

    def wrap(self, tenant_id: UUID, key: bytes, context: bytes) -> bytes:
        """key under the tenant's lock and the newest master key, bound to `context` (UTF-8 text).

        Raises KeyDestroyed where the tenant has no lock.
        """
        return self._under(MASTER, self._under(lock_name(tenant_id), key, context), context)

    def unwrap(self, tenant_id: UUID, wrapped: bytes, context: bytes) -> bytes:
        """Raises KeyUnusable where bytes or context were altered, KeyDestroyed where the lock is gone."""
        return self._out_of(lock_name(tenant_id), self._out_of(MASTER, wrapped, context), context)

    def rewrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The same under the newest master key. The tenant's key is not opened for it."""
        return self._under(MASTER, self._out_of(MASTER, wrapped, context), context)

    def is_current(self, wrapped: bytes) -> bool:
        """Whether the newest master key wrapped it."""
        return master_version(wrapped) == self.newest(MASTER)

    def create_master(self) -> None:
        """Makes the master key, unless there is one already."""
        if not self._exists(MASTER):
            self._create(MASTER)

    def rotate_master(self) -> str:
        """A new version, which wraps from now on; the earlier ones still unwrap. Its name."""
        self._rotate(MASTER)
        return self.newest(MASTER)

    def create_lock(self, tenant_id: UUID) -> None:
        """Makes the tenant's lock, unless there is one already."""
        if not self._exists(lock_name(tenant_id)):
            self._create(lock_name(tenant_id))

    def destroy_lock(self, tenant_id: UUID) -> None:
        """For good. Destroying what is not there is no error: a repeated job does no harm."""
        if self._exists(lock_name(tenant_id)):
            self._destroy(lock_name(tenant_id))

    def check(self) -> str:
        """Seals and opens with the master key; what was found, in a few words. Raises what is wrong."""
        probe = bytes(16)
        if self._out_of(MASTER, self._under(MASTER, probe, b"check"), b"check") != probe:
            raise KeyUnusable(reason="the master key does not open what it sealed")
        return f"{self.name} {self.place}: master key version {self.newest(MASTER)} seals and opens"

    @abstractmethod
    def newest(self, name: str) -> str:
        """The version of the key `name` that wraps. Raises KeyDestroyed."""

    def _under(self, name: str, plaintext: bytes, context: bytes) -> bytes:
        return bytes(self._encrypt(name, plaintext, context))

    def _out_of(self, name: str, raw: bytes, context: bytes) -> bytes:
        return self._decrypt(name, Wrapped.parse(raw), context)

    def _exists(self, name: str) -> bool:
        try:
            return bool(self.newest(name))
        except KeyDestroyed:
            return False

    @abstractmethod
    def _create(self, name: str) -> None: ...

    @abstractmethod
    def _rotate(self, name: str) -> None: ...

    @abstractmethod
    def _destroy(self, name: str) -> None: ...

    @abstractmethod
    def _encrypt(self, name: str, plaintext: bytes, context: bytes) -> Wrapped: ...

    @abstractmethod
    def _decrypt(self, name: str, wrapped: Wrapped, context: bytes) -> bytes: ...


def lock_name(tenant_id: UUID) -> str:
    """The name of a tenant's lock at the provider."""
    return f"tenant-{tenant_id}"


def master_version(wrapped: bytes) -> str:
    """The version of the master key that wrapped it."""
    return Wrapped.parse(wrapped).version
