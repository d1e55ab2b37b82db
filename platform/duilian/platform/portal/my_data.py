"""The page on a candidate's own data (我的数据): works when the interview is over, on a phone, without scripts."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import Provide
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Stream

from duilian.customization.schemas import words
from duilian.infra.database import Database
from duilian.infra.objects import ObjectStore
from duilian.platform.portal import own_data
from duilian.platform.portal.doors import Door, page_door
from duilian.platform.portal.pages import Form, portal_page
from duilian.platform.privacy import correction, declarations, practice, receipts, withdrawal
from duilian.platform.sessions.opening import Visit
from duilian.platform.web import formats
from duilian.platform.web.edge import back_to, flash_of, without_flash
from duilian.platform.web.words import t
from duilian.tenants.keyring import Keyring

AnyRequest = Request[Any, Any, Any]  # Any: candidates have no user object
Upload = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]  # Any: text and files


class MyDataPages(Controller):
    path = "/t/{slug:str}/i/{token:str}/my-data"
    include_in_schema = False
    dependencies = {"door": Provide(page_door)}  # noqa: RUF012  # the framework's own convention

    @get("/")
    async def show(
        self, request: AnyRequest, door: Door, database: Database, slug: str, token: str
    ) -> Response[Any]:
        visit = await door.visit()
        own = await own_data.read(door.session, visit, database)
        return _page(request, "my_data.html", visit, slug, token, own=own)

    @post("/withdraw")
    async def withdraw(self, door: Door, slug: str, token: str, data: Form) -> Redirect:
        visit = await door.visit(lock=True)
        purpose = data.get("purpose", "")
        await withdrawal.withdraw(door.session, visit, purpose)
        locale = visit.interview.locale
        title = t(locale, f"consent.{purpose}.title")
        return _back(slug, token, t(locale, "portal.mine.withdrawn", title=title), "#consents")

    @post("/correct")
    async def correct(self, door: Door, slug: str, token: str, data: Form) -> Redirect:
        visit = await door.visit(lock=True)
        changed = await correction.correct(
            door.session, visit.candidate, data.get("name", ""), data.get("email", "")
        )
        said = "portal.mine.corrected" if changed else "portal.mine.nothing_changed"
        return _back(slug, token, t(visit.interview.locale, said), "#correct")

    @get("/copy")
    async def copy(self, door: Door, database: Database, keyring: Keyring, store: ObjectStore) -> Stream:
        return await own_data.copy(door.session, await door.visit(), database, keyring, store)

    @get("/erase")
    async def confirm(self, request: AnyRequest, door: Door, slug: str, token: str) -> Response[Any]:
        return _page(request, "my_data_erase.html", await door.visit(), slug, token)

    @post("/erase")
    async def erase(self, door: Door, slug: str, token: str, data: Form) -> Redirect:
        visit = await door.visit(lock=True)
        if data.get("sure") != "yes":
            message = t(visit.interview.locale, "portal.mine.confirm.must_tick")
            return back_to(f"{_place(slug, token)}/erase", "error", message)
        row = await own_data.erase(door.session, visit)
        return Redirect(f"{_place(slug, token)}/receipts/{row.id}", status_code=303)

    @get("/receipts/{erasure_id:uuid}")
    async def receipt(
        self, request: AnyRequest, door: Door, slug: str, token: str, erasure_id: UUID
    ) -> Response[Any]:
        visit = await door.visit()
        row = await receipts.receipt_of(door.session, visit.candidate.id, erasure_id)
        return _page(
            request, "my_data_receipt.html", visit, slug, token, row=row, receipt=own_data.receipt(row)
        )

    @get("/receipts/{erasure_id:uuid}/receipt.json")
    async def receipt_file(self, door: Door, erasure_id: UUID) -> Response[bytes]:
        visit = await door.visit()
        row = await receipts.receipt_of(door.session, visit.candidate.id, erasure_id)
        body = msgspec.json.format(msgspec.json.encode(own_data.receipt(row)), indent=2)
        name = f"receipt-{row.id}.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(body, media_type="application/json", headers=headers)

    @post("/practice")
    async def keep(
        self, door: Door, database: Database, keyring: Keyring, slug: str, token: str, data: Upload
    ) -> Redirect:
        visit = await door.visit()
        content, content_type = await _attempt(data)
        async with practice.own_session(database, door.session.tenant_id, visit.candidate.id) as own:
            await practice.keep(own, keyring, visit.invitation.set_key, content, content_type)
        return _back(slug, token, t(visit.interview.locale, "portal.mine.practice_kept"), "#practice")

    @get("/groups")
    async def groups(
        self, request: AnyRequest, door: Door, database: Database, slug: str, token: str
    ) -> Response[Any]:
        """Voluntary, and asked nowhere else."""
        visit = await door.visit()
        async with practice.own_session(database, door.session.tenant_id, visit.candidate.id) as own:
            declared = await declarations.own(own)
        asked = declarations.questions_for(visit.tenant.jurisdiction)
        return _page(request, "my_data_groups.html", visit, slug, token, asked=asked, declared=declared)

    @post("/groups")
    async def declare(self, door: Door, database: Database, slug: str, token: str, data: Form) -> Redirect:
        visit = await door.visit()
        chosen = await own_data.declare(door.session, visit, database, data)
        said = "portal.groups.saved" if chosen else "portal.groups.gone"
        return back_to(f"{_place(slug, token)}/groups", "success", t(visit.interview.locale, said))

    @get("/practice/{attempt_id:uuid}")
    async def play(
        self, door: Door, database: Database, keyring: Keyring, attempt_id: UUID
    ) -> Response[bytes]:
        visit = await door.visit()
        return await attempt_file(door, visit, database, keyring, attempt_id)

    @post("/practice/{attempt_id:uuid}/delete")
    async def forget(
        self, door: Door, database: Database, slug: str, token: str, attempt_id: UUID
    ) -> Redirect:
        visit = await door.visit()
        async with practice.own_session(database, door.session.tenant_id, visit.candidate.id) as own:
            await practice.forget(own, attempt_id)
        return _back(slug, token, t(visit.interview.locale, "portal.mine.practice_deleted"), "#practice")


async def attempt_file(
    door: Door, visit: Visit, database: Database, keyring: Keyring, attempt_id: UUID
) -> Response[bytes]:
    """Shown, never run: whatever was uploaded, the browser may only play or print it."""
    async with practice.own_session(database, door.session.tenant_id, visit.candidate.id) as own:
        row, content = await practice.open_attempt(own, keyring, attempt_id)
    kind = "text/plain; charset=utf-8" if row.mode == "text" else row.content_type
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; media-src 'self'; sandbox",
    }
    return Response(content, media_type=kind, headers=headers)


async def _attempt(data: dict[str, Any]) -> tuple[bytes, str]:  # Any: text and files of a form
    """The recording where one was chosen, else the words."""
    file = data.get("file")
    if isinstance(file, UploadFile) and file.filename:
        return await file.read(), file.content_type
    return str(data.get("words") or "").strip().encode(), "text/plain"


def _place(slug: str, token: str) -> str:
    return f"/t/{slug}/i/{token}/my-data"


def _back(slug: str, token: str, message: str, where: str = "") -> Redirect:
    return back_to(_place(slug, token) + where, "success", message)


def _page(
    request: AnyRequest, template: str, visit: Visit, slug: str, token: str, **context: Any
) -> Response[Any]:
    locale, zone = visit.interview.locale, visit.tenant.time_zone
    shared: dict[str, Any] = {
        "flash": flash_of(request),
        "mine": _place(slug, token),
        "said": partial(words, locale=locale),
        **formats.for_reader(locale, zone),
    }
    merged: dict[str, Any] = shared | context
    return without_flash(portal_page(template, visit, f"/t/{slug}/i/{token}", **merged))
