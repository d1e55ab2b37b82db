"""`duilian tenant trial`: what the vendor grants a tenant that was opened alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from duilian.infra.clock import now
from duilian.infra.database import Access
from duilian.infra.settings import Settings
from duilian.platform.app import tables
from duilian.tenants import trials
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.service import find_tenant

VENDOR = Access(actor="vendor")


async def change_trial(
    settings: Settings, slug: str, invitations: int | None, days: int | None, *, lift: bool
) -> dict[str, Any] | None:
    """The trial as it is now, None where there are no limits. Raises UnknownTenant."""
    assert tables.metadata.tables
    database = open_database(settings, open_keyring(settings), 1)
    try:
        async with database.begin(await find_tenant(database, slug), VENDOR) as session:
            if lift:
                await trials.lift(session)
            elif invitations is not None or days is not None:
                await trials.change(session, invitations, now() + timedelta(days=days) if days else None)
            row = await trials.trial_of(session)
            return trials.facts(row) if row else None
    finally:
        await database.close()
