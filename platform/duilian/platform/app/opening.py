"""Opening a tenant: its row and key, its industry's question sets, its first administrator."""

from __future__ import annotations

from uuid import UUID

from duilian.customization import packs
from duilian.customization.service import publish
from duilian.infra.database import TenantSession
from duilian.infra.settings import Settings
from duilian.platform.app import tables
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.passwords import hash_password
from duilian.tenants.people import add_member
from duilian.tenants.service import TenantFile, create_tenant


async def open_tenant(settings: Settings, file: TenantFile, email: str, password: str) -> UUID:
    """Raises SlugTaken, BadSlug, LowContrast, WeakPassword; then nothing was written."""
    assert tables.metadata.tables
    hash_password(password)
    keyring = open_keyring(settings)
    database = open_database(settings, keyring, 2)

    async def fill(session: TenantSession) -> None:
        for question_set in packs.shipped_sets(file.industry):
            await publish(session, question_set, "opening")
        await add_member(session, email, email.partition("@")[0], "owner", password, file.locale)

    try:
        return await create_tenant(database, keyring, file, fill)
    finally:
        await database.close()
