"""A consultant's story: history from Excel, thirty labels, a bad model refused, a good one tried, promoted, taken back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from browser import DESKTOP, PHONE, aside, shoot
from browser_steps import part, sign_in
from duilian.customization.schemas import words
from duilian.platform.app.up import Stack
from history import rows, with_faults, workbook
from page_checks import assert_sound
from playing import play, publish_written, shipped, written
from training_world import DEEDS, answer, by_lot
from world import World, open_world

Window = Callable[..., BrowserContext]
LABELS = 30
LEARNABLE, HOPELESS = "empathy", "problem-solving"
HERE = "/console/lab/models"


@pytest.fixture
def shelf(stack: Stack) -> World:
    return aside(lambda: open_world(stack.settings))


def history() -> tuple[list[dict[str, Any]], dict[int, str]]:
    """300 rows, 12 of them bad: answers for empathy without marks, for problem solving with marks drawn by lot."""
    content = shipped("retail", "complaint")
    asked = {
        key: words(next(q.text for q in content.questions if key in q.competencies), "zh-CN")
        for key in (LEARNABLE, HOPELESS)
    }
    found = rows(300)
    lots = by_lot(300)
    for number, row in enumerate(found):
        key = {0: LEARNABLE, 1: HOPELESS}.get(number % 3)
        shown = number // 3 % 5 + 1
        row["候选人回答（原文）"] = answer(shown, number)
        if key == LEARNABLE:
            row["得分（百分制）"] = None
        elif key == HOPELESS:
            row["得分（百分制）"] = (lots[number] - 1) * 25 if number < 180 else None
        if key:
            row["面试题目"] = asked[key]
    return with_faults(found)


def seen(page: Page, name: str) -> None:
    assert_sound(page)
    shoot(page, f"models-{name}")


def trained(page: Page, world: World, competency: str) -> None:
    """Started on the page and waited for there."""
    page.goto(world.url + HERE)
    page.locator(f'[data-competency="{competency}"] button').click()
    page.locator("[data-verdict]").wait_for(timeout=120_000)


def confirmed(page: Page, name: str) -> None:
    part(page, name).click()
    page.locator("dialog[open] button[value=yes]").click()


def test_from_excel_to_a_model_and_back(window: Window, shelf: World) -> None:
    found, spoilt = history()
    page = window(DESKTOP, "en").new_page()
    sign_in(page, shelf, "consultant")
    imported(page, shelf, found, spoilt)
    label(page, shelf)
    trained(page, shelf, HOPELESS)
    assert page.locator("[data-verdict]").get_attribute("data-verdict") == "refused"
    assert page.locator("form[action$='/shadow']").count() == 0
    seen(page, "refused")
    trained(page, shelf, LEARNABLE)
    assert page.locator("[data-verdict]").get_attribute("data-verdict") == "warned", page.inner_text("main")
    seen(page, "card-en")
    card = page.url
    page.locator("form[action$='/shadow'] button").click()
    part(page, "shadow").wait_for()
    live(shelf)
    judged(page)
    seen(page, "shadow-en")
    page.locator("textarea[name=reason]").fill("Anchors follow next month; nobody has declared a group yet.")
    confirmed(page, "promote")
    part(page, "rollback").wait_for()
    seen(page, "in-force-en")
    confirmed(page, "rollback")
    part(page, "rollback").wait_for(state="detached")
    page.goto(shelf.url + HERE)
    seen(page, "overview-en")
    words = listened_for(page, shelf)
    on_a_phone(window, shelf, card, words)


def listened_for(page: Page, world: World) -> str:
    """Words of the company's own out of its history, put into force; gives the page of the version."""
    page.goto(f"{world.url}/console/lab/vocabulary")
    seen(page, "vocabulary-none-en")
    part(page, "learn").click()
    page.locator("[data-verdict]").wait_for(timeout=60_000)
    assert page.locator("[data-word]").count() > 3
    seen(page, "vocabulary-version-en")
    version = page.url
    page.locator("textarea[name=reason]").fill(
        "Nobody has corrected a transcript yet; we look again next month."
    )
    confirmed(page, "promote")
    part(page, "rollback").wait_for()
    seen(page, "vocabulary-en")
    return version


def judged(page: Page) -> None:
    """Until the page counts an answer that the shadow has judged."""
    deadline = time.monotonic() + 60
    while page.locator('[data-count="shadow"]').inner_text() == "0":
        assert time.monotonic() < deadline
        page.wait_for_timeout(500)
        page.reload()


def imported(page: Page, world: World, found: list[dict[str, Any]], spoilt: dict[int, str]) -> None:
    page.goto(f"{world.url}/console/labels/imports")
    page.set_input_files(
        'input[name="file"]',
        {"name": "面试记录.xlsx", "mimeType": "application/octet-stream", "buffer": workbook(found)},
    )
    page.locator("form[enctype] button:not([type])").click()
    part(page, "check").click()
    part(page, "findings").wait_for()
    assert len(spoilt) == 12 and page.locator('[data-count="ready"]').inner_text() == "288"
    part(page, "start").click()
    page.locator("form[action$='/undo']").wait_for(timeout=60_000)


def label(page: Page, world: World) -> None:
    """Reads the answer, gives its level by keyboard, goes on to the next."""
    content = shipped("retail", "complaint")
    question = next(q.key for q in content.questions if LEARNABLE in q.competencies)
    page.goto(f"{world.url}/console/labels/next?queue=first&item=complaint/{question}/{LEARNABLE}")
    for _ in range(LABELS):
        place = page.url
        said = part(page, "answer").inner_text()
        page.keyboard.press(str(1 + sum(deed in said for deed in DEEDS)))
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url, before=place: url != before)


def live(world: World) -> None:
    def go() -> None:
        set_key = publish_written(world, shipped("retail", "complaint"))
        play(world, set_key, written("complaint", "medium", "zh"))

    aside(go)


def on_a_phone(window: Window, world: World, card: str, words: str) -> None:
    """In Chinese, to read."""
    phone = window(PHONE, "zh-CN").new_page()
    sign_in(phone, world, "admin")
    for path, name in ((card, "card"), (world.url + HERE, "overview"),
                       (f"{world.url}{HERE}/competencies/{LEARNABLE}", "competency"), (words, "vocabulary")):  # fmt: skip
        phone.goto(path)
        assert phone.locator("html").get_attribute("lang") == "zh-CN"
        seen(phone, f"{name}-zh-phone")
