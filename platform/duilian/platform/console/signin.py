"""Signing in and out of the console."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from duilian.infra.database import Database
from duilian.infra.errors import Problem
from duilian.infra.settings import Settings
from duilian.platform.console.desk import COOKIE
from duilian.platform.web import words
from duilian.platform.web.edge import network_of
from duilian.platform.web.pages import page
from duilian.tenants.errors import SignInFailed, TooManyAttempts
from duilian.tenants.signin import SESSION_LASTS, sign_in, sign_out

AnyRequest = Request[Any, Any, Any]  # Any: nobody is signed in yet
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/console/sign-in", include_in_schema=False)
async def show_sign_in(request: AnyRequest, tenant: str = "", lang: str = "") -> Response[str]:
    locale = lang if lang in words.LOCALES else words.preferred(request.headers.get("accept-language"))
    return _page(locale, tenant)


@post("/console/sign-in", include_in_schema=False)
async def do_sign_in(
    request: AnyRequest, data: Form, database: Database, settings: Settings
) -> Response[Any]:
    """One answer for every wrong combination; the typed tenant and address are kept in the form."""
    locale = data.get("lang", "") if data.get("lang") in words.LOCALES else "zh-CN"
    tenant, email = data.get("tenant", "").strip().lower(), data.get("email", "")
    try:
        value = await sign_in(database, tenant, email, data.get("password", ""), network_of(request))
    except (SignInFailed, TooManyAttempts) as problem:
        return _page(locale, tenant, email, problem)
    cookie = Cookie(
        key=COOKIE,
        value=value,
        max_age=int(SESSION_LASTS.total_seconds()),
        httponly=True,
        secure=settings.secure_cookies,
        samesite="lax",
        path="/console",
    )
    return Redirect("/console", status_code=303, cookies=[cookie])


@post("/console/sign-out", include_in_schema=False)
async def do_sign_out(request: AnyRequest, database: Database) -> Redirect:
    """Ending one's own session needs no right; without a session there is nothing to do."""
    if cookie := request.cookies.get(COOKIE):
        await sign_out(database, cookie)
    response = Redirect("/console/sign-in", status_code=303)
    response.delete_cookie(COOKIE, path="/console")
    return response


def _page(locale: str, tenant: str, email: str = "", problem: Problem | None = None) -> Response[str]:
    return page(
        "sign_in.html",
        locale,
        status=problem.status if problem else 200,
        tenant=tenant,
        email=email,
        error=problem.sentence(locale) if problem else "",
        script_words=words.section(locale, "script."),
    )
