"""A language model's judgement on the running platform: off until it is published, told, kept, and done without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import select

from duilian.customization.labels.models import Example, Rating
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.app.up import Stack
from duilian.platform.labelling.gather import gather
from duilian.platform.reports.compose import ReportComposer
from duilian.platform.scoring.models import Analysis
from duilian.platform.scoring.rubric_judgement import differences
from duilian.platform.sessions.models import Answer, Interview
from duilian.platform.sessions.states import Status
from duilian.serving.contracts import ScoreResponse
from duilian.serving.scoring.opinion import PROMPT, combined
from duilian.tenants.keyring import open_database, open_keyring
from inside import within
from language_endpoint import Body, Endpoint
from playing import play, publish_written, report_of, shipped, written
from world import World, open_world, run

Document = dict[str, Any]
SET = shipped("retail", "complaint")


def three(body: Body) -> str:
    """Level 3 for every answer, with its first words."""
    materials = {m["name"]: m["text"] for m in json.loads(body["messages"][1]["content"])["materials"]}
    return json.dumps({"level": 3, "quotes": [materials["answer"][:12]], "reason": "r"}, ensure_ascii=False)


@pytest.fixture
def listening(language_model: Endpoint) -> Iterator[Endpoint]:
    """It is there for this test."""
    language_model.status, language_model.says = 200, three
    language_model.asked.clear()
    yield language_model
    language_model.status, language_model.says = 503, None


def switch_on(world: World) -> None:
    staff = world.console("owner")
    page = staff.get("/console/gate").text
    assert 'name="rubric_judgement"' in page and 'name="rubric_judgement" checked' not in page, (
        "off as shipped"
    )
    token = page.split('name="csrf" value="')[1].split('"')[0] if 'name="csrf"' in page else ""
    form = {"csrf": token, "least_seconds": "3", "least_confidence": "0.45", "off_topic": "0.4"}
    assert staff.post("/console/gate", data=form | {"rubric_judgement": "on"}).status_code == 303
    assert 'name="rubric_judgement" checked' in staff.get("/console/gate").text


def without(report: Document) -> list[Document]:
    """The competencies as they stand without a language model."""
    return [{k: v for k, v in c.items() if k != "opinions"} for c in report["competencies"]]


def composed_again(world: World, interview: str) -> None:
    """Another revision, of what is stored."""

    async def reopen(session: TenantSession) -> None:
        row = await session.get_one(Interview, (session.tenant_id, UUID(interview)))
        row.status = Status.SUBMITTED

    async def go() -> None:
        database = open_database(world.settings, open_keyring(world.settings), 1)
        await ReportComposer(database).run(world.tenant_id, interview)
        await database.close()

    within(world, reopen)
    run(go())


def stored(world: World, interview: str) -> list[ScoreResponse]:
    async def read(session: TenantSession) -> list[ScoreResponse]:
        query = select(Analysis).join(Answer, Answer.id == Analysis.answer_id)
        rows = await session.scalars(query.where(Answer.interview_id == UUID(interview)))
        return [msgspec.convert(row.judged, ScoreResponse) for row in rows]

    return within(world, read)


def test_a_second_opinion_is_asked_told_and_done_without(stack: Stack, listening: Endpoint) -> None:
    world, parts = open_world(stack.settings), written("complaint", "medium", "zh")
    key = publish_written(world, SET)
    off = report_of(world, play(world, key, parts))
    assert not listening.asked and "opinions" not in json.dumps(off), "off until somebody turns it on"

    switch_on(world)
    interview = play(world, key, parts, training=True)
    on = report_of(world, interview)
    told = [one for c in on["competencies"] for one in c.get("opinions", [])]
    assert len(listening.asked) == len(told) > 0
    used = [one for one in told if one["outcome"] == "used"]
    assert used and all(one["level"] == 3 and one["spread"] == 1.5 and one["quotes"] for one in used)
    assert all(abs(3 - one["after"]) < abs(3 - one["before"]) or one["before"] == 3 for one in used)
    assert all(one["after"] == one["before"] for one in told if one["outcome"] != "used")
    assert on["versions"]["language-model"] == "m-7" and f"prompt:{PROMPT}" in on["versions"]
    assert "大语言模型的意见" in world.console("owner").get(f"/console/interviews/{interview}").text
    for one in (j for judged in stored(world, interview) for j in judged.judgements if j.opinion):
        if one.opinion and one.opinion.outcome == "used":
            assert one.posterior == combined(one.opinion.before, 3, 1.5), (
                "kept with what it takes to have it again"
            )
    its_record(world, interview, on["versions"])

    listening.status = 503
    asked = len(listening.asked)
    composed_again(world, interview)
    again = world.api().get(f"/api/v1/interviews/{interview}/report").json()
    assert again["revision"] == on["revision"] + 1 and again["sha256"] == on["sha256"]
    assert len(listening.asked) == asked, "nobody was asked again"
    alone = play(world, key, parts)
    down = report_of(world, alone)
    assert without(down) == without(off) and down["total"] == off["total"], "the score as if it were off"
    codes = {one["code"] for c in down["competencies"] for one in c["opinions"]}
    assert codes == {"unavailable"}
    page = world.console("owner").get(f"/console/interviews/{alone}").text
    assert "大语言模型没有及时答复，评分未计入它的意见" in page
    assert world.api().get(f"/api/v1/interviews/{alone}/report.pdf").status_code == 200


def its_record(world: World, interview: str, versions: Document) -> None:
    """Its level less a blind mark; not of the same person, nor of another model, nor where the rater saw the scorer's."""
    its = {name: versions[name] for name in ("language-model", f"prompt:{PROMPT}")}

    async def go(session: TenantSession) -> None:
        await gather(session, UUID(interview))
        rows = await session.scalars(select(Example).where(Example.interview_id == UUID(interview)))
        example, other = [row for row in rows if row.ai and "opinion" in row.ai][:2]
        for row, seen in ((example, None), (other, 3)):
            mark = Rating(
                example_id=row.id, kind="first", rater="member:x", rater_name_sealed=None, level=2, evidence=[],
                blind=seen is None, ai_level=seen, origin="page", original=None, rated_at=now(),
                superseded_at=None, supersedes_id=None,
            )  # fmt: skip
            session.add(mark)
        await session.flush()
        assert await differences(session, example.competency, its, None) == [1.0]
        assert await differences(session, example.competency, its, example.person_index) == []
        assert await differences(session, example.competency, its | {"language-model": "m-8"}, None) == []

    within(world, go)
