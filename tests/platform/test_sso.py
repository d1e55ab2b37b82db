"""Single sign-on against a real OpenID provider: who gets in, and every answer that must not be believed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from browsing import browser
from duilian.infra.database import TenantSession
from duilian.platform.app.up import Stack
from inside import within
from openid import CLIENT, SECRET, OpenIdProvider, openid_provider
from world import World, open_world


@pytest.fixture(scope="module")
def firm(stack: Stack) -> World:
    return open_world(stack.settings)


@pytest.fixture(scope="module")
def neighbour(stack: Stack) -> World:
    """Another tenant with the same provider."""
    return open_world(stack.settings)


def callback(world: World) -> str:
    return f"{world.url}/t/{world.slug}/sign-in/sso/callback"


@pytest.fixture(scope="module")
def provider(firm: World, neighbour: World) -> Iterator[OpenIdProvider]:
    accounts: dict[str, dict[str, Any]] = {
        role: {"email": f"{role}@{firm.slug}.example", "email_verified": True, "name": role}
        for role in ("recruiter", "interviewer", "auditor", "department_manager")
    }
    accounts["unverified"] = {"email": f"recruiter@{firm.slug}.example", "email_verified": False}
    accounts["claimed"] = {"email": f"recruiter@{firm.slug}.example"}
    accounts["stranger"] = {
        "email": f"Stranger@{firm.slug}.example",
        "email_verified": True,
        "name": "陌生人",
    }
    with openid_provider([callback(firm), callback(neighbour)], accounts) as provider:
        for world in (firm, neighbour):
            answer = save(world, issuer=provider.issuer)
            assert answer.status_code == 303, answer.text[-3000:]
        yield provider


@pytest.fixture(autouse=True)
def honest(provider: OpenIdProvider) -> Iterator[None]:
    yield
    provider.tamper()


def save(world: World, **fields: str) -> httpx.Response:
    """The configuration page, as an administrator fills it in."""
    admin = world.console("admin")
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', admin.get("/console/access").text)
    assert found
    form = {"csrf": found[1], "name": "Acme ID", "client_id": CLIENT, "client_secret": SECRET, "enabled": "1"}
    return admin.post("/console/access/provider", data=form | {"default_role": ""} | fields)


def new_browser(world: World) -> httpx.Client:
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    return browser(world.url, headers=headers)


def to_provider(browser: httpx.Client, world: World) -> str:
    answer = browser.get(f"/t/{world.slug}/sign-in/sso")
    assert answer.status_code == 303, answer.text[:500]
    return answer.headers["location"]


def sign_on(
    provider: OpenIdProvider, world: World, login: str, browser: httpx.Client | None = None
) -> httpx.Response:
    browser = browser or new_browser(world)
    back = provider.sign_in(to_provider(browser, world), login, callback(world))
    return browser.get(back)


def refused(answer: httpx.Response, code: str) -> bool:
    """A page for people with the reason's code and a way back; no session."""
    way_back = re.search(r'href="/t/[\w-]+/sign-in"', answer.text)
    return (
        answer.status_code >= 400
        and code in answer.text
        and way_back is not None
        and "duilian_session" not in answer.headers.get("set-cookie", "")
    )


def test_member_signs_on_by_the_verified_address(provider: OpenIdProvider, firm: World) -> None:
    browser = new_browser(firm)
    assert f'href="/t/{firm.slug}/sign-in/sso"' in browser.get(f"/t/{firm.slug}/sign-in").text
    answer = sign_on(provider, firm, "recruiter", browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert browser.get("/console").status_code == 200
    assert "single sign-on" in browser.get("/console/account").text


def test_request_carries_pkce_state_and_nonce(provider: OpenIdProvider, firm: World) -> None:
    first, second = (httpx.URL(to_provider(new_browser(firm), firm)).params for _ in range(2))
    assert first["code_challenge_method"] == "S256"
    assert first["response_type"] == "code"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) == 43
        assert first[name] != second[name]


def test_answer_to_another_browser_is_refused(provider: OpenIdProvider, firm: World) -> None:
    """Somebody is sent the last address of somebody else's sign-on."""
    back = provider.sign_in(to_provider(new_browser(firm), firm), "recruiter", callback(firm))
    victim = new_browser(firm)
    assert refused(victim.get(back), "sign-on-unknown")
    to_provider(victim, firm)  # a visit of their own does not help
    assert refused(victim.get(back), "sign-on-unknown")


