"""Signing in as people do: a one-time code from the phone, single sign-on, the pages around them in both languages."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pyotp
import pytest
from playwright.sync_api import BrowserContext, Page

from browser import DESKTOP, PHONE, Screen, Watch, aside, shoot
from browser_steps import sign_in
from duilian.platform.app.up import Stack
from duilian.platform.web.words import t
from letters import letter_to, link_in
from openid import CLIENT, SECRET, openid_provider
from page_checks import assert_sound
from world import World, open_world

Window = Callable[..., BrowserContext]


@pytest.fixture
def firm(stack: Stack) -> World:
    """A tenant of one's own: how its people sign in is changed here."""
    return aside(lambda: open_world(stack.settings))


def where(page: Page) -> str:
    return urlsplit(page.url).path


@pytest.mark.parametrize(("screen", "locale"), [(PHONE, "zh-CN"), (DESKTOP, "en")], ids=["phone", "desktop"])
def test_code_is_set_up_and_asked_for(
    window: Window, firm: World, watch: Watch, screen: Screen, locale: str
) -> None:
    """By keyboard alone from the second sign-in on."""
    watch.expect("status of 422")
    page = window(screen, locale).new_page()
    sign_in(page, firm, "recruiter")
    page.goto(f"{firm.url}/console/account")
    assert_sound(page)
    shoot(page, f"account-{screen.name}")
    page.locator('a[href="/console/account/code"]').click()
    assert page.locator(".qr svg").is_visible()
    page.locator("details summary").last.click()
    secret = page.locator('[data-part="secret"]').inner_text().strip()
    assert_sound(page)
    shoot(page, f"account-code-{screen.name}")
    page.fill('input[name="code"]', "000000")
    page.locator('form[action="/console/account/code"] button').click()
    assert page.locator("#setup-error").is_visible()
    page.fill('input[name="code"]', pyotp.TOTP(secret).at(time.time() - 30))
    page.locator('form[action="/console/account/code"] button').click()
    assert page.locator('[data-part="recovery-codes"] li').count() == 10
    assert_sound(page)
    shoot(page, f"recovery-codes-{screen.name}")

    again = window(screen, locale).new_page()
    sign_in(again, firm, "recruiter")
    assert where(again) == "/console/sign-in/code"
    assert_sound(again)
    shoot(again, f"sign-in-code-{screen.name}")
    assert again.evaluate("document.activeElement.name") == "code", "the field waits for typing"
    again.keyboard.type("111111")
    again.keyboard.press("Enter")
    again.locator("#gate-error").wait_for()
    again.keyboard.type(pyotp.TOTP(secret).now())
    again.keyboard.press("Enter")
    again.wait_for_url(f"{firm.url}/console")


