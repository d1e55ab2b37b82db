"""WebSockets as browsers and programs open them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from world import World

Document = dict[str, Any]


def candidate_socket(world: World, token: str, slug: str = "") -> ClientConnection:
    """The candidate's channel; the token travels as a subprotocol."""
    address = f"{socket_url(world)}/api/v1/t/{slug or world.slug}/interview/live"
    return connect(address, subprotocols=["duilian.live", f"token.{token}"], open_timeout=20)  # type: ignore[list-item]


def console_socket(
    world: World, client: httpx.Client, interview: str, origin: str | None = None
) -> ClientConnection:
    """A page's socket: the cookie of a signed-in member, and where the page came from."""
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return connect(
        f"{socket_url(world)}/console/interviews/{interview}/live/feed",
        additional_headers={"Cookie": cookie} if cookie else {},
        origin=origin if origin is not None else world.url,  # type: ignore[arg-type]
        open_timeout=20,
    )


def api_socket(world: World, key: str, interview: str) -> ClientConnection:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return connect(
        f"{socket_url(world)}/api/v1/interviews/{interview}/live", additional_headers=headers, open_timeout=20
    )


def socket_url(world: World) -> str:
    return world.url.replace("http", "ws", 1)


def refused(open_it: Callable[[], ClientConnection]) -> bool:
    """Whether the handshake was turned down, or the socket closed with a reason before anything was told."""
    try:
        with open_it() as socket:
            socket.recv(timeout=20)
    except InvalidStatus as error:
        return error.response.status_code in (401, 403, 404)
    except ConnectionClosed as error:
        return error.rcvd is not None and error.rcvd.code >= 4400
    return False


def told(socket: ClientConnection, wanted: Callable[[Document], bool], within: float = 30) -> Document:
    """The first message that is wanted."""
    deadline = time.monotonic() + within
    seen: list[Document] = []
    while True:
        left = deadline - time.monotonic()
        assert left > 0, seen[-5:]
        try:
            message = json.loads(socket.recv(timeout=left))
        except TimeoutError:
            raise AssertionError(seen[-5:]) from None
        seen.append(message)
        if wanted(message):
            return message
