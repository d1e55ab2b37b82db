"""Setting up who belongs where: the organisation tree, members and their roles, consultants."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.infra.database import Database
from duilian.infra.settings import Settings
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, Form, staff_page, uuid_or_none
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants import codes, consultants, organisation, people
from duilian.tenants.errors import UnknownUnit
from duilian.tenants.rights import ROLES, Right

MEMBERS = [member_with(Right.MEMBERS)]


class OrganisationPages(Controller):
    path = "/console/organisation"
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=MEMBERS)
    async def show(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        tree = await organisation.units(desk.session)
        return staff_page(
            request, desk, "organisation.html", tree=tree, depth=_depths(tree), kinds=organisation.KINDS[1:]
        )

    @post("/units", guards=MEMBERS)
    async def add(self, desk: Desk, data: Form) -> Redirect:
        await organisation.add_unit(
            desk.session, _unit(data, "parent"), data.get("name", ""), data.get("kind", "")
        )
        return _done(desk, "unit_added")

    @post("/units/{unit_id:uuid}/name", guards=MEMBERS)
    async def rename(self, desk: Desk, unit_id: UUID, data: Form) -> Redirect:
        await organisation.rename_unit(desk.session, unit_id, data.get("name", ""))
        return _done(desk, "unit_renamed")

    @post("/units/{unit_id:uuid}/move", guards=MEMBERS)
    async def move(self, desk: Desk, unit_id: UUID, data: Form) -> Redirect:
        await organisation.move_unit(desk.session, unit_id, _unit(data, "parent"))
        return _done(desk, "unit_moved")

    @post("/units/{unit_id:uuid}/archive", guards=MEMBERS)
    async def archive(self, desk: Desk, unit_id: UUID) -> Redirect:
        await organisation.archive_unit(desk.session, unit_id)
        return _done(desk, "unit_archived")


class PeoplePages(Controller):
    path = "/console/people"
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=MEMBERS)
    async def show(self, request: AnyRequest, desk: Desk, settings: Settings) -> Response[Any]:
        tree = await organisation.units(desk.session)
        custom = await people.custom_roles(desk.session)
        return staff_page(
            request, desk, "people.html", people=await people.members(desk.session), tree=tree,
            units={unit.id: unit for unit in tree}, custom=custom, rights_known=list(Right),
            roles=[*[r for r in ROLES if ROLES[r] <= desk.actor.rights], *[row.key for row in custom]],
            role_names={row.key: row.name for row in custom}, consultants=await consultants.grants(desk.session),
            longest=consultants.LONGEST_DAYS, mails=bool(settings.smtp_url),
            with_code=await codes.members_with_code(desk.session),
        )  # fmt: skip

    @post("/{member_id:uuid}/grants", guards=MEMBERS)
    async def grant(self, desk: Desk, member_id: UUID, data: Form) -> Redirect:
        await people.grant_role(
            desk.session, member_id, _unit(data, "unit"), data.get("role", ""), desk.actor.rights
        )
        return _done(desk, "granted", "people")

    @post("/grants/{grant_id:uuid}/revoke", guards=MEMBERS)
    async def revoke(self, desk: Desk, grant_id: UUID) -> Redirect:
        await people.revoke_grant(desk.session, grant_id, desk.actor.rights)
        return _done(desk, "revoked", "people")

    @post("/{member_id:uuid}/disable", guards=MEMBERS)
    async def disable(self, desk: Desk, member_id: UUID) -> Redirect:
        await people.disable_member(desk.session, member_id)
        return _done(desk, "disabled", "people")

    @post("/{member_id:uuid}/enable", guards=MEMBERS)
    async def enable(self, desk: Desk, member_id: UUID) -> Redirect:
        await people.enable_member(desk.session, member_id)
        return _done(desk, "enabled", "people")

    @post("/roles", guards=MEMBERS)
    async def add_role(self, desk: Desk, data: Form) -> Redirect:
        chosen = {name.removeprefix("right:") for name in data if name.startswith("right:")}
        await people.save_role(desk.session, data.get("name", ""), chosen, desk.actor.rights)
        return _done(desk, "role_made", "people")

    @post("/roles/{role_id:uuid}/remove", guards=MEMBERS)
    async def remove_role(self, desk: Desk, role_id: UUID) -> Redirect:
        await people.remove_role(desk.session, role_id)
        return _done(desk, "role_removed", "people")

    @post("/consultants", guards=MEMBERS)
    async def let_in(self, desk: Desk, database: Database, data: Form) -> Redirect:
        days = data.get("days", "")
        await consultants.let_in(
            database, desk.session, data.get("home", "").strip().lower(), data.get("email", ""),
            _unit(data, "unit"), int(days) if days.isdigit() else 0,
        )  # fmt: skip
        return _done(desk, "let_in", "people")

    @post("/consultants/{grant_id:uuid}/revoke", guards=MEMBERS)
    async def shut_out(self, desk: Desk, grant_id: UUID) -> Redirect:
        await consultants.revoke(desk.session, grant_id)
        return _done(desk, "shut_out", "people")


def _unit(data: dict[str, str], name: str) -> UUID:
    """Raises UnknownUnit where the form names none."""
    unit_id = uuid_or_none(data.get(name, ""))
    if unit_id is None:
        raise UnknownUnit
    return unit_id


def _depths(tree: list[Any]) -> dict[UUID, int]:
    return {unit.id: unit.path.count("/") - 2 for unit in tree}


def _done(desk: Desk, what: str, page: str = "organisation") -> Redirect:
    return back_to(f"/console/{page}", "success", t(desk.locale, f"admin.flash.{what}"))
