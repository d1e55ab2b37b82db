"""Security headers on every answer, refusals and static files too."""

from __future__ import annotations

from urllib.parse import urlsplit

from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
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


def socket_origin(public_url: str) -> str:
    """Our own address, for sockets: wss://host."""
    parts = urlsplit(public_url)
    return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}"


class SecurityHeaders:
    """Wraps the whole application. A header that a handler has set stays."""

    def __init__(self, app: ASGIApp, *, https: bool, sockets: str) -> None:
        """sockets: where WebSockets may lead; older browsers do not count them to 'self'."""
        self._app = app
        policy = HEADERS["Content-Security-Policy"].replace(
            "connect-src 'self'", f"connect-src 'self' {sockets}"
        )
        self._headers = HEADERS | {"Content-Security-Policy": policy} | (HTTPS_ONLY if https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, complete)
