"""Sending an invitation's link again."""

from __future__ import annotations

from uuid import UUID

from litestar import Controller, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.infra.errors import Conflict, NotFound
from duilian.infra.settings import Settings
from duilian.platform.console import report_view
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.recruiting.letters import mail_invitation
from duilian.platform.recruiting.models import Invitation
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants.rights import Right


class InvitationMail(Controller):
    path = "/console/invitations"
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @post("/{invitation_id:uuid}/mail", guards=[member_with(Right.INVITATIONS_WRITE)])
    async def send(self, desk: Desk, settings: Settings, invitation_id: UUID) -> Redirect:
        row = await desk.session.get(Invitation, (desk.session.tenant_id, invitation_id))
        if row is None:
            raise NotFound
        if row.closed_at is not None or not settings.smtp_url:
            raise Conflict
        person = await report_view.invitee(desk.session, row)
        await mail_invitation(desk.session, settings, desk.tenant, row, person.name, person.email)
        message = t(desk.locale, "console.invite.mail_again", email=person.email)
        return back_to(f"/console/invitations/{invitation_id}", "success", message)
