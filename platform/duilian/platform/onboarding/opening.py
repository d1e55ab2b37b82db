"""The last step before there is a tenant: all of it in one transaction, or nothing."""

from __future__ import annotations

from duilian.customization.packs import vocabulary
from duilian.infra.database import Database, TenantSession
from duilian.infra.settings import Settings
from duilian.platform.onboarding.drafts import Draft
from duilian.platform.onboarding.letters import tell_opened
from duilian.platform.web.words import LOCALES, t
from duilian.tenants import trials
from duilian.tenants.branding import Brand
from duilian.tenants.errors import SlugTaken
from duilian.tenants.keyring import Keyring
from duilian.tenants.onboarding_models import Onboarding
from duilian.tenants.passwords import check_password
from duilian.tenants.people import add_member
from duilian.tenants.service import TenantFile, create_tenant, current_tenant, find_tenant
from duilian.tenants.sessions import Visitor, open_session
from duilian.tenants.signin import Admission, sign_in

PRIMARY, ACCENT = "#235f5f", "#c8553d"


async def open_company(
    database: Database, keyring: Keyring, settings: Settings, draft: Draft, password: str, visitor: Visitor
) -> Admission:
    """The tenant with its owner, who is signed in. Sent twice, the second one only signs in. Raises SlugTaken where
    somebody was faster, WeakPassword and its like, SignInFailed where the second one brought another password."""
    check_password(password, (draft.person, draft.email, draft.name, draft.slug))
    admitted = Admission()

    async def fill(session: TenantSession) -> None:
        nonlocal admitted
        member = await add_member(session, draft.email, draft.person, "owner", password, draft.reading)
        session.add(Onboarding(brand_at=None, domain_skipped_at=None, dismissed_at=None))
        await trials.begin(session, settings.trial_invitations, settings.trial_days)
        await tell_opened(session, settings, await current_tenant(session), member)
        cookie = await open_session(session, visitor, method="password", member_id=member.id)
        admitted = Admission(session=cookie)

    try:
        await create_tenant(database, keyring, file_of(draft), fill, draft.tenant_id)
    except SlugTaken:
        if await find_tenant(database, draft.slug) != draft.tenant_id:
            raise
        return await sign_in(database, draft.slug, draft.email, password, visitor)
    return admitted


def file_of(draft: Draft) -> TenantFile:
    """With neutral colours and words; the company chooses its own next."""
    name = {str(locale): draft.name for locale in LOCALES}
    brand = Brand(
        primary=PRIMARY,
        accent=ACCENT,
        logo_text=dict.fromkeys(LOCALES, draft.name[:40]),
        tagline=dict.fromkeys(LOCALES, ""),
        welcome={locale: t(locale, "start.brand.welcome", company=draft.name) for locale in LOCALES},
        contact=draft.email,
    )
    return TenantFile(
        slug=draft.slug,
        name=name,
        industry=draft.industry,
        locale=draft.locale,
        time_zone=draft.time_zone,
        brand=brand,
        vocabulary=vocabulary(draft.industry),
        jurisdiction=draft.jurisdiction,
    )
