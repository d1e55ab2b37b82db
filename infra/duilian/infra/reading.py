"""Reading (只读): a statement and, before it, the entering of its tenant travel together, as a transaction of their own.

In the driver's pipeline both are sent at once, and what stands before one synchronisation is one transaction
(postgresql.org/docs/18/protocol-flow.html, "Pipelining"): neither BEGIN nor COMMIT travels. PostgreSQL is told in the
same breath that nothing may be written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import psycopg
from sqlalchemy.util import greenlet_spawn

_ENTER = "select enter_tenant(%s::uuid, %s, %s), set_config('transaction_read_only', 'on', true)"


@dataclass
class Entering:
    """As whom each statement of a reading session is asked. entered: told the key epoch once, by the first of them."""

    tenant: str
    units: str
    candidate: str
    entered: Callable[[int | None], None] | None


class TenantConnection(psycopg.AsyncConnection[Any]):
    """entering: while a reading session holds the connection; the pool takes it away."""

    entering: Entering | None = None


class TenantCursor(psycopg.AsyncCursor[Any]):
    """Any: rows and options are the driver's."""

    async def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        connection: Any = self.connection
        entering: Entering | None = connection.entering
        if entering is None:
            return await super().execute(query, params, **options)
        connection.entering = None
        try:
            async with connection.pipeline():
                as_whom = (entering.tenant, entering.units, entering.candidate)
                entered = await connection.execute(_ENTER, as_whom)
                await super().execute(query, params, **options)
        finally:
            connection.entering = entering
        if entering.entered is not None:
            tell, entering.entered = entering.entered, None
            await greenlet_spawn(tell, (await entered.fetchone())[0])
        return self

    async def executemany(self, query: Any, params_seq: Any, *, returning: bool = False) -> None:
        """Only writers send a statement many times."""
        if getattr(self.connection, "entering", None) is not None:
            raise psycopg.errors.ReadOnlySqlTransaction("a reading session writes nothing")
        await super().executemany(query, params_seq, returning=returning)
