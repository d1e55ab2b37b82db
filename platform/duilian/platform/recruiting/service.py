"""Inviting people, one or many; finding the invitation a link belongs to."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from duilian.customization.models import PublishedSet
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.errors import Problem
from duilian.infra.fields import cipher_of, sealed_values
from duilian.infra.ids import new_id
from duilian.platform.recruiting.errors import AlreadyInvited, BadLink, BadRow
from duilian.platform.recruiting.links import invitation_of
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.tenants import trials
from duilian.tenants.calendars import after_business_days
from duilian.tenants.closures import require_open
from duilian.tenants.keyring import OpenTenantKey
from duilian.tenants.models import Tenant
from duilian.tenants.policy_store import policy_of_tenant
from duilian.tenants.service import current_tenant

_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]{2,}")
LONGEST_NAME = 80
MOST_ROWS = 2000


@dataclass(frozen=True)
class Person:
    name: str
    email: str


@dataclass
class Batch:
    """What became of a list: those invited, and a problem per row that was not."""

    invited: list[tuple[Person, Invitation]] = field(default_factory=list)
    refused: list[tuple[int, str, Problem]] = field(default_factory=list)


async def invite(
    session: TenantSession,
    published: PublishedSet,
    person: Person,
    locale: str,
    hours: int,
    by: str,
    unit_id: UUID,
) -> Invitation:
    """Raises AlreadyInvited where an open invitation of the unit to the same set exists, TrialOver, TrialUsedUp,
    TenantClosing.

    hours: from the earliest start, which is now unless the policy asks for notice.
    """
    tenant = await current_tenant(session)
    require_open(tenant)
    trial = await trials.require_room(session)
    start = _earliest_start(tenant)
    deadline = (start or now()) + timedelta(hours=hours)
    invitation = await _invited(session, published, person, locale, by, unit_id, start, deadline)
    if trial is not None:
        trial.used += 1
    return invitation


async def invite_simulated(
    session: TenantSession, published: PublishedSet, name: str, locale: str, by: str, unit_id: UUID
) -> Invitation:
    """Of a dry run: for nobody, counted nowhere, without a period of notice. Raises TenantClosing."""
    require_open(await current_tenant(session))
    person, deadline = Person(name, f"{new_id()}@simulated.invalid"), now() + timedelta(days=1)
    invitation = await _invited(session, published, person, locale, by, unit_id, None, deadline)
    invitation.dry_run = True
    return invitation


async def _invited(
    session: TenantSession,
    published: PublishedSet,
    person: Person,
    locale: str,
    by: str,
    unit_id: UUID,
    start: datetime | None,
    deadline: datetime,
) -> Invitation:
    candidate = await _candidate(session, person, unit_id)
    row = {
        "tenant_id": session.tenant_id,
        "id": new_id(),
        "candidate_id": candidate.id,
        "unit_id": unit_id,
        "set_id": published.id,
        "set_key": published.key,
        "locale": locale,
        "invited_by": by,
        "created_at": now(),
        "not_before": start,
        "deadline": deadline,
    }
    statement = insert(Invitation).values(**row).on_conflict_do_nothing().returning(Invitation.id)
    if await session.scalar(statement) is None:
        raise AlreadyInvited(email=person.email)
    return await session.get_one(Invitation, (session.tenant_id, row["id"]))


def _earliest_start(tenant: Tenant) -> datetime | None:
    notice = policy_of_tenant(tenant).notice
    if not notice.business_days:
        return None
    return after_business_days(now(), notice.business_days, notice.calendar, tenant.time_zone)


def read_people(source: str) -> tuple[list[tuple[int, str, Person]], list[tuple[int, str, Problem]]]:
    """Rows "name, e-mail" in either order, by comma, tab or semicolon, with or without a heading.

    Returns the good rows and, per bad row, its number (from 1), its text and what is wrong.
    """
    good: list[tuple[int, str, Person]] = []
    bad: list[tuple[int, str, Problem]] = []
    lines = source.replace("\ufeff", "").splitlines()
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or (number == 1 and "@" not in line):
            continue
        try:
            if number > MOST_ROWS:
                raise BadRow(
                    row=number, reason_zh=f"一次最多 {MOST_ROWS} 行", reason_en=f"at most {MOST_ROWS} rows"
                )
            person = _person(number, line)
            if first := seen.get(person.email):
                raise BadRow(
                    row=number,
                    reason_zh=f"与第 {first} 行的邮箱重复",
                    reason_en=f"same e-mail address as row {first}",
                )
            seen[person.email] = number
            good.append((number, line, person))
        except BadRow as problem:
            bad.append((number, line, problem))
    return good, bad


def _person(number: int, line: str) -> Person:
    separator = next((s for s in ("\t", ";", "；", "，", ",") if s in line), ",")
    fields = [f.strip() for f in next(csv.reader(io.StringIO(line), delimiter=separator))]
    emails = [f for f in fields if _EMAIL.fullmatch(f)]
    names = [f for f in fields if f and "@" not in f]
    if not emails:
        raise BadRow(row=number, reason_zh="没有有效的邮箱地址", reason_en="there is no valid e-mail address")
    if not names:
        raise BadRow(row=number, reason_zh="缺少姓名", reason_en="the name is missing")
    if len(names[0]) > LONGEST_NAME:
        raise BadRow(row=number, reason_zh="姓名过长", reason_en="the name is too long")
    return Person(names[0], emails[0].lower())


async def invite_many(
    session: TenantSession,
    published: PublishedSet,
    source: str,
    locale: str,
    hours: int,
    by: str,
    unit_id: UUID,
) -> Batch:
    """Good rows are invited, bad rows are told one by one; neither holds up the other."""
    good, bad = read_people(source)
    batch = Batch(refused=bad)
    for number, line, person in good:
        try:
            invitation = await invite(session, published, person, locale, hours, by, unit_id)
            batch.invited.append((person, invitation))
        except (AlreadyInvited, trials.TrialLimit) as problem:
            batch.refused.append((number, line, problem))
    batch.refused.sort(key=lambda row: row[0])
    return batch


async def invitation_by_token(session: TenantSession, key: OpenTenantKey, token: str) -> Invitation:
    """Raises BadLink."""
    invitation = await session.get(Invitation, (session.tenant_id, invitation_of(key, token)))
    if invitation is None:
        raise BadLink
    return invitation


async def _candidate(session: TenantSession, person: Person, unit_id: UUID) -> Candidate:
    """The unit's own record of the person; another unit's is not looked at."""
    candidate_id = new_id()
    index = cipher_of(session.sync_session).index("candidates.email", person.email)
    mine = (Candidate.unit_id == unit_id, Candidate.email_index == index)
    found = await session.scalar(select(Candidate).where(*mine))
    if found is not None:
        return found
    sealed = sealed_values(
        session.sync_session, Candidate, candidate_id, name=person.name, email=person.email
    )
    values = {
        "tenant_id": session.tenant_id, "id": candidate_id, "unit_id": unit_id, "created_at": now(), **sealed
    }  # fmt: skip
    await session.execute(insert(Candidate).values(**values).on_conflict_do_nothing())
    return (await session.scalars(select(Candidate).where(*mine))).one()
