"""The tenant's encryption keys: which version seals, rotating it, and how far older data have come under it."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect
from sqlalchemy import select

from duilian.infra.database import Database
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, staff_page
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants import rotation
from duilian.tenants.keyring import SEAL, Keyring
from duilian.tenants.models import KeyJob, WrappedTenantKey
from duilian.tenants.rights import Right

KEYS = [member_with(Right.KEYS)]
SHOWN = 10  # jobs


class EncryptionPages(Controller):
    path = "/console/keys"
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=KEYS)
    async def show(self, request: AnyRequest, desk: Desk, keyring: Keyring) -> Response[Any]:
        versions = select(WrappedTenantKey).where(WrappedTenantKey.purpose == SEAL)
        newest = versions.order_by(WrappedTenantKey.version.desc()).limit(1)
        jobs = select(KeyJob).order_by(KeyJob.id.desc()).limit(SHOWN)
        return staff_page(
            request, desk, "encryption.html", key=(await desk.session.scalars(newest)).one(),
            provider=keyring.provider.name, jobs=list(await desk.session.scalars(jobs)),
        )  # fmt: skip

    @post("/rotate", guards=KEYS)
    async def rotate(self, desk: Desk, database: Database, keyring: Keyring) -> Redirect:
        """In a transaction of its own: a job follows, and it must find the new version."""
        await rotation.rotate_tenant(database, keyring, desk.session.tenant_id, desk.session.access)
        return back_to("/console/keys", "success", t(desk.locale, "admin.flash.key_rotated"))
