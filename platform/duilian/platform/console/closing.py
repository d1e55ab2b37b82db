"""Closing the company's account: asking for it, undoing it, and the link that shows how far it is."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.infra.database import Access, Database, JsonObject
from duilian.infra.errors import NotFound, Problem
from duilian.infra.settings import Settings
from duilian.platform.console import closing_letters
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.gates import Gate, locale_of
from duilian.platform.console.shell import AnyRequest, Form, staff_page
from duilian.platform.web.edge import back_to, network_of
from duilian.platform.web.formats import for_reader
from duilian.platform.web.words import t
from duilian.tenants import closures
from duilian.tenants.account_errors import WrongPassword
from duilian.tenants.accounts import count_password_try
from duilian.tenants.closures import TenantClosure
from duilian.tenants.errors import NotTheName
from duilian.tenants.models import Tenant
from duilian.tenants.passwords import matches
from duilian.tenants.people import member_of
from duilian.tenants.rights import Right

OWNER = [member_with(Right.TENANT_DELETE)]
HERE = "/console/closing"


class ClosingPages(Controller):
    path = HERE
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=OWNER)
    async def show(self, request: AnyRequest, desk: Desk, settings: Settings) -> Response[Any]:
        return await _page(request, desk, settings)

    @post("/", guards=OWNER)
    async def ask(
        self, request: AnyRequest, desk: Desk, database: Database, settings: Settings, data: Form
    ) -> Response[Any]:
        """The password is asked for again: a screen left open must not be enough."""
        assert desk.actor.member_id is not None, "no program and no consultant has the right"
        member = await member_of(desk.session, desk.actor.member_id)
        async with database.begin(desk.session.tenant_id, desk.session.access) as own:
            await count_password_try(own, member.id)  # it counts although the page refuses
        try:
            if member.password_hash and not await matches(member.password_hash, data.get("password", "")):
                raise WrongPassword
            row, token = await closures.ask(
                desk.session, data.get("name", "")[:60], settings.tenant_deletion_days
            )
        except (NotTheName, WrongPassword) as problem:
            return await _page(request, desk, settings, problem)
        await closing_letters.tell_owners(desk.session, settings, "tenant_closing", row, token)
        return back_to(HERE, "success", t(desk.locale, "closing.asked"))

    @post("/withdraw", guards=OWNER)
    async def withdraw(self, desk: Desk, settings: Settings) -> Redirect:
        row = await closures.standing(desk.session)
        await closures.withdraw(desk.session)
        assert row is not None, "there was one to withdraw"
        await closing_letters.tell_owners(desk.session, settings, "tenant_kept", row)
        return back_to(HERE, "success", t(desk.locale, "closing.withdrawn"))


@get("/closed/{token:str}", include_in_schema=False)
async def show_closed(request: AnyRequest, database: Database, token: str, lang: str = "") -> Response[Any]:
    """For whoever has the link, also when nobody can sign in any more. Raises NotFound."""
    row, tenant = await _closure(request, database, token)
    locale = locale_of(request, lang)
    shown: dict[str, Any] = {"row": row, "slug_of": tenant.slug, "token": token}
    shown |= for_reader(locale, tenant.time_zone)
    return Gate(locale).show("company_closed.html", **shown)


@get("/closed/{token:str}/receipt.json", include_in_schema=False)
async def closed_receipt(request: AnyRequest, database: Database, token: str) -> Response[JsonObject]:
    """Raises NotFound, also before there is one."""
    row, tenant = await _closure(request, database, token)
    if row.receipt is None:
        raise NotFound
    name = f'attachment; filename="duilian-{tenant.slug}-closed.json"'
    return Response(row.receipt, headers={"Content-Disposition": name, "Cache-Control": "no-store"})


async def _closure(request: AnyRequest, database: Database, token: str) -> tuple[TenantClosure, Tenant]:
    parts = closures.split_token(token)
    if parts is None:
        raise NotFound
    async with database.begin(parts[0], Access(actor="link", network=network_of(request))) as session:
        row = await closures.by_secret(session, parts[1])
        if row is None:
            raise NotFound
        return row, await session.get_one(Tenant, parts[0])


async def _page(
    request: AnyRequest, desk: Desk, settings: Settings, problem: Problem | None = None
) -> Response[Any]:
    wrong = {"name": NotTheName, "password": WrongPassword}
    errors = {
        field: problem.sentence(desk.locale) for field, kind in wrong.items() if isinstance(problem, kind)
    }
    assert desk.actor.member_id is not None
    member = await member_of(desk.session, desk.actor.member_id)
    return staff_page(
        request, desk, "closing.html", status=problem.status if problem else 200, errors=errors,
        closure=await closures.standing(desk.session), days=settings.tenant_deletion_days,
        asks_password=bool(member.password_hash),
    )  # fmt: skip
