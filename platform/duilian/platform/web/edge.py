"""What every handler's edge shares: the caller's network address, and flash messages in a short-lived cookie."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.response import Redirect

AnyRequest = Request[Any, Any, Any]  # Any: the edge knows nothing of user, auth or state
FLASH = "duilian_flash"


def network_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    return connection.client.host if connection.client else "unknown"


def back_to(path: str, kind: str = "", message: str = "") -> Redirect:
    """See-other to `path`, with a message for the next page. kind: "success", "warning" or "error"."""
    cookies: list[Cookie] = []
    if message:
        value = urlsafe_b64encode(json.dumps([kind, message]).encode()).decode()
        cookies = [Cookie(key=FLASH, value=value, max_age=30, httponly=True, samesite="lax")]
    return Redirect(path, status_code=303, cookies=cookies)


def flash_of(request: AnyRequest) -> tuple[str, str] | None:
    """The message that the redirect left, if any."""
    value = request.cookies.get(FLASH)
    if not value:
        return None
    try:
        kind, message = json.loads(urlsafe_b64decode(value))
    except ValueError:  # somebody else's cookie
        return None
    return str(kind), str(message)


def without_flash(response: Response[Any]) -> Response[Any]:
    response.delete_cookie(FLASH)
    return response
