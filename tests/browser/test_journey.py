"""The whole path: from the link to the thanks, to the report that plays its quotes, to the decision and the feedback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from browser import DESKTOP, PHONE, Screen, aside, shoot, until
from browser_steps import PURPOSES, Candidate, part, sign_in
from duilian.platform.web.formats import number
from page_checks import assert_sound
from playing import report_of

Invite = Callable[..., Candidate]
Window = Callable[..., BrowserContext]
Document = dict[str, Any]


@pytest.mark.parametrize(
    ("screen", "locale"), [(PHONE, "zh-CN"), (DESKTOP, "en")], ids=["phone-zh", "desktop-en"]
)
def test_interview_from_the_link_to_the_decision(
    invited: Invite, window: Window, screen: Screen, locale: str
) -> None:
    me = invited(screen, locale, f"{locale[:2]}-{screen.name}")
    get_ready(me, locale)
    answer_everything(me)
    report = aside(lambda: report_of(me.world, me.id))
    read_feedback(me, report)
    office = window(screen, locale).new_page()
    open_report(office, me)
    play_a_quote(office)
    override_a_score(office, report)
    decide(office)
    shoot(office, f"{me.label}-report-decided")


def get_ready(me: Candidate, locale: str) -> None:
    """Welcome, consents, devices and practice; nothing of it is sent but what the candidate decides."""
    me.arrive()
    assert me.page.locator("html").get_attribute("lang") == locale
    me.look("welcome")
    me.page.locator('a[href$="/consent"]').click()
    give_consents(me)
    me.page.wait_for_url("**/device")
    me.check_devices()
    me.practise()
    assert [call for call in me.calls if not call.endswith("/device-check")] == []
    part(me.page, "next").click()
    me.page.wait_for_url("**/begin")
    me.look("begin")


def give_consents(me: Candidate) -> None:
    """Nothing is chosen beforehand; going on without choosing names every purpose that is open."""
    me.look("consent")
    assert me.page.locator('input[type="radio"]').count() == 2 * len(PURPOSES)
    assert me.page.locator('input[type="radio"]:checked').count() == 0
    me.consent_button.click()
    for purpose in PURPOSES:
        group = me.page.locator(
            f'[role="radiogroup"][aria-labelledby="{purpose}-title"][aria-invalid="true"]'
        )
        error = group.get_attribute("aria-describedby") or ""
        assert me.page.locator(f"#{error.split()[-1]}").is_visible()
    me.look("consent-undecided")
    me.choose()


def answer_everything(me: Candidate) -> None:
    me.page.locator('form[action$="/begin"] button').click()
    me.page.wait_for_url("**/question/*")
    me.answer_here(9)
    part(me.page, "next").click()
    me.phase("idle")
    me.answer_here(4)
    part(me.page, "next").click()
    me.hand_in()


def read_feedback(me: Candidate, report: Document) -> None:
    """Words of the report without its numbers."""
    me.page.goto(f"{me.place}/feedback")
    me.look("feedback")
    said = me.page.locator("main").inner_text()
    quotes = [e["quote"] for c in report["competencies"] for e in c["evidence"]]
    assert any(quote in said for quote in quotes)
    scores = [one["score"] for one in [report["total"], *report["competencies"]] if one["score"] is not None]
    assert scores
    assert not [score for score in scores if number(score, locale="en") in said]
    assert "±" not in said


def open_report(page: Page, me: Candidate) -> None:
    """Through the sign-in page and the table."""
    sign_in(page, me.world)
    page.goto(f"{me.world.url}/console/interviews?status=to_review")
    assert_sound(page)
    page.locator(f'table a[href="/console/interviews/{me.id}"]').click()
    page.locator('[data-module="report"]').wait_for()
    assert_sound(page)
    shoot(page, f"{me.label}-report")


def play_a_quote(page: Page) -> None:
    """A quote plays from its first word to its last, and stands marked in the transcript."""
    quote = page.locator('article [data-part="quote"]:visible').first
    start, end = (float(quote.get_attribute(f"data-{edge}") or "nan") for edge in ("start", "end"))
    key = quote.get_attribute("data-answer")
    quote.click()
    player = page.locator(f'[data-part="player"][data-answer="{key}"]')
    until(page, "player => !player.paused && player.currentTime > 0", on=player)
    assert start - 1 <= player.evaluate("player => player.currentTime") <= end + 1
    until(page, "player => player.paused", on=player, seconds=20)
    assert end - 1 <= player.evaluate("player => player.currentTime") <= end + 1
    transcript = part(page.locator(f'[data-part="answer-panel"][data-answer="{key}"]'), "transcript")
    marked = transcript.locator('span[class*="evidence-"][data-start]')
    assert marked.count() > 0
    said = quote.locator("span:not(.sr-only)").first.inner_text()
    assert said in transcript.inner_text()
    assert marked.first.inner_text() in said or any(text in said for text in marked.all_inner_texts())


def override_a_score(page: Page, report: Document) -> None:
    """The person's score stands beside the AI's, with the reason."""
    scored = next(c for c in report["competencies"] if c["outcome"] == "scored")
    level = 1 if scored["level"] > 2 else 5
    card = page.locator(f"#competency-{scored['key']}")
    form = card.locator('form[action$="/override"]')
    form.locator("xpath=ancestor::details/summary").click()
    form.locator(f'input[name="level"][value="{level}"]').check()
    form.locator('textarea[name="reason"]').fill("Heard the whole answer twice.")
    form.locator("button").click()
    page.wait_for_load_state()
    card.get_by_text("Heard the whole answer twice.").wait_for()
    shown = card.locator("dl").first.inner_text()
    for score in (scored["score"], (level - 1) * 2.5):
        assert number(score, locale="en") in shown


def decide(page: Page) -> None:
    page.locator('[popovertarget="decide-advance"]:not([popovertargetaction])').click()
    dialog = page.locator("#decide-advance")
    dialog.locator('textarea[name="reason"]').fill("Owns mistakes and repairs them the same day.")
    dialog.locator("button:not([type])").click()
    page.locator("#notes ~ ol").get_by_text("Owns mistakes and repairs them the same day.").wait_for()
    assert_sound(page)
