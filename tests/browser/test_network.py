"""What happens to an answer when the network, the tab or the time goes away."""

from __future__ import annotations

from collections.abc import Callable

from browser import Watch
from browser_steps import Candidate, part

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
    me.shoot("offline")
    assert state.get_attribute("data-status") == "offline"
    me.context.set_offline(False)
    me.record_for(2)
    me.finish()
    assert state.get_attribute("data-status") == "saved"
    certificate = me.take("own-mistake")["certificate"]
    assert certificate["verified"] is True
    made = me.recorded()
    assert (certificate["chunks"], certificate["bytes"]) == (made["chunks"], made["bytes"])
    assert made["chunks"] >= 7
