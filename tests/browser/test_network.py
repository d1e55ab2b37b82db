"""What happens to an answer when the network, the tab or the time goes away."""

from __future__ import annotations

import io
import os
import re
import signal
from collections.abc import Callable
from uuid import UUID

import av
from sqlalchemy import text

from browser import Watch, aside, shoot
from browser_steps import Candidate, part
from duilian.infra.database import Database
from duilian.platform.sessions.errors import Expired
from duilian.platform.web.words import t
from playing import report_of
from world import run

Invite = Callable[..., Candidate]


def test_network_cut_in_mid_answer_loses_nothing(invited: Invite, watch: Watch) -> None:
    watch.expect("ERR_INTERNET_DISCONNECTED")
    me = invited(label="network")
    me.already_begun()
    me.open_question()
    me.speak()
    me.record_for(2)
    state = part(me.page, "upload-state")
    me.context.set_offline(True)
    me.page.locator('[data-part="upload-state"][data-status="offline"]').wait_for()
    me.record_for(3)
    assert state.get_attribute("data-status") == "offline"
    shoot(me.page, "network-offline")
    me.context.set_offline(False)
    me.record_for(2)
    me.finish()
    assert state.get_attribute("data-status") == "saved"
    certificate = me.take("own-mistake")["certificate"]
    assert certificate["verified"] is True
    made = me.recorded()
    assert (certificate["chunks"], certificate["bytes"]) == (made["chunks"], made["bytes"])
    assert made["chunks"] >= 7


def test_answer_ended_offline_is_sent_from_the_next_page(invited: Invite, watch: Watch) -> None:
    """Ended without a network and the page left: it is finished by itself when the candidate is back."""
    watch.expect("ERR_INTERNET_DISCONNECTED")
    me = invited()
    me.already_begun()
    me.open_question()
    me.speak()
    me.record_for(3)
    me.context.set_offline(True)
    me.record_for(1)
    part(me.page, "stop").click()
    me.phase("saving")
    made = me.recorded()
    me.page.close()
    me.context.set_offline(False)
    me.arrive()
    me.wait_for_state("own-mistake", "saved")
    certificate = me.take("own-mistake")["certificate"]
    assert (certificate["chunks"], certificate["bytes"]) == (made["chunks"], made["bytes"])


def test_tab_killed_in_mid_answer_goes_on_where_it_was(invited: Invite) -> None:
    """At most the last second is lost, the page says what is safe, and the answer becomes one recording."""
    me = invited(label="crash")
    me.already_begun()
    me.open_question()
    me.speak()
    me.record_for(5.4)
    first = kill_the_tab(me)
    me.arrive()
    me.page.locator('a[href$="/next"]').click()
    me.phase("recovery")
    me.look("recovery")
    said = [int(n) for n in re.findall(r"\d+", part(me.page, "recovery-text").inner_text())]
    safe = max(said)
    assert first - 2 < safe <= first, f"{first} s recorded, {safe} s safe (in whole seconds)"
    part(me.page, "recovery-continue").click()
    me.phase("answer")
    me.record_for(4)
    second = me.recorded()["seconds"]
    me.finish()
    take = me.take("own-mistake")
    assert [segment["number"] for segment in take["segments"]] == [0, 1]
    assert take["certificate"]["verified"] is True
    assert len(take["certificate"]["heads"]) == 2
    assert take["certificate"]["chunks"] == sum(segment["chunks"] for segment in take["segments"])
    me.leave_the_rest()
    aside(lambda: report_of(me.world, me.id))
    length = length_of_recording(me, "own-mistake")
    assert first + second - 1.5 <= length <= first + second + 1.5


def kill_the_tab(me: Candidate) -> float:
    """Kills the page's process as a full memory does; seconds recorded until then."""
    browser = me.context.browser
    assert browser
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    with me.page.expect_event("crash"):
        seconds = me.recorded()["seconds"]
        for process in processes:
            if process["type"] == "renderer":
                os.kill(process["id"], signal.SIGKILL)
    me.page.close()
    return seconds


def length_of_recording(me: Candidate, question: str) -> float:
    """Seconds of sound in what HR plays."""
    with me.world.api() as staff:
        media = staff.get(f"/api/v1/interviews/{me.id}/answers/{question}/media")
    assert media.status_code == 200
    with av.open(io.BytesIO(media.content)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def turn_the_clock(me: Candidate) -> None:
    """The deadline was a minute ago."""

    async def write() -> None:
        database = Database(me.world.settings.database_url, 1)
        async with database.begin(me.world.tenant_id) as session:
            statement = text("update interviews set deadline = now() - interval '1 minute' where id = :id")
            await session.execute(statement, {"id": UUID(me.id)})
        await database.close()

    aside(lambda: run(write()))


def test_deadline_passed_is_said_clearly(invited: Invite, watch: Watch) -> None:
    """In the open page the server's sentence, on every page of the link the same plain page with a way to ask."""
    locale = "zh-CN"
    refusal = Expired().sentence(locale)
    watch.expect("status of 410", refusal)
    me = invited(locale=locale, label="expired")
    me.already_begun()
    me.page.goto(f"{me.place}/next")
    me.phase("idle")
    turn_the_clock(me)
    part(me.page, "start").click()
    alert = me.page.locator('[data-part="error"][role="alert"]')
    alert.wait_for()
    assert refusal in alert.inner_text()
    me.look("open-page")
    for step in ("", "consent", "device", "overview", "next"):
        me.page.goto(f"{me.place}/{step}")
        heading = me.page.locator("h1").inner_text()
        assert heading == t(locale, "portal.closed.expired.heading")
        assert me.page.locator("main form").count() == 0
        assert me.page.locator('main a[href^="mailto:"]').count() == 1
    me.look("closed")
