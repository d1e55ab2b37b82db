"""Sealed objects: AES-256-GCM in frames, so that a byte range opens without reading the whole.

Layout: header (24 + 60 bytes) ‖ frames. Header: magic "DLSEAL01", frame size (u32), tenant key version (u32),
plaintext size (u64), then the data key wrapped by the tenant key. Each frame holds up to `FRAME` bytes of
plaintext and a 16-byte tag; its nonce is its number (the data key serves one object only) and its associated
data is sha256(context ‖ header) ‖ number, so that frames cannot be moved, dropped, or shown as another's.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from duilian.infra import keys
from duilian.infra.errors import Problem

FRAME = 64 * 1024
TAG = 16
_HEAD = struct.Struct(">8sIIQ")
_MAGIC = b"DLSEAL01"
_WRAPPED = keys.NONCE_BYTES + keys.KEY_BYTES + TAG
HEADER_BYTES = _HEAD.size + _WRAPPED


class SealBroken(Problem):
    code = "seal-broken"
    zh = "存储的内容已被改动或损坏，无法打开。"
    en = "The stored content was altered or damaged and cannot be opened."


@dataclass(frozen=True)
class Header:
    """What the first `HEADER_BYTES` of a sealed object say."""

    raw: bytes
    frame: int
    key_version: int
    size: int  # of the plaintext
    wrapped: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Header:
        if len(raw) < HEADER_BYTES or not raw.startswith(_MAGIC):
            raise SealBroken
        _, frame, version, size = _HEAD.unpack_from(raw)
        return cls(raw[:HEADER_BYTES], frame, version, size, raw[_HEAD.size : HEADER_BYTES])

    @property
    def sealed_size(self) -> int:
        frames = max(1, -(-self.size // self.frame))
        return HEADER_BYTES + self.size + frames * TAG


def seal(plaintext: bytes, tenant_key: bytes, key_version: int, context: bytes) -> bytes:
    """context: what the object is bound to (tenant and object key)."""
    data_key = os.urandom(keys.KEY_BYTES)
    head = _HEAD.pack(_MAGIC, FRAME, key_version, len(plaintext))
    raw = head + keys.wrap(tenant_key, data_key, context + head)
    bound, cipher = hashlib.sha256(context + raw).digest(), AESGCM(data_key)
    view = memoryview(plaintext)
    frames = [
        cipher.encrypt(_nonce(number), view[start : start + FRAME], bound + _nonce(number))
        for number, start in enumerate(range(0, max(1, len(plaintext)), FRAME))
    ]
    return b"".join([raw, *frames])


def unseal(sealed: bytes, tenant_key: bytes, context: bytes) -> bytes:
    """The whole plaintext. Raises SealBroken."""
    header = Header.parse(sealed)
    if len(sealed) != header.sealed_size:
        raise SealBroken
    return b"".join(unseal_range(header, tenant_key, context, 0, header.size, lambda a, b: sealed[a:b]))


def unseal_range(
    header: Header,
    tenant_key: bytes,
    context: bytes,
    start: int,
    end: int,
    read: Callable[[int, int], bytes],
) -> Iterator[bytes]:
    """Plaintext bytes [start, end). read(a, b) gives bytes [a, b) of the sealed object."""
    data_key = keys.unwrap(tenant_key, header.wrapped, context + header.raw[: _HEAD.size])
    bound, cipher = hashlib.sha256(context + header.raw).digest(), AESGCM(data_key)
    first, last = start // header.frame, max(start, end - 1) // header.frame
    stride = header.frame + TAG
    block = read(HEADER_BYTES + first * stride, min(header.sealed_size, HEADER_BYTES + (last + 1) * stride))
    for number in range(first, last + 1):
        offset = (number - first) * stride
        try:
            plain = cipher.decrypt(_nonce(number), block[offset : offset + stride], bound + _nonce(number))
        except InvalidTag as error:
            raise SealBroken from error
        frame_start = number * header.frame
        yield plain[max(0, start - frame_start) : max(0, end - frame_start)]


def _nonce(number: int) -> bytes:
    return number.to_bytes(keys.NONCE_BYTES, "big")
