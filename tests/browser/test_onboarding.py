"""A company opens a tenant alone in Chromium, from the front door to the first invitation; every page is looked at."""

from __future__ import annotations

import io
import re
import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page

from browser import DESKTOP, PHONE, Screen, Watch, shoot, until
from duilian.platform.app.up import Stack
from letters import letter_to
from name_server import NameServer
from page_checks import assert_sound
from starting import PASSWORD
from world import World

Window = Callable[..., BrowserContext]
FIRMS = {
    "zh-CN": ("拾光百货集团", "retail", "cn", "周敏", "林晓"),
    "en": ("Harbour Works", "manufacturing", "eu", "Robin Hale", "Alex Morgan"),
}


def where(page: Page) -> str:
    return urlsplit(page.url).path


def looked_at(page: Page, name: str) -> None:
    assert_sound(page)
    shoot(page, name)


def logo() -> bytes:
    out = io.BytesIO()
    picture = Image.new("RGBA", (400, 120), (0, 0, 0, 0))
    picture.paste((138, 31, 77, 255), (0, 20, 400, 100))
    picture.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("screen", "locale"), [(DESKTOP, "zh-CN"), (PHONE, "en")], ids=["desktop-zh", "phone-en"]
)
def test_from_the_front_door_to_the_first_invitation(
    stack: Stack, window: Window, watch: Watch, name_server: NameServer, screen: Screen, locale: str
) -> None:
    watch.expect("status of 422")
    world = World(stack.settings, "", None, "", "", "")  # pyright: ignore[reportArgumentType]  # for the letters only
    page = window(screen, locale).new_page()
    slug = f"b-{secrets.token_hex(4)}"
    email = f"{slug}@company.example"
    shot = f"start-{screen.name}"
    page.goto(stack.settings.public_url)
    page.locator('a[href="/start"]').click()
    open_company(page, world, locale, slug, email, shot)
    assert where(page) == "/console/setup"
    looked_at(page, f"{shot}-6-checklist")
    brand(page, locale, shot)
    domain(page, name_server, slug, shot)
    job(page, shot)
    dry_run(page, shot)
    first_invitation(page, world, locale, slug, shot)


def open_company(page: Page, world: World, locale: str, slug: str, email: str, shot: str) -> None:
    name, industry, jurisdiction, person, _ = FIRMS[locale]
    assert page.evaluate("document.documentElement.lang") == locale
    looked_at(page, f"{shot}-1-company")
    page.fill('input[name="name"]', name)
    page.select_option('select[name="industry"]', industry)
    page.select_option('select[name="jurisdiction"]', jurisdiction)
    page.locator("details summary").click()
    page.fill('input[name="slug"]', "Not Good")
    page.locator("form .btn-primary").click()
    assert page.locator("#slug-error").is_visible() and page.input_value('input[name="name"]') == name
    looked_at(page, f"{shot}-2-mend")
    page.fill('input[name="slug"]', slug)
    page.locator("form .btn-primary").click()
    page.fill('input[name="person"]', person)
    page.fill('input[name="email"]', email)
    looked_at(page, f"{shot}-3-admin")
    page.locator("form .btn-primary").click()
    looked_at(page, f"{shot}-4-code")
    [code] = re.findall(r"^\d{6}$", letter_to(world, email).part("plain"), re.MULTILINE)
    assert page.evaluate("document.activeElement.name") == "code", "the field waits for typing"
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    page.wait_for_url("**/start/password")
    page.fill('input[name="password"]', PASSWORD)
    looked_at(page, f"{shot}-5-password")
    page.locator("form .btn-primary").click()
    page.wait_for_url("**/console/setup")


def brand(page: Page, locale: str, shot: str) -> None:
    """What is typed is seen beside the form at once, with its contrast; what could not be read is refused."""
    follow(page, "brand")
    page.set_input_files(
        'input[name="logo"]', {"name": "logo.png", "mimeType": "image/png", "buffer": logo()}
    )
    page.locator('form[action$="/logo"] button').first.click()
    page.locator(".brand-preview .brand-logo").wait_for()
    assert page.locator(".brand-preview .brand-logo").evaluate("one => one.naturalWidth") == 400
    page.fill('input[name="primary"]', "#ffd84d")
    until(page, "() => document.querySelector('[data-part=\"ratio\"]').textContent.startsWith('1.')")
    save = page.locator('form[action="/console/setup/brand"] .btn-primary')
    save.click()
    page.locator("#primary-error").wait_for()
    looked_at(page, f"{shot}-7-contrast")
    page.fill('input[name="primary"]', "#8a1f4d")
    page.fill(f'textarea[name="thanks.{locale}"]', "谢谢 · thank you")
    assert page.locator('[data-part="thanks"]').inner_text() == "谢谢 · thank you"
    save.click()
    page.wait_for_url("**/console/setup/brand")
    looked_at(page, f"{shot}-8-brand")


def domain(page: Page, name_server: NameServer, slug: str, shot: str) -> None:
    follow(page, "domain")
    page.fill('input[name="domain"]', f"interview.{slug}.example")
    page.locator("form .btn-primary").click()
    looked_at(page, f"{shot}-9-record")
    name, value = (
        page.locator(f'[data-part="{part}"]').inner_text() for part in ("record_name", "record_value")
    )
    page.locator('form[action$="/check"] button').click()
    page.locator('.flash[data-kind="warning"]').wait_for()
    name_server.records[name] = [value]
    page.locator('form[action$="/check"] button').click()
    page.locator('[data-verified="yes"]').wait_for()
    looked_at(page, f"{shot}-10-domain")


def job(page: Page, shot: str) -> None:
    follow(page, "job")
    looked_at(page, f"{shot}-11-job")
    page.locator('button[name="set"]').first.click()
    page.wait_for_url("**/console/setup")


def dry_run(page: Page, shot: str) -> None:
    follow(page, "dry_run")
    looked_at(page, f"{shot}-12-dry-run")
    page.locator('form[action="/console/setup/dry-run"] .btn-primary').click()
    page.wait_for_url("**/console/interviews/*")
    page.locator(".verdict-score").wait_for(timeout=120_000)
    assert page.locator('[data-part="dry-run"]').is_visible()
    assert page.locator(".decision-bar").count() == 0
    looked_at(page, f"{shot}-13-report")


def first_invitation(page: Page, world: World, locale: str, slug: str, shot: str) -> None:
    """Then everything is done, the home page reminds no more, and the candidate sees the company's own look."""
    follow(page, "invite")
    person, address = FIRMS[locale][4], f"{slug}@candidate.example"
    page.fill('textarea[name="people"]', f"{person}, {address}")
    page.locator("form.panel .btn-primary").click()
    letter = letter_to(world, address)
    page.goto(f"{world.url}/console/setup")
    assert page.locator('[data-state="open"]').count() == 0
    looked_at(page, f"{shot}-14-done")
    page.goto(f"{world.url}/console")
    assert page.locator('[data-part="setup-card"]').count() == 0
    assert page.locator('[data-part="trial"]').is_visible()
    looked_at(page, f"{shot}-15-home")
    [link] = set(re.findall(re.escape(world.url) + r"/t/[\w./-]+", letter.part("plain")))
    page.goto(link)
    assert page.locator(".brand-logo").evaluate("one => one.naturalWidth") == 400
    looked_at(page, f"{shot}-16-candidate")


def follow(page: Page, step: str) -> None:
    """To a step's page, from the checklist."""
    base = re.match(r"https?://[^/]+", page.url)
    assert base
    page.goto(f"{base.group()}/console/setup")
    page.locator(f'[data-step="{step}"] a').click()