def test_answer_serves_once(provider: OpenIdProvider, firm: World) -> None:
    browser = new_browser(firm)
    address = to_provider(browser, firm)
    cookies = dict(browser.cookies.items())
    back = provider.sign_in(address, "recruiter", callback(firm))
    assert browser.get(back).status_code == 303
    again = new_browser(firm)
    again.cookies.update(cookies)
    assert refused(again.get(back), "sign-on-unknown")


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"iss": "https://elsewhere.example"}, "iss"),
        ({"aud": "somebody-else"}, "aud"),
        ({"aud": [CLIENT, "x"], "azp": "x"}, "azp"),
        ({"exp": int(time.time()) - 3600}, "exp"),
        ({"iat": int(time.time()) + 3600}, "iat"),
        ({"strange_key": True}, "signature"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_token_that_is_not_right_is_refused(
    provider: OpenIdProvider, firm: World, claims: dict[str, Any], said: str
) -> None:
    provider.tamper(**claims)
    answer = sign_on(provider, firm, "recruiter")
    assert refused(answer, "identity-provider-answer")
    assert said in answer.text


def test_answer_in_the_name_of_another_issuer_is_refused(provider: OpenIdProvider, firm: World) -> None:
    browser = new_browser(firm)
    back = provider.sign_in(to_provider(browser, firm), "recruiter", callback(firm))
    other = str(httpx.URL(back).copy_set_param("iss", "https://elsewhere.example"))
    assert refused(browser.get(other), "identity-provider-answer")


def test_changed_state_is_refused(provider: OpenIdProvider, firm: World) -> None:
    browser = new_browser(firm)
    back = provider.sign_in(to_provider(browser, firm), "recruiter", callback(firm))
    assert refused(browser.get(str(httpx.URL(back).copy_set_param("state", "x" * 43))), "sign-on-unknown")


def test_person_who_says_no_is_told(provider: OpenIdProvider, firm: World) -> None:
    browser = new_browser(firm)
    state = httpx.URL(to_provider(browser, firm)).params["state"]
    answer = browser.get(callback(firm), params={"state": state, "error": "access_denied"})
    assert refused(answer, "identity-provider-refused")


@pytest.mark.parametrize("login", ["unverified", "claimed"])
def test_unverified_address_opens_nothing(provider: OpenIdProvider, firm: World, login: str) -> None:
    assert refused(sign_on(provider, firm, login), "identity-email-unverified")


def test_other_tenant_has_its_own_door(provider: OpenIdProvider, firm: World, neighbour: World) -> None:
    """The same provider vouches for somebody; only where that one is a member does it matter."""
    assert refused(sign_on(provider, neighbour, "recruiter"), "identity-not-a-member")
    browser = new_browser(firm)
    back = provider.sign_in(to_provider(browser, firm), "recruiter", callback(firm))
    foreign = new_browser(neighbour)
    foreign.cookies.set("duilian_visit", browser.cookies["duilian_visit"])
    assert refused(foreign.get(back.replace(f"/t/{firm.slug}/", f"/t/{neighbour.slug}/")), "sign-on-unknown")


def test_stranger_is_taken_in_only_where_the_tenant_says_so(provider: OpenIdProvider, firm: World) -> None:
    assert refused(sign_on(provider, firm, "stranger"), "identity-not-a-member")
    assert save(firm, issuer=provider.issuer, client_secret="", default_role="interviewer").status_code == 303
    browser = new_browser(firm)
    assert sign_on(provider, firm, "stranger", browser).status_code == 303
    assert "陌生人" in browser.get("/console").text
    assert browser.get("/console/people").status_code == 403, "no more than the role that was named"
    save(firm, issuer=provider.issuer, client_secret="", default_role="")
    assert sign_on(provider, firm, "stranger").status_code == 303, "known by now"


def test_disabled_member_stays_out(provider: OpenIdProvider, firm: World) -> None:
    assert sign_on(provider, firm, "department_manager").status_code == 303

    async def disable(session: TenantSession) -> None:
        query = "update members set disabled_at = now() where id in (select member_id from grants where role = :r)"
        await session.execute(text(query), {"r": "department_manager"})

    within(firm, disable)
    assert refused(sign_on(provider, firm, "department_manager"), "identity-not-a-member")


@pytest.mark.parametrize(
    "issuer",
    [
        "http://169.254.169.254/latest",
        "https://localhost",
        "http://10.0.0.1",
        "not an address",
        "https://u:p@a.example",
    ],
)
def test_issuer_inside_the_network_is_not_called(provider: OpenIdProvider, firm: World, issuer: str) -> None:
    answer = save(firm, issuer=issuer)
    assert answer.status_code == 422
    assert 'id="issuer-error"' in answer.text
    assert issuer in answer.text, "nothing typed is lost"


def test_what_does_not_answer_is_not_saved(provider: OpenIdProvider, firm: World) -> None:
    answer = save(firm, issuer=provider.issuer + "/")
    assert answer.status_code == 422, "the issuer must be exactly what the provider publishes"
    assert SECRET not in answer.text, "a secret is never shown again"
    assert sign_on(provider, firm, "recruiter").status_code == 303, "what was there still works"


def test_secret_is_sealed(provider: OpenIdProvider, firm: World) -> None:
    async def kept(session: TenantSession) -> bytes:
        return await session.scalar(text("select client_secret_sealed from identity_providers")) or b""

    sealed = within(firm, kept)
    assert sealed
    assert SECRET.encode() not in sealed


def test_members_without_the_right_configure_nothing(firm: World) -> None:
    for role in ("recruiter", "consultant", "auditor"):
        assert firm.console(role).get("/console/access").status_code == 403
