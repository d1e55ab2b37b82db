"""What the camera and the microphone show, in a report: facts with times, and never a word of it in a score."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from sqlalchemy import select

from duilian.customization.schemas import Step
from duilian.infra.database import TenantSession
from duilian.platform.app.candidate_client import Candidate
from duilian.platform.reports import compose
from duilian.platform.scoring.models import Analysis
from duilian.platform.sessions.models import Answer, Interview
from duilian.platform.sessions.states import Status
from duilian.serving.contracts import Observation
from duilian.tenants.policy import Feature
from duilian.tenants.policy_settings import turn_on
from face_clip import ensure_face_clip, with_voice
from finished import Finished
from inside import within
from playing import SPEECH, publish_set, report_of, shipped
from sounds import two_voices
from world import World, open_world, run

Document = dict[str, Any]
STEPS = [
    Step(key="off", text={"zh-CN": "断电挂牌", "en": "Switch off and tag out"}, norm_seconds=5),
    Step(key="measure", text={"zh-CN": "测量", "en": "Measure"}, norm_seconds=10),
    Step(key="note", text={"zh-CN": "记录", "en": "Write down"}, norm_seconds=4),
]
SEEN = [
    {"kind": "tab_hidden", "at_ms": 2000, "for_ms": 4000},
    {"kind": "step_done", "at_ms": 9000, "step": "measure"},
    {"kind": "step_done", "at_ms": 4000, "step": "off"},
    {"kind": "step_done", "at_ms": 5000, "step": "none-such"},
]


def task(world: World) -> str:
    """The shipped set with its first question as a hands-on task, and that question alone."""
    found = shipped("retail", "complaint")
    question = msgspec.structs.replace(
        found.questions[1], steps=STEPS, competencies=[c.key for c in found.competencies]
    )
    return publish_set(world, msgspec.structs.replace(found, key="hands-on", questions=[question]))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face in the picture; on the microphone one speaker, and for five seconds another."""
    folder = tmp_path_factory.mktemp("film")
    face = ensure_face_clip(folder).with_name("face.webm")
    voices = two_voices(
        SPEECH / "zh/medium/complaint/02.webm", SPEECH / "zh/strong/complaint/04.webm", folder / "two.webm"
    )
    return with_voice(face, voices, folder / "film.webm")


@pytest.fixture(scope="module")
def world(stack: Any) -> Iterator[World]:
    """A tenant of the neutral profile whose administrator turned everything on that may be."""
    opened = open_world(stack.settings, jurisdiction="neutral")

    async def everything(session: TenantSession) -> None:
        for feature in (Feature.GAZE, Feature.EXPRESSION):
            await turn_on(session, feature, "agreed with the works council")

    within(opened, everything)
    yield opened


def interviewed(world: World, film: Path, **consents: bool) -> Finished:
    invitation = world.invite(task(world), locale="zh-CN")

    async def play() -> None:
        async with Candidate(world.url, world.slug, invitation["token"], "zh-CN") as candidate:
            state = await candidate.begin(**consents)
            question = state["questions"][0]
            opened = await candidate.open(question["key"])
            assert state["questions"][0]["steps"] == [] and len(opened["steps"]) == 3
            await candidate.record(question, film, SEEN)
            await candidate.submit()

    run(play())
    return Finished(world, invitation)


@pytest.fixture(scope="module")
def done(world: World, film: Path) -> tuple[Finished, Document]:
    finished = interviewed(world, film)
    return finished, report_of(world, finished.id)


def test_measures_that_run_are_told_with_units(done: tuple[Finished, Document]) -> None:
    quality = done[1]["answers"][0]["quality"]
    assert quality["face_present_share"] > 0.9 and 0.02 < quality["face_area_share"] < 0.6
    assert (
        0 <= quality["on_screen_share"] <= 1 and quality["smiles"] == 0 and quality["blinks_per_minute"] >= 0
    )
    assert quality["sharpness"] > 0
    assert all(abs(quality[f"head_{turn}"]) < 45 for turn in ("yaw", "pitch", "roll"))


