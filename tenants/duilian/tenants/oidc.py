"""OpenID Connect, our half (relying party; OpenID Connect Core 1.0 §3.1): authorization code with PKCE, state and nonce.

Nothing here touches the database. Every request leaves through `infra.outbound`, since a tenant enters the issuer. An
identity is returned only when the ID token's signature, issuer, audience, expiry and nonce are right and the
provider says that the e-mail address was verified.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from duilian.infra import outbound
from duilian.infra.outbound import Rules
from duilian.tenants.account_errors import (
    ProviderAnswer,
    ProviderRefused,
    ProviderUnreadable,
    UnverifiedEmail,
    VisitUnknown,
)

WELL_KNOWN = "/.well-known/openid-configuration"
BASIC, POST = "client_secret_basic", "client_secret_post"
SCOPE = "openid email profile"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LEEWAY = 60  # seconds between two clocks


@dataclass(frozen=True)
class Provider:
    """What the tenant's administrator entered. redirect_uri: our address, as registered at the provider."""

    name: str
    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str

    def __repr__(self) -> str:
        return f"Provider({self.issuer}, {self.client_id})"


class Metadata(msgspec.Struct, frozen=True):
    """What discovery says (OpenID Connect Discovery 1.0 §3), as far as we use it."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = (BASIC,)

    @property
    def auth_method(self) -> str:
        """In the body where that is taken: how a header spells a secret is read in different ways."""
        return POST if POST in self.token_endpoint_auth_methods_supported else BASIC


class Token(msgspec.Struct, frozen=True):
    """The token endpoint's answer, or its refusal (RFC 6749 §5)."""

    access_token: str = ""
    id_token: str = ""
    error: str = ""


@dataclass(frozen=True)
class Ticket:
    """One visit to the provider. Its secret lies in the browser's cookie; what travels derives from it."""

    secret: str

    @staticmethod
    def new() -> Ticket:
        return Ticket(secrets.token_urlsafe(32))

    @property
    def state(self) -> str:
        return self._derive("state")

    @property
    def nonce(self) -> str:
        return self._derive("nonce")

    @property
    def verifier(self) -> str:
        """43 characters (RFC 7636 §4.1)."""
        return self._derive("verifier")

    def _derive(self, purpose: str) -> str:
        mac = hmac.new(self.secret.encode(), f"duilian-oidc-{purpose}".encode(), sha256).digest()
        return urlsafe_b64encode(mac).decode().rstrip("=")


@dataclass(frozen=True)
class Identity:
    """Who somebody is at the provider. email: verified by it, lower case."""

    issuer: str
    subject: str
    email: str
    name: str


async def discover(rules: Rules, issuer: str) -> Metadata:
    """Raises ProviderUnreadable, AddressRefused, PartnerUnavailable."""
    async with outbound.client(rules) as http:
        found = await _document(http, issuer.rstrip("/") + WELL_KNOWN, Metadata)
    if found.issuer != issuer:
        raise ProviderUnreadable(reason=f"issuer “{found.issuer}”")
    for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
        outbound.checked_url(address, rules)
    return found


def authorization_url(provider: Provider, metadata: Metadata, ticket: Ticket, locale: str) -> str:
    """Where the browser is sent."""
    return prepare_grant_uri(
        metadata.authorization_endpoint,
        provider.client_id,
        "code",
        redirect_uri=provider.redirect_uri,
        scope=SCOPE,
        state=ticket.state,
        nonce=ticket.nonce,
        code_challenge=create_s256_code_challenge(ticket.verifier),
        code_challenge_method="S256",
        ui_locales=locale,
    )


async def redeem(
    rules: Rules, provider: Provider, metadata: Metadata, ticket: Ticket, answer: dict[str, str]
) -> Identity:
    """answer: the parameters with which the browser came back. Raises VisitUnknown, ProviderRefused,
    ProviderAnswer, UnverifiedEmail."""
    _check_return(provider, ticket, answer)
    async with outbound.client(rules) as http:
        token = await _token(http, provider, metadata, ticket, answer.get("code", ""))
        keys = await _document(http, metadata.jwks_uri, dict[str, Any])
        claims = _verified(provider, ticket, keys, token.id_token)
        if "email" not in claims and metadata.userinfo_endpoint:
            claims |= await _userinfo(http, metadata.userinfo_endpoint, token.access_token, claims["sub"])
    return _identity(provider, claims)


