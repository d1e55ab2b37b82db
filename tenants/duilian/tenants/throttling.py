"""How often something may be tried, by what is tried: counted per tenant in a window of fifteen minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, func, select

from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.tenants.errors import TooManyAttempts
from duilian.tenants.models import SignInAttempt

WINDOW = timedelta(minutes=15)


@dataclass(frozen=True)
class Limit:
    """what: kept as its hash only."""

    what: str
    most: int

    @property
    def who(self) -> str:
        return sha256(self.what.encode()).hexdigest()


async def count(session: TenantSession, *limits: Limit) -> None:
    """One more try for each. Raises TooManyAttempts where one is used up; then none is counted."""
    since = now() - WINDOW
    for limit in limits:
        query = select(func.count()).where(SignInAttempt.who == limit.who, SignInAttempt.happened_at > since)
        if (await session.scalar(query) or 0) >= limit.most:
            raise TooManyAttempts(minutes=int(WINDOW.total_seconds() // 60))
    session.add_all([SignInAttempt(who=limit.who, happened_at=now()) for limit in limits])
    await session.flush()


async def forget(session: TenantSession, limit: Limit) -> None:
    """It worked out: the count begins anew."""
    await session.execute(delete(SignInAttempt).where(SignInAttempt.who == limit.who))
