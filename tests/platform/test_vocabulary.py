"""Speech vocabulary over HTTP: proposed from history and a correction, checked, promoted by a person, heard with, taken back."""

from __future__ import annotations

import re
import time
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from sqlalchemy import select

from duilian.customization.labels.models import Example
from duilian.customization.vocabulary import service
from duilian.infra.audit import AuditEntry
from duilian.infra.database import TenantSession
from duilian.platform.app.up import Stack
from duilian.platform.scoring.models import Analysis
from duilian.platform.sessions.models import Answer
from duilian.platform.vocabulary.gather import gather
from finished import Finished, hand_in
from inside import within
from outsiders import csrf_of, signed_in
from playing import SPEECH, publish_set, report_of, shipped
from training_world import teach
from world import World, open_world

HERE = "/console/lab/vocabulary"
Document = dict[str, Any]


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    """Thirty answers of thirty people, and one spoken answer whose person allows training and has corrected it."""
    world = open_world(stack.settings)
    teach(world, good=30, bad=0)
    finished = speak(world, "zh/strong/complaint/02.webm")
    (line,) = finished.api.get("/transcripts").raise_for_status().json()["answers"]
    body = {"text": line["heard"].rstrip("。") + "了。"}
    finished.api.put(f"/transcripts/{line['key']}", json=body).raise_for_status()
    return world


def speak(world: World, recording: str) -> Finished:
    """An interview of one spoken question, with its report."""
    found = shipped("retail", "complaint")
    question = msgspec.structs.replace(found.questions[1], competencies=[c.key for c in found.competencies])
    key = publish_set(world, msgspec.structs.replace(found, key="one-spoken", questions=[question]))
    finished = hand_in(world, [SPEECH / recording], key, training=True)
    report_of(world, finished.id)
    return finished


def learnt(world: World, desk: httpx.Client) -> Document:
    answer = desk.post(f"{HERE}/learn", data={"csrf": csrf_of(desk)})
    assert answer.status_code == 303, answer.text[:400]
    deadline = time.monotonic() + 120
    while (found := version(world, answer.headers["location"].rpartition("/")[2]))["state"] not in (
        "done",
        "failed",
    ):
        assert time.monotonic() < deadline, found
        time.sleep(0.3)
    return found


def version(world: World, version_id: str) -> Document:
    with world.api() as program:
        return program.get(f"/api/v1/lab/vocabulary/versions/{version_id}").raise_for_status().json()


def words_now(world: World) -> list[str]:
    async def read(session: TenantSession) -> list[str]:
        return (await service.listened_for(session, "zh-CN"))[0]

    return within(world, read)


def versions_of(world: World, interview: str) -> Document:
    async def read(session: TenantSession) -> Document:
        query = select(Analysis.versions).join(Answer, Answer.id == Analysis.answer_id)
        return (await session.scalars(query.where(Answer.interview_id == UUID(interview)))).one()

    return within(world, read)


def test_words_are_proposed_measured_promoted_heard_with_and_taken_back(world: World) -> None:
    desk, before = signed_in(world, "consultant")[0], words_now(world)
    found = learnt(world, desk)
    words = [term["word"] for term in found["terms"]["zh-CN"]]
    assert {"酸奶", "核对"} <= set(words) and not set(words) & set(before), found
    assert found["sources"]["corrections"] == found["sources"]["recordings"] == 1
    gates = {gate["name"]: gate for gate in found["gates"]}
    assert found["verdict"] == "warned" and gates["not_worse"]["case"] == "unmeasured", gates
    assert gates["insertions"]["state"] == "passed" and gates["insertions"]["params"]["n"] == 1
    page = desk.get(f"{HERE}/versions/{found['id']}").raise_for_status().text
    assert "not measured" in page and 'data-word="酸奶"' in page
    promote = f"{HERE}/versions/{found['id']}/promote"
    refused = desk.post(promote, data={"csrf": csrf_of(desk), "reason": "so"})
    assert refused.status_code == 422 and words_now(world) == before
    reason = {"csrf": csrf_of(desk), "reason": "Few have corrected anything yet; we listen for a month."}
    assert desk.post(promote, data=reason).status_code == 303
    assert set(words) <= set(words_now(world)) and set(before) <= set(words_now(world))
    assert (
        versions_of(world, speak(world, "zh/weak/complaint/03.webm").id)["vocabulary"] == found["sha256"][:12]
    )
    assert re.search(r'data-version="1".*?In force', desk.get(HERE).text, re.DOTALL)
    back = desk.post(f"{HERE}/rollback", data={"csrf": csrf_of(desk), "reason": "a trial"})
    assert back.status_code == 303 and words_now(world) == before
    with world.api() as program:
        assert program.get("/api/v1/lab/vocabulary").json()["in_force"] is None
        assert program.post("/api/v1/lab/vocabulary/rollback", json={}).json()["code"] == "no-vocabulary"
    assert gates["anchors"]["case"] == "unmeasured", "no anchor is chosen here"
    again = learnt(world, desk)
    for one in (found, again, found):  # the first once more, over the second
        assert desk.post(f"{HERE}/versions/{one['id']}/promote", data=reason).status_code == 303
    ways = [desk.post(f"{HERE}/rollback", data=reason).status_code for _ in range(2)]
    assert ways == [303, 303] and words_now(world) == before, "going back comes to an end"
    expected = {"started", "done", "promoted", "rolled_back"}
    assert {f"vocabulary.{name}" for name in expected} <= set(within(world, _actions))


def test_answers_of_whom_nobody_knows_make_no_word_common(world: World) -> None:
    async def people(session: TenantSession) -> set[str]:
        examples = list(await session.scalars(select(Example)))
        known = {one.id: one.person_index for one in examples}
        for one in examples:
            one.person_index = None
        found = await gather(session)
        for one in examples:
            one.person_index = known[one.id]
        return {one.person for one in found.history.said}

    assert len(within(world, people)) == 1


async def _actions(session: TenantSession) -> list[str]:
    return list(await session.scalars(select(AuditEntry.action)))


def test_a_company_without_history_is_told_so_and_only_who_may_promotes(stack: Stack, world: World) -> None:
    new = open_world(stack.settings)
    found = learnt(new, signed_in(new, "consultant")[0])
    assert found["state"] == "failed" and found["failure"]["code"] == "no-words", found
    auditor = signed_in(world, "auditor")[0]
    for path in ("learn", "rollback", f"versions/{UUID(int=1)}/promote"):
        assert auditor.post(f"{HERE}/{path}", data={"csrf": csrf_of(auditor)}).status_code == 403
    assert auditor.get(HERE).status_code == 200
