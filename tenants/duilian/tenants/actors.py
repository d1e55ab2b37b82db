"""Who is asking, what they may do, and where in the organisation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, select

from duilian.infra.database import Access, TenantSession
from duilian.tenants.models import ApiKey, ConsultantGrant, CustomRole, Grant, Member, OrgUnit
from duilian.tenants.organisation import below
from duilian.tenants.rights import ROLES, TENANT_WIDE, Right


@dataclass(frozen=True)
class Reach:
    """Rights and the units where they hold; units None: the whole tenant."""

    rights: frozenset[Right]
    units: frozenset[UUID] | None


@dataclass(frozen=True)
class Actor:
    """A member or a consultant by session, or a program by API key."""

    tenant_id: UUID
    label: str  # "member:{id}", "consultant:{grant}", "key:{id}"
    name: str
    reaches: tuple[Reach, ...]
    member_id: UUID | None
    locale: str
    csrf: str = ""

    @property
    def rights(self) -> frozenset[Right]:
        """What this one may do somewhere."""
        return frozenset(right for right in Right if self.may(right))

    def may(self, right: Right, unit_id: UUID | None = None) -> bool:
        """Somewhere, or in the named unit."""
        units = self.units_with(right)
        return units is None or (bool(units) if unit_id is None else unit_id in units)

    def units_with(self, right: Right) -> frozenset[UUID] | None:
        """Where the right holds. What concerns the whole tenant holds everywhere or nowhere."""
        found: frozenset[UUID] = frozenset()
        for reach in self.reaches:
            if right in reach.rights:
                if reach.units is None:
                    return None
                found |= reach.units
        return frozenset() if right in TENANT_WIDE else found

    def access(self, right: Right, network: str = "") -> Access:
        """How a session is entered to use the right."""
        return Access(actor=self.label, network=network, units=self.units_with(right))


Granted = tuple[str, str, UUID | None]  # role, path of the unit, its parent
_GRANTED = (
    select(Grant.role, OrgUnit.path, OrgUnit.parent_id)
    .join(OrgUnit, OrgUnit.id == Grant.unit_id)
    .where(Grant.member_id == bindparam("member"))
)


async def actor_of_member(session: TenantSession, member: Member, csrf: str) -> Actor:
    found = await session.execute(_GRANTED, {"member": member.id})
    granted = [(role, path, parent) for role, path, parent in found]
    return await actor_with(session, member.id, member.name, member.locale, csrf, granted)


async def actor_with(
    session: TenantSession, member_id: UUID, name: str, locale: str, csrf: str, granted: Iterable[Granted]
) -> Actor:
    """A member by what was read of them."""
    reaches = await _reaches(session, [(role, path, parent is None) for role, path, parent in granted])
    return Actor(session.tenant_id, f"member:{member_id}", name, reaches, member_id, locale, csrf)


async def actor_of_consultant(session: TenantSession, grant: ConsultantGrant, csrf: str) -> Actor:
    unit = await session.get_one(OrgUnit, (session.tenant_id, grant.unit_id))
    reaches = await _reaches(session, [(grant.role, unit.path, unit.parent_id is None)])
    return Actor(session.tenant_id, f"consultant:{grant.id}", grant.label, reaches, None, "zh-CN", csrf)


async def actor_of_key(session: TenantSession, key: ApiKey) -> Actor:
    rights = frozenset(Right(right) for right in key.rights)
    units = None
    if key.unit_id is not None:
        unit = await session.get_one(OrgUnit, (session.tenant_id, key.unit_id))
        units = await below(session, [unit.path])
    return Actor(session.tenant_id, f"key:{key.id}", key.name, (Reach(rights, units),), None, "zh-CN")


async def _reaches(session: TenantSession, granted: Iterable[tuple[str, str, bool]]) -> tuple[Reach, ...]:
    """granted: (role, path of the unit, whether it is the root). A role that was removed carries nothing."""
    custom: dict[str, frozenset[Right]] = {}
    rows = list(granted)
    if any(role not in ROLES for role, _, _ in rows):
        for row in await session.scalars(select(CustomRole)):
            custom[row.key] = frozenset(Right(right) for right in row.rights)
    return tuple(
        [
            Reach(
                ROLES.get(role) or custom.get(role, frozenset()),
                None if is_root else await below(session, [path]),
            )
            for role, path, is_root in rows
        ]
    )
