"""`/start`: a company opens a tenant alone. Company, administrator, code, password; works without scripts.

What was typed lies in a draft (`onboarding.drafts`) that the browser's cookie or the letter's link opens.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from litestar import Response, Router, get, post
from litestar.response import Redirect

from duilian.customization.packs import industries
from duilian.infra.database import Database
from duilian.infra.errors import Problem
from duilian.infra.settings import Settings
from duilian.infra.smtp import BadMailAddress, MailNotConfigured, MailRefused
from duilian.platform.console.gates import AnyRequest, Form, cookie, from_here, locale_of, visitor_of
from duilian.platform.console.signin import enter
from duilian.platform.onboarding import company, drafts, letters
from duilian.platform.onboarding.drafts import OpenDraft
from duilian.platform.onboarding.errors import CodeUsedUp, DraftGone, Missing, StartClosed, WrongStartCode
from duilian.platform.onboarding.opening import open_company
from duilian.platform.web import words
from duilian.platform.web.edge import back_to, flash_of, network_of, without_flash
from duilian.platform.web.pages import page
from duilian.tenants.account_errors import GuessablePassword, LongPassword
from duilian.tenants.errors import SignInFailed, SlugTaken, TooManyAttempts, WeakPassword
from duilian.tenants.keyring import Keyring
from duilian.tenants.policy import jurisdictions, profile

COOKIE, HERE = "duilian_start", "/start"
STEPS = ("company", "admin", "code", "password")
FORMS_PER_LETTER = 5  # of the company, in which a person may still be mending the short name
LONGEST_PERSON = 80


def require_open(settings: Settings) -> None:
    """Raises StartClosed, MailNotConfigured."""
    if not settings.self_onboarding:
        raise StartClosed
    if not settings.smtp_url:
        raise MailNotConfigured


@get("/")
async def show(request: AnyRequest, database: Database, settings: Settings) -> Response[Any]:
    """Where it goes on: nothing that was typed is asked for twice."""
    require_open(settings)
    opened = await _opened(request, database)
    return Redirect(f"{HERE}/{_due(opened)}", status_code=303)


@get("/company")
async def show_company(
    request: AnyRequest, database: Database, settings: Settings, lang: str = ""
) -> Response[Any]:
    require_open(settings)
    opened = await _opened(request, database)
    form = _company_form(opened, locale_of(request, lang))
    return _show(request, "company", opened, lang, form=form, **_choices())


@post("/company", guards=[from_here])
async def do_company(
    request: AnyRequest, database: Database, settings: Settings, data: Form
) -> Response[Any]:
    require_open(settings)
    network = f"company|{network_of(request)}"
    most = settings.start_codes * FORMS_PER_LETTER
    if not await drafts.may_try(database, network, most, letters.MINUTES):
        raise TooManyAttempts(minutes=letters.MINUTES)
    opened = await _opened(request, database)
    began = opened or drafts.begin(locale_of(request, data.get("lang")))
    wrong = await company.fill(database, began.draft, data)
    if wrong:
        form = {key: data.get(key, "") for key in company.FIELDS}
        return _show(request, "company", opened, data.get("lang", ""), wrong, form=form, **_choices())
    await drafts.keep(database, began)
    return _to("admin", settings, began)


@get("/admin")
async def show_admin(
    request: AnyRequest, database: Database, settings: Settings, lang: str = ""
) -> Response[Any]:
    require_open(settings)
    opened = await _opened(request, database)
    if opened is None:
        return Redirect(HERE, status_code=303)
    form = {"person": opened.draft.person, "email": opened.draft.email}
    return _show(request, "admin", opened, lang, form=form)


@post("/admin", guards=[from_here])
async def do_admin(request: AnyRequest, database: Database, settings: Settings, data: Form) -> Response[Any]:
    """Sends a code to whatever address was typed; it makes no difference whether we know it."""
    require_open(settings)
    opened = await _needed(request, database)
    draft, form = opened.draft, {key: data.get(key, "").strip()[:200] for key in ("person", "email")}
    if draft.verified and form["email"].lower() == draft.email.lower() and form["person"]:
        draft.person = form["person"][:LONGEST_PERSON]
        await drafts.keep(database, opened)
        return _to("password", settings, opened)
    draft.person, draft.email = form["person"][:LONGEST_PERSON], form["email"]
    if not draft.person:
        return _show(request, "admin", opened, "", {"person": Missing()}, form=form)
    try:
        await letters.send_code(database, settings, opened, network_of(request))
    except (BadMailAddress, MailRefused, letters.CodeNotSent, TooManyAttempts) as problem:
        return _show(request, "admin", opened, "", {"email": problem}, form=form)
    return _to("code", settings, opened)


@get("/code")
async def show_code(
    request: AnyRequest, database: Database, settings: Settings, lang: str = ""
) -> Response[Any]:
    require_open(settings)
    opened = await _opened(request, database)
    if opened is None or not opened.draft.email:
        return Redirect(HERE, status_code=303)
    return _show(request, "code", opened, lang)


@post("/code", guards=[from_here])
async def do_code(request: AnyRequest, database: Database, settings: Settings, data: Form) -> Response[Any]:
    opened = await _needed(request, database)
    if opened.draft.verified:  # sent twice
        return _to("password", settings, opened)
    try:
        await letters.check_code(database, opened, data.get("code", "")[:40])
    except (WrongStartCode, CodeUsedUp) as problem:
        return _show(request, "code", opened, "", {"code": problem})
    return _to("password", settings, opened)


@post("/code/again", guards=[from_here])
async def send_again(request: AnyRequest, database: Database, settings: Settings) -> Response[Any]:
    require_open(settings)
    opened = await _needed(request, database)
    try:
        await letters.send_code(database, settings, opened, network_of(request))
    except (MailRefused, BadMailAddress, letters.CodeNotSent, TooManyAttempts) as problem:
        return _show(request, "code", opened, "", {"code": problem})
    answer = back_to(f"{HERE}/code", "success", words.t(opened.draft.reading, "start.code.sent_again"))
    answer.set_cookie(_cookie(settings, opened))
    return answer


@get("/password")
async def show_password(
    request: AnyRequest, database: Database, settings: Settings, lang: str = ""
) -> Response[Any]:
    require_open(settings)
    opened = await _opened(request, database)
    if _due(opened) != "password":
        return Redirect(HERE, status_code=303)
    return _show(request, "password", opened, lang)


@post("/password", guards=[from_here])
async def do_password(
    request: AnyRequest, database: Database, keyring: Keyring, settings: Settings, data: Form
) -> Response[Any]:
    """Opens the tenant and signs its owner in."""
    require_open(settings)
    opened = await _needed(request, database)
    if _due(opened) != "password":
        return Redirect(HERE, status_code=303)
    try:
        admission = await open_company(
            database, keyring, settings, opened.draft, data.get("password", ""), visitor_of(request)
        )
    except (WeakPassword, LongPassword, GuessablePassword, SignInFailed, TooManyAttempts) as problem:
        return _show(request, "password", opened, "", {"password": problem})
    except SlugTaken as problem:
        form = _company_form(opened, opened.draft.reading)
        return _show(request, "company", opened, "", {"slug": problem}, form=form, **_choices())
    await drafts.end(database, opened)
    answer = enter(settings, admission, "/console/setup")
    answer.delete_cookie(COOKIE, path=HERE)
    return answer


@get("/continue/{secret:str}")
async def show_continue(
    request: AnyRequest, database: Database, settings: Settings, secret: str
) -> Response[Any]:
    """The letter's link. Looking changes nothing: mail readers look too."""
    require_open(settings)
    draft = await drafts.behind(database, secret)
    if draft is None:
        raise DraftGone
    return _show(request, "continue", None, draft.reading, company=draft.name, secret=secret)


