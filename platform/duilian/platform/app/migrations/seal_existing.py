"""Data of migration 0002: what lay in the clear is sealed under the keys of its tenant; children get their unit.

The key that a tenant had becomes its index key as well as its first seal key: links and certificates that were
made with it stay good.
"""

from __future__ import annotations

import json
import os
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from duilian.infra.fields import FieldCipher
from duilian.infra.ids import new_id
from duilian.infra.keys import FileKeyProvider, KeyProvider, provider_of
from duilian.infra.settings import Settings
from duilian.tenants.keyring import INDEX, PRACTICE, SEAL, OpenTenantKey, context

# table → (text fields, JSON fields)
FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "candidates": (("name", "email"), ()),
    "members": (("name", "email"), ()),
    "interviews": (("human_reason",), ()),
    "answers": (("text",), ()),
    "analyses": ((), ("transcript", "observation", "judged")),
    "reports": ((), ("content",)),
    "decisions": (("reason",), ()),
    "overrides": (("reason",), ()),
}
INDEXED = {"candidates": ("email",), "members": ("email",)}
TERMS = {"candidates": ("name", "email")}


def run(connection: sa.Connection, roots: dict[UUID, UUID], settings: Settings) -> None:
    if not roots:
        return
    before, provider = FileKeyProvider(settings.master_key_file), provider_of(settings)
    for tenant_id, root in roots.items():
        connection.execute(
            sa.text("select set_config('app.tenant_id', :tenant, true)"), {"tenant": str(tenant_id)}
        )
        cipher = _keys(connection, before, provider, tenant_id)
        for table in ("candidates", "invitations", "interviews"):
            connection.execute(sa.text(f"update {table} set unit_id = :root"), {"root": root})
        for table, (texts, documents) in FIELDS.items():
            _seal(connection, cipher, table, texts, documents)
        connection.execute(
            sa.text(
                "update reports set total = content->'total',"
                " flags = coalesce(jsonb_array_length(content->'integrity'), 0)"
            )
        )


def _keys(
    connection: sa.Connection, before: FileKeyProvider, provider: KeyProvider, tenant_id: UUID
) -> FieldCipher:
    old = f"duilian-tenant-key|{tenant_id}|1".encode()
    wrapped = connection.execute(sa.text("select wrapped from tenant_keys")).scalar_one()
    key = before.unwrap_without_lock(wrapped, old)
    provider.create_lock(tenant_id)
    connection.execute(sa.text("delete from tenant_keys"))
    for purpose, value in ((SEAL, key), (INDEX, key), (PRACTICE, os.urandom(len(key)))):
        connection.execute(
            sa.text(
                "insert into tenant_keys (tenant_id, id, purpose, version, wrapped, created_at)"
                " values (:tenant, :id, :purpose, 1, :wrapped, now())"
            ),
            {
                "tenant": tenant_id,
                "id": new_id(),
                "purpose": purpose,
                "wrapped": provider.wrap(tenant_id, value, context(tenant_id, purpose, 1)),
            },
        )
    return OpenTenantKey(tenant_id, 1, {1: key}, key).cipher()


def _seal(
    connection: sa.Connection,
    cipher: FieldCipher,
    table: str,
    texts: tuple[str, ...],
    documents: tuple[str, ...],
) -> None:
    fields = [*texts, *documents]
    rows = connection.execute(sa.text(f"select id, {', '.join(fields)} from {table}")).mappings().all()
    for row in rows:
        values: dict[str, Any] = {}
        for field in fields:
            value = row[field] if field in texts else json.dumps(row[field], ensure_ascii=False)
            label, empty = f"{table}.{field}", row[field] is None
            values[f"{field}_sealed"] = None if empty else cipher.seal(label, row["id"], value)
            if field in INDEXED.get(table, ()):
                values[f"{field}_index"] = cipher.index(label, value)
            if field in TERMS.get(table, ()):
                values[f"{field}_terms"] = cipher.terms(label, value)
        assignments = ", ".join(f"{name} = :{name}" for name in values)
        connection.execute(
            sa.text(f"update {table} set {assignments} where id = :id"), values | {"id": row["id"]}
        )
