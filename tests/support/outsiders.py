"""Members signed in once a run, and people who once had a way in, or have one elsewhere."""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

import httpx

from browsing import browser
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.tenants import consultants, organisation, people
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.rights import ROLES
from duilian.tenants.service import create_api_key
from duilian.tenants.sessions import csrf_token
from inside import within
from world import PASSWORD, World

SIGNED_IN: dict[tuple[str, str], tuple[httpx.Client, str]] = {}


def signed_in(world: World, role: str) -> tuple[httpx.Client, str]:
    if (world.slug, role) not in SIGNED_IN:
        client = world.console(role)
        secret = client.cookies["duilian_session"].partition(".")[2]
        SIGNED_IN[world.slug, role] = client, csrf_token(secret)
    return SIGNED_IN[world.slug, role]


def csrf_of(client: httpx.Client) -> str:
    return csrf_token(client.cookies["duilian_session"].partition(".")[2])


def post(client: httpx.Client, path: str, data: dict | None = None, status: int = 303) -> httpx.Response:
    """A form of the signed-in pages, sent as the page sends it."""
    answer = client.post(path, data={"csrf": csrf_of(client), **(data or {})})
    assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:400]}"
    return answer


class Outsiders:
    """Who once had a way in, or has one elsewhere: an administrator of a branch, a consultant whose grant was
    withdrawn, keys that expired or were made for the branch."""

    def __init__(self, world: World, home: World) -> None:
        self.world = world
        self._name = f"branch-{secrets.token_hex(3)}"  # a run may have several
        within(world, self._plant)
        self.branch = world.console(self._name)
        self.consultant = self._withdrawn(home)

    async def _plant(self, session: TenantSession) -> None:
        root = await organisation.root_of(session)
        branch = await organisation.add_unit(session, root.id, "Elsewhere", "branch")
        slug = self.world.slug
        await people.add_member(
            session, f"{self._name}@{slug}.example", "b", "admin", PASSWORD, "en", branch.id
        )
        every = set(ROLES["admin"])
        past = now() - timedelta(minutes=1)
        self.expired_key = await create_api_key(session, slug, "expired", every, past)
        self.branch_key = await create_api_key(session, slug, "branch", every, unit_id=branch.id)

    def _withdrawn(self, home: World) -> httpx.Client:
        """Let in at the root with every right, entered, then withdrawn: the cookie is all that is left."""
        # A session of its own: entering changes its cookie.
        client = home.console("admin")
        csrf = csrf_of(client)

        async def let_in(session: TenantSession) -> UUID:
            root = await organisation.root_of(session)
            database = open_database(self.world.settings, open_keyring(self.world.settings), 1)
            try:
                address = f"admin@{home.slug}.example"
                return (await consultants.let_in(database, session, home.slug, address, root.id, 1)).id
            finally:
                await database.close()

        grant = within(self.world, let_in)
        entered = client.post("/console/enter", data={"slug": self.world.slug, "csrf": csrf})
        assert entered.status_code == 303, entered.text[:300]
        guest = browser(self.world.url)
        guest.cookies.set("duilian_session", entered.cookies["duilian_session"])
        assert guest.get("/console/question-sets").status_code == 200
        within(self.world, lambda session: consultants.revoke(session, grant))
        return guest
