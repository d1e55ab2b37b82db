"""Calibration sessions: opened by who runs the lab, rated blind by who rates, each seeing their own result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect
from sqlalchemy import select

from duilian.customization.labels import items
from duilian.customization.labels.models import Example
from duilian.customization.labels.rating import Eyes
from duilian.customization.schemas import Competency
from duilian.platform.console import lab_view
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, Form, staff_page, uuid_or_none
from duilian.platform.measuring import calibration
from duilian.platform.measuring.figures import KINDS
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants.rights import Right

RATE, MANAGE = [member_with(Right.LABELS_WRITE)], [member_with(Right.LAB_MANAGE)]
HERE = "/console/lab/calibrations"


@dataclass(frozen=True)
class Task:
    """The answer to mark next, with its rubric."""

    example: Example
    question: str
    competency: Competency | None


class CalibrationPages(Controller):
    path = HERE
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=RATE)
    async def show(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        rows = [await _progress(desk, row.id) for row in await calibration.calibrations(desk.session)]
        competencies = list(await desk.session.scalars(select(Example.competency).distinct()))
        names = await lab_view.names_of(desk)
        return staff_page(
            request, desk, "lab_calibrations.html", kind="calibrations", kinds=KINDS, rows=rows, names=names,
            competencies=sorted(competencies), least=calibration.LEAST,
        )  # fmt: skip

    @post("/", guards=MANAGE)
    async def open(self, desk: Desk, data: Form) -> Redirect:
        size = int(data["size"]) if data.get("size", "").isdigit() else 12
        row = await calibration.open_calibration(
            desk.session, data.get("title", ""), data.get("competency", ""), size
        )
        return back_to(f"{HERE}/{row.id}", "success", t(desk.locale, "lab.calibration.opened"))

    @get("/{calibration_id:uuid}", guards=RATE)
    async def session(self, request: AnyRequest, desk: Desk, calibration_id: UUID) -> Response[Any]:
        """One answer after the other; when none is left, or it is closed, the result."""
        progress = await _progress(desk, calibration_id)
        everyone = desk.actor.may(Right.LAB_READ)
        over = progress["closed"] or not progress["left"]
        mine = await calibration.results(desk.session, calibration_id, desk.actor.label) if over else []
        names = await lab_view.names_of(desk)
        return staff_page(
            request, desk, "lab_calibration.html", kind="calibrations", kinds=KINDS, progress=progress, names=names,
            task=None if over else await _task(desk, progress["left"][0]), mine=next(iter(mine), None),
            all=await calibration.results(desk.session, calibration_id) if everyone and over else [],
            reader=lab_view.Reader(desk.locale, names),
        )  # fmt: skip

    @post("/{calibration_id:uuid}/marks", guards=RATE)
    async def mark(self, desk: Desk, calibration_id: UUID, data: Form) -> Redirect:
        example_id = uuid_or_none(data.get("example", "")) or UUID(int=0)
        level = lab_view.level_of(data.get("level", ""))
        await calibration.mark(desk.session, eyes_of(desk), calibration_id, example_id, level)
        return back_to(f"{HERE}/{calibration_id}")

    @post("/{calibration_id:uuid}/close", guards=MANAGE)
    async def close(self, desk: Desk, calibration_id: UUID) -> Redirect:
        await calibration.close(desk.session, calibration_id)
        return back_to(f"{HERE}/{calibration_id}", "success", t(desk.locale, "lab.calibration.closed_now"))


def eyes_of(desk: Desk) -> Eyes:
    """Answers of interviews only where interviews may be read."""
    return Eyes(desk.actor.label, desk.actor.units_with(Right.INTERVIEWS_READ))


async def _progress(desk: Desk, calibration_id: UUID) -> dict[str, Any]:
    """Of whoever looks. left: examples still to be marked."""
    row = await calibration.calibration_of(desk.session, calibration_id)
    mine = await calibration.examples_for(desk.session, eyes_of(desk), calibration_id)
    done = await calibration.marks_by(desk.session, calibration_id, desk.actor.label)
    left = [example for example in mine if example.id not in done]
    return {
        "row": row, "closed": row.closed_at is not None, "left": left, "done": len(mine) - len(left), "all": len(mine),
    }  # fmt: skip


async def _task(desk: Desk, example: Example) -> Task:
    asked = await items.asked(desk.session, example)
    return Task(example, asked, await items.competency_of(desk.session, example))
