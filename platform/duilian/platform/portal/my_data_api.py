"""The candidate API on the candidate's own data: what the page does, for programs."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, delete, get, post, put
from litestar.di import Provide
from litestar.response import Stream

from duilian.infra.database import Database
from duilian.infra.errors import TooLarge
from duilian.infra.objects import ObjectStore
from duilian.platform.portal import own_data
from duilian.platform.portal.doors import Door, api_door
from duilian.platform.portal.my_data import attempt_file
from duilian.platform.privacy import correction, declarations, practice, receipts, withdrawal
from duilian.platform.privacy.errors import NotConfirmed
from duilian.platform.web.openapi import binary
from duilian.tenants.keyring import Keyring

AnyRequest = Request[Any, Any, Any]  # Any: candidates have no user object
Document = dict[str, Any]


class Withdrawal(msgspec.Struct, frozen=True):
    purpose: Annotated[str, msgspec.Meta(max_length=40)]


class Correction(msgspec.Struct, frozen=True):
    name: Annotated[str, msgspec.Meta(max_length=200)]
    email: Annotated[str, msgspec.Meta(max_length=300)]


class ErasureRequest(msgspec.Struct, frozen=True):
    """confirm: true, so that nothing is erased by a slip."""

    confirm: bool


class Groups(msgspec.Struct, frozen=True):
    """declared: choice by question."""

    declared: Annotated[dict[str, str], msgspec.Meta(max_length=10)]


class MyDataApi(Controller):
    path = "/api/v1/t/{slug:str}/interview/my-data"
    tags = ("candidate",)
    dependencies = {"door": Provide(api_door)}  # noqa: RUF012  # the framework's own convention

    @get("/")
    async def show(self, door: Door, database: Database) -> Document:
        visit = await door.visit()
        return own_data.document(await own_data.read(door.session, visit, database), visit)

    @post("/withdrawals", status_code=200)
    async def withdraw(self, door: Door, data: Withdrawal) -> Document:
        visit = await door.visit(lock=True)
        changed = await withdrawal.withdraw(door.session, visit, data.purpose)
        return {"withdrawn": changed, "status": visit.interview.status}

    @put("/person")
    async def correct(self, door: Door, data: Correction) -> Document:
        visit = await door.visit(lock=True)
        return {"changed": await correction.correct(door.session, visit.candidate, data.name, data.email)}

    @get("/copy", responses=binary("Everything held, as a ZIP.", "application/zip"))
    async def copy(self, door: Door, database: Database, keyring: Keyring, store: ObjectStore) -> Stream:
        return await own_data.copy(door.session, await door.visit(), database, keyring, store)

    @post("/erasure", status_code=202)
    async def erase(self, door: Door, data: ErasureRequest) -> Document:
        if not data.confirm:
            raise NotConfirmed
        visit = await door.visit(lock=True)
        return own_data.receipt(await own_data.erase(door.session, visit))

    @get("/receipts/{erasure_id:uuid}")
    async def receipt(self, door: Door, erasure_id: UUID) -> Document:
        visit = await door.visit()
        return own_data.receipt(await receipts.receipt_of(door.session, visit.candidate.id, erasure_id))

    @get("/groups")
    async def groups(self, door: Door, database: Database) -> Document:
        """What may be declared, and what was; voluntary, for comparing groups only."""
        visit = await door.visit()
        async with practice.own_session(database, door.session.tenant_id, visit.candidate.id) as own:
            declared = await declarations.own(own)
        asked = declarations.questions_for(visit.tenant.jurisdiction)
        return {"questions": {name: list(choices) for name, choices in asked.items()}, "declared": declared}

    @put("/groups")
    async def declare(self, door: Door, database: Database, data: Groups) -> Document:
        """All declarations anew; what is left out is deleted."""
        visit = await door.visit()
        return {"declared": await own_data.declare(door.session, visit, database, data.declared)}

    @post("/practice")
    async def keep(self, request: AnyRequest, door: Door, database: Database, keyring: Keyring) -> Document:
        """The body is the recording or the text; Content-Type says which."""
        declared = request.headers.get("content-length", "0")
        if declared.isdigit() and int(declared) > practice.LARGEST:
            raise TooLarge(limit="5 MB")
        content, kind = await request.body(), request.headers.get("content-type", "")
        visit = await door.visit()
        async with practice.own_session(database, door.session.tenant_id, visit.candidate.id) as own:
            return own_data.attempt(
                await practice.keep(own, keyring, visit.invitation.set_key, content, kind)
            )

    @get(
        "/practice/{attempt_id:uuid}",
        responses=binary("The attempt, in the container it was made in.", "*/*"),
    )
    async def play(
        self, door: Door, database: Database, keyring: Keyring, attempt_id: UUID
    ) -> Response[bytes]:
        return await attempt_file(door, await door.visit(), database, keyring, attempt_id)

    @delete("/practice/{attempt_id:uuid}")
    async def forget(self, door: Door, database: Database, attempt_id: UUID) -> None:
        visit = await door.visit()
        async with practice.own_session(database, door.session.tenant_id, visit.candidate.id) as own:
            await practice.forget(own, attempt_id)
