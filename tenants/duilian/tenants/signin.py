"""Signing in: by password, throttled, with a second step where one is asked for; and API keys recognised.

Every way of proving who one is ends in `admit`, which opens the session or asks for the one-time code.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Access, Database, TenantSession
from duilian.infra.errors import NotSignedIn
from duilian.tenants import codes
from duilian.tenants.account_errors import SignInStepOver, WrongCode
from duilian.tenants.account_models import SignInPolicy, SignInStep
from duilian.tenants.actors import Actor, actor_of_key
from duilian.tenants.errors import SignInFailed, UnknownTenant
from duilian.tenants.models import ApiKey, Member
from duilian.tenants.passwords import matches, rehashed
from duilian.tenants.people import member_by_email
from duilian.tenants.service import digest, find_tenant
from duilian.tenants.sessions import SEEN_EVERY, Visitor, open_session, split_cookie
from duilian.tenants.throttling import Limit, count, forget

ATTEMPTS_PER_ADDRESS = 8
ATTEMPTS_PER_NETWORK = 40
STEP_LASTS = timedelta(minutes=5)
TRIES_PER_STEP = 5


@dataclass(frozen=True)
class Admission:
    """What a proof led to: a session, or the second step that is still to be taken. Both are cookies' values.

    enrol: the member has no one-time code yet and the tenant asks for one.
    """

    session: str = ""
    step: str = ""
    enrol: bool = False


async def sign_in(database: Database, slug: str, email: str, password: str, visitor: Visitor) -> Admission:
    """Raises SignInFailed (one answer for every cause), TooManyAttempts."""
    try:
        tenant_id = await find_tenant(database, slug)
    except UnknownTenant as error:
        await matches(None, password)
        raise SignInFailed from error
    address = Limit(f"address|{email.strip().lower()}", ATTEMPTS_PER_ADDRESS)
    # Counted before the password is looked at and in a transaction of its own: trying in parallel gains nothing.
    async with database.begin(tenant_id) as session:
        await count(session, address, Limit(f"network|{visitor.network}", ATTEMPTS_PER_NETWORK))
        member = await member_by_email(session, email)
    right = await matches(member.password_hash if member else None, password)
    if member is None or not right or member.disabled_at is not None:
        await _note_failure(database, tenant_id, member, visitor)
        raise SignInFailed
    async with database.begin(tenant_id, _access(member, visitor)) as session:
        await forget(session, address)
        if better := rehashed(member.password_hash, password):
            await session.execute(update(Member).where(Member.id == member.id).values(password_hash=better))
        return await admit(session, member.id, "password", visitor)


async def admit(session: TenantSession, member_id: UUID, method: str, visitor: Visitor) -> Admission:
    """Opens a session, unless a password needs a code beside it. The tenant's own provider asks for what it wants."""
    if method == "password":
        enrolled = await codes.in_use(session, member_id) is not None
        if enrolled or await code_required(session):
            return Admission(step=await _begin_step(session, member_id), enrol=not enrolled)
    return Admission(session=await open_session(session, visitor, method=method, member_id=member_id))


async def code_required(session: TenantSession) -> bool:
    """Whether the tenant asks everybody for a one-time code."""
    return bool(await session.scalar(select(SignInPolicy.code_required)))


async def require_code(session: TenantSession, required: bool) -> None:
    policy = await session.scalar(select(SignInPolicy).with_for_update())
    before = policy is not None and policy.code_required
    if policy is None:
        session.add(SignInPolicy(code_required=required))
    else:
        policy.code_required = required
    audit.record(
        session, "sign-in.policy-changed", "tenant", session.tenant_id,
        before={"code_required": before}, after={"code_required": required},
    )  # fmt: skip


async def take_step(database: Database, step: str, code: str, visitor: Visitor) -> Admission:
    """The second step with a one-time code or a recovery code. Raises WrongCode, SignInStepOver, TooManyAttempts."""
    tenant_id, member_id = await _count_try(database, step)
    async with database.begin(tenant_id, _access_of(member_id, visitor)) as session:
        try:
            method = await codes.spend(session, member_id, code)
        except WrongCode as wrong:
            audit.record(session, "sign-in.code-refused", "member", member_id)
            refusal = wrong
        else:
            return await _pass_step(session, member_id, step, method, visitor)
    raise refusal


