"""HTTP/1.1 as thin as it gets: one connection, one call after the other, the answer's very bytes.

For a hundred thousand calls the client must cost less than the server. Understands what our server sends:
Content-Length, chunked, and answers without a body.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """headers: names in lower case; values of a name that came twice are joined by a comma."""

    status: int
    headers: dict[str, str]
    body: bytes
    raw: bytes


class Wire:
    """A connection, opened on first use and again when the server has closed it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        request = self._request(method, path, headers, body)
        for again in (True, False):
            reader, writer = self._streams or await self._open()
            try:
                writer.write(request)
                answer = await _answer(reader, method)
            except (
                ConnectionError,
                asyncio.IncompleteReadError,
            ):  # an idle connection may be closed at any time
                await self.close()
                if not again:
                    raise
            else:
                if answer.headers.get("connection", "").lower() == "close":
                    await self.close()
                return answer
        raise AssertionError("the last attempt returns or raises")

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._streams = await asyncio.open_connection(self._host, self._port)
        return self._streams

    def _request(self, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}:{self._port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None


async def _answer(reader: asyncio.StreamReader, method: str) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for name, _, value in (line.partition(":") for line in lines if line):
        known = headers.get(name.lower())
        headers[name.lower()] = f"{known}, {value.strip()}" if known else value.strip()
    status = int(first.split(" ")[1])
    body = await _body(reader, headers) if method != "HEAD" and status not in (204, 304) else b""
    return Answer(status, headers, body, head + body)


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    pieces: list[bytes] = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        pieces.append((await reader.readexactly(size + 2))[:-2])
    await reader.readline()
    return b"".join(pieces)
