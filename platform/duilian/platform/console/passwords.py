"""Choosing a password by a mailed link: asking for the link, and what it opens."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from duilian.infra.database import Access, Database
from duilian.infra.errors import Problem
from duilian.infra.settings import Settings
from duilian.platform.console import account_letters
from duilian.platform.console.gates import (
    AnyRequest,
    Form,
    Gate,
    from_here,
    locale_of,
    tenant_gate,
    visitor_of,
)
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants import accounts
from duilian.tenants.account_errors import GuessablePassword, LinkUsed, LongPassword
from duilian.tenants.errors import TooManyAttempts, UnknownTenant, WeakPassword

BAD_PASSWORD = (WeakPassword, LongPassword, GuessablePassword)


@get("/console/forgot", include_in_schema=False)
async def show_forgot(request: AnyRequest, tenant: str = "", lang: str = "") -> Response[Any]:
    gate = Gate(locale_of(request, lang), tenant.strip().lower()[:40])
    return gate.show("forgot.html", email="", sent=False)


@post("/console/forgot", include_in_schema=False, guards=[from_here])
async def do_forgot(request: AnyRequest, data: Form, database: Database) -> Response[Any]:
    """The same answer whether or not there is such an account."""
    gate = Gate(locale_of(request, data.get("lang")), data.get("tenant", "").strip().lower()[:40])
    email = data.get("email", "").strip()[:200]
    try:
        await account_letters.ask_reset(database, gate.slug, email, visitor_of(request))
    except TooManyAttempts as problem:
        return gate.show("forgot.html", problem, email=email, sent=False)
    return gate.show("forgot.html", email=email, sent=True)


@get("/t/{slug:str}/password/{secret:str}", include_in_schema=False)
async def show_choose(request: AnyRequest, database: Database, slug: str, secret: str) -> Response[Any]:
    """Looking at the link does not use it up."""
    try:
        return await _choose(request, database, slug, secret)
    except (LinkUsed, UnknownTenant):
        return _over(request)


@post("/t/{slug:str}/password/{secret:str}", include_in_schema=False, guards=[from_here])
async def do_choose(
    request: AnyRequest, data: Form, database: Database, settings: Settings, slug: str, secret: str
) -> Response[Any]:
    try:
        gate = await tenant_gate(database, slug, locale_of(request, data.get("lang")))
        assert gate.tenant_id is not None
        access = Access(actor="link", network=visitor_of(request).network)
        async with database.begin(gate.tenant_id, access) as session:
            member = await accounts.choose_password(session, secret, data.get("password", ""))
            await account_letters.tell(session, settings, member, "password_changed")
    except BAD_PASSWORD as problem:
        return await _choose(request, database, slug, secret, problem)
    except (LinkUsed, UnknownTenant):
        return _over(request)
    return back_to(f"/t/{slug}/sign-in", "success", t(gate.locale, "gate.choose.done"))


async def _choose(
    request: AnyRequest, database: Database, slug: str, secret: str, problem: Problem | None = None
) -> Response[Any]:
    gate = await tenant_gate(database, slug, locale_of(request))
    assert gate.tenant_id is not None
    async with database.begin(gate.tenant_id) as session:
        link, member = await accounts.open_link(session, secret)
        email = member.email
    answer = gate.show(
        "choose_password.html",
        purpose=link.purpose,
        email=email,
        field_error=problem.sentence(gate.locale) if problem else "",
    )
    answer.status_code = problem.status if problem else 200
    return answer


def _over(request: AnyRequest) -> Response[Any]:
    """An unknown tenant looks like a link that is over."""
    problem = LinkUsed()
    return Gate(locale_of(request)).show(
        "gate_problem.html", problem, back="/console/sign-in", code=problem.code
    )
