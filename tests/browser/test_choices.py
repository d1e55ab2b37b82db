"""What a candidate may choose: to refuse, to answer again, to write, another language, one tab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import BrowserContext

from browser import DESKTOP, Watch, aside, shoot, until
from browser_steps import Candidate, part, sign_in
from duilian.platform.web.words import t
from page_checks import assert_sound
from playing import FIXTURES, report_of

Invite = Callable[..., Candidate]
Window = Callable[..., BrowserContext]
WRITTEN = yaml.safe_load(Path(FIXTURES / "answers/complaint/strong/zh.yaml").read_text("utf-8"))


def test_refusing_the_recording_leads_to_a_person(invited: Invite) -> None:
    me = invited(label="refused-recording")
    me.page.goto(f"{me.place}/consent")
    me.choose(recording=False)
    me.page.locator('main a[href^="mailto:"]').wait_for()
    me.look("person")
    assert me.page.locator("h1").inner_text() == t("zh-CN", "portal.closed.person.heading")
    assert me.page.locator("main form").count() == 0
    me.page.goto(f"{me.place}/next")
    assert me.page.locator("h1").inner_text() == t("zh-CN", "portal.closed.person.heading")


def test_refusing_the_scoring_keeps_the_interview_and_a_person_reviews(
    invited: Invite, window: Window
) -> None:
    """No score anywhere, and the recording plays for whoever reviews."""
    me = invited(label="refused-scoring")
    me.page.goto(f"{me.place}/consent")
    me.choose(scoring=False)
    me.page.wait_for_url("**/device")
    me.page.goto(f"{me.place}/begin")
    me.page.locator('form[action$="/begin"] button').click()
    me.answer_here(3)
    part(me.page, "pause").click()
    me.hand_in()
    aside(lambda: report_of(me.world, me.id))
    office = window(DESKTOP).new_page()
    sign_in(office, me.world)
    office.goto(f"{me.world.url}/console/interviews/{me.id}")
    assert_sound(office)
    shoot(office, "refused-scoring-report")
    language = (
        office.locator("html").get_attribute("lang") or ""
    )  # the administrator's choice, which other stories change
    assert t(language, "console.report.person_reviews") in office.locator("main").inner_text()
    assert office.locator("article[data-outcome]").count() > 0
    assert office.locator('article[data-outcome="scored"], [data-score]').count() == 0
    player = part(office, "player").first
    player.evaluate("player => player.play()")
    until(office, "player => player.currentTime > 1", on=player)


def test_retakes_are_used_up(invited: Invite) -> None:
    me = invited(label="retake")
    me.already_begun()
    me.page.goto(f"{me.place}/next")
    me.answer_here(3)
    assert part(me.page, "takes-left").is_visible()
    part(me.page, "retake").click()
    me.page.locator('dialog[open] button[value="no"]').click()
    me.phase("saved")
    part(me.page, "retake").click()
    me.page.locator('dialog[open] button[value="yes"]').click()
    me.phase("answer")
    me.record_for(4)
    me.finish()
    assert not part(me.page, "retake").is_visible()
    take = me.take("own-mistake", 2)
    assert (take["certificate"]["take"], take["certificate"]["verified"]) == (2, True)
    assert take["certificate"]["chunks"] == me.recorded()["chunks"]
    me.page.reload()
    me.phase("saved")
    assert not part(me.page, "retake").is_visible()


def test_written_answer_keeps_its_draft(invited: Invite) -> None:
    """Typed, reloaded, typed on, handed in: nothing is lost and the report has the words."""
    me = invited(label="written")
    me.already_begun()
    me.page.goto(f"{me.place}/next")
    me.phase("idle")
    part(me.page, "mode-text").click()
    me.show_question()
    me.speak()
    half = WRITTEN["own-mistake"][:40]
    part(me.page, "text-area").fill(half)
    part(me.page, "upload-state").get_by_text(t("zh-CN", "script.text.draft_kept")).wait_for()
    me.look("draft")
    me.page.reload()
    me.phase("read", "think")
    me.speak()
    assert part(me.page, "text-area").input_value() == half
    part(me.page, "text-area").fill(WRITTEN["own-mistake"])
    part(me.page, "text-save").click()
    me.phase("saved")
    me.leave_the_rest()
    report = aside(lambda: report_of(me.world, me.id))
    assert report["answers"][0]["transcript"]["text"] == WRITTEN["own-mistake"]
    assert any(c["evidence"] for c in report["competencies"])


def test_language_is_chosen_before_the_start(invited: Invite) -> None:
    me = invited()
    for step in ("", "consent"):
        me.page.goto(f"{me.place}/{step}")
        other = me.page.locator('form[action$="/locale"] button')
        wanted = other.get_attribute("value")
        other.click()
        me.page.locator(f'html[lang="{wanted}"]').wait_for()
        assert me.page.url.rstrip("/") == f"{me.place}/{step}".rstrip("/")
        assert_sound(me.page)
    me.page.locator('form[action$="/locale"] button[value="en"]').click()
    me.page.locator('html[lang="en"]').wait_for()
    me.already_begun()
    me.open_question()
    with me.world.candidate(me.invitation) as api:
        state = api.get("/").json()
    assert state["locale"] == "en"
    assert part(me.page, "text").inner_text() == state["questions"][0]["text"]
    assert state["questions"][0]["text"].isascii()
    assert me.page.locator('form[action$="/locale"]').count() == 0


def test_second_tab_is_refused_politely(invited: Invite, watch: Watch) -> None:
    refusal = t("zh-CN", "script.question.other_tab")
    watch.expect(refusal)
    me = invited()
    me.already_begun()
    me.open_question()
    second = me.context.new_page()
    second.goto(f"{me.place}/next")
    alert = second.locator('[data-part="error"][role="alert"]')
    alert.wait_for()
    assert refusal in alert.inner_text()
    assert_sound(second)
    shoot(second, "second-tab")
    me.phase("read", "think", "countdown", "answer")
    me.page.close()
    alert.locator("button").click()
    second.locator('[data-phase="read"], [data-phase="think"]').first.wait_for()


@pytest.mark.parametrize("page", ["welcome", "consent"])
def test_asking_for_a_person_asks_back_first(invited: Invite, page: str) -> None:
    me = invited()
    me.page.goto(f"{me.place}/{'' if page == 'welcome' else page}")
    me.page.locator('form[action$="/person"] button').click()
    me.page.locator('dialog[open] button[value="no"]').click()
    me.page.locator('form[action$="/person"] button').click()
    me.page.locator('dialog[open] button[value="yes"]').click()
    me.page.locator('main a[href^="mailto:"]').wait_for()
    assert me.page.locator("h1").inner_text() == t("zh-CN", "portal.closed.person.heading")
