"""The pages of somebody who is not signed in: one card, with the tenant's look where the address names the tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.handlers import BaseRouteHandler
from litestar.params import Body

from duilian.infra.database import Database
from duilian.infra.errors import Forbidden, Problem
from duilian.infra.settings import Settings
from duilian.platform.console.desk import COOKIE
from duilian.platform.web import words
from duilian.platform.web.edge import flash_of, network_of, without_flash
from duilian.platform.web.pages import page
from duilian.tenants.service import current_tenant, find_tenant
from duilian.tenants.sessions import SESSION_LASTS, Visitor

AnyRequest = Request[Any, Any, Any]  # Any: nobody is signed in yet
AnyConnection = ASGIConnection[Any, Any, Any, Any]
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class FromElsewhere(Forbidden):
    code = "from-elsewhere"
    zh = "这个表单不是从我们的页面提交的，已拒绝。请打开登录页重试。"
    en = "This form was not sent from a page of ours and was refused. Open the sign-in page and try again."


@dataclass(frozen=True)
class Gate:
    """Where somebody stands: language, and the tenant if the address names one."""

    locale: str
    slug: str = ""
    employer: str = ""
    logo: str = ""
    brand: Mapping[str, Any] = field(default_factory=dict[str, Any])  # Any: a checked document
    tenant_id: UUID | None = None

    def show(
        self,
        template: str,
        problem: Problem | None = None,
        *,
        request: AnyRequest | None = None,
        **context: Any,
    ) -> Response[Any]:
        """problem: told on the page, with its status. request: a message left by a redirect is shown."""
        flash = flash_of(request) if request is not None else None
        answer = page(
            template,
            self.locale,
            status=problem.status if problem else 200,
            slug=self.slug,
            employer=self.employer,
            logo=self.logo,
            brand=self.brand,
            error=problem.sentence(self.locale) if problem else "",
            notice=flash[1] if flash else "",
            **context,
        )
        return without_flash(answer) if flash else answer


def from_here(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """A guard of forms without a session: browsers say where a form was sent from (Fetch Metadata)."""
    if connection.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise FromElsewhere


def locale_of(request: AnyRequest, chosen: str | None = "") -> str:
    """The language that was chosen on the page, else the browser's."""
    return chosen if chosen in words.LOCALES else words.preferred(request.headers.get("accept-language"))


async def tenant_gate(database: Database, slug: str, locale: str) -> Gate:
    """Raises UnknownTenant."""
    tenant_id = await find_tenant(database, slug)
    async with database.begin(tenant_id) as session:
        tenant = await current_tenant(session)
    name: dict[str, str] = tenant.name
    logo: dict[str, str] = tenant.brand.get("logo_text") or name
    employer = name.get(locale) or next(iter(name.values()))
    return Gate(locale, slug, employer, logo.get(locale) or employer, tenant.brand, tenant_id)


def visitor_of(request: AnyRequest) -> Visitor:
    return Visitor(network_of(request), request.headers.get("user-agent", "")[:400])


def cookie(settings: Settings, key: str, value: str, seconds: float, path: str = "/console") -> Cookie:
    return Cookie(
        key=key,
        value=value,
        max_age=int(seconds),
        httponly=True,
        secure=settings.secure_cookies,
        samesite="lax",
        path=path,
    )


def session_cookie(settings: Settings, value: str) -> Cookie:
    return cookie(settings, COOKIE, value, SESSION_LASTS.total_seconds())
