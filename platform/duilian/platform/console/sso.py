"""Single sign-on: to the tenant's provider and back. What went wrong is told on a page that says what to do."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.response import Redirect

from duilian.infra import audit
from duilian.infra.database import Access, Database
from duilian.infra.errors import Problem
from duilian.infra.outbound import Rules
from duilian.infra.settings import Settings
from duilian.platform.console.gates import AnyRequest, Gate, cookie, locale_of, tenant_gate, visitor_of
from duilian.platform.console.signin import enter
from duilian.tenants import oidc, sso
from duilian.tenants.account_errors import VisitUnknown
from duilian.tenants.oidc import Provider, Ticket
from duilian.tenants.service import find_tenant
from duilian.tenants.sessions import Visitor
from duilian.tenants.signin import Admission, admit

log = logging.getLogger(__name__)
VISIT = "duilian_visit"


def redirect_address(settings: Settings, slug: str) -> str:
    """What is registered at the provider. One a tenant: an answer cannot reach another tenant's door."""
    return f"{settings.public_url}/t/{slug}/sign-in/sso/callback"


@get("/t/{slug:str}/sign-in/sso", include_in_schema=False)
async def begin_sso(
    request: AnyRequest, database: Database, settings: Settings, slug: str, lang: str = ""
) -> Response[Any]:
    """Sends the browser to the provider, with a cookie by which it is known again."""
    locale = locale_of(request, lang)
    try:
        provider, ticket = await _visit(database, settings, slug)
        metadata = await oidc.discover(Rules.of(settings), provider.issuer)
    except Problem as problem:
        return await _told(database, slug, locale, problem)
    url = oidc.authorization_url(provider, metadata, ticket, locale)
    seconds = sso.VISIT_LASTS.total_seconds()
    return Redirect(
        url, status_code=303, cookies=[cookie(settings, VISIT, ticket.secret, seconds, _path(slug))]
    )


@get("/t/{slug:str}/sign-in/sso/callback", include_in_schema=False)
async def end_sso(request: AnyRequest, database: Database, settings: Settings, slug: str) -> Response[Any]:
    """Where the provider sends the browser back to."""
    tenant_id, visitor = await find_tenant(database, slug), visitor_of(request)
    try:
        admission = await _return(request, database, settings, slug, tenant_id, visitor)
    except Problem as problem:
        await _note(database, tenant_id, visitor, problem)
        answer = await _told(database, slug, locale_of(request), problem)
    else:
        answer = enter(settings, admission)
    answer.delete_cookie(VISIT, path=_path(slug))
    return answer


async def _visit(database: Database, settings: Settings, slug: str) -> tuple[Provider, Ticket]:
    async with database.begin(await find_tenant(database, slug)) as session:
        provider = await sso.provider_in_use(session, redirect_address(settings, slug))
        return provider, await sso.begin_visit(session)


async def _return(
    request: AnyRequest, database: Database, settings: Settings, slug: str, tenant_id: UUID, visitor: Visitor
) -> Admission:
    """The visit is over before anything else is looked at: an answer serves once."""
    secret, rules = request.cookies.get(VISIT, ""), Rules.of(settings)
    if not secret:
        raise VisitUnknown
    async with database.begin(tenant_id) as session:
        ticket = await sso.end_visit(session, secret)
        provider = await sso.provider_in_use(session, redirect_address(settings, slug))
    metadata = await oidc.discover(rules, provider.issuer)
    identity = await oidc.redeem(rules, provider, metadata, ticket, dict(request.query_params.items()))
    async with database.begin(tenant_id, Access(actor="single sign-on", network=visitor.network)) as session:
        member = await sso.member_for(session, identity)
        return await admit(session, member.id, "sso", visitor)


async def _note(database: Database, tenant_id: UUID, visitor: Visitor, problem: Problem) -> None:
    log.info("single sign-on refused", extra={"code": problem.code})
    async with database.begin(tenant_id, Access(actor="nobody", network=visitor.network)) as session:
        audit.record(
            session, "sign-in.failed", "tenant", tenant_id, after={"method": "sso", "code": problem.code}
        )


async def _told(database: Database, slug: str, locale: str, problem: Problem) -> Response[Any]:
    """Raises UnknownTenant."""
    gate: Gate = await tenant_gate(database, slug, locale)
    return gate.show("gate_problem.html", problem, back=f"/t/{slug}/sign-in", code=problem.code)


def _path(slug: str) -> str:
    return f"/t/{slug}/sign-in"
