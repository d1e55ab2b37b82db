"""Keys in files of mode 0600: the master key in one, each tenant's lock in a folder beside it.

A line is base64 of 32 bytes and the version of its number, from 1; the last wraps, all unwrap. Files are read each
time, so that a rotation by another process is seen at once. For one machine; keep copies apart from backups of
the database and the bucket, and throw away those older than a destruction.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from duilian.infra.keys import aead
from duilian.infra.keys.errors import KeyDestroyed, KeyUnusable
from duilian.infra.keys.provider import MASTER, KeyProvider, Wrapped

LOCKS = "tenant-keys"  # the folder beside the master key


class FileKeyProvider(KeyProvider):
    """Raises KeyUnusable where the master key's file is missing, open to others or damaged."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path, self.place = path, str(path)
        self._versions(MASTER)

    @staticmethod
    def create(path: Path) -> None:
        """A new master key, unless there is one already."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_new(path, [os.urandom(aead.KEY_BYTES)])
        except FileExistsError:
            return

    def unwrap_without_lock(self, wrapped: bytes, context: bytes) -> bytes:
        """What was wrapped before there were locks, by the first master key alone."""
        return aead.unwrap(self._versions(MASTER)[0], wrapped, context)

    def newest(self, name: str) -> str:
        return str(len(self._versions(name)))

    def _create(self, name: str) -> None:
        self._file(name).parent.mkdir(mode=0o700, exist_ok=True)
        with self._alone():
            if not self._file(name).exists():
                _write_new(self._file(name), [os.urandom(aead.KEY_BYTES)])

    def _rotate(self, name: str) -> None:
        with self._alone():
            self._replace(name, [*self._versions(name), os.urandom(aead.KEY_BYTES)])

    def _destroy(self, name: str) -> None:
        """Overwritten before it is removed; a disk that keeps old blocks must itself be encrypted."""
        with self._alone(), suppress(FileNotFoundError), self._file(name).open("r+b") as file:
            file.write(bytes(os.fstat(file.fileno()).st_size))
            file.flush()
            os.fsync(file.fileno())
            self._file(name).unlink()
            _sync_folder(self._file(name).parent)

    def _encrypt(self, name: str, plaintext: bytes, context: bytes) -> Wrapped:
        versions = self._versions(name)
        return Wrapped(str(len(versions)), aead.wrap(versions[-1], plaintext, _bound(name, context)))

    def _decrypt(self, name: str, wrapped: Wrapped, context: bytes) -> bytes:
        versions = self._versions(name)
        number = int(wrapped.version) if wrapped.version.isdecimal() else 0
        if not 0 < number <= len(versions):
            raise KeyUnusable(reason=f"{self._file(name)} has no version {wrapped.version}")
        return aead.unwrap(versions[number - 1], wrapped.ciphertext, _bound(name, context))

    def _file(self, name: str) -> Path:
        return self._path if name == MASTER else self._path.parent / LOCKS / f"{name}.key"

    def _versions(self, name: str) -> list[bytes]:
        path = self._file(name)
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError as error:
            if name != MASTER:
                raise KeyDestroyed from error
            reason = f"there is no master key at {path} (setting DUILIAN_MASTER_KEY_FILE)"
            raise KeyUnusable(reason=reason) from error
        with os.fdopen(descriptor, encoding="ascii") as file:
            if os.fstat(descriptor).st_mode & 0o077:
                raise KeyUnusable(reason=f"{path} can be read by others; run chmod 600 on it")
            return _parsed(path, file.read())

    def _replace(self, name: str, versions: list[bytes]) -> None:
        path = self._file(name)
        new = path.with_name(f".{path.name}.new")
        new.unlink(missing_ok=True)  # left by a rotation that was cut short
        _write_new(new, versions)
        new.replace(path)
        _sync_folder(path.parent)

    @contextmanager
    def _alone(self) -> Generator[None]:
        """One process at a time changes keys."""
        descriptor = os.open(self._path.parent, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _bound(name: str, context: bytes) -> bytes:
    return name.encode() + b"\0" + context


def _parsed(path: Path, text: str) -> list[bytes]:
    try:
        versions = [base64.b64decode(line, validate=True) for line in text.split()]
    except binascii.Error:
        versions = []
    if not versions or any(len(key) != aead.KEY_BYTES for key in versions):
        raise KeyUnusable(reason=f"{path} does not hold {aead.KEY_BYTES} bytes in base64 per line")
    return versions


def _write_new(path: Path, versions: list[bytes]) -> None:
    """Raises FileExistsError; what is there is never overwritten."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(base64.b64encode(key) + b"\n" for key in versions)
        file.flush()
        os.fsync(descriptor)
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