def test_a_second_voice_is_a_fact_that_plays(done: tuple[Finished, Document]) -> None:
    finished, report = done
    kinds = {fact["kind"]: fact for fact in report["integrity"]}
    voice = kinds["second_voice"]
    length = report["answers"][0]["quality"]["audio_seconds"]
    assert 0 < voice["at"] < length and 2.5 <= voice["seconds"] <= 7
    assert kinds["tab_hidden"]["at"] == 2 and kinds["tab_hidden"]["seconds"] == 4
    page = finished.world.console("recruiter").get(f"/console/interviews/{finished.id}").text
    assert f'data-start="{voice["at"]}"' in page and "a second voice for about" in page


def test_steps_are_timed_against_the_norm(done: tuple[Finished, Document]) -> None:
    finished, report = done
    steps = {step["step"]: step for step in report["answers"][0]["steps"]}
    assert [(s["seconds"], s["norm_seconds"]) for s in steps.values()] == [(4.0, 5), (5.0, 10), (None, 4)]
    office = finished.world.console("recruiter")
    page = office.get(f"/console/interviews/{finished.id}").text
    assert "Switch off and tag out" in page and "not marked" in page
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)[1]  # type: ignore[index]
    place = f"/console/interviews/{finished.id}/answers/{report['answers'][0]['key']}/steps"

    def mark(step: str, second: str) -> httpx.Response:
        return office.post(place, data={"csrf": csrf, "step": step, "second": second})

    assert mark("note", "12.5").status_code == 303 == mark("off", "13").status_code
    assert [mark("none", "1").status_code, mark("off", "x").status_code, mark("off", "-1").status_code] == [
        404, 400, 400,
    ]  # fmt: skip
    page = office.get(f"/console/interviews/{finished.id}").text
    assert "12.5 s" in page and "not in order" in page
    assert report_of(finished.world, finished.id)["answers"][0]["steps"] == report["answers"][0]["steps"]
    assert "step.marked" in finished.world.console("owner").get("/console/audit/export").text


def test_no_observation_moves_a_score(done: tuple[Finished, Document]) -> None:
    """The same answers with the worst that could be seen and heard, and with nothing seen at all."""
    finished, before = done

    async def recomposed(session: TenantSession, worst: bool) -> Document:
        interview = await session.get_one(Interview, (session.tenant_id, UUID(finished.id)))
        answer = (await session.scalars(select(Answer).where(Answer.interview_id == interview.id))).one()
        analysis = (await session.scalars(select(Analysis).where(Analysis.answer_id == answer.id))).one()
        seen = msgspec.convert(analysis.observation, Observation)
        times = [frame.time for frame in seen.frames]
        bad = msgspec.structs.replace(
            seen,
            look_away_times=times,
            second_face_times=times,
            smiles=40,
            lighting="dark",
            face_present_share=0.0,
        )
        analysis.observation = msgspec.to_builtins(bad) if worst else None
        analysis.voices = [[0.0, 9.0]] if worst else None
        answer.events = {
            "facts": [{"kind": "paste", "at_ms": 0, "for_ms": 0, "length": 900}] if worst else []
        }
        answer.marks = [{"step": "note", "at_ms": 1}] if worst else []
        interview.status = Status.SUBMITTED
        await session.flush()
        await compose._write(session, interview, [answer])  # pyright: ignore[reportPrivateUsage]
        interview.status = Status.REPORTED
        return {}

    scores = [(before["total"], before["competencies"])]
    for worst in (True, False):
        within(finished.world, lambda session, worst=worst: recomposed(session, worst))
        report = report_of(finished.world, finished.id)
        assert (len(report["integrity"]) > 3) is worst
        scores.append((report["total"], report["competencies"]))
    assert scores[0] == scores[1] == scores[2]
    assert before["total"]["outcome"] == "scored" or before["competencies"]


def test_who_refuses_gaze_and_smiles_is_not_measured(world: World, film: Path) -> None:
    finished = interviewed(world, film, gaze=False, expression=False)
    quality = report_of(world, finished.id)["answers"][0]["quality"]
    assert "face_present_share" in quality
    assert not {"on_screen_share", "head_yaw", "blinks_per_minute", "smiles"} & set(quality)

    async def stored(session: TenantSession) -> Document:
        query = select(Analysis).join(Answer, Answer.id == Analysis.answer_id)
        row = (await session.scalars(query.where(Answer.interview_id == UUID(finished.id)))).one()
        return row.observation

    kept = within(world, stored)
    assert kept["measures"] == [] and all(frame["gaze"] is None for frame in kept["frames"])
    assert "face-landmarks" not in str(kept["versions"]), "the model did not run"