async def step_member(database: Database, step: str) -> tuple[UUID, UUID]:
    """Tenant and member of an open step. Raises SignInStepOver."""
    tenant_id, secret = _split_step(step)
    async with database.begin(tenant_id) as session:
        query = select(SignInStep.member_id).where(*_open_step(secret))
        member_id = await session.scalar(query)
    if member_id is None:
        raise SignInStepOver
    return tenant_id, member_id


async def enrol(database: Database, step: str, code: str, visitor: Visitor) -> tuple[Admission, list[str]]:
    """The second step of who sets the code up: the admission and the recovery codes. Raises as `take_step`."""
    tenant_id, member_id = await _count_try(database, step)
    async with database.begin(tenant_id, _access_of(member_id, visitor)) as session:
        if await codes.in_use(session, member_id) is not None:  # set up elsewhere meanwhile: that one counts
            raise SignInStepOver
        shown = await codes.confirm(session, member_id, code)
        audit.record(session, "code.set-up", "member", member_id)
        return await _pass_step(session, member_id, step, "code", visitor), shown


async def _begin_step(session: TenantSession, member_id: UUID) -> str:
    secret, at = secrets.token_urlsafe(32), now()
    await session.execute(delete(SignInStep).where(SignInStep.expires_at < at))
    session.add(
        SignInStep(
            member_id=member_id,
            secret_hash=digest(secret),
            created_at=at,
            expires_at=at + STEP_LASTS,
            tries=0,
        )
    )
    return f"{session.tenant_id.hex}.{secret}"


async def _count_try(database: Database, step: str) -> tuple[UUID, UUID]:
    """Before the code is looked at, in a transaction of its own."""
    tenant_id, secret = _split_step(step)
    async with database.begin(tenant_id) as session:
        tried = update(SignInStep).where(*_open_step(secret)).values(tries=SignInStep.tries + 1)
        member_id = await session.scalar(tried.returning(SignInStep.member_id))
        if member_id is None:
            raise SignInStepOver
        # Across steps too: whoever has the password could begin as many as they like.
        await count(session, Limit(f"code|{member_id}", ATTEMPTS_PER_ADDRESS))
    return tenant_id, member_id


async def _pass_step(
    session: TenantSession, member_id: UUID, step: str, method: str, visitor: Visitor
) -> Admission:
    _, secret = _split_step(step)
    await session.execute(delete(SignInStep).where(SignInStep.secret_hash == digest(secret)))
    await forget(session, Limit(f"code|{member_id}", ATTEMPTS_PER_ADDRESS))
    member = await session.get(Member, (session.tenant_id, member_id))
    if member is None or member.disabled_at is not None:
        raise SignInStepOver
    return Admission(session=await open_session(session, visitor, method=method, member_id=member_id))


def _open_step(secret: str) -> tuple[ColumnElement[bool], ...]:
    return (
        SignInStep.secret_hash == digest(secret),
        SignInStep.expires_at > now(),
        SignInStep.tries < TRIES_PER_STEP,
    )


def _split_step(step: str) -> tuple[UUID, str]:
    try:
        return split_cookie(step)
    except NotSignedIn as error:
        raise SignInStepOver from error


async def _note_failure(database: Database, tenant_id: UUID, member: Member | None, visitor: Visitor) -> None:
    """The same work whether the address is known or not."""
    async with database.begin(tenant_id, Access(actor="nobody", network=visitor.network)) as session:
        audit.record(session, "sign-in.failed", "member", member.id if member else "unknown")


def _access(member: Member, visitor: Visitor) -> Access:
    return _access_of(member.id, visitor)


def _access_of(member_id: UUID, visitor: Visitor) -> Access:
    return Access(actor=f"member:{member_id}", network=visitor.network)


async def actor_of_api_key(database: Database, key: str) -> Actor:
    """Raises NotSignedIn: unknown, expired, revoked and malformed keys look the same."""
    prefix, _, rest = key.partition("_")
    slug, _, secret = rest.partition("_")
    if prefix != "dl" or not secret:
        raise NotSignedIn
    try:
        tenant_id = await find_tenant(database, slug)
    except UnknownTenant as error:
        raise NotSignedIn from error
    async with database.begin(tenant_id) as session:
        at = now()
        row = await session.scalar(select(ApiKey).where(ApiKey.secret_hash == digest(secret)))
        if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= at):
            raise NotSignedIn
        if row.last_used_at is None or at - row.last_used_at > SEEN_EVERY:
            row.last_used_at = at
        return await actor_of_key(session, row)
