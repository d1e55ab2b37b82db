"""Outgoing mail: written in the transaction of the change it tells of, sent by a job, erased once sent.

The row holds the message sealed under the tenant's key; the job holds the row's id and nothing of the person. A
message that the receiving server refuses for good is marked, with the server's code, for the sender to see; one that
cannot be handed over is tried again as every job is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

from duilian.infra.clock import now
from duilian.infra.database import Base, Database, Tenanted, TenantSession
from duilian.infra.fields import sealed_text
from duilian.infra.ids import new_id
from duilian.infra.jobs import defer
from duilian.infra.settings import Settings
from duilian.infra.smtp import Mail, MailRefused, Server, address_of, compose

SEND = "mail.send"


class OutgoingMail(Tenanted, Base):
    """kind: which letter; about: what it tells of (an invitation, a member). No content is left once it is sent."""

    __tablename__ = "outgoing_mails"

    kind: Mapped[str]
    about: Mapped[UUID] = mapped_column(index=True)
    content_sealed: Mapped[bytes | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    reply: Mapped[int | None]  # the refusing server's code

    content = sealed_text()

    @property
    def state(self) -> str:
        """ "waiting", "sent" or "refused"."""
        return "sent" if self.sent_at else "refused" if self.refused_at else "waiting"


async def send_later(session: TenantSession, kind: str, about: UUID, mail: Mail) -> OutgoingMail:
    """Sent if, and only if, the transaction is committed. Raises BadMailAddress."""
    address_of(mail.to)
    row = OutgoingMail(
        tenant_id=session.tenant_id,
        id=new_id(),
        kind=kind,
        about=about,
        created_at=now(),
        sent_at=None,
        refused_at=None,
        reply=None,
    )
    session.add(row)
    row.content = msgspec.json.encode(asdict(mail)).decode()
    await session.flush()
    await defer(session, SEND, mail_id=str(row.id))
    return row


async def latest(session: TenantSession, kind: str, about: UUID) -> OutgoingMail | None:
    """The last message of a kind about something."""
    query = select(OutgoingMail).where(OutgoingMail.about == about, OutgoingMail.kind == kind)
    return await session.scalar(query.order_by(OutgoingMail.id.desc()).limit(1))


def sender(database: Database, settings: Settings) -> Callable[..., Awaitable[None]]:
    """The task that hands one message over."""

    async def send(tenant_id: UUID, mail_id: str) -> None:
        async with database.begin(tenant_id) as session:
            row = await session.get_one(OutgoingMail, (tenant_id, UUID(mail_id)), with_for_update=True)
            if row.content_sealed is None:  # sent already, or refused
                return
            mail = msgspec.json.decode(row.content, type=Mail)
            try:
                message = compose(mail, settings.mail_from, mail_id)
                await Server.parse(settings.smtp_url).deliver(message)
                row.sent_at = now()
            except MailRefused as problem:
                row.refused_at, row.reply = now(), int(str(problem.params["reply"]))
            row.content_sealed = None

    return send
