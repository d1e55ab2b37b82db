"""A company in front of `/start`: its browser without scripts, and the letters it gets."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from browsing import browser
from duilian.infra.local.mailbox import Kept
from duilian.infra.settings import Settings
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.service import find_tenant
from duilian.tenants.sessions import csrf_token
from letters import letter_to
from world import World, run

PASSWORD = "nine quiet harbours at dawn"
COMPANY = {"industry": "retail", "jurisdiction": "cn", "locale": "zh-CN"}


@dataclass
class Starter:
    """Somebody who opens a company. slug: a fresh one."""

    settings: Settings
    name: str = "拾光百货"
    slug: str = field(default_factory=lambda: f"s-{secrets.token_hex(5)}")
    email: str = field(default_factory=lambda: f"{secrets.token_hex(6)}@company.example")
    letters: int = 0

    def __post_init__(self) -> None:
        self.client = self.browser()

    def browser(self) -> httpx.Client:
        """A fresh one, that has no cookie yet."""
        headers = {"Accept": "text/html", "Accept-Language": "en"}
        url = self.settings.public_url
        return browser(url, headers=headers)

    @property
    def world(self) -> World:
        """For helpers that read letters: of the tenant only the settings are used."""
        return World(self.settings, self.slug, None, "", "", "retail")  # pyright: ignore[reportArgumentType]

    def company(self, **changes: str) -> httpx.Response:
        form = COMPANY | {"name": self.name, "slug": self.slug} | changes
        return self.client.post("/start/company", data=form)

    def admin(self, **changes: str) -> httpx.Response:
        return self.client.post("/start/admin", data={"person": "周敏", "email": self.email} | changes)

    def letter(self) -> Kept:
        """The next one."""
        self.letters += 1
        return letter_to(self.world, self.email, self.letters)

    def code(self) -> str:
        [code] = re.findall(r"^\d{6}$", self.letter().part("plain"), re.MULTILINE)
        return code

    def verify(self, code: str) -> httpx.Response:
        return self.client.post("/start/code", data={"code": code})

    def password(self, password: str = PASSWORD) -> httpx.Response:
        return self.client.post("/start/password", data={"password": password})

    def open(self) -> Starter:
        """The whole way to a tenant whose owner is signed in."""
        assert self.company().status_code == 303
        assert self.admin().status_code == 303
        assert self.verify(self.code()).headers["location"] == "/start/password"
        answer = self.password()
        assert answer.headers.get("location") == "/console/setup", answer.text[:500]
        return self

    def post(self, path: str, **fields: str) -> httpx.Response:
        """A form of the console."""
        return self.client.post(path, data=fields | {"csrf": self.csrf})

    @property
    def csrf(self) -> str:
        return csrf_token(self.client.cookies["duilian_session"].partition(".")[2])

    def opened(self) -> World:
        """The tenant, once there is one."""
        return World(self.settings, self.slug, run(self._find()), "", "", "retail")

    async def _find(self) -> UUID:
        database = open_database(self.settings, open_keyring(self.settings), 1)
        try:
            return await find_tenant(database, self.slug)
        finally:
            await database.close()

    def states(self) -> dict[str, str]:
        """Step → state, as the checklist shows it."""
        page = self.client.get("/console/setup").text
        return dict(re.findall(r'data-step="(\w+)" data-state="(\w+)"', page))
