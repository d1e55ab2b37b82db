"""Over https every cookie is Secure, for this very host and for the whole site: the `__Host-` prefix (RFC 6265bis §4.1.3.2).

Handlers set and read plain names; the prefix is put on and taken off here, so that none can be forgotten. A cookie
without the prefix, as a neighbouring subdomain or a plain http answer could have planted it, is not seen at all.
"""

from __future__ import annotations

from litestar.types import ASGIApp, Message, Receive, Scope, Send

PREFIX = "__Host-"
Headers = list[tuple[bytes, bytes]]


class HostCookies:
    """Wraps the application where it is reached by https."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def prefixed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [_outgoing(name, value) for name, value in message.get("headers", [])]
            await send(message)

        if scope["type"] in ("http", "websocket"):
            scope["headers"] = [_incoming(name, value) for name, value in scope["headers"]]
        await self._app(scope, receive, prefixed)


def _incoming(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    if name.lower() != b"cookie":
        return name, value
    pairs = (pair.strip() for pair in value.decode("latin-1").split(";"))
    ours = [pair.removeprefix(PREFIX) for pair in pairs if pair.startswith(PREFIX)]
    return name, "; ".join(ours).encode("latin-1")


def _outgoing(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    if name.lower() != b"set-cookie":
        return name, value
    pair, *attributes = (part.strip() for part in value.decode("latin-1").split(";"))
    kept = [part for part in attributes if part.partition("=")[0].lower() not in ("path", "domain", "secure")]
    return name, "; ".join([PREFIX + pair, *kept, "Path=/", "Secure"]).encode("latin-1")
