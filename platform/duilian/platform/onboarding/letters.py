"""Letters before there is a tenant: they are handed over at once, while the person waits for the code.

The queue of letters seals what it holds under a tenant's key, and there is none yet; a code that cannot be sent now
is better told now. One letter goes to whatever address was typed: what we know of it, if anything, is never looked at.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.ids import new_id
from duilian.infra.mail import send_later
from duilian.infra.settings import Settings
from duilian.infra.smtp import MailServerDown, Server, address_of, compose
from duilian.platform.onboarding import drafts
from duilian.platform.onboarding.drafts import OpenDraft
from duilian.platform.onboarding.errors import CodeUsedUp, DraftGone, WrongStartCode
from duilian.platform.web import letters
from duilian.platform.web.words import LOCALES, t
from duilian.tenants.errors import TooManyAttempts
from duilian.tenants.models import Member, Tenant

CODE_LASTS = timedelta(minutes=15)
TRIES = 5
LETTERS_PER_ADDRESS = 5
MINUTES = 60  # in which letters are counted
OUR_COLOUR = "#235f5f"


class CodeNotSent(MailServerDown):
    code = "code-not-sent"
    zh = "验证码没有发出：发信服务器暂时不可用。请稍后再试。"
    en = "The code was not sent: the mail server is unavailable for the moment. Please try again shortly."


async def send_code(database: Database, settings: Settings, opened: OpenDraft, network: str) -> None:
    """A new code and a new link; those of earlier letters are void. Raises TooManyAttempts, BadMailAddress, CodeNotSent,
    MailRefused."""
    draft = opened.draft
    draft.email = address_of(draft.email)
    await _count(database, settings, draft.email, network)
    code = f"{secrets.randbelow(1_000_000):06d}"
    drafts.renew_link(opened)
    draft.verified, draft.code_mac, draft.code_until = False, opened.mac(code), now() + CODE_LASTS
    await drafts.keep(database, opened, new_code=True)
    letter = letters.write(
        "start",
        letters.Reader(draft.person, draft.email, draft.reading),
        us(),
        f"{settings.public_url}/start/continue/{opened.link}",
        code=code,
        company=draft.name,
        minutes=int(CODE_LASTS.total_seconds() // 60),
    )
    try:
        await Server.parse(settings.smtp_url).deliver(compose(letter, settings.mail_from, str(new_id())))
    except MailServerDown as error:
        raise CodeNotSent from error


async def _count(database: Database, settings: Settings, email: str, network: str) -> None:
    limits = ((f"network|{network}", settings.start_codes), (f"email|{email.lower()}", LETTERS_PER_ADDRESS))
    for who, most in limits:
        if not await drafts.may_try(database, who, most, MINUTES):
            raise TooManyAttempts(minutes=MINUTES)


async def check_code(database: Database, opened: OpenDraft, typed: str) -> None:
    """Counted before it is looked at. Raises WrongStartCode, CodeUsedUp, DraftGone."""
    tried = await drafts.count_code_try(database, opened)
    draft = opened.draft
    if not tried:
        raise DraftGone
    if tried > TRIES or not draft.code_mac:
        raise CodeUsedUp
    code = "".join(character for character in typed if character.isdigit())
    fresh = draft.code_until is not None and now() < draft.code_until
    if not fresh or not secrets.compare_digest(opened.mac(code), draft.code_mac):
        raise CodeUsedUp if tried == TRIES else WrongStartCode(left=TRIES - tried)
    draft.verified, draft.code_mac, draft.code_until = True, "", None
    await drafts.keep(database, opened)
    await drafts.change_cookie(database, opened)


def us() -> letters.Sender:
    return letters.Sender({locale: t(locale, "front.name") for locale in LOCALES}, OUR_COLOUR)


async def tell_opened(session: TenantSession, settings: Settings, tenant: Tenant, member: Member) -> None:
    """Where to sign in from now on: the address is easily lost."""
    letter = letters.write(
        "opened",
        letters.Reader(member.name, member.email, member.locale),
        us(),
        f"{settings.public_url}/t/{tenant.slug}/sign-in",
        company=letters.Sender.of(tenant.name, tenant.brand).called(member.locale),
        slug=tenant.slug,
    )
    await send_later(session, "opened", member.id, letter)
