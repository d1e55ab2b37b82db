"""Rights and the roles that carry them."""

from __future__ import annotations

from enum import StrEnum


class Right(StrEnum):
    INTERVIEWS_READ = "interviews.read"
    INTERVIEWS_DECIDE = "interviews.decide"
    INVITATIONS_WRITE = "invitations.write"
    CONTENT_READ = "content.read"
    OPERATIONS = "operations"  # dead-letter list, replay


ROLES: dict[str, frozenset[Right]] = {
    "admin": frozenset(Right),
    "recruiter": frozenset(
        {Right.INTERVIEWS_READ, Right.INTERVIEWS_DECIDE, Right.INVITATIONS_WRITE, Right.CONTENT_READ}
    ),
    "interviewer": frozenset({Right.INTERVIEWS_READ, Right.CONTENT_READ}),
    "billing_admin": frozenset(),
}
