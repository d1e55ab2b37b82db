"""What the live WebSockets share: refusing before the handshake, whose page it is, closing with a reason.

Close codes are 4000 and the status that HTTP would have: 4401, 4403, 4404, 4409, 4429. Before the handshake a browser
sees 403 for all of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from litestar import WebSocket
from litestar.connection import ASGIConnection
from litestar.exceptions import WebSocketDisconnect, WebSocketException
from litestar.handlers import BaseRouteHandler

from duilian.infra.errors import Forbidden, Problem

AnySocket = WebSocket[Any, Any, Any]  # Any: the actor lies in the connection's own state
AnyConnection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[AnyConnection, BaseRouteHandler], Awaitable[None]]


class WrongOrigin(Forbidden):
    code = "wrong-origin"
    zh = "连接来自其他网站。"
    en = "The connection was opened by another site."


def close_code(problem: Problem) -> int:
    return 4000 + problem.status


def for_socket(guard: Guard) -> Guard:
    """The guard of a page, for a socket: what it refuses becomes a close with its code."""

    async def guarded(connection: AnyConnection, handler: BaseRouteHandler) -> None:
        try:
            await guard(connection, handler)
        except Problem as problem:
            raise WebSocketException(code=close_code(problem), detail=problem.code) from problem

    return guarded


def same_site(connection: AnyConnection) -> None:
    """A cookie travels with a socket that any site opens: only a page of ours may use it. Raises WrongOrigin."""
    origin = connection.headers.get("origin", "")
    if urlsplit(origin).netloc != connection.headers.get("host", ""):
        raise WrongOrigin


async def closed(socket: AnySocket, problem: Problem) -> None:
    """Close with the problem's code, unless the other side went first."""
    try:
        await socket.close(code=close_code(problem), reason=problem.code)
    except (WebSocketDisconnect, WebSocketException, RuntimeError):
        return
