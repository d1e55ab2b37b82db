"""My account: password, one-time code, where I am signed in."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.infra import audit
from duilian.infra.database import Database
from duilian.infra.errors import Problem
from duilian.infra.settings import Settings
from duilian.platform.console import account_letters
from duilian.platform.console.desk import signed_in
from duilian.platform.console.gates import session_cookie
from duilian.platform.console.own import OwnDesk, provide_own_desk
from duilian.platform.console.passwords import BAD_PASSWORD
from duilian.platform.console.shell import AnyRequest, Form, staff_page
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants import accounts, codes, sessions
from duilian.tenants.account_errors import WrongCode, WrongPassword
from duilian.tenants.errors import TooManyAttempts
from duilian.tenants.passwords import matches
from duilian.tenants.signin import code_required

OWN = [signed_in()]
HOME = "/console/account"


class AccountPages(Controller):
    path = HOME
    include_in_schema = False
    guards = OWN
    dependencies = {"desk": Provide(provide_own_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/")
    async def show(self, request: AnyRequest, desk: OwnDesk) -> Response[Any]:
        return await _account(request, desk)

    @post("/password")
    async def change_password(
        self, request: AnyRequest, desk: OwnDesk, database: Database, settings: Settings, data: Form
    ) -> Response[Any]:
        await _count_try(database, desk)
        try:
            value = await accounts.change_password(
                desk.session, desk.member, data.get("current", ""), data.get("password", ""), desk.own
            )
        except WrongPassword as problem:
            return await _account(request, desk, problem, "current")
        except BAD_PASSWORD as problem:
            return await _account(request, desk, problem, "password")
        await account_letters.tell(desk.session, settings, desk.member, "password_changed")
        answer = _done(desk, "account.password.changed")
        answer.set_cookie(session_cookie(settings, value))
        return answer

    @get("/code")
    async def show_code(self, request: AnyRequest, desk: OwnDesk) -> Response[Any]:
        return await _code_page(request, desk)

    @post("/code")
    async def confirm_code(
        self, request: AnyRequest, desk: OwnDesk, settings: Settings, data: Form
    ) -> Response[Any]:
        """The first code turns it on; the session's secret is exchanged, since it is worth more now."""
        try:
            shown = await codes.confirm(desk.session, desk.member.id, data.get("code", "")[:40])
        except WrongCode as problem:
            return await _code_page(request, desk, problem)
        audit.record(desk.session, "code.set-up", "member", desk.member.id)
        await sessions.end_all(desk.session, desk.member.id, but=desk.own.id)
        await account_letters.tell(desk.session, settings, desk.member, "code_on")
        answer = staff_page(request, desk, "account_code.html", codes=shown)
        answer.set_cookie(session_cookie(settings, await sessions.exchange(desk.session, desk.own)))
        return answer

    @post("/code/recovery")
    async def new_recovery_codes(
        self, request: AnyRequest, desk: OwnDesk, database: Database, data: Form
    ) -> Response[Any]:
        if problem := await _wrong_password(database, desk, data):
            return await _account(request, desk, problem, "code_password")
        shown = await codes.new_recovery_codes(desk.session, desk.member.id)
        audit.record(desk.session, "code.recovery-made", "member", desk.member.id)
        return staff_page(request, desk, "account_code.html", codes=shown)

    @post("/code/remove")
    async def remove_code(
        self, request: AnyRequest, desk: OwnDesk, database: Database, settings: Settings, data: Form
    ) -> Response[Any]:
        if problem := await _wrong_password(database, desk, data):
            return await _account(request, desk, problem, "code_password")
        await accounts.turn_code_off(desk.session, desk.member.id)
        await account_letters.tell(desk.session, settings, desk.member, "code_off")
        return _done(desk, "account.code.removed")

    @post("/sessions/{session_id:uuid}/end")
    async def end_session(self, desk: OwnDesk, session_id: UUID) -> Redirect:
        await sessions.end_one(desk.session, desk.member.id, session_id)
        return _done(desk, "account.sessions.ended")

    @post("/sessions/end-others")
    async def end_others(self, desk: OwnDesk) -> Redirect:
        ended = await sessions.end_all(desk.session, desk.member.id, but=desk.own.id)
        return _done(desk, "account.sessions.others_ended", n=ended)


async def _account(
    request: AnyRequest, desk: OwnDesk, problem: Problem | None = None, field: str = ""
) -> Response[Any]:
    """problem: told beside the field."""
    errors: dict[str, str] = defaultdict(str)
    if problem is not None:
        errors[field] = problem.sentence(desk.locale)
    answer = staff_page(
        request, desk, "account.html", member=desk.member, own_session=desk.own.id, errors=errors,
        sessions=await sessions.sessions_of(desk.session, desk.member.id),
        code=await codes.in_use(desk.session, desk.member.id),
        codes_left=await codes.recovery_codes_left(desk.session, desk.member.id),
        code_required=await code_required(desk.session),
    )  # fmt: skip
    answer.status_code = problem.status if problem else 200
    return answer


async def _code_page(request: AnyRequest, desk: OwnDesk, problem: Problem | None = None) -> Response[Any]:
    """The same secret however often the page is loaded, until a code of it was typed."""
    member = desk.member
    row = await codes.pending(desk.session, member.id) or await codes.begin(desk.session, member.id)
    address = codes.address_of(row, desk.tenant.name.get(desk.locale) or desk.tenant.slug, member.email)
    answer = staff_page(
        request, desk, "account_code.html", codes=[], picture=codes.picture(address), secret=row.secret,
        error=problem.sentence(desk.locale) if problem else "",
    )  # fmt: skip
    answer.status_code = problem.status if problem else 200
    return answer


async def _wrong_password(database: Database, desk: OwnDesk, data: dict[str, str]) -> Problem | None:
    """Whoever sits at a device that was left open shall not turn the second step off."""
    try:
        await _count_try(database, desk)
    except TooManyAttempts as problem:
        return problem
    right = await matches(desk.member.password_hash, data.get("code_password", ""))
    return None if right else WrongPassword()


async def _count_try(database: Database, desk: OwnDesk) -> None:
    """In a transaction of its own: it counts although the page refuses. Raises TooManyAttempts."""
    async with database.begin(desk.session.tenant_id, desk.session.access) as session:
        await accounts.count_password_try(session, desk.member.id)


def _done(desk: OwnDesk, words: str, **params: object) -> Redirect:
    return back_to(HOME, "success", t(desk.locale, words, **params))
