"""Tenants for tests: Alice owns one, Bob works there without rights on interviews, Charlie owns another."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import httpx
import msgspec
import yaml

from duilian.customization import packs
from duilian.infra.settings import Settings
from duilian.platform.app.opening import open_tenant
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.people import add_member
from duilian.tenants.rights import ROLES
from duilian.tenants.service import TenantFile, create_api_key

PASSWORD = "correct horse battery"
TLS = (
    ssl.create_default_context()
)  # made once for all clients: reading the certificates takes longer than a request
Result = TypeVar("Result")


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """A coroutine from synchronous test code."""
    return asyncio.run(coroutine)


@dataclass(frozen=True)
class World:
    """One tenant with its people. api_key: all rights; weak_key: none."""

    settings: Settings
    slug: str
    tenant_id: UUID
    api_key: str
    weak_key: str
    industry: str

    @property
    def url(self) -> str:
        return self.settings.public_url

    def api(self, key: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key or self.api_key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False, verify=TLS)

    def invite(self, set_key: str | None = None, **fields: Any) -> dict[str, Any]:
        """A new person's invitation: url, token, interview."""
        body = {"name": "林晓", "email": f"{secrets.token_hex(6)}@candidate.example"}
        body |= {"question_set": set_key or self.set_key, "mail": False, **fields}
        answer = self.api().post("/api/v1/invitations", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    @property
    def set_key(self) -> str:
        return "complaint" if self.industry == "retail" else "fault-finding"

    def candidate(self, invitation: dict[str, Any]) -> httpx.Client:
        """The candidate API with the invitation's token; paths are relative to the interview."""
        base = f"{self.url}/api/v1/t/{self.slug}/interview"
        headers = {"Authorization": f"Bearer {invitation['token']}", "Accept-Language": "en"}
        return httpx.Client(base_url=base, headers=headers, timeout=60, trust_env=False, verify=TLS)

    def console(self, role: str = "admin") -> httpx.Client:
        """A signed-in member."""
        headers = {"Accept": "text/html"}
        client = httpx.Client(base_url=self.url, timeout=60, trust_env=False, headers=headers, verify=TLS)
        form = {
            "tenant": self.slug,
            "email": f"{role}@{self.slug}.example",
            "password": PASSWORD,
            "lang": "en",
        }
        answer = client.post("/console/sign-in", data=form)
        assert answer.status_code == 303, answer.text[:300]
        return client


def open_world(settings: Settings, industry: str = "retail", **fields: str) -> World:
    """A fresh tenant on the running stack, by the path that every tenant takes. fields: of its tenant.yaml."""
    slug = f"t-{secrets.token_hex(5)}"
    source = yaml.safe_load((packs.SHIPPED / industry / "tenant.yaml").read_text("utf-8"))
    file = msgspec.convert(source | {"slug": slug} | fields, TenantFile)
    tenant_id = run(open_tenant(settings, file, f"owner@{slug}.example", PASSWORD))
    keys = run(_people(settings, tenant_id, slug, file.locale))
    return World(settings, slug, tenant_id, *keys, industry)


async def _people(settings: Settings, tenant_id: UUID, slug: str, locale: str) -> tuple[str, str]:
    """The administrator reads the tenant's language, the others English."""
    database = open_database(settings, open_keyring(settings), 1)
    try:
        async with database.begin(tenant_id) as session:
            for role in set(ROLES) - {"owner"}:
                reads = locale if role == "admin" else "en"
                await add_member(session, f"{role}@{slug}.example", role, role, PASSWORD, reads)
            full = await create_api_key(session, slug, "tests", set(ROLES["admin"]))
            return full, await create_api_key(session, slug, "no rights", set())
    finally:
        await database.close()
