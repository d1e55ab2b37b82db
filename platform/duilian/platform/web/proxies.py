"""Whose request it is, behind proxies of ours: the address that the first of them saw."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from litestar.types import ASGIApp, Receive, Scope, Send

from duilian.infra.settings import Settings, WrongSetting

Network = IPv4Network | IPv6Network


def trusted_networks(settings: Settings) -> list[Network]:
    """Raises WrongSetting."""
    try:
        return [ip_network(part.strip()) for part in settings.trusted_proxies.split(",") if part.strip()]
    except ValueError as error:
        name = "DUILIAN_TRUSTED_PROXIES"
        raise WrongSetting(name=name, source="settings", reason=str(error)) from error


class TrustedProxies:
    """Puts the caller's address into the scope where the peer is one of our proxies; others are taken at no word."""

    def __init__(self, app: ASGIApp, trusted: list[Network]) -> None:
        self._app, self._trusted = app, trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and self._trusted and (peer := scope.get("client")):
            hops = [v.decode("latin-1") for k, v in scope["headers"] if k.lower() == b"x-forwarded-for"]
            scope["client"] = (self.caller(str(peer[0]), ",".join(hops)), peer[1])
        await self._app(scope, receive, send)

    def caller(self, peer: str, forwarded: str) -> str:
        """The nearest address that is not a proxy of ours; the header is read from its end, as its beginning is free text."""
        caller = peer
        for hop in [h.strip() for h in reversed(forwarded.split(",")) if h.strip()]:
            if not self._is_ours(caller):
                return caller
            try:
                caller = str(ip_address(hop))
            except ValueError:
                return caller
        return caller

    def _is_ours(self, address: str) -> bool:
        try:
            number = ip_address(address)
        except ValueError:  # a socket without an address
            return False
        return any(number in network for network in self._trusted)
