"""The lab and the declaration of groups, as people see them: phone and desktop, Chinese and English."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from browser import DESKTOP, PHONE, Screen, aside, shoot, until
from browser_steps import sign_in
from duilian.platform.app.up import Stack
from duilian.platform.measuring.figures import KINDS
from duilian.platform.measuring.service import Measurer
from duilian.tenants.keyring import open_database, open_keyring
from lab_world import remember
from page_checks import assert_focus_shown, assert_sound
from world import World, open_world, run

Window = Callable[..., BrowserContext]
DRAWN = ("agreement", "raters", "items", "distributions", "fairness", "review", "validity")
PAGES = ("", *KINDS, "anchors", "calibrations")


@pytest.fixture(scope="session")
def past_world(stack: Stack) -> World:
    """A tenant with a past, measured."""
    world = aside(lambda: open_world(stack.settings))
    aside(lambda: remember(world))
    aside(lambda: run(measure(world)))
    return world


async def measure(world: World) -> None:
    database = open_database(world.settings, open_keyring(world.settings), 2)
    try:
        await Measurer(database).run(world.tenant_id)
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("screen", "locale", "role"), [(PHONE, "zh-CN", "admin"), (DESKTOP, "en", "consultant")]
)
def test_every_page_of_the_lab_is_sound_and_draws(
    window: Window, past_world: World, screen: Screen, locale: str, role: str
) -> None:
    page = window(screen, locale).new_page()
    sign_in(page, past_world, role)
    for name in PAGES:
        page.goto(f"{past_world.url}/console/lab/{name}".rstrip("/"))
        assert page.locator("html").get_attribute("lang") == locale
        if name in DRAWN:
            drawn(page)
        assert_sound(page)
        shoot(page, f"lab-{name or 'overview'}-{screen.name}-{locale}")
    page.emulate_media(color_scheme="dark")
    page.goto(f"{past_world.url}/console/lab/agreement")
    drawn(page)
    shoot(page, f"lab-dark-{screen.name}")
    page.goto(f"{past_world.url}/console/lab")
    page.keyboard.press("Tab")
    assert_focus_shown(page)


def drawn(page: Page) -> None:
    """Every chart of the page stands there and has ink on it."""
    charts = page.locator("[data-module=lab-chart]")
    assert charts.count()
    until(page, "() => [...document.querySelectorAll('[data-module=lab-chart]')].every((one) => !one.hidden)")
    ink = """(figure) => {
      const canvas = figure.querySelector("canvas");
      if (!canvas) return false;
      const dots = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      return dots.some((value, place) => place % 4 === 3 && value > 0);
    }"""
    until(page, ink, on=charts.first)


def test_the_figures_stand_there_without_scripts(window: Window, past_world: World) -> None:
    context = window(DESKTOP, "en")
    page = context.new_page()
    sign_in(page, past_world, "consultant")
    plain = context.browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    try:
        still = plain.new_page()
        still.goto(f"{past_world.url}/console/lab/agreement")
        assert still.locator("[data-module=lab-chart]").is_hidden()
        assert still.locator("table tbody tr").count() >= 2
    finally:
        plain.close()


def test_groups_are_declared_on_a_phone(window: Window, past_world: World) -> None:
    invitation = aside(lambda: past_world.invite(locale="zh-CN"))
    page = window(PHONE, "zh-CN").new_page()
    page.goto(f"{invitation['url']}/my-data/groups")
    assert_sound(page)
    page.locator('input[name="gender"][value="woman"]').check()
    shoot(page, "groups-phone")
    page.locator("form[action$='/groups'] button").click()
    assert page.locator('input[name="gender"][value="woman"]').is_checked()
    assert_sound(page)