@pytest.mark.parametrize(("screen", "locale"), [(PHONE, "en"), (DESKTOP, "zh-CN")], ids=["phone", "desktop"])
def test_single_sign_on_through_a_real_provider(
    window: Window, firm: World, watch: Watch, screen: Screen, locale: str
) -> None:
    """An administrator sets it up, a recruiter uses it, a stranger is told what to do."""
    watch.expect("status of 401", "fonts.googleapis.com", "favicon")  # the provider's pages ask for fonts
    accounts = {
        "rosa": {"email": f"recruiter@{firm.slug}.example", "email_verified": True, "name": "Rosa"},
        "eve": {"email": "eve@elsewhere.example", "email_verified": True, "name": "Eve"},
    }
    callback = f"{firm.url}/t/{firm.slug}/sign-in/sso/callback"
    with openid_provider([callback], accounts) as provider:
        admin = window(DESKTOP, locale).new_page()
        sign_in(admin, firm, "admin")
        admin.goto(f"{firm.url}/console/access")
        assert admin.locator("body").get_by_text(callback).is_visible()
        for name, value in (("name", "Acme ID"), ("issuer", provider.issuer), ("client_id", CLIENT), ("client_secret", SECRET)):  # fmt: skip
            admin.fill(f'input[name="{name}"]', value)
        admin.locator('form[action="/console/access/provider"] .btn-primary').click()
        admin.locator('[data-kind="success"]').wait_for()
        assert admin.input_value('input[name="client_secret"]') == ""
        assert_sound(admin)
        shoot(admin, f"access-{screen.name}")

        page = window(screen, locale).new_page()
        page.goto(f"{firm.url}/t/{firm.slug}/sign-in")
        assert_sound(page)
        shoot(page, f"sign-in-branded-{screen.name}")
        page.get_by_role("link", name="Acme ID").click()
        at_provider(page, "rosa")
        page.wait_for_url(f"{firm.url}/console")

        stranger = window(screen, locale).new_page()
        stranger.goto(f"{firm.url}/t/{firm.slug}/sign-in/sso")
        at_provider(stranger, "eve")
        stranger.locator("#gate-error").wait_for()
        assert "identity-not-a-member" in stranger.locator("main").inner_text()
        assert_sound(stranger)
        shoot(stranger, f"sso-stranger-{screen.name}")
        stranger.locator("a.btn-primary").click()
        assert where(stranger) == f"/t/{firm.slug}/sign-in"


def at_provider(page: Page, login: str) -> None:
    """The provider's own pages: signing in, then agreeing."""
    page.fill('input[name="login"]', login)
    page.fill('input[name="password"]', "any")
    page.locator("button[type=submit]").click()
    page.locator("button[type=submit]").click()


def test_forgotten_password_by_letter(window: Window, firm: World, watch: Watch) -> None:
    watch.expect("status of 422")
    page = window(PHONE, "en").new_page()
    page.goto(f"{firm.url}/t/{firm.slug}/sign-in")
    page.locator('a[href^="/console/forgot"]').click()
    assert page.input_value('input[name="tenant"]') == firm.slug
    page.fill('input[name="email"]', f"auditor@{firm.slug}.example")
    assert_sound(page)
    page.locator("main form button").click()
    page.locator('[role="status"]').wait_for()
    shoot(page, "forgot-sent")
    page.goto(link_in(firm, letter_to(firm, f"auditor@{firm.slug}.example")))
    page.fill('input[name="password"]', "1234567890")
    page.locator("main form button").click()
    page.locator("#password-error").wait_for()
    assert_sound(page)
    shoot(page, "choose-password")
    page.fill('input[name="password"]', "seven silent lanterns")
    page.locator("main form button").click()
    page.wait_for_url(f"{firm.url}/t/{firm.slug}/sign-in")
    locale = page.locator("html").get_attribute("lang") or ""
    assert t(locale, "gate.choose.done") in page.locator("main").inner_text()
    page.fill('input[name="email"]', f"auditor@{firm.slug}.example")
    page.fill('input[name="password"]', "seven silent lanterns")
    page.locator("main form .btn-primary").click()
    page.wait_for_url(f"{firm.url}/console")


@pytest.mark.parametrize(("screen", "locale"), [(PHONE, "zh-CN"), (DESKTOP, "en")], ids=["phone", "desktop"])
def test_key_is_made_and_shown_once(window: Window, firm: World, screen: Screen, locale: str) -> None:
    page = window(screen, locale).new_page()
    sign_in(page, firm, "admin")
    page.goto(f"{firm.url}/console/api-keys")
    assert_sound(page)
    page.fill('input[name="name"]', "nightly")
    page.locator('input[type="checkbox"]').first.check()
    page.locator('form[action="/console/api-keys"] .btn-primary').click()
    assert page.locator('[data-part="key"]').inner_text().startswith(f"dl_{firm.slug}_")
    assert_sound(page)
    shoot(page, f"api-keys-{screen.name}")
    page.goto(f"{firm.url}/console/api-keys")
    assert page.locator('[data-part="key"]').count() == 0
    assert "nightly" in page.locator("main").inner_text()
