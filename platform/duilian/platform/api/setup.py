"""The staff API of what a tenant looks like and under which name it is found (docs/onboarding.md)."""

from __future__ import annotations

from typing import Annotated, TypedDict

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.di import Provide

from duilian.infra.errors import NotFound
from duilian.infra.settings import Settings
from duilian.platform.api.desk import ApiDesk, key_with, provide_api_desk
from duilian.platform.onboarding import progress
from duilian.tenants import domains
from duilian.tenants.brand_settings import brand_of, save_brand
from duilian.tenants.branding import Brand, Colour
from duilian.tenants.onboarding_models import TenantDomain
from duilian.tenants.rights import Right

SETTINGS = [key_with(Right.SETTINGS)]
Said = Annotated[str, msgspec.Meta(max_length=600)]


class BothLanguages(msgspec.Struct, frozen=True, kw_only=True, rename={"zh": "zh-CN"}):
    """The same words in each language."""

    zh: Said
    en: Said


class NewBrand(msgspec.Struct, frozen=True, kw_only=True):
    """primary: white text on it needs a contrast of 4.5 (WCAG 2.2 AA)."""

    primary: Colour
    accent: Colour
    radius: Annotated[str, msgspec.Meta(pattern=r"^[0-9.]{1,5}(rem|px)$")] = "0.75rem"
    logo_text: BothLanguages
    tagline: BothLanguages = BothLanguages(zh="", en="")
    welcome: BothLanguages
    thanks: BothLanguages = BothLanguages(zh="", en="")
    contact: Annotated[str, msgspec.Meta(max_length=200)]


class NewDomain(msgspec.Struct, frozen=True, kw_only=True):
    domain: Annotated[str, msgspec.Meta(min_length=3, max_length=253)]


class DomainState(TypedDict):
    """record_name, record_value: the TXT record to set. problem: why the last look did not verify it, or ""."""

    domain: str
    record_name: str
    record_value: str
    checked_at: str | None
    verified_at: str | None
    problem: str


class SetupApi(Controller):
    path = "/api/v1"
    tags = ("staff",)
    dependencies = {"desk": Provide(provide_api_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/brand", guards=SETTINGS)
    async def brand(self, desk: ApiDesk) -> Brand:
        return brand_of(desk.tenant)

    @put("/brand", guards=SETTINGS)
    async def replace_brand(self, desk: ApiDesk, data: NewBrand) -> Brand:
        """The logo stays as it is: it is uploaded in the console."""
        wanted = msgspec.convert(msgspec.to_builtins(data), Brand)
        tenant = await save_brand(desk.session, wanted)
        await progress.brand_done(desk.session)
        return brand_of(tenant)

    @get("/domain", guards=SETTINGS)
    async def domain(self, desk: ApiDesk) -> DomainState:
        row = await domains.domain_row(desk.session)
        if row is None:
            raise NotFound
        return _state(row)

    @put("/domain", guards=SETTINGS)
    async def claim_domain(self, desk: ApiDesk, settings: Settings, data: NewDomain) -> DomainState:
        """In place of an earlier one; the same again keeps its record."""
        return _state(await domains.claim(desk.session, data.domain, settings.public_host))

    @post("/domain/verification", guards=SETTINGS, status_code=200)
    async def verify_domain(self, desk: ApiDesk, settings: Settings) -> DomainState:
        """Looks for the record now."""
        return _state(await domains.look(desk.session, desk.tenant, settings.dns_resolvers))

    @delete("/domain", guards=SETTINGS)
    async def remove_domain(self, desk: ApiDesk) -> None:
        await domains.remove(desk.session)


def _state(row: TenantDomain) -> DomainState:
    return {
        "domain": row.domain,
        "record_name": domains.record_name(row),
        "record_value": domains.record_value(row),
        "checked_at": row.checked_at.isoformat() if row.checked_at else None,
        "verified_at": row.verified_at.isoformat() if row.verified_at else None,
        "problem": row.problem,
    }
