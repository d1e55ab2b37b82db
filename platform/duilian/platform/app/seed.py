"""The demo tenants: opened, filled and published by the same path that every tenant takes. Safe to repeat."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import yaml
from sqlalchemy import select

from duilian.customization import packs
from duilian.customization.service import newest_set, publish
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.fields import cipher_of
from duilian.infra.settings import Settings
from duilian.platform.app import tables
from duilian.platform.recruiting.errors import AlreadyInvited
from duilian.platform.recruiting.links import portal_url, token_of
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.recruiting.service import Person, invite
from duilian.tenants.errors import UnknownTenant
from duilian.tenants.keyring import Keyring, keys_of, open_database, open_keyring
from duilian.tenants.organisation import add_unit, root_of, units
from duilian.tenants.people import add_member, member_by_email
from duilian.tenants.rights import ROLES
from duilian.tenants.service import TenantFile, create_api_key, create_tenant, find_tenant

DEMO_HOURS = 24 * 14
# From the root down; the department manager works at the last one.
DEMO_UNITS = {
    "zh-CN": (("华东区", "region"), ("南京路店", "branch"), ("服务台", "department")),
    "en": (("East", "region"), ("Harbour plant", "branch"), ("Maintenance", "department")),
}
DEMO_PEOPLE = {
    "zh-CN": ("林晓", "lin.xiao@candidate.example"),
    "en": ("Alex Morgan", "alex.morgan@candidate.example"),
}


@dataclass(frozen=True)
class SeededTenant:
    """What a person needs to try a tenant: rows of (label, value)."""

    slug: str
    name: str
    rows: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class SeedResult:
    tenants: list[SeededTenant]


def seed(settings: Settings) -> SeedResult:
    return asyncio.run(_seed(settings))


def demo_file(settings: Settings) -> Path:
    """Passwords and API keys of the demo tenants, made once, readable by their owner only."""
    return settings.data_dir / "demo.json"


async def _seed(settings: Settings) -> SeedResult:
    assert tables.metadata.tables
    keyring = open_keyring(settings)
    database = open_database(settings, keyring, 2)
    kept: dict[str, Any] = _kept(demo_file(settings))
    try:
        seeded = [
            await _tenant(database, keyring, settings, slug, kept) for slug in ("retail", "manufacturing")
        ]
    finally:
        await database.close()
    return SeedResult(seeded)


async def _tenant(
    database: Database, keyring: Keyring, settings: Settings, slug: str, kept: dict[str, Any]
) -> SeededTenant:
    source = (packs.SHIPPED / slug / "tenant.yaml").read_text("utf-8")
    file = msgspec.convert(yaml.safe_load(source), TenantFile)
    try:
        tenant_id = await find_tenant(database, slug)
    except UnknownTenant:
        tenant_id = await create_tenant(database, keyring, file)
    secret = kept.setdefault(slug, {"password": secrets.token_urlsafe(9)})
    async with database.begin(tenant_id) as session:
        for question_set in packs.shipped_sets(slug):
            await publish(session, question_set, "seed")
        lowest = await _units(session, DEMO_UNITS[file.locale])
        for role in ROLES:
            unit = lowest if role == "department_manager" else None
            await _member(session, slug, role, secret["password"], file.locale, unit)
        if "api_key" not in secret:
            secret["api_key"] = await create_api_key(session, slug, "demo", set(ROLES["admin"]))
        links = await _invitations(session, settings, slug)
    _keep(demo_file(settings), kept)
    rows = [
        *links,
        ("控制台 · console", f"{settings.public_url}/console/sign-in?tenant={slug}"),
        ("登录 · sign-in", f"{_address(slug, 'admin')}  {secret['password']}"),
        ("API key", secret["api_key"]),
    ]
    return SeededTenant(slug, " · ".join(dict.fromkeys(file.name.values())), rows)


async def _units(session: TenantSession, wanted: tuple[tuple[str, str], ...]) -> UUID:
    """The demo's branch of the tree, planted once; gives its lowest unit."""
    parent, *known = await units(session)
    by_name = {unit.name: unit for unit in known}
    for name, kind in wanted:
        parent = by_name.get(name) or await add_unit(session, parent.id, name, kind)
    return parent.id


async def _member(
    session: TenantSession, slug: str, role: str, password: str, locale: str, unit_id: UUID | None
) -> None:
    email = _address(slug, role)
    if await member_by_email(session, email) is None:
        await add_member(session, email, f"Demo {role.replace('_', ' ')}", role, password, locale, unit_id)


def _address(slug: str, role: str) -> str:
    return f"{role.replace('_', '.')}@{slug}.example"


async def _invitations(session: TenantSession, settings: Settings, slug: str) -> list[tuple[str, str]]:
    """One open invitation per set and language, the same link at every start while it is open."""
    key, rows = keys_of(session), []
    for question_set in packs.shipped_sets(slug):
        for locale, (name, email) in DEMO_PEOPLE.items():
            published = await newest_set(session, question_set.key)
            address = email.replace("@", f"+{question_set.key}@")
            invitation = await _invitation(session, published, Person(name, address), locale)
            link = portal_url(settings.public_url, slug, token_of(key, invitation.id))
            rows.append((f"面试 · interview  {question_set.key} ({locale[:2]})", link))
    return rows


async def _invitation(session: TenantSession, published: Any, person: Person, locale: str) -> Invitation:
    try:
        root = await root_of(session)
        return await invite(session, published, person, locale, DEMO_HOURS, "seed", root.id)
    except AlreadyInvited:
        query = (
            select(Invitation)
            .join(Candidate, Candidate.id == Invitation.candidate_id)
            .where(
                Candidate.email_index
                == cipher_of(session.sync_session).index("candidates.email", person.email),
                Invitation.set_key == published.key,
                Invitation.closed_at.is_(None),
            )
        )
        invitation = (await session.scalars(query)).one()
        invitation.deadline = max(invitation.deadline, now() + timedelta(hours=1))
        return invitation


def _kept(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def _keep(path: Path, kept: dict[str, Any]) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(kept, indent=2), "utf-8")
