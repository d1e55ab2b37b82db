"""Practice attempts (练习记录): kept for the candidate, invisible to the employer.

Two locks, neither of which staff hold: the rows are seen only in a session that names their candidate (row-level
security), and their content is sealed under a key that the database gives out in such a session only. `own_session`
is the one place that names one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import delete, func, select

from duilian.infra import sealing
from duilian.infra.clock import now
from duilian.infra.database import Access, Database, TenantSession
from duilian.infra.ids import new_id
from duilian.platform.privacy import errors
from duilian.platform.privacy.models import PracticeAttempt
from duilian.tenants.keyring import Keyring

LARGEST = 5 * 1024 * 1024
MOST = 10
MODES = ("audio", "video", "text")


@asynccontextmanager
async def own_session(
    database: Database, tenant_id: UUID, candidate_id: UUID
) -> AsyncGenerator[TenantSession]:
    """A transaction in which the candidate's own rows are seen, and no other row that is not theirs to see."""
    access = Access(actor=f"candidate:{candidate_id}", candidate_id=candidate_id, units=frozenset())
    async with database.begin(tenant_id, access) as session:
        yield session


async def keep(
    session: TenantSession,
    keyring: Keyring,
    set_key: str,
    content: bytes,
    content_type: str,
    seconds: float | None = None,
) -> PracticeAttempt:
    """Raises AttemptEmpty, AttemptTooLarge, AttemptKind, TooManyAttempts."""
    mode = content_type.partition("/")[0]
    if not content:
        raise errors.AttemptEmpty
    if len(content) > LARGEST:
        raise errors.AttemptTooLarge(limit="5 MB")
    if mode not in MODES:
        raise errors.AttemptKind
    if (await session.scalar(select(func.count(PracticeAttempt.id))) or 0) >= MOST:
        raise errors.TooManyAttempts(most=MOST)
    candidate_id, attempt_id = _own(session), new_id()
    key = await keyring.practice(session)
    row = PracticeAttempt(
        id=attempt_id, candidate_id=candidate_id, set_key=set_key, mode=mode, content_type=content_type[:100],
        seconds=seconds, size=len(content), created_at=now(),
        ciphertext=sealing.seal(content, key, 1, _bound(session, attempt_id)),
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return row


async def attempts(session: TenantSession) -> list[PracticeAttempt]:
    """The session's candidate's own, newest first."""
    return list(await session.scalars(select(PracticeAttempt).order_by(PracticeAttempt.id.desc())))


async def open_attempt(
    session: TenantSession, keyring: Keyring, attempt_id: UUID
) -> tuple[PracticeAttempt, bytes]:
    """Raises NoAttempt; KeyUnusable outside the candidate's session."""
    row = await session.get(PracticeAttempt, (session.tenant_id, attempt_id))
    if row is None:
        raise errors.NoAttempt
    sealed = await session.scalar(select(PracticeAttempt.ciphertext).where(PracticeAttempt.id == attempt_id))
    key = await keyring.practice(session)
    return row, sealing.unseal(sealed or b"", key, _bound(session, attempt_id))


async def forget(session: TenantSession, attempt_id: UUID) -> None:
    """Raises NoAttempt."""
    gone = await session.execute(
        delete(PracticeAttempt).where(PracticeAttempt.id == attempt_id).returning(PracticeAttempt.id)
    )
    if gone.first() is None:
        raise errors.NoAttempt


def _own(session: TenantSession) -> UUID:
    if session.access.candidate_id is None:
        raise errors.NoAttempt
    return session.access.candidate_id


def _bound(session: TenantSession, attempt_id: UUID) -> bytes:
    return f"duilian-practice|{session.tenant_id}|{_own(session)}|{attempt_id}".encode()
