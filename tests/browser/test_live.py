"""Captions under the question, the interviewer's view of it, and the transcript corrected afterwards, in Chromium."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from playwright.sync_api import BrowserContext, Page

from browser import DESKTOP, PHONE, Screen, Watch, aside, shoot, until
from browser_steps import Candidate, part, sign_in
from duilian.customization.schemas import QuestionSet
from page_checks import assert_sound
from playing import publish_set, publish_written, report_of, shipped, written
from world import World

Invite = Callable[..., Candidate]
Window = Callable[..., BrowserContext]


def short(question_set: QuestionSet, key: str) -> QuestionSet:
    """One question with time enough for two people on a busy machine."""
    question = next(q for q in question_set.questions if q.key == key)
    quick = msgspec.structs.replace(question, think_seconds=60, answer_seconds=120, min_seconds=2)
    return msgspec.structs.replace(question_set, questions=[quick])


def watching(window: Window, me: Candidate, screen: Screen, locale: str) -> Page:
    """An interviewer at the live page."""
    office = window(screen, locale).new_page()
    sign_in(office, me.world, "interviewer")
    office.goto(f"{me.world.url}/console/interviews/{me.id}")
    office.locator(f'a[href="/console/interviews/{me.id}/live"]').click()
    office.locator('[data-module="live"]').wait_for()
    return office


@pytest.mark.parametrize(
    ("screen", "locale"), [(DESKTOP, "zh-CN"), (PHONE, "en")], ids=["desktop-zh", "phone-en"]
)
def test_captions_and_the_interviewers_view(
    window: Window, shop: World, factory: World, screen: Screen, locale: str
) -> None:
    world, industry, name, question = (
        (shop, "retail", "complaint", "own-mistake")
        if locale == "zh-CN"
        else (factory, "manufacturing", "fault-finding", "under-pressure")
    )
    found = msgspec.structs.replace(short(shipped(industry, name), question), key="unhurried")
    key = aside(lambda: publish_set(world, found))
    me = Candidate(window(screen, locale), world, world.invite(key, locale=locale), f"live-{screen.name}")
    me.already_begun()
    office = watching(window, me, screen, locale)
    me.page.bring_to_front()
    me.open_question()
    me.speak()
    stable, tail = part(me.page, "captions-stable"), part(me.page, "captions-tail")
    until(me.page, "box => box.innerText.length > 6", on=stable, seconds=90)
    shown = stable.inner_text()
    until(office, "image => image.naturalWidth >= 300", on=part(office, "picture"), seconds=60)
    until(office, "box => box.innerText.length > 6", on=part(office, "stable"), seconds=60)
    assert part(office, "stable").inner_text()[:6] == shown[:6], "the same words"
    current = office.locator("[data-question][data-current]")
    assert current.count() == 1
    part(me.page, "watched").wait_for()
    me.look("captions")
    assert_sound(office)
    shoot(office, f"{me.label}-view")
    part(me.page, "captions-toggle").click()
    assert not part(me.page, "captions-text").is_visible() and tail.is_hidden()
    until(office, "box => box.innerText === ''", on=part(office, "stable"), seconds=30)
    me.finish()
    until(office, "() => !document.querySelector('[data-question][data-current]')", seconds=30)
    office.close()


def test_scores_so_far_stand_beside_a_running_interview(window: Window, shop: World) -> None:
    """They arrive by themselves as answers are read; what is not scored has no number."""
    key = aside(lambda: publish_written(shop, shipped("retail", "complaint")))
    me = Candidate(window(PHONE, "zh-CN"), shop, shop.invite(key, locale="zh-CN"), "scores")
    me.already_begun()
    office = watching(window, me, PHONE, "zh-CN")
    rows = office.locator("[data-competency]")
    office.locator('[data-part="scores"]:not([hidden])').wait_for()
    assert rows.count() == office.locator('[data-outcome="not_yet"]').count() > 2
    with shop.candidate(me.invitation) as api:
        api.post("/questions/intro/open", json={}).raise_for_status()
        said = written("complaint", "strong", "zh")[0]
        api.put("/questions/intro/text", json={"text": said}).raise_for_status()
    scored = office.locator('[data-competency][data-outcome="scored"]').first
    scored.wait_for(timeout=60_000)
    assert "±" in part(scored, "value").inner_text()
    rest = office.locator('[data-competency]:not([data-outcome="scored"])')
    assert rest.count() and not any(map(str.isdigit, "".join(part(rest, "value").all_inner_texts())))
    for screen in (PHONE, DESKTOP):
        office.set_viewport_size({"width": screen.width, "height": screen.height})
        scored.scroll_into_view_if_needed()
        assert_sound(office)
        shoot(office, f"{me.label}-{screen.name}")


def test_captions_stay_as_the_candidate_chose(invited: Invite) -> None:
    me = invited(DESKTOP, "zh-CN", "captions-off")
    me.already_begun()
    me.open_question()
    me.speak()
    part(me.page, "captions-toggle").click()
    me.record_for(3)
    me.finish()
    part(me.page, "next").click()
    me.phase("idle")
    me.show_question()
    me.speak()
    assert part(me.page, "captions-toggle").get_attribute("aria-pressed") == "false"
    me.record_for(3)
    assert part(me.page, "captions-stable").inner_text() == ""
    me.finish()


def test_the_transcript_is_corrected_on_its_page(invited: Invite, window: Window, watch: Watch) -> None:
    watch.expect("422")
    me = invited(PHONE, "zh-CN", "transcript-phone")
    me.already_begun()
    me.open_question()
    me.speak()
    me.record_for(9)
    me.finish()
    me.leave_the_rest()
    aside(lambda: report_of(me.world, me.id))
    me.page.goto(f"{me.place}/")
    me.page.locator('a[href$="/transcript"]').first.click()
    me.look("before")
    area = me.page.locator("textarea").first
    heard = area.input_value()
    assert len(heard) > 10
    area.fill("完全是另外一段话，与原来没有关系。" * 5)
    me.page.locator("form[action*='/transcript/'] button").first.click()
    me.page.locator('[role="alert"]').wait_for()
    me.look("refused")
    me.page.locator("textarea").first.fill(heard[:4] + "嗯" + heard[4:])
    me.page.locator("form[action*='/transcript/'] button").first.click()
    me.page.locator("p.flash:not([hidden])").wait_for()
    me.look("corrected")
    me.page.set_viewport_size({"width": DESKTOP.width, "height": DESKTOP.height})
    me.look("corrected-desktop")

    def second_revision() -> None:
        while report_of(me.world, me.id)["revision"] < 2:
            pass

    aside(second_revision)
    office = window(DESKTOP, "zh-CN").new_page()
    sign_in(office, me.world, "admin")
    office.goto(f"{me.world.url}/console/interviews/{me.id}")
    office.locator(".correction-note summary").first.click()
    assert office.locator(".correction-note ins").first.inner_text().endswith("嗯")
    assert_sound(office)
    shoot(office, f"{me.label}-report")


def test_steps_of_the_shipped_task_are_marked_while_answering(window: Window, factory: World) -> None:
    """Read before, each marked with a press, a later press moves the mark; the report tells how long each took."""
    found = short(shipped("manufacturing", "changeover"), "change-the-die")
    steps = found.questions[0].steps
    key = aside(lambda: publish_set(factory, msgspec.structs.replace(found, key="task")))
    me = Candidate(window(PHONE, "zh-CN"), factory, factory.invite(key, locale="zh-CN"), "steps-phone")
    me.already_begun()
    me.open_question()
    shown, buttons = part(me.page, "steps-list").locator("li"), part(me.page, "steps-list").locator("button")
    assert shown.all_inner_texts() == [step.text["zh-CN"] for step in steps] and buttons.count() == 0
    me.speak()
    assert buttons.count() == len(steps) == 6
    for number in range(3):
        me.page.wait_for_timeout(1200)
        buttons.nth(number).click()
    assert buttons.nth(2).get_attribute("aria-pressed") == "true"
    me.look("marking")
    me.finish()
    me.leave_the_rest()
    report = aside(lambda: report_of(me.world, me.id))
    timed = report["answers"][0]["steps"]
    assert [(step["step"], step["norm_seconds"]) for step in timed] == [
        (s.key, s.norm_seconds) for s in steps
    ]
    assert all(step["in_order"] and 1 <= step["seconds"] <= 10 for step in timed[:3])
    assert all(step["seconds"] is None for step in timed[3:])
    office = window(DESKTOP, "zh-CN").new_page()
    sign_in(office, me.world, "admin")
    office.goto(f"{me.world.url}/console/interviews/{me.id}")
    office.locator("section[aria-labelledby=answers] details > summary").first.click()
    office.get_by_text(steps[-1].text["en"]).first.scroll_into_view_if_needed()
    assert_sound(office)
    shoot(office, f"{me.label}-report")
    office.goto(f"{me.world.url}/console/question-sets/{key}")
    office.get_by_text("norm 120 s").wait_for()
    assert_sound(office)
    shoot(office, f"{me.label}-set")
