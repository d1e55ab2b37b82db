"""A ZIP file that is sent while it is made: members come as pieces of bytes, nothing is kept whole in memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Member:
    """A file in the ZIP. compressed: not for recordings, which are compressed already."""

    name: str
    pieces: AsyncIterator[bytes]
    compressed: bool = True


class _Pipe(io.RawIOBase):
    """What zipfile writes into; it cannot be sought, so sizes follow each member's data."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]  # a buffer in the base
        self._pieces.append(bytes(data))
        return len(data)

    def drain(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


async def zipped(members: AsyncIterator[Member], at: datetime) -> AsyncIterator[bytes]:
    """at: the time that every file in it carries."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        async for member in members:
            info = zipfile.ZipInfo(member.name, at.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED if member.compressed else zipfile.ZIP_STORED
            with archive.open(info, "w", force_zip64=True) as file:
                async for piece in member.pieces:
                    file.write(piece)
                    yield pipe.drain()
            yield pipe.drain()
    yield pipe.drain()


async def whole(content: bytes) -> AsyncIterator[bytes]:
    """Content that is at hand, as pieces."""
    yield content
