"""A tenant's own domain (自有域名): proven by a TXT record that only who runs the domain can write.

A domain counts once it is verified, for one tenant only; the database keeps those in `domain_directory`. Whoever
tries another's learns nothing: a claim may be written down by anybody, and what is not proven looks the same whether
or not somebody else has proven it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select, text

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import NotFound, Unprocessable
from duilian.infra.names import NameServersDown, txt_records
from duilian.tenants.models import Tenant
from duilian.tenants.onboarding_models import TenantDomain
from duilian.tenants.service import current_tenant

LABEL = "_duilian"
PREFIX = "duilian-verification="
LONGEST = 253
CHECK = "domains.check"
PATIENCE = 2  # daily looks in a row that may fail to find the record
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


class BadDomain(Unprocessable):
    code = "bad-domain"
    zh = "这不是可用的域名。请填写您自己的域名，例如 interview.example.com，不带 https:// 和路径。"
    en = "This domain cannot be used. Give one of your own such as interview.example.com, without https:// and path."


class DomainNotProven(Unprocessable):
    code = "domain-not-proven"
    zh = "在 {record} 还没有查到约定的 TXT 记录。DNS 生效可能需要几分钟到几小时，请稍后再查。"
    en = "The agreed TXT record was not found at {record} yet. DNS may take minutes to hours; check again later."


def record_name(row: TenantDomain) -> str:
    return f"{LABEL}.{row.domain}"


def record_value(row: TenantDomain) -> str:
    return PREFIX + row.token


def domain_of(typed: str, own_host: str) -> str:
    """As DNS spells it. own_host: ours, whose names are nobody's. Raises BadDomain."""
    try:
        spelt = typed.strip().rstrip(".").encode("idna").decode().lower()
    except UnicodeError as error:
        raise BadDomain from error
    ours = spelt == own_host or spelt.endswith(f".{own_host}")
    if len(spelt) > LONGEST or not _DOMAIN.fullmatch(spelt) or _is_address(spelt) or ours:
        raise BadDomain
    return spelt


def _is_address(text_: str) -> bool:
    try:
        ip_address(text_)
    except ValueError:
        return False
    return True


async def domain_row(session: TenantSession) -> TenantDomain | None:
    return await session.scalar(select(TenantDomain))


async def claim(session: TenantSession, typed: str, own_host: str) -> TenantDomain:
    """In place of an earlier one; the same again keeps its record. Raises BadDomain."""
    domain = domain_of(typed, own_host)
    row = await session.scalar(select(TenantDomain).with_for_update())
    if row is not None and row.domain == domain:
        return row
    if row is not None:
        await remove(session)
    row = TenantDomain(
        domain=domain, token=secrets.token_hex(20), created_at=now(), checked_at=None, problem="", verified_at=None, misses=0,
        in_links=False,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    audit.record(session, "domain.claimed", "tenant", session.tenant_id, after={"domain": domain})
    return row


async def remove(session: TenantSession) -> None:
    """Raises NotFound. It is nobody's from here on."""
    row = await session.scalar(select(TenantDomain).with_for_update())
    if row is None:
        raise NotFound
    audit.record(session, "domain.removed", "tenant", session.tenant_id, before={"domain": row.domain})
    await session.delete(row)
    await session.flush()


async def look(session: TenantSession, tenant: Tenant, resolvers: str, *, patience: int = 0) -> TenantDomain:
    """Looks for the record now; what came of it stands in the row. Raises NotFound where no domain was claimed.

    A domain that was verified stays so until a look does not find the record, `patience` of them in a row aside; servers
    that are down prove nothing.
    """
    row = await session.scalar(select(TenantDomain).with_for_update())
    if row is None:
        raise NotFound
    try:
        found = record_value(row) in await txt_records(record_name(row), resolvers)
    except NameServersDown as down:
        row.checked_at, row.problem = now(), down.code
        return row
    was = row.verified_at is not None
    row.checked_at, row.misses = now(), 0 if found else row.misses + 1
    if was and not found and row.misses <= patience:
        return row
    row.verified_at = (row.verified_at or now()) if found else None
    await session.flush()
    if found and await _holder(session, row.domain) != tenant.slug:
        row.verified_at = None
    row.problem = "" if row.verified_at else DomainNotProven.code
    await session.flush()
    _note(session, row, was)
    return row


def _note(session: TenantSession, row: TenantDomain, was: bool) -> None:
    if row.verified_at and not was:
        audit.record(session, "domain.verified", "tenant", session.tenant_id, after={"domain": row.domain})
    if was and not row.verified_at:
        audit.record(session, "domain.lost", "tenant", session.tenant_id, before={"domain": row.domain})


async def use_in_links(session: TenantSession, wanted: bool) -> None:
    """Whether invitations name the domain from here on. Raises DomainNotProven, NotFound."""
    row = await session.scalar(select(TenantDomain).with_for_update())
    if row is None:
        raise NotFound
    if wanted and row.verified_at is None:
        raise DomainNotProven(record=record_name(row))
    row.in_links = wanted
    facts = {"domain": row.domain, "in_links": wanted}
    audit.record(session, "domain.link-changed", "tenant", session.tenant_id, after=facts)


async def base_of_links(session: TenantSession, public_url: str) -> str:
    """Where the tenant's candidates are sent: its own domain, by the same scheme and port as ours, or ours."""
    row = await domain_row(session)
    if row is None or row.verified_at is None or not row.in_links:
        return public_url
    parts = urlsplit(public_url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{row.domain}{port}"


def checker(database: Database, resolvers: str) -> Callable[..., Awaitable[None]]:
    """The daily task: a domain that changes hands loses its record, and is no longer shown soon after."""

    async def check(tenant_id: UUID) -> None:
        async with database.begin(tenant_id) as session:
            if await domain_row(session) is not None:
                await look(session, await current_tenant(session), resolvers, patience=PATIENCE)

    return check


async def _holder(session: TenantSession, domain: str) -> str | None:
    return await session.scalar(text("select slug_of_domain(:domain)"), {"domain": domain})


async def slug_served_at(database: Database, host: str) -> str | None:
    """The tenant whose verified domain this is; None for all others."""
    async with database.connect() as connection:
        return await connection.scalar(text("select slug_of_domain(:host)"), {"host": host})
