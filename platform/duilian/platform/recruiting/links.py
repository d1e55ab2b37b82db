"""The invitation link's token: derived from the invitation and the tenant's key, so that none is stored.

token = base64url(invitation id (16 bytes) ‖ HMAC-SHA-256(link key, id)[:16]): 128 bits that only the key's
holder can make, stable for resuming and for showing the link again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from uuid import UUID

from duilian.platform.recruiting.errors import BadLink
from duilian.tenants.keyring import OpenTenantKey

MAC_BYTES = 16


def token_of(key: OpenTenantKey, invitation_id: UUID) -> str:
    raw = invitation_id.bytes + _mac(key, invitation_id.bytes)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def invitation_of(key: OpenTenantKey, token: str) -> UUID:
    """Raises BadLink: malformed, altered and another tenant's tokens look the same."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadLink from error
    if len(raw) != 16 + MAC_BYTES or not hmac.compare_digest(raw[16:], _mac(key, raw[:16])):
        raise BadLink
    return UUID(bytes=raw[:16])


def portal_url(public_url: str, slug: str, token: str) -> str:
    return f"{public_url}/t/{slug}/i/{token}"


def _mac(key: OpenTenantKey, raw: bytes) -> bytes:
    return hmac.new(key.derive("invitation-link"), raw, hashlib.sha256).digest()[:MAC_BYTES]
