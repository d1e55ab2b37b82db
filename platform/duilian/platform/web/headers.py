"""Security headers on every answer, refusals and static files too."""

from __future__ import annotations

import re

from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "Content-Security-Policy"
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9a-fA-F:]+\](:\d{1,5})?")
HEADERS = {
    POLICY: (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
        "connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Invitation tokens stand in addresses: they must not travel on.
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    # A picture meant for other sites (a logo in an e-mail) says so itself.
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Without includeSubDomains: a tenant's own domain has siblings that are not ours to bind.
HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}


def sockets_of(scope: Scope, *, https: bool) -> str:
    """This very host, for sockets: older browsers do not count them to 'self'. "" where the name is no host's."""
    if scope["type"] != "http":
        return ""
    named = next((v.decode("latin-1") for k, v in scope["headers"] if k.lower() == b"host"), "")
    return f" {'wss' if https else 'ws'}://{named}" if _HOST.fullmatch(named) else ""


class SecurityHeaders:
    """Wraps the whole application. A header that a handler has set stays."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app, self._https = app, https
        self._headers = HEADERS | (HTTPS_ONLY if https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sockets = sockets_of(scope, https=self._https)
        policy = HEADERS[POLICY].replace("connect-src 'self'", f"connect-src 'self'{sockets}")

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                for name, value in {**self._headers, POLICY: policy}.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, complete)
