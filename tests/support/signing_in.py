"""Staff who sign in with a browser: passwords, reset letters, one-time codes."""

from __future__ import annotations

import re
import time

import httpx
import pyotp

from browsing import browser
from duilian.tenants.codes import PERIOD
from world import PASSWORD, World


def new_browser(url: str) -> httpx.Client:
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    return browser(url, headers=headers)


def address(world: World, role: str) -> str:
    return f"{role}@{world.slug}.example"


def try_password(client: httpx.Client, world: World, role: str, password: str = PASSWORD) -> httpx.Response:
    form = {"tenant": world.slug, "email": address(world, role), "password": password, "lang": "en"}
    return client.post("/console/sign-in", data=form)


def csrf_of(client: httpx.Client, path: str = "/console/account") -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(path).text)
    assert found
    return found[1]


def ask_reset(world: World, role_address: str) -> httpx.Response:
    form = {"tenant": world.slug, "email": role_address, "lang": "en"}
    return new_browser(world.url).post("/console/forgot", data=form)


def code_of(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(time.time() + steps * PERIOD)


def set_up_code(client: httpx.Client) -> tuple[str, list[str]]:
    """Through the account page: the secret and the recovery codes."""
    page = client.get("/console/account/code").text
    found = re.search(r'data-part="secret">([A-Z2-7]{32})<', page)
    assert found
    assert "<svg" in page
    assert found[1] in client.get("/console/account/code").text, (
        "the same secret when the page is loaded again"
    )
    csrf = csrf_of(client)
    wrong = client.post("/console/account/code", data={"csrf": csrf, "code": "000000"})
    assert wrong.status_code == 422
    done = client.post("/console/account/code", data={"csrf": csrf, "code": code_of(found[1], -1)})
    assert done.status_code == 200, done.text[:300]
    codes = re.findall(r'<li class="select-all">([a-z2-7-]+)</li>', done.text)
    assert len(set(codes)) == 10
    return found[1], codes
