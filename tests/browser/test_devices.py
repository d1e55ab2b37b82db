"""A browser that cannot or may not record says so and shows the way out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from browser import PHONE, Watch, permit
from browser_steps import Candidate, part
from duilian.platform.web.words import t

Invite = Callable[..., Candidate]
WITHOUT = {
    "recorder": "delete window.MediaRecorder",
    "devices": "Object.defineProperty(Navigator.prototype, 'mediaDevices', { get: () => undefined })",
}
WECHAT = (
    "Object.defineProperty(Navigator.prototype, 'userAgent', { get: () => 'Mozilla/5.0 MicroMessenger/8.0' })"
)


def at_the_device_check(me: Candidate, *scripts: str) -> None:
    for script in scripts:
        me.context.add_init_script(script)
    me.already_consented()
    me.page.goto(f"{me.place}/device")
    part(me.page, "start").click()
    part(me.page, "problem").wait_for()


@pytest.mark.parametrize("lacking", WITHOUT)
def test_browser_that_cannot_record_is_told_which_to_open(
    invited: Invite, watch: Watch, lacking: str
) -> None:
    watch.expect("device error: unsupported")
    me = invited(PHONE, label=f"no-{lacking}")
    at_the_device_check(me, WITHOUT[lacking])
    problem = part(me.page, "problem")
    assert problem.get_attribute("role") == "alert"
    assert t("zh-CN", "script.device.fix.unsupported") in problem.inner_text()
    me.look("problem")
    me.context.grant_permissions(["clipboard-read", "clipboard-write"])
    problem.locator("button").first.click()
    problem.locator("button[data-copied]").wait_for()
    assert me.page.evaluate("navigator.clipboard.readText()") == me.page.url


def test_web_view_of_an_app_is_told_how_to_leave_it(invited: Invite, watch: Watch) -> None:
    watch.expect("device error: in_app")
    me = invited(PHONE, label="in-app")
    at_the_device_check(me, WITHOUT["devices"], WECHAT)
    problem = part(me.page, "problem")
    assert t("zh-CN", "script.device.fix.in_app") in problem.inner_text()
    assert problem.locator("svg").count() == 1
    me.look("problem")


def test_permission_denied_shows_the_fix(invited: Invite, watch: Watch) -> None:
    """With a picture of where the switch lies; writing is offered, and the check can be repeated."""
    watch.expect("device error: denied")
    me = invited(label="denied")
    permit(me.page, "denied")
    at_the_device_check(me)
    problem = part(me.page, "problem")
    assert problem.get_attribute("role") == "alert"
    assert t("zh-CN", "script.device.fix.denied.chrome") in problem.inner_text()
    assert problem.locator("svg").is_visible()
    me.look("problem")
    permit(me.page, "granted")
    part(me.page, "start").click()
    me.page.locator('[data-module="device-check"][data-stage="checked"]').wait_for()
    assert not problem.is_visible()
    me.page.locator('[data-part="microphone"][data-state="ok"]').wait_for()
