"""Signing in and out of the console: the password, then the one-time code where it is asked for."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect

from duilian.infra.database import Database
from duilian.infra.errors import Problem
from duilian.infra.settings import Settings
from duilian.platform.console.desk import COOKIE
from duilian.platform.console.gates import (
    AnyRequest,
    Form,
    Gate,
    cookie,
    from_here,
    locale_of,
    session_cookie,
    tenant_gate,
    visitor_of,
)
from duilian.tenants import codes
from duilian.tenants.account_errors import SignInStepOver, WrongCode
from duilian.tenants.errors import SignInFailed, TooManyAttempts
from duilian.tenants.methods import Offer, SignInMethod
from duilian.tenants.people import member_of
from duilian.tenants.service import current_tenant
from duilian.tenants.sessions import sign_out
from duilian.tenants.signin import STEP_LASTS, Admission, enrol, sign_in, step_member, take_step
from duilian.tenants.sso import OpenIdConnect

STEP = "duilian_step"
STEP_PATH = "/console/sign-in"
METHODS: tuple[SignInMethod, ...] = (OpenIdConnect(),)


@get("/console/sign-in", include_in_schema=False)
async def show_sign_in(
    request: AnyRequest, database: Database, settings: Settings, tenant: str = "", lang: str = ""
) -> Response[Any]:
    """The neutral page: whoever comes here types the tenant's short name."""
    gate = Gate(locale_of(request, lang), tenant.strip().lower()[:40])
    return await _form(database, settings, gate, request=request)


@get("/t/{slug:str}/sign-in", include_in_schema=False)
async def show_tenant_sign_in(
    request: AnyRequest, database: Database, settings: Settings, slug: str, lang: str = ""
) -> Response[Any]:
    """The tenant's own page. Raises UnknownTenant."""
    gate = await tenant_gate(database, slug, locale_of(request, lang))
    return await _form(database, settings, gate, request=request)


@post("/console/sign-in", include_in_schema=False, guards=[from_here])
async def do_sign_in(
    request: AnyRequest, data: Form, database: Database, settings: Settings
) -> Response[Any]:
    gate = Gate(locale_of(request, data.get("lang")), data.get("tenant", "").strip().lower()[:40])
    return await _try(request, data, database, settings, gate)


@post("/t/{slug:str}/sign-in", include_in_schema=False, guards=[from_here])
async def do_tenant_sign_in(
    request: AnyRequest, data: Form, database: Database, settings: Settings, slug: str
) -> Response[Any]:
    gate = await tenant_gate(database, slug, locale_of(request, data.get("lang")))
    return await _try(request, data, database, settings, gate)


@get("/console/sign-in/code", include_in_schema=False)
async def show_code(request: AnyRequest, database: Database) -> Response[Any]:
    gate = Gate(locale_of(request))
    try:
        await step_member(database, request.cookies.get(STEP, ""))
    except SignInStepOver:
        return Redirect("/console/sign-in", status_code=303)
    return gate.show("sign_in_code.html")


@post("/console/sign-in/code", include_in_schema=False, guards=[from_here])
async def do_code(request: AnyRequest, data: Form, database: Database, settings: Settings) -> Response[Any]:
    """A wrong code may be mended; when the step is over the password is asked for again."""
    gate, step = Gate(locale_of(request)), request.cookies.get(STEP, "")
    try:
        admission = await take_step(database, step, data.get("code", "")[:40], visitor_of(request))
    except (WrongCode, TooManyAttempts) as problem:
        return gate.show("sign_in_code.html", problem)
    except SignInStepOver as problem:
        return await _form(database, settings, gate, problem)
    return enter(settings, admission)


@get("/console/sign-in/enrol", include_in_schema=False)
async def show_enrol(request: AnyRequest, database: Database) -> Response[Any]:
    gate, step = Gate(locale_of(request)), request.cookies.get(STEP, "")
    try:
        return gate.show("sign_in_enrol.html", **await _code_setup(database, step))
    except SignInStepOver:
        return Redirect("/console/sign-in", status_code=303)


@post("/console/sign-in/enrol", include_in_schema=False, guards=[from_here])
async def do_enrol(request: AnyRequest, data: Form, database: Database, settings: Settings) -> Response[Any]:
    gate, step = Gate(locale_of(request)), request.cookies.get(STEP, "")
    try:
        admission, shown = await enrol(database, step, data.get("code", "")[:40], visitor_of(request))
    except WrongCode as problem:
        return gate.show("sign_in_enrol.html", problem, **await _code_setup(database, step))
    except (SignInStepOver, TooManyAttempts) as problem:
        return await _form(database, settings, gate, problem)
    answer = gate.show("recovery_codes.html", codes=shown)
    answer.set_cookie(session_cookie(settings, admission.session))
    answer.delete_cookie(STEP, path=STEP_PATH)
    return answer


@post("/console/sign-out", include_in_schema=False)
async def do_sign_out(request: AnyRequest, database: Database) -> Redirect:
    """Ending one's own session needs no right; without a session there is nothing to do."""
    if value := request.cookies.get(COOKIE):
        await sign_out(database, value)
    response = Redirect("/console/sign-in", status_code=303)
    response.delete_cookie(COOKIE, path="/console")
    return response


def enter(settings: Settings, admission: Admission, where: str = "/console") -> Redirect:
    """On to the console, or to the step that is still to be taken."""
    if admission.session:
        answer = Redirect(where, status_code=303, cookies=[session_cookie(settings, admission.session)])
        answer.delete_cookie(STEP, path=STEP_PATH)
        return answer
    step = cookie(settings, STEP, admission.step, STEP_LASTS.total_seconds(), STEP_PATH)
    where = f"{STEP_PATH}/{'enrol' if admission.enrol else 'code'}"
    return Redirect(where, status_code=303, cookies=[step])


async def _try(
    request: AnyRequest, data: dict[str, str], database: Database, settings: Settings, gate: Gate
) -> Response[Any]:
    """One answer for every wrong combination; the typed tenant and address are kept in the form."""
    email = data.get("email", "")[:200]
    try:
        admission = await sign_in(database, gate.slug, email, data.get("password", ""), visitor_of(request))
    except (SignInFailed, TooManyAttempts) as problem:
        return await _form(database, settings, gate, problem, email)
    return enter(settings, admission)


async def _form(
    database: Database,
    settings: Settings,
    gate: Gate,
    problem: Problem | None = None,
    email: str = "",
    request: AnyRequest | None = None,
) -> Response[Any]:
    action = f"/t/{gate.slug}/sign-in" if gate.tenant_id else "/console/sign-in"
    offers, mails = await _offers(database, gate), bool(settings.smtp_url)
    return gate.show(
        "sign_in.html", problem, request=request, action=action, email=email, offers=offers, mails=mails
    )


async def _offers(database: Database, gate: Gate) -> list[Offer]:
    if gate.tenant_id is None:
        return []
    async with database.begin(gate.tenant_id) as session:
        found = [await method.offer(session, gate.slug) for method in METHODS]
    return [offer for offer in found if offer is not None]


async def _code_setup(database: Database, step: str) -> dict[str, Any]:
    """The secret to set up, the same one however often the page is loaded."""
    tenant_id, member_id = await step_member(database, step)
    async with database.begin(tenant_id) as session:
        member, tenant = await member_of(session, member_id), await current_tenant(session)
        if await codes.in_use(session, member_id) is not None:
            raise SignInStepOver
        row = await codes.pending(session, member_id) or await codes.begin(session, member_id)
        address = codes.address_of(row, tenant.name.get(member.locale) or tenant.slug, member.email)
        return {"picture": codes.picture(address), "secret": row.secret}