@post("/continue/{secret:str}", guards=[from_here])
async def do_continue(
    request: AnyRequest, database: Database, settings: Settings, secret: str
) -> Response[Any]:
    """Whoever has the letter has the address; this browser goes on, the one before does not."""
    opened = await drafts.take_over(database, secret)
    if opened is None:
        raise DraftGone
    opened.draft.verified = True
    await drafts.keep(database, opened)
    return _to("password", settings, opened)


async def _opened(request: AnyRequest, database: Database) -> OpenDraft | None:
    """With the language that was just chosen, if one was."""
    secret = request.cookies.get(COOKIE, "")
    opened = await drafts.find(database, secret) if secret else None
    chosen = request.query_params.get("lang", "")
    if opened is not None and chosen in words.LOCALES and chosen != opened.draft.reading:
        opened.draft.reading = chosen
        await drafts.keep(database, opened)
    return opened


async def _needed(request: AnyRequest, database: Database) -> OpenDraft:
    """Raises DraftGone."""
    opened = await _opened(request, database)
    if opened is None:
        raise DraftGone
    return opened


def _due(opened: OpenDraft | None) -> str:
    """The step that comes next."""
    if opened is None or not opened.draft.has_company:
        return "company"
    if opened.draft.verified:
        return "password"
    return "code" if opened.draft.code_mac else "admin"


def _to(step: str, settings: Settings, opened: OpenDraft) -> Redirect:
    return Redirect(f"{HERE}/{step}", status_code=303, cookies=[_cookie(settings, opened)])


def _cookie(settings: Settings, opened: OpenDraft) -> Any:  # Any: the framework's cookie
    return cookie(settings, COOKIE, opened.cookie, drafts.LASTS.total_seconds(), HERE)


def _company_form(opened: OpenDraft | None, locale: str) -> dict[str, str]:
    if opened is not None and opened.draft.has_company:
        return {key: getattr(opened.draft, key) for key in company.FIELDS}
    usual = "cn" if locale.startswith("zh") else ""
    return dict.fromkeys(company.FIELDS, "") | {"locale": locale, "jurisdiction": usual}


def _choices() -> dict[str, Any]:
    return {
        "industries": industries(),
        "profiles": [profile(key) for key in jurisdictions()],
        "zones": company.ALL_ZONES,
    }


def _show(
    request: AnyRequest,
    step: str,
    opened: OpenDraft | None,
    lang: str = "",
    wrong: dict[str, Problem] | None = None,
    **context: Any,
) -> Response[Any]:
    """wrong: what is wrong, by field; its first problem gives the status."""
    known = opened.draft.reading if opened is not None else ""
    locale = locale_of(request, lang or known)
    problems = wrong or {}
    shown: dict[str, Any] = {
        "step": step,
        "steps": STEPS,
        "draft": opened.draft if opened is not None else None,
        "errors": {field: problem.sentence(locale) for field, problem in problems.items()},
        "flash": flash_of(request),
        "industry_name": partial(company.industry_name, locale),
        **context,
    }
    status = next((problem.status for problem in problems.values()), 200)
    return without_flash(page(f"start/{step}.html", locale, status=status, **shown))


routes = Router(
    path=HERE,
    route_handlers=[
        show, show_company, do_company, show_admin, do_admin, show_code, do_code, send_again, show_password,
        do_password, show_continue, do_continue,
    ],
    include_in_schema=False,
)  # fmt: skip
