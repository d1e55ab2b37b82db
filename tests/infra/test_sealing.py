"""Sealed objects: any range opens, any altered byte is found, nothing opens under another name or key."""

from __future__ import annotations

import os

import pytest

from duilian.infra import keys, sealing
from duilian.infra.sealing import FRAME, HEADER_BYTES, Header, SealBroken, seal, unseal, unseal_range

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
    ("start", "end"), [(0, 1), (5, FRAME), (FRAME - 1, FRAME + 1), (FRAME, 2 * FRAME), (10, 150_000)]
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
