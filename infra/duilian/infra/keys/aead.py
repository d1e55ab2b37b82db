"""AES-256-GCM (NIST SP 800-38D) around a key: nonce ‖ ciphertext ‖ tag."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from duilian.infra.keys.errors import KeyOutdated, KeyUnusable

KEY_BYTES = 32
NONCE_BYTES = 12
T = TypeVar("T")
Outer = (
    bytes | AESGCM
)  # a key, or the cipher made of one that is used again and again: making it takes a microsecond


def wrap(outer: Outer, key: bytes, context: bytes) -> bytes:
    """key under `outer`, bound to `context` by associated data."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(outer).encrypt(nonce, key, context)


def unwrap(outer: Outer, wrapped: bytes, context: bytes) -> bytes:
    """Raises KeyUnusable where the bytes or the context were altered."""
    try:
        return _cipher(outer).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:  # ValueError: shorter than a nonce
        raise KeyUnusable(reason="the wrapped key or what it is bound to was altered") from error


def _cipher(outer: Outer) -> AESGCM:
    return AESGCM(outer) if isinstance(outer, bytes) else outer


def of_version(versions: Mapping[int, T], version: int) -> T:
    """The key of a version. Raises KeyOutdated where it is newer than all of them, KeyUnusable where it is gone."""
    if version in versions:
        return versions[version]
    if version > max(versions):
        raise KeyOutdated
    raise KeyUnusable(reason=f"there is no version {version} of the key any more")
