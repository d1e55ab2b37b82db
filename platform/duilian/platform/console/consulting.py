"""A consultant at work in another organisation: by its grant, in a session of its own, on record in both logs."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.infra import audit
from duilian.infra.database import Access, Database
from duilian.infra.settings import Settings
from duilian.platform.console.desk import Desk, provide_desk, signed_in
from duilian.platform.console.gates import session_cookie, visitor_of
from duilian.platform.console.shell import AnyRequest, Form, staff_page
from duilian.tenants.consultants import grant_for
from duilian.tenants.errors import NotLetIn, UnknownTenant
from duilian.tenants.service import find_tenant
from duilian.tenants.sessions import Visitor, open_session


class ConsultingPages(Controller):
    path = "/console/enter"
    include_in_schema = False
    guards = [signed_in()]  # noqa: RUF012  # the framework's own convention
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012

    @get("/")
    async def show(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        return staff_page(request, desk, "enter.html", slug="", error="")

    @post("/")
    async def enter(
        self, request: AnyRequest, desk: Desk, database: Database, settings: Settings, data: Form
    ) -> Response[Any]:
        slug = data.get("slug", "").strip().lower()
        try:
            value = await _enter(desk, database, slug, visitor_of(request))
        except NotLetIn as problem:
            return staff_page(
                request,
                desk,
                "enter.html",
                slug=slug,
                error=problem.sentence(desk.locale),
                status=problem.status,
            )
        return Redirect("/console", status_code=303, cookies=[session_cookie(settings, value)])


async def _enter(desk: Desk, database: Database, slug: str, visitor: Visitor) -> str:
    """The cookie of a session there. No such organisation and no grant look the same. Raises NotLetIn."""
    if desk.actor.member_id is None:
        raise NotLetIn
    try:
        tenant_id = await find_tenant(database, slug)
    except UnknownTenant as error:
        raise NotLetIn from error
    home = (desk.session.tenant_id, desk.actor.member_id)
    async with database.begin(tenant_id, Access(network=visitor.network)) as session:
        grant = await grant_for(session, *home)
        if grant is None:
            raise NotLetIn
        value = await open_session(session, visitor, method="grant", consultant_grant_id=grant.id)
    audit.record(desk.session, "consultant.entered", "tenant", tenant_id)
    return value
