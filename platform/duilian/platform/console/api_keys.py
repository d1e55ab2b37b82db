"""API keys: made with no more rights than their maker has, shown once, revoked at once."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.infra.clock import now
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, Form, staff_page, uuid_or_none
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants import api_keys, organisation
from duilian.tenants.rights import Right
from duilian.tenants.service import create_api_key

KEYS = [member_with(Right.KEYS)]
HOME = "/console/api-keys"
LASTING = (30, 90, 365, 0)  # days; 0 for no expiry
# What the API can use today; the others open pages only.
FOR_PROGRAMS = (
    Right.INTERVIEWS_READ, Right.INVITATIONS_WRITE, Right.CONTENT_READ, Right.LABELS_READ, Right.LABELS_WRITE,
    Right.LABELS_MANAGE, Right.LAB_READ,
)  # fmt: skip
LONGEST_NAME = 80


class ApiKeyPages(Controller):
    path = HOME
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=KEYS)
    async def show(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        return await _page(request, desk)

    @post("/", guards=KEYS)
    async def make(self, request: AnyRequest, desk: Desk, data: Form) -> Response[Any]:
        """Shown in this answer and never again."""
        form = {
            "name": data.get("name", "").strip(),
            "unit": data.get("unit", ""),
            "days": data.get("days", ""),
        }
        chosen = [right for right in _grantable(desk) if data.get(f"right.{right}")]
        errors: dict[str, str] = defaultdict(str)
        if not 1 <= len(form["name"]) <= LONGEST_NAME:
            errors["name"] = t(desk.locale, "keys.name_missing")
        if not chosen:
            errors["rights"] = t(desk.locale, "keys.rights_missing")
        if errors:
            return await _page(request, desk, form | {"rights": chosen}, errors)
        days = int(form["days"]) if form["days"].isdigit() and int(form["days"]) in LASTING else LASTING[1]
        unit = uuid_or_none(form["unit"])
        if unit is not None:
            await organisation.unit_of(desk.session, unit)
        key = await create_api_key(
            desk.session, desk.tenant.slug, form["name"], set(chosen),
            now() + timedelta(days=days) if days else None, unit,
        )  # fmt: skip
        return await _page(request, desk, made=key, made_name=form["name"])

    @post("/{key_id:uuid}/revoke", guards=KEYS)
    async def revoke(self, desk: Desk, key_id: UUID) -> Redirect:
        await api_keys.revoke_api_key(desk.session, key_id)
        return back_to(HOME, "success", t(desk.locale, "keys.was_revoked"))


def _grantable(desk: Desk) -> list[Right]:
    return [right for right in FOR_PROGRAMS if desk.actor.may(right)]


async def _page(
    request: AnyRequest,
    desk: Desk,
    form: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
    made: str = "",
    made_name: str = "",
) -> Response[Any]:
    tree = await organisation.units(desk.session)
    answer = staff_page(
        request, desk, "api_keys.html", rows=await api_keys.api_keys(desk.session), now=now(),
        units={unit.id: unit.name for unit in tree}, grantable=_grantable(desk), lasting=LASTING,
        form=form or {"name": "", "unit": "", "days": "90", "rights": []},
        errors=errors or defaultdict(str), made=made, made_name=made_name,
    )  # fmt: skip
    answer.status_code = 422 if errors else 200
    return answer
