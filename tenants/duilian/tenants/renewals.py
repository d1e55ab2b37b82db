"""What is renewed after a rotation: the tenant's wrapped keys, its objects, its sealed fields.

Each goes through its things in an order that does not change, in steps, and can go on after any of them; what is
renewed already is passed over, so that doing a step twice does no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Column, Table, func, select, text

from duilian.infra.database import Base, Database, TenantSession
from duilian.infra.fields import VERSION_BYTES, FieldCipher, cipher_of
from duilian.infra.keys import KeyUnusable
from duilian.infra.objects import ObjectStore
from duilian.infra.sealing import SealBroken
from duilian.tenants.keyring import Keyring, OpenTenantKey, context, keys_of
from duilian.tenants.models import WrappedTenantKey
from duilian.tenants.rotation import KEEPER

STEP = 40  # objects between two notes of progress
ROWS = 200  # rows read at a time
SIDE_BY_SIDE = 4  # objects at a time: each may take 320 MiB of memory twice
# What only its candidate and those who count may see has its seals renewed too.
_SEE = text("select set_config('app.statistics', 'on', true)")
_RENEW = text(
    "select renew_sealed(:target, :field, cast(:ids as uuid[]), cast(:olds as bytea[]), cast(:news as bytea[]))"
)


@dataclass(frozen=True)
class Step:
    """done: things gone through, changed: of these renewed, unreadable: left, cursor: the last of them."""

    done: int
    changed: int
    unreadable: int
    cursor: str


class Renewal(Protocol):
    async def total(self, tenant_id: UUID) -> int:
        """How many things there are to go through, from the beginning."""
        ...

    def steps(self, tenant_id: UUID, cursor: str) -> AsyncIterator[Step]:
        """What comes after `cursor`; all where it is empty."""
        ...


class WrappedKeys:
    """The tenant's keys, wrapped anew by the newest master key; they are not opened for it."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database, self._provider = database, keyring.provider

    async def total(self, tenant_id: UUID) -> int:
        async with self._database.begin(tenant_id, KEEPER) as session:
            return await session.scalar(select(func.count()).select_from(WrappedTenantKey)) or 0

    async def steps(self, tenant_id: UUID, cursor: str) -> AsyncIterator[Step]:
        async with self._database.begin(tenant_id, KEEPER) as session:
            rows = list(await session.scalars(select(WrappedTenantKey).with_for_update()))
            changed = [await asyncio.to_thread(self._renew, tenant_id, row) for row in rows]
        yield Step(len(rows), sum(changed), 0, "all")

    def _renew(self, tenant_id: UUID, row: WrappedTenantKey) -> bool:
        if self._provider.is_current(row.wrapped):
            return False
        row.wrapped = self._provider.rewrap(row.wrapped, context(tenant_id, row.purpose, row.version))
        return True


class Objects:
    """The tenant's objects: their headers under the newest seal key, or all of them under new data keys."""

    def __init__(self, database: Database, store: ObjectStore, *, anew: bool) -> None:
        self._database, self._store, self._anew = database, store, anew

    async def total(self, tenant_id: UUID) -> int:
        return len(await self._store.names(tenant_id))

    async def steps(self, tenant_id: UUID, cursor: str) -> AsyncIterator[Step]:
        names = sorted(name for name in await self._store.names(tenant_id) if name > cursor)
        for step in _batches(names, STEP):
            async with self._database.begin(tenant_id) as session:
                keys = keys_of(session)
            found = [r for some in _batches(step, SIDE_BY_SIDE) for r in await self._some(keys, some)]
            yield Step(len(step), found.count(True), found.count(None), step[-1])

    async def _some(self, keys: OpenTenantKey, names: list[str]) -> list[bool | None]:
        return await asyncio.gather(*(self._one(keys, name) for name in names))

    async def _one(self, keys: OpenTenantKey, name: str) -> bool | None:
        """Whether it was renewed; None where it cannot be read."""
        try:
            return await self._store.rotate(keys, name, anew=self._anew)
        except (SealBroken, KeyUnusable):
            return None


class Fields:
    """Sealed fields of all tables, sealed anew under the newest seal key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def total(self, tenant_id: UUID) -> int:
        async with self._database.begin(tenant_id) as session:
            await session.execute(_SEE)
            newest = cipher_of(session.sync_session).newest
            counts = [
                await session.scalar(select(func.count()).select_from(table).where(_older(column, newest)))
                for table, column in sealed_columns()
            ]
        return sum(count or 0 for count in counts)

    async def steps(self, tenant_id: UUID, cursor: str) -> AsyncIterator[Step]:
        place, _, last = cursor.partition("/")
        for table, column in sealed_columns():
            name = f"{table.name}.{column.name}"
            after = UUID(last) if name == place else UUID(int=0)
            while name >= place:
                step = await self._page(tenant_id, table, column, after)
                if step is None:
                    break
                after = UUID(step.cursor)
                yield Step(step.done, step.changed, step.unreadable, f"{name}/{step.cursor}")

    async def _page(self, tenant_id: UUID, table: Table, column: Column[bytes], after: UUID) -> Step | None:
        async with self._database.begin(tenant_id) as session:
            await session.execute(_SEE)
            cipher = cipher_of(session.sync_session)
            query = select(table.c.id, column).where(_older(column, cipher.newest), table.c.id > after)
            rows = [tuple(row) for row in await session.execute(query.order_by(table.c.id).limit(ROWS))]
            if not rows:
                return None
            label = f"{table.name}.{column.name.removesuffix('_sealed')}"
            renewed = [
                (row_id, old, new) for row_id, old in rows if (new := _renewed(cipher, label, row_id, old))
            ]
            changed = await self._write(session, table.name, column.name, renewed)
        return Step(len(rows), changed, len(rows) - len(renewed), str(rows[-1][0]))

    async def _write(
        self, session: TenantSession, table: str, column: str, renewed: list[tuple[UUID, bytes, bytes]]
    ) -> int:
        ids, olds, news = (list(part) for part in zip(*renewed, strict=True)) if renewed else ([], [], [])
        values = {"target": table, "field": column, "ids": ids, "olds": olds, "news": news}
        return await session.scalar(_RENEW, values) or 0


def sealed_columns() -> list[tuple[Table, Column[Any]]]:
    """Every sealed field of every table, by name."""
    found = [
        (table, column)
        for table in Base.metadata.tables.values()
        for column in table.c
        if column.name.endswith("_sealed")
    ]
    return sorted(found, key=lambda pair: f"{pair[0].name}.{pair[1].name}")


def _older(column: Column[Any], newest: int) -> Any:  # Any: SQLAlchemy's expressions
    return func.substr(column, 1, VERSION_BYTES) < newest.to_bytes(VERSION_BYTES, "big")


def _renewed(cipher: FieldCipher, label: str, row_id: UUID, old: bytes) -> bytes | None:
    try:
        return cipher.seal(label, row_id, cipher.open(label, row_id, old))
    except KeyUnusable:
        return None


def _batches(names: list[str], size: int) -> Iterator[list[str]]:
    for first in range(0, len(names), size):
        yield names[first : first + size]
