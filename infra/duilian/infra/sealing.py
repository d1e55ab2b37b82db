"""Sealed objects: AES-256-GCM in frames, so that a byte range opens without reading the whole.

Layout: header (24 + 60 bytes) ‖ frames. Header: magic "DLSEAL02", frame size (u32), tenant key version (u32),
plaintext size (u64), then the data key wrapped by the tenant key. Each frame holds up to `FRAME` bytes of
plaintext and a 16-byte tag; its nonce is its number (the data key serves one object only) and its associated
data is sha256(context ‖ magic ‖ frame size ‖ plaintext size) ‖ number, so that frames cannot be moved, dropped, or
shown as another's. What a rotation changes, the key version and the wrapped data key, is bound to the context by
the wrapping itself and not by the frames: `rewrapped` replaces the header and leaves every frame as it is.

"DLSEAL01" objects, whose frames were bound to the whole header, still open; a rotation seals them anew.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from duilian.infra import keys
from duilian.infra.errors import Problem

FRAME = 512 * 1024  # bytes; each costs a call and its start, which half of it would let be felt
LARGEST_FRAME = 16 * 1024 * 1024
TAG = 16
_HEAD = struct.Struct(">8sIIQ")
_BOUND = struct.Struct(">8sIQ")  # what of it the frames are bound to
_MAGIC, _FIRST_MAGIC = b"DLSEAL02", b"DLSEAL01"
_WRAPPED = keys.NONCE_BYTES + keys.KEY_BYTES + TAG
HEADER_BYTES = _HEAD.size + _WRAPPED
Bytes = bytes | memoryview
_ALTERED = (InvalidTag, ValueError)  # ValueError: a piece shorter than its tag, or than its frame


class SealBroken(Problem):
    code = "seal-broken"
    zh = "存储的内容已被改动或损坏，无法打开。"
    en = "The stored content was altered or damaged and cannot be opened."


class Header(NamedTuple):
    """What the first `HEADER_BYTES` of a sealed object say."""

    raw: bytes
    magic: bytes
    frame: int
    key_version: int
    size: int  # of the plaintext
    wrapped: bytes

    @classmethod
    def parse(cls, raw: Bytes) -> Header:
        if len(raw) < HEADER_BYTES:
            raise SealBroken
        raw = bytes(raw[:HEADER_BYTES])
        magic, frame, version, size = _HEAD.unpack_from(raw)
        if magic not in (_MAGIC, _FIRST_MAGIC) or not 0 < frame <= LARGEST_FRAME:
            raise SealBroken
        return cls(raw, magic, frame, version, size, raw[_HEAD.size :])

    @property
    def rewrappable(self) -> bool:
        return self.magic == _MAGIC

    @property
    def frames(self) -> int:
        return max(1, -(-self.size // self.frame))

    @property
    def sealed_size(self) -> int:
        return HEADER_BYTES + self.size + self.frames * TAG

    def data_key(self, tenant_key: keys.Outer, context: bytes) -> bytes:
        return keys.unwrap(tenant_key, self.wrapped, context + self.raw[: _HEAD.size])

    def bound(self, context: bytes) -> bytes:
        """What every frame is bound to."""
        said = _BOUND.pack(self.magic, self.frame, self.size) if self.rewrappable else self.raw
        return hashlib.sha256(context + said).digest()


def _made(
    data_key: bytes, size: int, frame: int, tenant_key: keys.Outer, version: int, context: bytes
) -> Header:
    head = _HEAD.pack(_MAGIC, frame, version, size)
    wrapped = keys.wrap(tenant_key, data_key, context + head)
    return Header(head + wrapped, _MAGIC, frame, version, size, wrapped)


def seal(plaintext: Bytes, tenant_key: keys.Outer, key_version: int, context: bytes) -> bytes:
    """context: what the object is bound to (tenant and object key)."""
    data_key, view = os.urandom(keys.KEY_BYTES), memoryview(plaintext)
    header = _made(data_key, len(view), FRAME, tenant_key, key_version, context)
    bound, cipher = header.bound(context), AESGCM(data_key)
    sealed = io.BytesIO(bytes(header.sealed_size))  # written in place, then given away without a copy
    with sealed.getbuffer() as out:
        out[:HEADER_BYTES] = header.raw
        position = HEADER_BYTES
        for number in range(header.frames):
            nonce, piece = _nonce(number), view[number * FRAME : (number + 1) * FRAME]
            end = position + len(piece) + TAG
            # No name for the slice of `out`: while one is held, getvalue() has to copy.
            position += cipher.encrypt_into(nonce, piece, bound + nonce, out[position:end])
    return sealed.getvalue()


def unseal(sealed: Bytes, tenant_key: keys.Outer, context: bytes) -> bytes:
    """The whole plaintext. Raises SealBroken, KeyUnusable."""
    header = Header.parse(sealed)
    if len(sealed) != header.sealed_size:
        raise SealBroken
    cipher, bound = AESGCM(header.data_key(tenant_key, context)), header.bound(context)
    view, frame, stride = memoryview(sealed)[HEADER_BYTES:], header.frame, header.frame + TAG
    try:
        if len(view) <= stride:
            return cipher.decrypt(_nonce(0), view, bound + _nonce(0))
        plain = io.BytesIO(bytes(header.size))
        with plain.getbuffer() as out:
            for number in range(header.frames):
                nonce, piece = _nonce(number), view[number * stride : (number + 1) * stride]
                cipher.decrypt_into(nonce, piece, bound + nonce, out[number * frame : (number + 1) * frame])
    except _ALTERED as error:
        raise SealBroken from error
    return plain.getvalue()


def unseal_range(
    header: Header,
    tenant_key: keys.Outer,
    context: bytes,
    start: int,
    end: int,
    read: Callable[[int, int], bytes],
) -> Iterator[bytes]:
    """Plaintext bytes [start, end), frame by frame. read(a, b) gives bytes [a, b) of the sealed object."""
    cipher, bound = AESGCM(header.data_key(tenant_key, context)), header.bound(context)
    first, last = start // header.frame, max(start, end - 1) // header.frame
    stride = header.frame + TAG
    block = memoryview(
        read(HEADER_BYTES + first * stride, min(header.sealed_size, HEADER_BYTES + (last + 1) * stride))
    )
    for number in range(first, last + 1):
        nonce, piece = _nonce(number), block[(number - first) * stride : (number - first + 1) * stride]
        try:
            plain = cipher.decrypt(nonce, piece, bound + nonce)
        except _ALTERED as error:
            raise SealBroken from error
        frame_start = number * header.frame
        yield plain[max(0, start - frame_start) : max(0, end - frame_start)]


def rewrapped(
    header: Header, old_key: keys.Outer, new_key: keys.Outer, version: int, context: bytes
) -> Header:
    """The header with its data key under another tenant key; the frames after it stay as they are."""
    if not header.rewrappable:
        raise SealBroken
    data_key = header.data_key(old_key, context)
    return _made(data_key, header.size, header.frame, new_key, version, context)


def _nonce(number: int) -> bytes:
    return number.to_bytes(keys.NONCE_BYTES, "big")
