"""What an administrator changes about the brand: colours, words, logo. Checked, kept, written to the audit log."""

from __future__ import annotations

import msgspec
from sqlalchemy import select

from duilian.infra import audit
from duilian.infra.database import TenantSession
from duilian.infra.errors import Unprocessable
from duilian.tenants.branding import Brand
from duilian.tenants.models import Tenant

LONGEST = {"logo_text": 40, "tagline": 120, "welcome": 600, "thanks": 600}
LONGEST_CONTACT = 200


class BadBrandWords(Unprocessable):
    """field: of `Brand`; locale: which language lacks words or has too many."""

    code = "bad-brand-words"
    zh = "请检查「{field}」（{locale}）：必填项不能为空，且最多 {most} 个字。"
    en = "Please check “{field}” ({locale}): what is required cannot be empty, and there is room for {most} characters."


async def save_brand(session: TenantSession, brand: Brand) -> Tenant:
    """The logo stays as it is. Raises LowContrast, BadBrandWords."""
    brand.check()
    _check_words(brand)
    tenant = (
        await session.scalars(select(Tenant).where(Tenant.id == session.tenant_id).with_for_update())
    ).one()
    before, after = tenant.brand, msgspec.to_builtins(brand) | {"logo": tenant.brand.get("logo", "")}
    changed = [key for key in after if before.get(key) != after[key]]
    tenant.brand = after
    audit.record(
        session, "brand.saved", "tenant", tenant.id,
        before={key: before.get(key) for key in changed}, after={key: after[key] for key in changed},
    )  # fmt: skip
    return tenant


def brand_of(tenant: Tenant) -> Brand:
    return msgspec.convert(tenant.brand, Brand)


def _check_words(brand: Brand) -> None:
    for field, most in LONGEST.items():
        for locale, said in getattr(brand, field).items():
            if len(said) > most or (field in ("logo_text", "welcome") and not said.strip()):
                raise BadBrandWords(field=field, locale=locale, most=most)
    if len(brand.contact) > LONGEST_CONTACT:
        raise BadBrandWords(field="contact", locale="–", most=LONGEST_CONTACT)
