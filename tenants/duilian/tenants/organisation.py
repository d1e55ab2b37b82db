"""The organisation tree (组织架构): nodes, moving them, and which nodes a person's grants reach."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, literal, select, text, update

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.ids import new_id
from duilian.tenants.errors import (
    BadUnitKind,
    BadUnitName,
    RootStays,
    UnitInsideItself,
    UnitInUse,
    UnknownUnit,
)
from duilian.tenants.models import OrgUnit

KINDS = ("headquarters", "region", "branch", "department")
LONGEST_NAME = 80


async def plant_root(session: TenantSession, name: str) -> OrgUnit:
    return await _add(session, None, name, "headquarters")


async def root_of(session: TenantSession) -> OrgUnit:
    return (await session.scalars(select(OrgUnit).where(OrgUnit.parent_id.is_(None)))).one()


_LIVING = select(OrgUnit).where(OrgUnit.archived_at.is_(None))


async def units(session: TenantSession) -> list[OrgUnit]:
    """The whole tree, parents before children, siblings by name."""
    rows = list(await session.scalars(_LIVING))
    children: dict[UUID | None, list[OrgUnit]] = {}
    for row in sorted(rows, key=lambda unit: unit.name):
        children.setdefault(row.parent_id, []).append(row)
    return list(_walk(children, None))


def _walk(children: dict[UUID | None, list[OrgUnit]], parent: UUID | None) -> Iterable[OrgUnit]:
    for unit in children.get(parent, []):
        yield unit
        yield from _walk(children, unit.id)


async def unit_of(session: TenantSession, unit_id: UUID, *, lock: bool = False) -> OrgUnit:
    """Raises UnknownUnit."""
    query = select(OrgUnit).where(OrgUnit.id == unit_id, OrgUnit.archived_at.is_(None))
    unit = await session.scalar(query.with_for_update() if lock else query)
    if unit is None:
        raise UnknownUnit
    return unit


async def add_unit(session: TenantSession, parent_id: UUID, name: str, kind: str) -> OrgUnit:
    """Raises UnknownUnit, BadUnitName, BadUnitKind."""
    await _lock_tree(session)
    unit = await _add(session, await unit_of(session, parent_id), name, kind)
    audit.record(session, "unit.added", "unit", unit.id, after={"parent": parent_id, "kind": kind})
    return unit


async def _add(session: TenantSession, parent: OrgUnit | None, name: str, kind: str) -> OrgUnit:
    if kind not in KINDS or (kind == KINDS[0]) != (parent is None):
        raise BadUnitKind
    unit_id = new_id()
    path = f"{parent.path if parent else '/'}{unit_id.hex}/"
    unit = OrgUnit(
        id=unit_id, parent_id=parent.id if parent else None, name=_named(name), kind=kind, path=path,
        created_at=now(), archived_at=None,
    )  # fmt: skip
    session.add(unit)
    await session.flush()
    return unit


async def rename_unit(session: TenantSession, unit_id: UUID, name: str) -> None:
    unit = await unit_of(session, unit_id, lock=True)
    audit.record(session, "unit.renamed", "unit", unit.id, before={"name": unit.name}, after={"name": name})
    unit.name = _named(name)


async def move_unit(session: TenantSession, unit_id: UUID, parent_id: UUID) -> None:
    """What hangs on the node moves with it. Raises UnitInsideItself, RootStays, UnknownUnit."""
    await _lock_tree(session)
    unit, parent = await unit_of(session, unit_id), await unit_of(session, parent_id)
    if unit.parent_id is None:
        raise RootStays
    if parent.path.startswith(unit.path):
        raise UnitInsideItself
    audit.record(
        session, "unit.moved", "unit", unit.id, before={"parent": unit.parent_id}, after={"parent": parent_id}
    )
    old, new = unit.path, f"{parent.path}{unit.id.hex}/"
    unit.parent_id = parent_id
    await session.flush()
    moved = literal(new).op("||")(func.substr(OrgUnit.path, len(old) + 1))
    await session.execute(
        update(OrgUnit).where(OrgUnit.path.startswith(old)).values(path=moved),
        execution_options={"synchronize_session": False},
    )
    session.expire(unit)


async def archive_unit(session: TenantSession, unit_id: UUID) -> None:
    """Only where nothing lives below it. Raises UnitInUse, RootStays."""
    await _lock_tree(session)
    unit = await unit_of(session, unit_id)
    if unit.parent_id is None:
        raise RootStays
    below = select(OrgUnit.id).where(OrgUnit.parent_id == unit.id, OrgUnit.archived_at.is_(None))
    if await session.scalar(below.limit(1)) is not None:
        raise UnitInUse
    unit.archived_at = now()
    audit.record(session, "unit.archived", "unit", unit.id)


async def below(session: TenantSession, paths: Iterable[str]) -> frozenset[UUID]:
    """The nodes at and under the given paths, archived ones too: their people do not vanish."""
    prefixes = list(paths)
    if not prefixes:
        return frozenset()
    query = text(
        "select u.id from org_units u where exists"
        " (select 1 from unnest(cast(:prefixes as text[])) p where starts_with(u.path, p))"
    )
    return frozenset((await session.execute(query, {"prefixes": prefixes})).scalars())


async def units_below(session: TenantSession, unit_id: str) -> frozenset[UUID]:
    """The node and all under it; nothing where there is no such node."""
    try:
        unit = await session.get(OrgUnit, (session.tenant_id, UUID(unit_id)))
    except ValueError:
        unit = None
    return await below(session, [unit.path]) if unit else frozenset()


async def units_in(session: TenantSession, reach: frozenset[UUID] | None) -> list[OrgUnit]:
    """The tree as far as it is seen from `reach` (None: whole)."""
    return [unit for unit in await units(session) if reach is None or unit.id in reach]


async def place_for(session: TenantSession, reach: frozenset[UUID] | None, wanted: UUID | None) -> OrgUnit:
    """Where something new belongs: the named unit, else the highest one in reach. Raises UnknownUnit."""
    seen = await units_in(session, reach)
    found = next((unit for unit in seen if wanted is None or unit.id == wanted), None)
    if found is None:
        raise UnknownUnit
    return found


async def _lock_tree(session: TenantSession) -> None:
    """Two changes of one tree follow one another: a node could otherwise be moved under its own child."""
    await session.execute(
        text("select pg_advisory_xact_lock(hashtextextended('org:' || :tenant, 0))"),
        {"tenant": str(session.tenant_id)},
    )


def _named(name: str) -> str:
    if not 1 <= len(name.strip()) <= LONGEST_NAME:
        raise BadUnitName(most=LONGEST_NAME)
    return name.strip()
