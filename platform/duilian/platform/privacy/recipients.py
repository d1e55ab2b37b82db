"""Who outside received data, and telling them when it is erased (GDPR art. 19; 820 ILCS 42/15).

Whoever passes data on calls `passed` in the same transaction. A channel is told through its teller: connectors
register one each in `TELLERS`; a row stays "to_tell" until its teller has returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from sqlalchemy import select

from duilian.infra import events
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.privacy.models import DataRecipient

PASSED, TO_TELL, TOLD = "passed", "to_tell", "told"


class Teller(Protocol):
    async def __call__(self, session: TenantSession, row: DataRecipient) -> None:
        """Tell the recipient that the data of `row.interview_id` are to be erased; raises where it could not."""
        ...


TELLERS: dict[str, Teller] = {}


async def passed(
    session: TenantSession, interview_id: UUID, recipient: str, channel: str, what: str
) -> DataRecipient:
    """Note that data left. recipient: a name that the candidate may read; what: "report", "recording" …"""
    row = DataRecipient(
        interview_id=interview_id, recipient=recipient, channel=channel, what=what, passed_at=now(), state=PASSED,
        told_at=None,
    )  # fmt: skip
    session.add(row)
    await events.append(
        session, "data.passed", interview_id, session.access.actor, channel=channel, what=what
    )
    return row


async def of(session: TenantSession, interview_ids: Sequence[UUID]) -> list[DataRecipient]:
    query = (
        select(DataRecipient).where(DataRecipient.interview_id.in_(interview_ids)).order_by(DataRecipient.id)
    )
    return list(await session.scalars(query))


async def ask_to_tell(session: TenantSession, interview_id: UUID) -> list[DataRecipient]:
    """After an erasure: every recipient is to be told; the event makes the worker do it."""
    rows = [row for row in await of(session, [interview_id]) if row.state == PASSED]
    for row in rows:
        row.state = TO_TELL
    if rows:
        await events.append(session, "data.recall", interview_id, session.access.actor, recipients=len(rows))
    return rows


async def tell(session: TenantSession, event: events.Event) -> None:
    """Listener of `data.recall`. A channel without a teller stays "to_tell", for a person to do."""
    query = select(DataRecipient).where(
        DataRecipient.interview_id == event.subject_id, DataRecipient.state == TO_TELL
    )
    for row in list(await session.scalars(query.with_for_update())):
        if teller := TELLERS.get(row.channel):
            await teller(session, row)
            row.state, row.told_at = TOLD, now()
