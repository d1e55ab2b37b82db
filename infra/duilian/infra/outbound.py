"""Calling an address that a tenant may enter (SSRF guard): the only way out to hosts we did not choose ourselves.

https only; the name is resolved here, every address it has must be public, and the connection goes to one of those
very addresses, so that a name which answers differently a moment later (DNS rebinding) gains nothing. A redirect is
handed back, never followed. What comes back is bounded in bytes and in seconds.

    async with outbound.client(Rules.of(settings)) as http:
        answer = await http.get(url)

Libraries that bring an httpx client of their own take `GuardedTransport(rules)` as its transport.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import httpx

from duilian.infra.errors import Unavailable, Unprocessable
from duilian.infra.settings import Settings

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[Address]]]

# Not public although the standard library's registry may call them so (IANA special-purpose registries, RFC 6890).
_CLOSED_4 = [
    IPv4Network(n)
    for n in (
        "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # the host of a virtual machine on Azure: metadata at a public number
    )
]  # fmt: skip
_OPEN_6 = IPv6Network("2000::/3")  # global unicast; everything else is somebody's own
_CLOSED_6 = [IPv6Network(n) for n in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_CARRIERS = [IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96")]  # mapped, NAT64


class AddressRefused(Unprocessable):
    code = "address-refused"
    zh = "这不是可以访问的网址，请填写完整的 https 地址，不要包含用户名或密码。"
    en = "This is no address that can be called. Give a whole https address without a user name or password."


class NotHttps(AddressRefused):
    code = "address-not-https"
    zh = "只能访问 https 地址。"
    en = "Only https addresses can be called."


class NotPublic(AddressRefused):
    """A name without an address looks the same: who asks shall not learn which internal names exist."""

    code = "address-not-public"
    zh = "从公网无法访问「{host}」，请填写公网地址。"
    en = "“{host}” cannot be reached from the internet. Give a public address."


class PartnerUnavailable(Unavailable):
    """reason: one technical word."""

    code = "partner-unavailable"
    zh = "对方的服务没有正常应答（{reason}）。请稍后再试，或联系对方的管理员。"
    en = "The other side did not answer as it should ({reason}). Try again later or ask its administrator."


@dataclass(frozen=True)
class Rules:
    """loopback: http and https to this very machine too, for tests. seconds: for the whole exchange. bytes: of the answer."""

    loopback: bool = False
    seconds: float = 10.0
    bytes: int = 1024 * 1024

    @staticmethod
    def of(settings: Settings) -> Rules:
        """In production the loopback stays closed, whatever the setting says."""
        return Rules(loopback=settings.outbound_loopback and settings.environment == "development")


def is_public(address: Address) -> bool:
    """Whether anybody's packet could reach it over the internet. IPv4 inside IPv6 is judged as IPv4."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _CLOSED_4)
    if any(address in network for network in _CARRIERS):
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _OPEN_6 and not any(address in network for network in _CLOSED_6)


def checked_url(url: str | httpx.URL, rules: Rules) -> httpx.URL:
    """The address, if its form is allowed; for the moment at which a tenant enters it. Raises AddressRefused, NotHttps."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise AddressRefused from error
    if parsed.scheme != "https" and not (rules.loopback and parsed.scheme == "http"):
        raise NotHttps
    if not parsed.host or parsed.userinfo:
        raise AddressRefused
    return parsed


async def resolve(host: str, port: int) -> list[Address]:
    """Every address of a name, by the system's resolver; a number is its own. Raises NotPublic for an unknown name."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotPublic(host=host) from error
    numbers = [str(where[0]).partition("%")[0] for *_, where in found]
    return [ip_address(number) for number in dict.fromkeys(numbers)]


class GuardedTransport(httpx.AsyncBaseTransport):
    """An httpx transport that keeps the rules. verify: TLS trust, for tests with an authority of their own."""

    def __init__(
        self, rules: Rules, *, resolve: Resolve = resolve, verify: ssl.SSLContext | bool = True
    ) -> None:
        self.rules = rules
        self._resolve = resolve
        # No connection is used twice: it was opened for one name, and another name may share the address.
        limits = httpx.Limits(max_connections=20, max_keepalive_connections=0)
        self._inner = httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises AddressRefused, PartnerUnavailable."""
        ends = asyncio.get_running_loop().time() + self.rules.seconds
        try:
            async with asyncio.timeout_at(ends):
                response = await self._sent(request)
        except TimeoutError as error:
            raise PartnerUnavailable(reason="timeout") from error
        except httpx.TransportError as error:
            raise PartnerUnavailable(reason=type(error).__name__) from error
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()  # a small packed answer could unpack to any size
            raise PartnerUnavailable(reason="packed")
        stream = _Bounded(response, self.rules.bytes, ends)
        return httpx.Response(
            response.status_code, headers=response.headers, stream=stream, extensions=response.extensions
        )

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        """From the first of the name's addresses that takes the connection."""
        url = checked_url(request.url, self.rules)
        port = url.port or (443 if url.scheme == "https" else 80)
        addresses = await self._resolve(url.host, port)
        _refuse_private(url, addresses, self.rules)
        for address in addresses[:-1]:
            try:
                return await self._inner.handle_async_request(_aimed(request, address))
            except httpx.ConnectError:
                continue
        return await self._inner.handle_async_request(_aimed(request, addresses[-1]))

    async def aclose(self) -> None:
        await self._inner.aclose()


def _refuse_private(url: httpx.URL, addresses: list[Address], rules: Rules) -> None:
    """One address that is not public is enough: nobody needs such a mixture but who wants to get in."""
    local = bool(addresses) and all(address.is_loopback for address in addresses)
    if rules.loopback and local:
        return
    if url.scheme != "https":
        raise NotHttps
    if not addresses or not all(map(is_public, addresses)):
        raise NotPublic(host=url.host)


def _aimed(request: httpx.Request, address: Address) -> httpx.Request:
    """The request to the number; Host and the certificate's name stay those of the address that was entered."""
    headers = request.headers.copy()
    headers["Accept-Encoding"] = "identity"
    extensions: dict[str, Any] = {**request.extensions, "sni_hostname": request.url.host}  # Any: httpx's own
    url = request.url.copy_with(host=str(address))
    return httpx.Request(request.method, url, headers=headers, stream=request.stream, extensions=extensions)


class _Bounded(httpx.AsyncByteStream):
    """The answer's body, up to so many bytes and until a moment of the loop's clock."""

    def __init__(self, response: httpx.Response, limit: int, ends: float) -> None:
        self._response, self._left, self._ends = response, limit, ends

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = self._response.aiter_raw()
        try:
            while True:
                async with asyncio.timeout_at(self._ends):
                    piece = await anext(pieces, None)
                if piece is None:
                    return
                self._left -= len(piece)
                if self._left < 0:
                    raise PartnerUnavailable(reason="too-large")
                yield piece
        except TimeoutError as error:
            raise PartnerUnavailable(reason="timeout") from error
        except httpx.TransportError as error:
            raise PartnerUnavailable(reason=type(error).__name__) from error

    async def aclose(self) -> None:
        await self._response.aclose()


def client(rules: Rules, **options: Any) -> httpx.AsyncClient:
    """options: of httpx.AsyncClient, but transport, proxies and redirects, which stay as they are here."""
    settled = {"transport": GuardedTransport(rules), "trust_env": False, "follow_redirects": False}
    every: dict[str, Any] = {**options, **settled}
    return httpx.AsyncClient(**every)