async def _token(
    http: httpx.AsyncClient, provider: Provider, metadata: Metadata, ticket: Ticket, code: str
) -> Token:
    """The code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5)."""
    client = ClientAuth(
        quote(provider.client_id, safe="") if metadata.auth_method == BASIC else provider.client_id,
        quote(provider.client_secret, safe="") if metadata.auth_method == BASIC else provider.client_secret,
        metadata.auth_method,
    )
    form = prepare_token_request(
        "authorization_code", redirect_uri=provider.redirect_uri, code=code, code_verifier=ticket.verifier
    )
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    address, headers, form = client.prepare("POST", metadata.token_endpoint, headers, form)
    try:
        token = msgspec.json.decode(
            (await http.post(address, headers=headers, content=form)).content, type=Token
        )
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        raise ProviderAnswer(reason="token endpoint") from error
    if token.error:
        raise ProviderRefused(reason=token.error[:60])
    return token


def _check_return(provider: Provider, ticket: Ticket, answer: dict[str, str]) -> None:
    """State first: what did not start here is not looked at. `iss` after RFC 9207, against mixed-up providers."""
    if not hmac.compare_digest(answer.get("state", "").encode(), ticket.state.encode()):
        raise VisitUnknown
    if answer.get("iss", provider.issuer) != provider.issuer:
        raise ProviderAnswer(reason="iss")
    if "error" in answer:
        raise ProviderRefused(reason=answer["error"][:60])


def _verified(provider: Provider, ticket: Ticket, keys: Any, id_token: str) -> dict[str, Any]:
    """The claims of an ID token (OpenID Connect Core §3.1.3.7). keys: a JSON Web Key Set as it came (Any), read here."""
    registry = jwt.JWTClaimsRegistry(
        leeway=LEEWAY,
        iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": provider.client_id},
        nonce={"essential": True, "value": ticket.nonce},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        claims: dict[str, Any] = jwt.decode(
            id_token, KeySet.import_key_set(keys), algorithms=ALGORITHMS
        ).claims
        registry.validate(claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        reason = getattr(error, "claim", None) or getattr(error, "error", type(error).__name__)
        raise ProviderAnswer(reason=f"ID token: {reason}") from error
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise ProviderAnswer(reason="ID token: azp")
    return claims


async def _userinfo(http: httpx.AsyncClient, address: str, access_token: str, subject: str) -> dict[str, Any]:
    """More claims, of the same person only (§5.3.2)."""
    try:
        answer = await http.get(address, headers={"Authorization": f"Bearer {access_token}"})
        found = msgspec.json.decode(answer.content, type=dict[str, Any])
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        raise ProviderAnswer(reason="userinfo") from error
    if found.get("sub") != subject:
        raise ProviderAnswer(reason="userinfo: sub")
    return {name: found[name] for name in ("email", "email_verified", "name") if name in found}


def _identity(provider: Provider, claims: dict[str, Any]) -> Identity:
    email = str(claims.get("email", "")).strip().lower()
    if not email or claims.get("email_verified") is not True:
        raise UnverifiedEmail
    return Identity(
        provider.issuer, str(claims["sub"]), email, str(claims.get("name") or email.partition("@")[0])
    )


async def _document(http: httpx.AsyncClient, address: str, shape: type[Any]) -> Any:
    """JSON of a shape. Any: what `shape` says."""
    try:
        answer = await http.get(address, headers={"Accept": "application/json"})
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=shape)
    except httpx.HTTPStatusError as error:
        raise ProviderUnreadable(reason=f"HTTP {error.response.status_code}") from error
    except (httpx.HTTPError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProviderUnreadable(reason=str(error).splitlines()[0][:120]) from error
