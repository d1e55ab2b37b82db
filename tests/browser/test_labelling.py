"""From an Excel file to a labelled answer, in the browser: on a desk by keyboard, on a phone by thumb."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from browser import DESKTOP, PHONE, aside, shoot
from browser_steps import part, sign_in
from duilian.platform.app.up import Stack
from duilian.platform.web.words import t
from history import rows, with_faults, workbook
from page_checks import assert_sound
from world import World, open_world

Window = Callable[..., BrowserContext]
SELECT = """
answer => {
  const range = document.createRange();
  range.setStart(answer.firstChild, 1);
  range.setEnd(answer.firstChild, 6);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}
"""


@pytest.fixture
def shelf(stack: Stack) -> World:
    return aside(lambda: open_world(stack.settings))


def in_language(page: Page, locale: str, *, touch: bool = False) -> None:
    if page.locator("html").get_attribute("lang") != locale:
        if touch:
            part(page, "rail-toggle").click()
        page.locator(f'form[action="/console/locale"] button[value="{locale}"]').click()
        page.locator(f'html[lang="{locale}"]').wait_for()


def seen(page: Page, name: str) -> None:
    assert_sound(page)
    shoot(page, f"labels-{name}")


def test_history_is_imported_and_labelled(window: Window, shelf: World) -> None:
    found, spoilt = with_faults(rows(300))
    for row in found[:40]:
        row["得分（百分制）"] = None if row["得分（百分制）"] != "一百二" else row["得分（百分制）"]
    page = window(DESKTOP, "zh-CN").new_page()
    sign_in(page, shelf, "consultant")
    in_language(page, "zh-CN")
    page.goto(f"{shelf.url}/console/labels")
    seen(page, "empty")
    page.goto(f"{shelf.url}/console/labels/imports")
    seen(page, "imports")
    name = "面试记录.xlsx"
    page.set_input_files(
        'input[name="file"]',
        {"name": name, "mimeType": "application/octet-stream", "buffer": workbook(found)},
    )
    page.locator("form[enctype] button:not([type])").click()
    page.locator("#mapping-title").wait_for()
    assert page.locator("#field-answer").input_value() == "候选人回答（原文）"
    seen(page, "mapping")
    part(page, "check").click()
    part(page, "findings").wait_for()
    told = {int(li.get_attribute("data-row") or 0) for li in part(page, "findings").locator("li").all()}
    assert told == set(spoilt)
    assert page.locator('[data-count="ready"]').inner_text() == "288"
    seen(page, "checked")
    part(page, "start").click()
    page.get_by_role("heading", name=t("zh-CN", "labels.result.imported")).wait_for(timeout=60_000)
    seen(page, "imported")

    page.goto(f"{shelf.url}/console/labels")
    seen(page, "home")
    page.goto(f"{shelf.url}/console/labels/next?queue=first")
    place = page.url
    answer = part(page, "answer")
    answer.evaluate(SELECT)
    page.keyboard.press("e")
    assert answer.locator("mark").inner_text() == answer.inner_text()[1:6]
    page.keyboard.press("4")
    assert page.locator('input[name="level"][value="4"]').is_checked()
    seen(page, "rating")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url != place)
    assert t("zh-CN", "labels.saved", n=4) in page.locator(".flash").inner_text()
    part(page, "undo-last").click()
    page.wait_for_url(lambda url: url.startswith(place.partition("?")[0]))
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    part(page, "undo-last").wait_for()

    phone = window(PHONE, "en").new_page()
    sign_in(phone, shelf, "recruiter")
    phone.goto(f"{shelf.url}/console/labels/next?queue=second")
    assert t("en", "labels.blind") in phone.locator("main").inner_text()
    assert phone.locator("mark, [data-part=agree]").count() == 0
    seen(phone, "phone-blind")
    phone.locator('input[name="level"][value="5"]').check()
    part(phone, "save").click()
    part(phone, "undo-last").wait_for()
    for path, name in (("/console/labels", "phone-home"), ("/console/labels/imports", "phone-imports"),
                       ("/console/labels/adjudication", "phone-adjudication")):  # fmt: skip
        phone.goto(shelf.url + path)
        seen(phone, name)
