"""How the tenant's people sign in: its own page, one-time codes for everybody, single sign-on."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.infra.errors import Problem
from duilian.infra.outbound import AddressRefused, PartnerUnavailable, Rules
from duilian.infra.settings import Settings
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, Form, staff_page
from duilian.platform.console.sso import redirect_address
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants import people, signin, sso
from duilian.tenants.account_errors import NoProvider, ProviderUnreadable
from duilian.tenants.rights import ROLES, Right

# Whoever names the provider decides who its people are: that takes the right over members, which consultants lack.
ACCESS = [member_with(Right.MEMBERS)]
HOME = "/console/access"
FIELDS = ("name", "issuer", "client_id", "client_secret", "default_role", "enabled")


class AccessPages(Controller):
    path = HOME
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=ACCESS)
    async def show(self, request: AnyRequest, desk: Desk, settings: Settings) -> Response[Any]:
        return await _page(request, desk, settings, await _kept(desk))

    @post("/policy", guards=ACCESS)
    async def save_policy(self, desk: Desk, data: Form) -> Redirect:
        await signin.require_code(desk.session, bool(data.get("code_required")))
        return back_to(HOME, "success", t(desk.locale, "access.saved"))

    @post("/provider", guards=ACCESS)
    async def save_provider(
        self, request: AnyRequest, desk: Desk, settings: Settings, data: Form
    ) -> Response[Any]:
        """Reads the provider's configuration first; what does not answer is not saved, and nothing typed is lost."""
        form = {name: data.get(name, "").strip()[:300] for name in FIELDS}
        missing = [name for name in ("name", "issuer", "client_id") if not form[name]]
        if missing:
            return await _page(request, desk, settings, form, missing[0], NoProvider())
        entry = sso.Entry(**{**form, "enabled": bool(form["enabled"])})  # pyright: ignore[reportArgumentType]  # all text but one
        try:
            await sso.save_provider(desk.session, Rules.of(settings), entry, desk.actor.rights)
        except (ProviderUnreadable, AddressRefused, PartnerUnavailable) as problem:
            return await _page(request, desk, settings, form, "issuer", problem)
        except NoProvider as problem:
            return await _page(request, desk, settings, form, "client_secret", problem)
        return back_to(HOME, "success", t(desk.locale, "access.sso.saved"))

    @post("/provider/remove", guards=ACCESS)
    async def remove_provider(self, desk: Desk) -> Redirect:
        await sso.remove_provider(desk.session)
        return back_to(HOME, "success", t(desk.locale, "access.sso.removed"))


async def _kept(desk: Desk) -> dict[str, str]:
    row = await sso.provider_row(desk.session)
    if row is None:
        return dict.fromkeys(FIELDS, "") | {"enabled": "1"}
    return {
        "name": row.name, "issuer": row.issuer, "client_id": row.client_id, "client_secret": "",
        "default_role": row.default_role, "enabled": "1" if row.enabled else "",
    }  # fmt: skip


async def _page(
    request: AnyRequest,
    desk: Desk,
    settings: Settings,
    form: dict[str, str],
    field: str = "",
    problem: Problem | None = None,
) -> Response[Any]:
    errors: dict[str, str] = defaultdict(str)
    if problem is not None:
        needed = isinstance(problem, NoProvider)
        errors[field] = t(desk.locale, "access.sso.needed") if needed else problem.sentence(desk.locale)
    form = form | {"client_secret": ""}  # a secret goes one way
    slug = desk.tenant.slug
    answer = staff_page(
        request, desk, "access.html", form=form, errors=errors, roles=await _roles(desk),
        provider=await sso.provider_row(desk.session),
        code_required=await signin.code_required(desk.session),
        sign_in_address=f"{settings.public_url}/t/{slug}/sign-in",
        redirect_address=redirect_address(settings, slug),
    )  # fmt: skip
    answer.status_code = 422 if problem else 200
    return answer


async def _roles(desk: Desk) -> list[tuple[str, str]]:
    """Those that the reader could give, with their names."""
    ours = [
        (role, t(desk.locale, f"admin.role.{role}")) for role in ROLES if ROLES[role] <= desk.actor.rights
    ]
    custom = await people.custom_roles(desk.session)
    return ours + [
        (row.key, row.name) for row in custom if {Right(r) for r in row.rights} <= desk.actor.rights
    ]
