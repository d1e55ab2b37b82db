"""Policy for administrators: which rules apply, why, and what may be changed about them."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.infra.errors import BadRequest
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, Form, staff_page
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants import policy_settings
from duilian.tenants.policy import Feature, Rule, jurisdictions, profile
from duilian.tenants.policy_store import overrides_of, policy_of_tenant
from duilian.tenants.rights import Right

SETTINGS = [member_with(Right.SETTINGS)]
HERE = "/console/policy"
CHANGES = {
    "forbid": policy_settings.forbid,
    "restore": policy_settings.unforbid,
    "turn-off": policy_settings.turn_off,
}


class PolicyPages(Controller):
    path = HERE
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=SETTINGS)
    async def show(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        return staff_page(
            request, desk, "policy.html", policy=policy_of_tenant(desk.tenant), base=profile(desk.tenant.jurisdiction),
            changes=overrides_of(desk.tenant), profiles=[profile(key) for key in jurisdictions()], Rule=Rule,
        )  # fmt: skip

    @post("/jurisdiction", guards=SETTINGS)
    async def choose(self, desk: Desk, data: Form) -> Redirect:
        await policy_settings.choose_jurisdiction(desk.session, data.get("jurisdiction", ""))
        return _saved(desk)

    @post("/features/{feature:str}", guards=SETTINGS)
    async def change(self, desk: Desk, feature: str, data: Form) -> Redirect:
        """change: forbid, restore, turn-on (with a statement), turn-off."""
        found, change = _feature(feature), data.get("change", "")
        if change == "turn-on":
            await policy_settings.turn_on(desk.session, found, data.get("statement", ""))
        elif change in CHANGES:
            await CHANGES[change](desk.session, found)
        else:
            raise BadRequest(reason="change")
        return _saved(desk, f"#{feature}")

    @post("/periods", guards=SETTINGS)
    async def periods(self, desk: Desk, data: Form) -> Redirect:
        """Empty: what the profile says."""
        days = [_days(data.get(name, "")) for name in ("media", "records", "notice", "correction")]
        await policy_settings.set_periods(desk.session, *days)
        return _saved(desk, "#periods")


def _saved(desk: Desk, where: str = "") -> Redirect:
    return back_to(HERE + where, "success", t(desk.locale, "console.policy.saved"))


def _feature(name: str) -> Feature:
    try:
        return Feature(name)
    except ValueError as error:
        raise BadRequest(reason=name) from error


def _days(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdigit():
        raise BadRequest(reason=text)
    return int(text)
