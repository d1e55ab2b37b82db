"""By keyboard alone, with the focus always to be seen."""

from __future__ import annotations

from collections.abc import Callable

from browser_steps import PURPOSES, Candidate, part
from page_checks import assert_focus_shown

Invite = Callable[..., Candidate]
MOST_STOPS = 40


def tab_to(me: Candidate, selector: str) -> None:
    """Presses Tab until the focus is there; every stop on the way shows where it is."""
    for _ in range(MOST_STOPS):
        me.page.keyboard.press("Tab")
        assert_focus_shown(me.page)
        if me.page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not reached by Tab on {me.page.url}")


def test_from_the_link_to_the_device_check(invited: Invite) -> None:
    me = invited()
    me.arrive()
    tab_to(me, 'a[href="#main"]')
    me.page.keyboard.press("Enter")
    assert me.page.evaluate("document.activeElement.id") == "main"
    tab_to(me, 'a[href$="/consent"]')
    me.page.keyboard.press("Enter")
    me.page.wait_for_url("**/consent")
    for purpose in PURPOSES:
        tab_to(me, f'input[name="{purpose}"]')
        me.page.keyboard.press("Space")
    refused = PURPOSES[-1]
    me.page.keyboard.press("ArrowDown")
    assert me.page.locator(f'input[name="{refused}"][value="no"]').is_checked()
    tab_to(me, 'form[action$="/consent"] button')
    me.page.keyboard.press("Enter")
    me.page.wait_for_url("**/device")
    tab_to(me, '[data-part="start"]')
    me.page.keyboard.press("Enter")
    me.page.locator('[data-module="device-check"][data-stage="checked"]').wait_for()
    assert part(me.page, "record").evaluate("button => button === document.activeElement")


def test_question_is_answered_by_pressing_enter(invited: Invite) -> None:
    """The focus waits on the button of each moment, and the clock is told to screen readers."""
    me = invited()
    me.already_begun()
    me.page.goto(f"{me.place}/next")
    me.phase("idle")
    tab_to(me, '[data-part="start"]')
    me.page.keyboard.press("Enter")
    me.phase("read", "think")
    for button, phase in (("start", "answer"), ("stop", "saved")):
        assert part(me.page, button).evaluate("button => button === document.activeElement")
        assert_focus_shown(me.page)
        me.page.keyboard.press("Enter")
        me.phase(phase, seconds=30)
        if phase == "answer":
            assert part(me.page, "clock").get_attribute("role") == "timer"
            assert part(me.page, "announce").get_attribute("aria-live") == "assertive"
            me.record_for(3)
    assert part(me.page, "next").evaluate("button => button === document.activeElement")
    assert_focus_shown(me.page)
