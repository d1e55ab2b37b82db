"""One-time codes (动态验证码): TOTP after RFC 6238, six digits, 30 seconds, SHA-1 as authenticator apps expect.

A step of the clock serves once: the number of the last one used is kept, so a code that was looked over somebody's
shoulder opens nothing. Ten recovery codes stand in for a lost phone, each once; only their hashes are kept.
"""

from __future__ import annotations

import base64
import hmac
import io
import secrets
import time
from uuid import UUID

import segno
from pyotp import random_base32
from pyotp.totp import TOTP
from sqlalchemy import delete, func, select, update

from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.tenants.account_errors import WrongCode
from duilian.tenants.account_models import OneTimeCode, RecoveryCode
from duilian.tenants.service import digest

PERIOD = 30  # seconds
DRIFT = 1  # steps that a phone's clock may be wrong, either way
RECOVERY_CODES = 10
RECOVERY_BYTES = 10  # 80 random bits need no slow hash
ISSUER = "Duilian"


async def begin(session: TenantSession, member_id: UUID) -> OneTimeCode:
    """A new secret that does not count until its first code was shown; one that was never confirmed is replaced."""
    await session.execute(
        delete(OneTimeCode).where(OneTimeCode.member_id == member_id, OneTimeCode.confirmed_at.is_(None))
    )
    row = OneTimeCode(member_id=member_id, created_at=now(), confirmed_at=None, last_step=0)
    row.secret = random_base32()
    session.add(row)
    await session.flush()
    return row


async def pending(session: TenantSession, member_id: UUID) -> OneTimeCode | None:
    """The secret that waits for its first code."""
    return await session.scalar(
        select(OneTimeCode).where(OneTimeCode.member_id == member_id, OneTimeCode.confirmed_at.is_(None))
    )


async def in_use(session: TenantSession, member_id: UUID) -> OneTimeCode | None:
    return await session.scalar(
        select(OneTimeCode).where(OneTimeCode.member_id == member_id, OneTimeCode.confirmed_at.is_not(None))
    )


async def members_with_code(session: TenantSession) -> set[UUID]:
    return set(
        await session.scalars(select(OneTimeCode.member_id).where(OneTimeCode.confirmed_at.is_not(None)))
    )


async def confirm(session: TenantSession, member_id: UUID, code: str) -> list[str]:
    """Puts the pending secret in use, in place of an earlier one. Returns the recovery codes. Raises WrongCode."""
    row = await pending(session, member_id)
    if row is None or not await _spend_step(session, row, code):
        raise WrongCode
    await session.execute(
        delete(OneTimeCode).where(OneTimeCode.member_id == member_id, OneTimeCode.id != row.id)
    )
    row.confirmed_at = now()
    return await new_recovery_codes(session, member_id)


async def spend(session: TenantSession, member_id: UUID, code: str) -> str:
    """Uses up a one-time code or a recovery code; returns which ("code" or "recovery"). Raises WrongCode."""
    row = await in_use(session, member_id)
    if row is not None and await _spend_step(session, row, code):
        return "code"
    if row is not None and await _spend_recovery(session, member_id, code):
        return "recovery"
    raise WrongCode


async def remove(session: TenantSession, member_id: UUID) -> None:
    for table in (OneTimeCode, RecoveryCode):
        await session.execute(delete(table).where(table.member_id == member_id))


async def new_recovery_codes(session: TenantSession, member_id: UUID) -> list[str]:
    """Replaces those there were; shown this once."""
    await session.execute(delete(RecoveryCode).where(RecoveryCode.member_id == member_id))
    shown = [_recovery_code() for _ in range(RECOVERY_CODES)]
    session.add_all(
        [RecoveryCode(member_id=member_id, code_hash=digest(_plain(code)), used_at=None) for code in shown]
    )
    await session.flush()
    return shown


async def recovery_codes_left(session: TenantSession, member_id: UUID) -> int:
    query = select(func.count()).where(RecoveryCode.member_id == member_id, RecoveryCode.used_at.is_(None))
    return await session.scalar(query) or 0


def address_of(row: OneTimeCode, tenant: str, email: str) -> str:
    """The otpauth address that an authenticator app reads from the QR code."""
    return TOTP(row.secret).provisioning_uri(name=f"{tenant} · {email}", issuer_name=ISSUER)


def picture(address: str) -> str:
    """The address as a QR code: an svg element without styles or scripts, black on white."""
    out = io.BytesIO()
    code = segno.make(address, error="m", micro=False)
    code.save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=True,
        scale=5,
        border=4,
        light="#ffffff",
        dark="#000000",
        nl=False,
    )
    return out.getvalue().decode()


async def _spend_step(session: TenantSession, row: OneTimeCode, code: str) -> bool:
    step = _step_of(row.secret, _plain(code))
    if step is None:
        return False
    # In one statement, so that two requests with the same code cannot both be first.
    used = update(OneTimeCode).where(OneTimeCode.id == row.id, OneTimeCode.last_step < step)
    return await session.scalar(used.values(last_step=step).returning(OneTimeCode.id)) is not None


def _step_of(secret: str, code: str) -> int | None:
    """The step of the clock whose code this is."""
    totp, current = TOTP(secret), int(time.time()) // PERIOD
    for step in range(current - DRIFT, current + DRIFT + 1):
        if hmac.compare_digest(totp.at(step * PERIOD).encode(), code.encode()):
            return step
    return None


async def _spend_recovery(session: TenantSession, member_id: UUID, code: str) -> bool:
    used = update(RecoveryCode).where(
        RecoveryCode.member_id == member_id,
        RecoveryCode.code_hash == digest(_plain(code)),
        RecoveryCode.used_at.is_(None),
    )
    return await session.scalar(used.values(used_at=now()).returning(RecoveryCode.id)) is not None


def _recovery_code() -> str:
    """Four groups of four: base32 has no letters that look like digits."""
    text = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(text[i : i + 4] for i in range(0, len(text), 4))


def _plain(code: str) -> str:
    """As it was meant: people type spaces, hyphens and capitals."""
    return "".join(c for c in code.lower() if c.isalnum())
