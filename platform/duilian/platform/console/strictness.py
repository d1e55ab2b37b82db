"""Too strict, about right, too lenient: beside each score of a report, changed and taken back with one tap."""

from __future__ import annotations

from uuid import UUID

from litestar import Controller, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import Form
from duilian.platform.opinions import strictness
from duilian.platform.reports import service
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants.rights import Right

DECIDE = [member_with(Right.INTERVIEWS_DECIDE)]


class StrictnessPages(Controller):
    path = "/console/interviews/{interview_id:uuid}/strictness"
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @post("/", guards=DECIDE)
    async def judge(self, desk: Desk, interview_id: UUID, data: Form) -> Redirect:
        """competency: "" is the total. verdict: "" takes the judgement back."""
        person = await service.person_of(desk.session, interview_id)
        report = await service.report_of(desk.session, person.interview)
        competency, verdict = data.get("competency", ""), data.get("verdict", "")
        if verdict:
            await strictness.judge(
                desk.session, desk.actor, report, competency, verdict, data.get("note", "")
            )
        else:
            await strictness.take_back(desk.session, desk.actor, report, competency)
        message = t(desk.locale, "console.strictness.saved" if verdict else "console.strictness.undone")
        place = f"competency-{competency}" if competency else "total"
        return back_to(f"/console/interviews/{interview_id}#{place}", "success", message)
