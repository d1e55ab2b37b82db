"""The tenant's own domain: the record to set, looking for it, taking the domain away again."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.infra.settings import Settings
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, Form, staff_page
from duilian.platform.onboarding import progress
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants import domains
from duilian.tenants.rights import Right

SETTINGS = [member_with(Right.SETTINGS)]
HERE = "/console/setup/domain"


class DomainPages(Controller):
    path = HERE
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=SETTINGS)
    async def show(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        return await _page(request, desk)

    @post("/", guards=SETTINGS)
    async def claim(self, request: AnyRequest, desk: Desk, settings: Settings, data: Form) -> Response[Any]:
        typed = data.get("domain", "")[:300]
        try:
            await domains.claim(desk.session, typed, settings.public_host)
        except domains.BadDomain as problem:
            return await _page(request, desk, typed, problem.sentence(desk.locale))
        return back_to(HERE)

    @post("/check", guards=SETTINGS)
    async def check(self, desk: Desk, settings: Settings) -> Redirect:
        row = await domains.look(desk.session, desk.tenant, settings.dns_resolvers)
        if row.verified_at:
            return back_to(HERE, "success", t(desk.locale, "setup.domain.verified", domain=row.domain))
        return back_to(HERE)

    @post("/links", guards=SETTINGS)
    async def use_in_links(self, desk: Desk, data: Form) -> Redirect:
        wanted = data.get("wanted") == "1"
        await domains.use_in_links(desk.session, wanted)
        return back_to(HERE, "success", t(desk.locale, f"setup.domain.links_{'on' if wanted else 'off'}"))

    @post("/skip", guards=SETTINGS)
    async def skip(self, desk: Desk) -> Redirect:
        await progress.skip_domain(desk.session)
        return back_to("/console/setup")

    @post("/remove", guards=SETTINGS)
    async def remove(self, desk: Desk) -> Redirect:
        await domains.remove(desk.session)
        return back_to(HERE, "success", t(desk.locale, "setup.domain.removed"))


async def _page(request: AnyRequest, desk: Desk, typed: str = "", error: str = "") -> Response[Any]:
    row = await domains.domain_row(desk.session)
    shown: dict[str, Any] = {"row": row, "typed": typed, "error": error}
    if row is not None:
        shown |= {"record": domains.record_name(row), "value": domains.record_value(row)}
    return staff_page(request, desk, "setup/domain.html", status=422 if error else 200, **shown)
