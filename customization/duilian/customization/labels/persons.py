"""Who answered, as a pseudonym: the same person has the same value, and the value leads back to nobody.

It is the tenant's blind index of the address that the person is known by, in the same space as the index of
candidates' e-mail addresses: a historic row and an interview of one address belong to one person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import update

from duilian.customization.labels.models import Example
from duilian.infra.database import TenantSession
from duilian.infra.fields import cipher_of

_SPACE = "candidates.email"


def index_of(session: TenantSession, person: str) -> bytes:
    """person: an e-mail address where there is one, else a staff number, telephone number or name."""
    return cipher_of(session.sync_session).index(_SPACE, "".join(person.split()))


def indexes_of(session: TenantSession, persons: Iterable[str | None]) -> list[bytes]:
    """Of everything that one person may be known by."""
    return [index_of(session, person) for person in persons if person]


async def move(session: TenantSession, interviews: Sequence[UUID], person: str) -> None:
    """Their answers belong to another address from now on: the person corrected it."""
    mine = update(Example).where(Example.interview_id.in_(interviews))
    await session.execute(mine.values(person_index=index_of(session, person)))
