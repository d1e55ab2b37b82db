"""Bringing people in: a member is made and gets a link to choose a password. The link can be sent again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Controller, Response, post
from litestar.di import Provide

from duilian.infra.settings import Settings
from duilian.infra.smtp import BadMailAddress, MailNotConfigured, address_of
from duilian.platform.console import account_letters
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import Form, uuid_or_none
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import LOCALES, t
from duilian.tenants import accounts, people, sessions
from duilian.tenants.actors import actor_of_member
from duilian.tenants.errors import MemberExists, NotYoursToGive, UnknownRole, UnknownUnit
from duilian.tenants.rights import Right

MEMBERS = [member_with(Right.MEMBERS)]
HOME = "/console/people"
LONGEST_NAME = 80


class MemberInvitations(Controller):
    path = HOME
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @post("/invite", guards=MEMBERS)
    async def invite(self, desk: Desk, settings: Settings, data: Form) -> Response[Any]:
        """Nobody gives more than they have."""
        _require_mail(settings)
        role, unit = data.get("role", ""), uuid_or_none(data.get("unit", ""))
        try:
            email = address_of(data.get("email", ""))
            if not await people.rights_of_role(desk.session, role) <= desk.actor.rights:
                raise NotYoursToGive
            name = data.get("name", "").strip()[:LONGEST_NAME] or email.partition("@")[0]
            locale = data["locale"] if data.get("locale") in LOCALES else desk.tenant.locale
            member = await people.add_member(desk.session, email, name, role, None, locale, unit)
        except (BadMailAddress, MemberExists, UnknownRole, UnknownUnit) as problem:
            return back_to(HOME, "error", problem.sentence(desk.locale))
        await account_letters.send_link(desk.session, settings, member, accounts.WELCOME)
        return back_to(HOME, "success", t(desk.locale, "account.invited", email=email))

    @post("/{member_id:uuid}/link", guards=MEMBERS)
    async def send_again(self, desk: Desk, settings: Settings, member_id: UUID) -> Response[Any]:
        """A first password for who has none yet, a new one for the others."""
        _require_mail(settings)
        member = await people.member_of(desk.session, member_id)
        purpose = accounts.RESET if member.password_hash else accounts.WELCOME
        await account_letters.send_link(desk.session, settings, member, purpose)
        return back_to(HOME, "success", t(desk.locale, "account.link_sent", email=member.email))

    @post("/{member_id:uuid}/sign-out", guards=MEMBERS)
    async def end_sessions(self, desk: Desk, member_id: UUID) -> Response[Any]:
        await people.member_of(desk.session, member_id)
        ended = await sessions.end_all(desk.session, member_id)
        return back_to(HOME, "success", t(desk.locale, "account.sessions.member_ended", n=ended))

    @post("/{member_id:uuid}/code-off", guards=MEMBERS)
    async def turn_code_off(self, desk: Desk, settings: Settings, member_id: UUID) -> Response[Any]:
        """For somebody who lost phone and recovery codes and may do no more than the reader; they are told."""
        member = await people.member_of(desk.session, member_id)
        theirs = await actor_of_member(desk.session, member, "")
        if not theirs.rights <= desk.actor.rights:
            raise NotYoursToGive
        await accounts.turn_code_off(desk.session, member_id)
        await account_letters.tell(desk.session, settings, member, "code_off")
        return back_to(HOME, "success", t(desk.locale, "account.code.removed"))


def _require_mail(settings: Settings) -> None:
    """Raises MailNotConfigured."""
    if not settings.smtp_url:
        raise MailNotConfigured
