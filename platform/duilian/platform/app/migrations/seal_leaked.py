"""Data of migration 0017: known leaked answers lay in the clear among a tenant's thresholds; each is sealed in a row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from duilian.infra.fields import FieldCipher
from duilian.infra.ids import new_id
from duilian.infra.keys import KeyProvider, provider_of
from duilian.infra.settings import Settings
from duilian.tenants.keyring import INDEX, SEAL, OpenTenantKey, context


def run(connection: sa.Connection, settings: Settings) -> None:
    """A key is opened only where there is something to seal."""
    for (tenant_id,) in connection.execute(sa.text("select tenant_id from tenant_directory")).all():
        connection.execute(
            sa.text("select set_config('app.tenant_id', :tenant, true)"), {"tenant": str(tenant_id)}
        )
        answers = connection.execute(sa.text("select gate->'leaked' from tenants")).scalar_one_or_none()
        if answers:
            _seal(connection, provider_of(settings), tenant_id, answers)
        connection.execute(sa.text("update tenants set gate = gate - 'leaked'"))


def _seal(connection: sa.Connection, provider: KeyProvider, tenant_id: UUID, answers: list[str]) -> None:
    cipher = _cipher(connection, provider, tenant_id)
    for place, text in enumerate(answers if cipher else []):
        row_id = new_id()
        values: dict[str, Any] = {"tenant": tenant_id, "id": row_id, "place": place}
        values["sealed"] = cipher and cipher.seal("leaked_answers.text", row_id, text)
        connection.execute(
            sa.text(
                "insert into leaked_answers (tenant_id, id, place, text_sealed)"
                " values (:tenant, :id, :place, :sealed)"
            ),
            values,
        )


def _cipher(connection: sa.Connection, provider: KeyProvider, tenant_id: UUID) -> FieldCipher | None:
    """None where the tenant's keys are destroyed: what only they could seal is not kept."""
    rows = connection.execute(
        sa.text("select purpose, version, wrapped from tenant_keys where purpose in ('seal', 'index')")
    ).all()
    keys = {
        (purpose, version): provider.unwrap(tenant_id, wrapped, context(tenant_id, purpose, version))
        for purpose, version, wrapped in rows
    }
    versions = {version: key for (purpose, version), key in keys.items() if purpose == SEAL}
    return OpenTenantKey(tenant_id, max(versions), versions, keys[INDEX, 1]).cipher() if versions else None
