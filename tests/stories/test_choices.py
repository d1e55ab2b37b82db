"""What a candidate decides changes what the machine does: consents, retakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

import sounds
from duilian.infra.local.seaweedfs import LocalObjectStore
from duilian.platform.app.candidate_client import Candidate
from duilian.platform.app.up import Stack
from playing import answer, answer_settled, play, report_of, spoken
from world import World, open_world, run

Document = dict[str, Any]
WEAK, MEDIUM = spoken("zh", "weak", "complaint"), spoken("zh", "medium", "complaint")


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    return open_world(stack.settings)


@pytest.fixture
def bucket(stack: Stack) -> Callable[[World], set[str]]:
    """Names of a tenant's objects, without its prefix."""
    store = LocalObjectStore(stack.settings.data_dir, int(stack.settings.s3_endpoint.rpartition(":")[2]))

    def names(world: World) -> set[str]:
        prefix = f"{world.tenant_id}/"
        listing: Any = store.client()  # Any: boto3 builds its clients at run time
        found = listing.list_objects_v2(Bucket=stack.settings.s3_bucket, Prefix=prefix)
        return {item["Key"].removeprefix(prefix) for item in found.get("Contents", [])}

    return names


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spoken answer with a picture in which nobody is: VP8, two pictures a second, dim grey."""
    path = tmp_path_factory.mktemp("video") / "nobody.webm"
    with av.open(str(WEAK[0])) as speech, av.open(str(path), "w", format="webm") as out:
        voice = out.add_stream_from_template(speech.streams.audio[0])
        sounds.add_pictures(out, 9)
        for packet in speech.demux(speech.streams.audio[0]):
            if packet.pts is not None:
                packet.stream = voice
                out.mux(packet)
    return path


def test_without_consent_to_scoring_nothing_is_heard_and_a_person_reviews(world: World) -> None:
    report = report_of(world, play(world, "complaint", WEAK[:2], scoring=False))
    assert report["human_review"] == {"needed": True, "reason": "scoring-refused"}
    assert report["total"]["outcome"] == "cannot_be_scored"
    for answered in report["answers"][:2]:
        assert answered["reason"]["code"] == "scoring-refused"
        assert (answered["transcript"], answered["delivery"]) == (None, None)
    for competency in report["competencies"]:
        assert competency["outcome"] == "cannot_be_scored"
        assert (competency["score"], competency["level"], competency["evidence"]) == (None, None, [])
        assert {r["code"] for r in competency["reasons"]} <= {"scoring-refused", "not-answered"}
    with world.api() as staff:
        heard = staff.get(f"/api/v1/interviews/{report['interview']}/answers/intro/media")
    assert heard.status_code == 200, "the person who reviews hears the recording"


def test_without_consent_to_recording_a_person_takes_over(world: World) -> None:
    invitation = world.invite("complaint", locale="zh-CN")

    async def refuse() -> Document:
        async with Candidate(world.url, world.slug, invitation["token"]) as candidate:
            return await candidate.begin(recording=False)

    assert run(refuse())["status"] == "human_route"
    client = world.candidate(invitation)
    refused = client.post("/questions/intro/takes", json={"mode": "audio", "content_type": "audio/webm"})
    assert refused.status_code == 409
    assert client.get("/").json()["status"] == "human_route"


def test_without_consent_to_the_face_check_no_picture_is_looked_at(world: World, video: Path) -> None:
    looked, left_alone = (
        report_of(world, play(world, "complaint", [video], **refused))
        for refused in ({}, {"face_check": False})
    )
    assert {fact["kind"] for fact in looked["integrity"]} == {"no_face"}
    assert looked["answers"][0]["quality"]["face_present_share"] == 0
    assert left_alone["integrity"] == []
    assert "face_present_share" not in left_alone["answers"][0]["quality"]
    heard = [r["answers"][0]["transcript"]["text"] for r in (looked, left_alone)]
    assert heard[0] == heard[1] != ""
    assert not any("face" in name for name in left_alone["versions"])


@pytest.mark.parametrize("moment", ["while the first is processed", "after the first was processed"])
def test_retake_replaces_the_first_take(
    stack: Stack, bucket: Callable[[World], set[str]], moment: str
) -> None:
    world = open_world(stack.settings)
    invitation = world.invite("complaint", locale="zh-CN")

    async def record_twice() -> list[Document]:
        async with Candidate(world.url, world.slug, invitation["token"], "zh-CN") as candidate:
            question = (await candidate.begin())["questions"][0]
            first = await answer(candidate, question, MEDIUM[0])
            if moment.startswith("after"):
                await answer_settled(world, invitation["interview"], question["key"])
            second = await answer(candidate, question, WEAK[0])
            await candidate.submit()
            return [first, second]

    certificates = run(record_twice())
    assert [c["take"] for c in certificates] == [1, 2]
    report = report_of(world, invitation["interview"])
    text = report["answers"][0]["transcript"]["text"]
    assert "刘洋" not in text and "超市" in text
    assert report["answers"][0]["quality"]["audio_seconds"] == pytest.approx(9.35, abs=0.1)
    with world.api() as staff:
        played = staff.get(f"/api/v1/interviews/{report['interview']}/answers/intro/media")
    assert len(played.content) == pytest.approx(WEAK[0].stat().st_size, rel=0.05)
    assert len(bucket(world)) == 1, "the first take's bytes and the second's chunks are gone"


def test_retake_beyond_what_is_allowed_is_refused(world: World) -> None:
    invitation = world.invite("complaint", locale="zh-CN")

    async def record() -> str:
        async with Candidate(world.url, world.slug, invitation["token"], "zh-CN") as candidate:
            question = (await candidate.begin())["questions"][0]
            for _ in range(question["takes_allowed"]):
                await answer(candidate, question, WEAK[0])
            return question["key"]

    key = run(record())
    client: httpx.Client = world.candidate(invitation)
    refused = client.post(f"/questions/{key}/takes", json={"mode": "audio", "content_type": "audio/webm"})
    assert (refused.status_code, refused.json()["code"]) == (409, "no-retakes-left")
