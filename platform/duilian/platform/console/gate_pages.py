"""The gate before scoring for administrators: thresholds with what they would have refused, and known answers."""

from __future__ import annotations

import re
from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.infra.errors import BadRequest
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, Form, staff_page
from duilian.platform.scoring.consequences import consequences
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants import gate_settings
from duilian.tenants.gate_settings import BOUNDS, GateSettings
from duilian.tenants.rights import Right

SETTINGS = [member_with(Right.SETTINGS)]
HERE = "/console/gate"
_BETWEEN = re.compile(r"\n\s*-{3,}\s*\n")  # a line of dashes between two answers


class GatePages(Controller):
    path = HERE
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=SETTINGS)
    async def show(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        settings = await gate_settings.gate_of(desk.session)
        in_force = {name: float(getattr(settings, name)) for name in BOUNDS}
        return staff_page(
            request, desk, "gate_thresholds.html", in_force=in_force, bounds=BOUNDS,
            leaked="\n---\n".join(settings.leaked), rows=await consequences(desk.session, in_force),
            rubric_judgement=settings.rubric_judgement,
        )  # fmt: skip

    @post("/", guards=SETTINGS)
    async def publish(self, desk: Desk, data: Form) -> Redirect:
        numbers = {name: _number(data.get(name, "")) for name in BOUNDS}
        texts = [text.strip() for text in _BETWEEN.split(data.get("leaked", "").replace("\r\n", "\n"))]
        wanted = GateSettings(
            **numbers,
            leaked=[text for text in texts if text],
            rubric_judgement=data.get("rubric_judgement") == "on",
        )
        await gate_settings.publish(desk.session, wanted)
        return back_to(HERE, "success", t(desk.locale, "console.gate.saved"))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise BadRequest(reason=text) from error
