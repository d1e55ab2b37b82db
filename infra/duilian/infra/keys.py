"""Keys (信封加密, envelope encryption): master key → tenant key → data key per object.

`KeyProvider` wraps and unwraps tenant keys; `FileKeyProvider` holds the master key in a file of mode 0600. All
wrapping is AES-256-GCM (NIST SP 800-38D) with associated data that binds the ciphertext to what it belongs to.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from duilian.infra.errors import Problem

KEY_BYTES = 32
NONCE_BYTES = 12


class KeyUnusable(Problem):
    code = "key-unusable"
    zh = "密钥无法使用：{reason}"
    en = "The key cannot be used: {reason}"


class KeyProvider(Protocol):
    """Holds the master key and never shows it."""

    def wrap(self, key: bytes, context: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Raises KeyUnusable where the bytes or the context were altered."""
        ...


def wrap(outer: bytes, key: bytes, context: bytes) -> bytes:
    """nonce ‖ ciphertext ‖ tag."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(outer).encrypt(nonce, key, context)


def unwrap(outer: bytes, wrapped: bytes, context: bytes) -> bytes:
    try:
        return AESGCM(outer).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
    except InvalidTag as error:
        raise KeyUnusable(reason="the wrapped key or what it is bound to was altered") from error


class FileKeyProvider:
    """Master key in a file: base64 of 32 bytes."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise KeyUnusable(reason=f"there is no master key at {path} (setting DUILIAN_MASTER_KEY_FILE)")
        if path.stat().st_mode & 0o077:
            raise KeyUnusable(reason=f"{path} can be read by others; run chmod 600 on it")
        self._key = base64.b64decode(path.read_text().strip())
        if len(self._key) != KEY_BYTES:
            raise KeyUnusable(reason=f"{path} does not hold {KEY_BYTES} bytes in base64")

    @staticmethod
    def create(path: Path) -> None:
        """A new master key, unless there is one already."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")

    def wrap(self, key: bytes, context: bytes) -> bytes:
        return wrap(self._key, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        return unwrap(self._key, wrapped, context)
