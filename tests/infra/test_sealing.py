"""Sealed objects: any range opens, any altered byte is found, nothing opens under another name or key."""

from __future__ import annotations

import hashlib
import os
import struct

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from duilian.infra import keys, sealing
from duilian.infra.sealing import (
    FRAME,
    HEADER_BYTES,
    Header,
    SealBroken,
    rewrapped,
    seal,
    unseal,
    unseal_range,
)

KEY, CONTEXT = os.urandom(32), b"tenant-a/recordings/1"
SIZES = [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME + 17]


@pytest.mark.parametrize("size", SIZES)
def test_round_trip(size: int) -> None:
    plain = os.urandom(size)
    sealed = seal(plain, KEY, 1, CONTEXT)
    assert unseal(sealed, KEY, CONTEXT) == plain
    assert len(sealed) == Header.parse(sealed).sealed_size
    assert size < 32 or plain[:32] not in sealed


@pytest.mark.parametrize(
    ("start", "end"), [(0, 1), (5, FRAME), (FRAME - 1, FRAME + 1), (FRAME, 2 * FRAME), (10, 2 * FRAME + 9)]
)
def test_range_reads_only_its_frames(start: int, end: int) -> None:
    plain = os.urandom(3 * FRAME)
    sealed = seal(plain, KEY, 1, CONTEXT)
    asked: list[tuple[int, int]] = []

    def read(a: int, b: int) -> bytes:
        asked.append((a, b))
        return sealed[a:b]

    assert b"".join(unseal_range(Header.parse(sealed), KEY, CONTEXT, start, end, read)) == plain[start:end]
    [(first, last)] = asked
    assert last - first <= ((end - 1) // FRAME - start // FRAME + 1) * (FRAME + 16)


@pytest.mark.parametrize("position", [0, 8, 12, 16, 30, HEADER_BYTES, HEADER_BYTES + FRAME + 5, -1])
def test_altered_byte_is_found(position: int) -> None:
    sealed = bytearray(seal(os.urandom(2 * FRAME), KEY, 1, CONTEXT))
    sealed[position] ^= 1
    with pytest.raises((SealBroken, keys.KeyUnusable)):
        unseal(bytes(sealed), KEY, CONTEXT)


def test_frames_cannot_be_swapped_or_cut() -> None:
    sealed = seal(os.urandom(2 * FRAME), KEY, 1, CONTEXT)
    stride = FRAME + sealing.TAG
    one, two = sealed[HEADER_BYTES : HEADER_BYTES + stride], sealed[HEADER_BYTES + stride :]
    with pytest.raises(SealBroken):
        unseal(sealed[:HEADER_BYTES] + two + one, KEY, CONTEXT)
    with pytest.raises(SealBroken):
        unseal(sealed[: HEADER_BYTES + stride], KEY, CONTEXT)


def test_nothing_opens_under_another_name_or_key() -> None:
    sealed = seal(b"words", KEY, 1, CONTEXT)
    with pytest.raises(keys.KeyUnusable):
        unseal(sealed, KEY, b"tenant-b/recordings/1")
    with pytest.raises(keys.KeyUnusable):
        unseal(sealed, os.urandom(32), CONTEXT)


def test_what_was_never_sealed_is_refused() -> None:
    with pytest.raises(SealBroken):
        unseal(b"\x1a\x45\xdf\xa3 plain webm" + b"x" * 200, KEY, CONTEXT)


@pytest.mark.parametrize("frame", [0, 2**31])
def test_frame_size_that_cannot_be_is_refused(frame: int) -> None:
    sealed = bytearray(seal(b"words", KEY, 1, CONTEXT))
    struct.pack_into(">I", sealed, 8, frame)
    with pytest.raises(SealBroken):
        unseal(bytes(sealed), KEY, CONTEXT)


def test_rotation_replaces_the_header_and_no_frame() -> None:
    plain, new_key = os.urandom(FRAME + 5), os.urandom(32)
    sealed = seal(plain, KEY, 1, CONTEXT)
    header = rewrapped(Header.parse(sealed), KEY, new_key, 2, CONTEXT)
    rotated = header.raw + sealed[HEADER_BYTES:]
    assert Header.parse(rotated).key_version == 2
    assert unseal(rotated, new_key, CONTEXT) == plain
    with pytest.raises(keys.KeyUnusable):
        unseal(rotated, KEY, CONTEXT)


def test_rotation_needs_the_old_key_and_the_context() -> None:
    header = Header.parse(seal(b"words", KEY, 1, CONTEXT))
    for key, context in ((os.urandom(32), CONTEXT), (KEY, b"tenant-b/recordings/1")):
        with pytest.raises(keys.KeyUnusable):
            rewrapped(header, key, os.urandom(32), 2, context)


@pytest.mark.parametrize("position", [8, 12, 16, 30])
def test_rotated_header_cannot_be_altered(position: int) -> None:
    sealed = seal(os.urandom(2 * FRAME), KEY, 1, CONTEXT)
    header = bytearray(rewrapped(Header.parse(sealed), KEY, KEY, 2, CONTEXT).raw)
    header[position] ^= 1
    with pytest.raises((SealBroken, keys.KeyUnusable)):
        unseal(bytes(header) + sealed[HEADER_BYTES:], KEY, CONTEXT)


def test_header_of_another_object_opens_nothing() -> None:
    one, two = (seal(os.urandom(FRAME), KEY, 1, CONTEXT) for _ in range(2))
    with pytest.raises(SealBroken):
        unseal(one[:HEADER_BYTES] + two[HEADER_BYTES:], KEY, CONTEXT)


def sealed_in_the_first_format(plain: bytes) -> bytes:
    """As 0.1 before rotation wrote it: frames of 64 KiB bound to the whole header."""
    data_key, frame = os.urandom(32), 64 * 1024
    head = struct.pack(">8sIIQ", b"DLSEAL01", frame, 1, len(plain))
    raw = head + keys.wrap(KEY, data_key, CONTEXT + head)
    bound, cipher = hashlib.sha256(CONTEXT + raw).digest(), AESGCM(data_key)
    pieces = [plain[at : at + frame] for at in range(0, len(plain), frame)]
    nonces = [number.to_bytes(12, "big") for number in range(len(pieces))]
    return raw + b"".join(cipher.encrypt(n, p, bound + n) for n, p in zip(nonces, pieces, strict=True))


def test_first_format_still_opens_and_is_not_rewrapped() -> None:
    plain = os.urandom(150_000)
    sealed = sealed_in_the_first_format(plain)
    header = Header.parse(sealed)
    assert unseal(sealed, KEY, CONTEXT) == plain
    part = unseal_range(header, KEY, CONTEXT, 65_000, 140_000, lambda a, b: sealed[a:b])
    assert b"".join(part) == plain[65_000:140_000]
    with pytest.raises(SealBroken):
        rewrapped(header, KEY, KEY, 2, CONTEXT)
    with pytest.raises((SealBroken, keys.KeyUnusable)):
        unseal(b"DLSEAL02" + sealed[8:], KEY, CONTEXT)
