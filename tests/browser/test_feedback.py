"""The feedback loop as people see it: a candidate on a phone in Chinese, whoever publishes at a desk in English."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, expect

from browser import DESKTOP, PHONE, Screen, aside, shoot
from browser_steps import sign_in
from duilian.platform.app.up import Stack
from duilian.platform.revising.service import Proposer
from duilian.tenants.keyring import open_database, open_keyring
from feedback_world import open_proposal, plant
from finished import hand_in, reported
from page_checks import assert_sound
from playing import written
from world import World, open_world, run

Window = Callable[..., BrowserContext]


@pytest.fixture(scope="module")
def told(stack: Stack) -> tuple[World, UUID]:
    """A tenant with a past of which something follows."""
    world = aside(lambda: open_world(stack.settings))
    aside(lambda: plant(world, 100))
    aside(lambda: run(propose(world)))
    return world, aside(lambda: open_proposal(world))


async def propose(world: World) -> None:
    database = open_database(world.settings, open_keyring(world.settings), 2)
    try:
        await Proposer(database).run(world.tenant_id)
    finally:
        await database.close()


def test_a_candidate_says_how_the_questions_were_on_a_phone(window: Window, told: tuple[World, UUID]) -> None:
    finished = aside(lambda: hand_in(told[0], list(written("complaint", "strong", "zh"))))
    page = window(PHONE, "zh-CN").new_page()
    page.goto(finished.invitation["url"])
    page.get_by_role("link", name="评价题目").click()
    assert_sound(page)
    page.locator("input[type=radio][value=hard]").first.check()
    page.locator("input[type=checkbox]").first.check()
    page.locator("textarea").fill("第二题的场景再写具体些会更好。")
    shoot(page, "survey-phone")
    page.locator("form[action$='/survey'] button").click()
    expect(page.locator(".flash:not([hidden])")).to_contain_text("谢谢")
    assert page.locator("input[type=radio][value=hard]").first.is_checked()


@pytest.mark.parametrize(
    ("screen", "locale", "role"), [(PHONE, "zh-CN", "admin"), (DESKTOP, "en", "consultant")]
)
def test_a_proposal_is_read_and_decided(
    window: Window, told: tuple[World, UUID], screen: Screen, locale: str, role: str
) -> None:
    world, proposal = told
    page = window(screen, locale).new_page()
    sign_in(page, world, role)
    for name, place in (
        ("list", ""),
        ("set", "/sets/complaint"),
        ("one", f"/{proposal}"),
        ("empty", "/sets/recommendation"),
    ):
        page.goto(f"{world.url}/console/lab/proposals{place}")
        assert page.locator("html").get_attribute("lang") == locale
        assert_sound(page)
        shoot(page, f"proposals-{name}-{screen.name}")
    page.goto(f"{world.url}/console/lab/proposals/{proposal}")
    page.locator("[data-part=change] summary").click()
    assert_sound(page)
    shoot(page, f"proposals-change-{screen.name}")
    if role != "consultant":  # who may not see interviews does not see whose they are
        page.goto(f"{world.url}/console/lab/proposals/{proposal}/people?border=5")
        assert_sound(page)
        shoot(page, f"proposals-people-{screen.name}")
    if screen is DESKTOP:
        page.goto(f"{world.url}/console/lab/proposals/{proposal}")
        page.locator("[data-part=decide] textarea").fill("Agreed with the heads of department.")
        page.locator("[data-part=publish]").click()
        expect(page.locator("[data-part=decided]")).to_contain_text("It became version 2")
        page.goto(f"{world.url}/console/lab/proposals/sets/complaint")
        shoot(page, "proposals-published")
        expect(page.locator("[data-part=versions]")).to_contain_text("Agreed with the heads of department.")


def test_a_reviewer_judges_a_score_with_one_tap(window: Window, told: tuple[World, UUID]) -> None:
    world, _ = told
    finished = aside(lambda: reported(world))
    page = window(DESKTOP, "en").new_page()
    sign_in(page, world, "recruiter")
    page.goto(f"{world.url}/console/interviews/{finished.id}")
    first = page.locator("[data-part=strictness]").first
    first.locator("summary").click()
    first.locator("button[value=strict]").click()
    expect(page.locator("[data-part=strictness]").first.locator("button[value=strict]")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert_sound(page)
    shoot(page, "strictness")
