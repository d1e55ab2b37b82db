"""Ways of signing in, and the place where others plug in.

A method shows itself on the tenant's sign-in page by an offer, proves who somebody is in routes of its own, and ends
in `signin.admit(session, member_id, method, visitor)`, which alone opens sessions: throttling, one-time codes, limits
of time and the audit log are the same for all. The password form is always there; OpenID Connect (`sso.py`) is the
method that comes with the product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from duilian.infra.database import TenantSession


@dataclass(frozen=True)
class Offer:
    """A button of the sign-in page. address: where it leads, on our side."""

    name: str
    address: str


class SignInMethod(Protocol):
    """SAML and passkeys implement this and add their routes; METHODS of `console/signin.py` lists them. SCIM needs no
    method: it makes, changes and disables members (`people.py`), and disabling ends their sessions."""

    key: str  # as sessions and the audit log name it

    async def offer(self, session: TenantSession, slug: str) -> Offer | None:
        """None where the tenant does not use the method."""
        ...
