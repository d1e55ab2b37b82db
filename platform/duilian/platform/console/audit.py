"""The audit log for people: searching it, and taking it away to be verified elsewhere."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Response, get
from litestar.di import Provide
from litestar.params import Parameter
from litestar.response import Stream

from duilian.infra import audit
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, staff_page
from duilian.platform.web.words import section
from duilian.tenants import audit_export
from duilian.tenants.audit_export import Wanted

AUDIT = [member_with(audit_export.RIGHT)]


class AuditPages(Controller):
    path = "/console/audit"
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=AUDIT)
    async def show(
        self,
        request: AnyRequest,
        desk: Desk,
        action: str = "",
        actor: str = "",
        subject: str = "",
        day: str = "",
        before: Annotated[int, Parameter(ge=0)] = 0,
    ) -> Response[Any]:
        wanted = Wanted(action[:80], actor[:120], subject[:120], day[:10], before)
        rows, more = await audit_export.search(desk.session, wanted)
        names = await audit_export.names(desk.session, rows)
        return staff_page(
            request, desk, "audit.html", rows=rows, more=more, wanted=wanted, names=names,
            actions=await audit_export.actions(desk.session), action_words=section(desk.locale, "admin.action."),
            seal=await audit_export.newest_seal(desk.session),
        )  # fmt: skip

    @get("/export", guards=AUDIT)
    async def export(self, desk: Desk) -> Stream:
        """The whole chain with its seals, one JSON document a line: what `duilian audit verify` reads."""
        audit.record(desk.session, "audit.exported", "tenant", desk.session.tenant_id)
        lines = [line async for line in audit_export.lines(desk.session, desk.tenant.slug)]
        return Stream(
            iter(lines),
            media_type="application/x-ndjson",
            headers={"Content-Disposition": f'attachment; filename="audit-{desk.tenant.slug}.jsonl"'},
        )
