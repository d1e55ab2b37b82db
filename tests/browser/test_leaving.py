"""Leaving, as people do it: a candidate with the own data in hand, an owner who closes the account and thinks again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext

from browser import DESKTOP, PHONE, Screen, Watch, aside, shoot
from browser_steps import Candidate, sign_in
from duilian.platform.app.up import Stack
from page_checks import assert_sound
from world import PASSWORD, World, open_world

Window = Callable[..., BrowserContext]
BOTH = pytest.mark.parametrize(
    ("screen", "locale"), [(PHONE, "zh-CN"), (DESKTOP, "en")], ids=["phone-zh", "desktop-en"]
)


@BOTH
def test_a_candidate_sees_corrects_takes_and_erases(
    invited: Callable[..., Candidate], screen: Screen, locale: str
) -> None:
    me = invited(screen, locale, f"mine-{screen.name}")
    page = me.page
    page.goto(f"{me.place}/my-data")
    me.look("my-data")
    page.fill('#correct input[name="name"]', "林小晓")
    page.locator("#correct button").click()
    assert "林小晓" in page.locator("h1").inner_text()
    page.locator("#practice details summary").click()
    page.fill('#practice textarea[name="words"]', "这是只给我自己看的一次练习。")
    page.locator("#practice details button").click()
    assert page.locator("#practice .mine-list li").count() == 1
    with page.expect_download() as taken:
        page.locator('a[href$="/my-data/copy"]').click()
    assert taken.value.suggested_filename.endswith(".zip")
    page.locator('a[href$="/my-data/erase"]').click()
    me.look("erase")
    page.check('input[name="sure"]')
    page.locator("main form button").click()
    receipt = page.locator('a[href$="receipt.json"]')  # the page comes again by itself until it is there
    receipt.wait_for(timeout=60_000)
    me.look("receipt")
    page.goto(me.place)
    me.look("erased")
    assert "林小晓" not in page.locator("body").inner_text()


@pytest.fixture
def firm(stack: Stack) -> World:
    return aside(lambda: open_world(stack.settings))


@BOTH
def test_an_owner_closes_the_account_and_keeps_it_after_all(
    window: Window, firm: World, watch: Watch, screen: Screen, locale: str
) -> None:
    watch.expect("status of 422")
    page = window(screen, locale).new_page()
    sign_in(page, firm, "owner")
    page.goto(f"{firm.url}/console/closing")
    assert_sound(page)
    shoot(page, f"closing-{screen.name}")
    page.fill('input[name="name"]', "something-else")
    page.fill('input[name="password"]', PASSWORD)
    page.locator("main .btn-error").click()
    assert page.locator("#name-error").is_visible()
    assert_sound(page)
    page.fill('input[name="name"]', firm.slug)
    page.fill('input[name="password"]', PASSWORD)
    page.keyboard.press("Enter")
    page.locator('form[action="/console/closing/withdraw"]').wait_for()
    assert_sound(page)
    shoot(page, f"closing-asked-{screen.name}")
    page.goto(f"{firm.url}/console")
    banner = page.locator('.flash[data-kind="warning"]')
    assert_sound(page)
    shoot(page, f"closing-banner-{screen.name}")
    banner.locator("a").click()
    page.locator('form[action="/console/closing/withdraw"] button').click()
    page.locator('.flash[data-kind="success"]').wait_for()
    page.goto(f"{firm.url}/console")
    assert banner.count() == 0
