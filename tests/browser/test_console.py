"""Staff at work: signing in, inviting a list, finding an interview, what each role may do."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page

from browser import DESKTOP, PHONE, Screen, Watch, aside, shoot
from browser_steps import part, sign_in
from duilian.platform.app.up import Stack
from duilian.platform.web.words import t
from duilian.tenants.errors import SignInFailed, TooManyAttempts
from duilian.tenants.signin import ATTEMPTS_PER_ADDRESS
from page_checks import assert_sound
from playing import play, report_of, written
from world import World, open_world

Window = Callable[..., BrowserContext]


@pytest.fixture(scope="session")
def reported(shop: World) -> str:
    """An interview with its report."""
    interview = aside(lambda: play(shop, "short", written("complaint", "strong", "zh")[2:4]))
    aside(lambda: report_of(shop, interview))
    return interview


@pytest.fixture
def newcomer(stack: Stack) -> World:
    """A tenant where nothing has happened yet."""
    return aside(lambda: open_world(stack.settings))


@pytest.fixture
def desk(window: Window, shop: World) -> Iterator[Page]:
    """A recruiter who has signed in."""
    page = window(DESKTOP, "en").new_page()
    sign_in(page, shop, "recruiter")
    yield page
    assert_sound(page)


def test_list_with_bad_rows_invites_the_good_ones(desk: Page, shop: World, window: Window) -> None:
    mark = secrets.token_hex(4)
    good = [f"张三, a{mark}@people.example", f"李四\tb{mark}@people.example"]
    bad = ["no address at all", f"c{mark}@people.example", f"王五, A{mark}@people.example"]
    desk.goto(f"{shop.url}/console/invite")
    desk.fill('textarea[name="people"]', "\n".join([good[0], bad[0], good[1], bad[1], bad[2]]))
    desk.select_option('select[name="set"]', "short")
    desk.select_option('select[name="locale"]', "en")
    desk.locator('form[action="/console/invite"] button:not([type])').click()
    refused = desk.locator("section[aria-labelledby=refused]")
    assert refused.get_attribute("role") == "alert"
    assert refused.locator("li").count() == len(bad)
    for row, line, number in zip(refused.locator("li").all(), bad, (2, 4, 5), strict=True):
        assert line in row.inner_text()
        assert t("en", "console.invite.row", n=number) in row.inner_text()
    assert desk.input_value('textarea[name="people"]').splitlines() == bad
    assert desk.input_value('select[name="locale"]') == "en"
    shoot(desk, "invite-refused")
    links = desk.locator("section[aria-labelledby=invited] li a")
    assert links.count() == len(good)
    candidate = window(PHONE, "en").new_page()
    candidate.goto(links.last.get_attribute("href") or "")
    assert "李四" in candidate.locator("main").inner_text()
    assert candidate.locator('a[href$="/consent"]').count() == 1


def test_filters_stand_in_the_address(desk: Page, shop: World, reported: str) -> None:
    """A link can be shared: the same address shows the same rows and the same form."""
    desk.goto(f"{shop.url}/console/interviews")
    desk.fill('input[name="q"]', "林晓")
    desk.select_option('select[name="set"]', "short")
    desk.locator('form[action="/console/interviews"] button').click()
    desk.locator('a[href*="status=to_review"]').first.click()
    asked = parse_qs(urlsplit(desk.url).query)
    assert asked == {"q": ["林晓"], "set": ["short"], "status": ["to_review"]}
    desk.reload()
    assert desk.input_value('input[name="q"]') == "林晓"
    assert desk.input_value('select[name="set"]') == "short"
    assert desk.locator("nav [aria-current=true]").count() == 1
    assert desk.locator("tbody tr").count() >= 1


def test_filtered_to_nothing_offers_to_clear(desk: Page, shop: World, reported: str) -> None:
    desk.goto(f"{shop.url}/console/interviews?q=nobody-is-called-so")
    assert desk.locator("tbody").count() == 0
    assert_sound(desk)
    shoot(desk, "interviews-nothing")
    desk.locator('main a[href="/console/interviews"].btn-primary').click()
    assert desk.locator("tbody tr").count() >= 1
    assert urlsplit(desk.url).query == ""


def test_empty_console_says_what_to_do_next(window: Window, newcomer: World) -> None:
    page = window(PHONE).new_page()
    sign_in(page, newcomer, "owner")
    for path in ("/console", "/console/interviews"):
        page.goto(newcomer.url + path)
        assert t("zh-CN", "console.home.empty_title") in page.locator("main").inner_text()
        assert page.locator('main a[href="/console/invite"]').first.is_visible()
        assert_sound(page)
    shoot(page, "console-empty")


def test_wrong_password_keeps_what_was_typed_and_is_throttled(
    window: Window, newcomer: World, watch: Watch
) -> None:
    watch.expect("status of 401", "status of 429")
    page = window(DESKTOP, "en").new_page()
    for attempt in range(ATTEMPTS_PER_ADDRESS + 1):
        sign_in(page, newcomer, "recruiter", "wrong password")
        alert = page.locator('main [role="alert"]').inner_text()
        locale = page.locator("html").get_attribute("lang") or ""
        failed, throttled = SignInFailed().sentence(locale), TooManyAttempts(minutes=15).sentence(locale)
        assert (failed if attempt < ATTEMPTS_PER_ADDRESS else throttled) in alert
        assert page.input_value('input[name="tenant"]') == newcomer.slug
        assert page.input_value('input[name="email"]') == f"recruiter@{newcomer.slug}.example"
        assert page.input_value('input[name="password"]') == ""
    assert_sound(page)
    shoot(page, "sign-in-throttled")
    sign_in(page, newcomer, "recruiter")
    assert urlsplit(page.url).path == "/console/sign-in", "the right password does not help while throttled"
    sign_in(page, newcomer, "interviewer")
    assert urlsplit(page.url).path == "/console", "others are not locked out"


def test_report_is_downloaded_as_pdf(desk: Page, shop: World, reported: str) -> None:
    desk.goto(f"{shop.url}/console/interviews/{reported}")
    with desk.expect_download() as download:
        desk.locator('a[href$="/report.pdf"]').click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    assert download.value.suggested_filename.endswith(".pdf")


def test_interviewer_reads_and_does_not_decide(window: Window, shop: World, reported: str) -> None:
    page = window(DESKTOP, "en").new_page()
    sign_in(page, shop, "interviewer")
    page.goto(f"{shop.url}/console/interviews/{reported}")
    assert page.locator("article[data-outcome]").count() > 0
    assert page.locator('[popovertarget], form[action$="/decision"], form[action$="/override"]').count() == 0
    assert t("en", "console.decision.open") not in page.locator("main").inner_text()
    assert page.locator('a[href="/console/invite"], a[href="/console/failures"]').count() == 0
    assert_sound(page)
    shoot(page, "report-interviewer")


@pytest.mark.parametrize(("screen", "locale"), [(DESKTOP, "zh-CN"), (PHONE, "en")], ids=["desktop", "phone"])
def test_every_page_is_sound(window: Window, shop: World, reported: str, screen: Screen, locale: str) -> None:
    """In both languages, chosen by the reader; what the pages complain about is caught by the fixture."""
    page = window(screen, locale).new_page()
    sign_in(page, shop, "admin")
    if page.locator("html").get_attribute("lang") != locale:
        if screen.touch:
            part(page, "rail-toggle").click()
        page.locator(f'form[action="/console/locale"] button[value="{locale}"]').click()
        page.locator(f'html[lang="{locale}"]').wait_for()
    paths = ["", "/interviews", "/invite", "/question-sets", "/question-sets/short", "/failures"]
    paths += ["/organisation", "/people", "/account", "/account/code", "/access", "/api-keys"]
    for path in (*paths, f"/interviews/{reported}"):
        answer = page.goto(f"{shop.url}/console{path}")
        assert answer
        assert answer.status == 200
        assert_sound(page)
        shoot(page, f"console-{screen.name}{path.replace('/', '-')[:20]}")
