"""What becomes of a recording: joined, measured, sealed, played back in pieces, processed while others follow."""

from __future__ import annotations

import io
from hashlib import sha256
from typing import Any
from uuid import UUID

import av
import httpx
import pytest

import sounds
from duilian.infra import sealing
from duilian.infra.local.seaweedfs import LocalObjectStore
from duilian.platform.app.candidate_client import Candidate
from duilian.platform.app.up import Stack
from duilian.platform.media.chain import head
from playing import answer, answer_settled, play, report_of, spoken
from world import World, open_world, run

Document = dict[str, Any]
WEAK = spoken("zh", "weak", "complaint")
CHUNK = 8192


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    return open_world(stack.settings)


@pytest.fixture(scope="module")
def charlie_key(stack: Stack) -> str:
    return open_world(stack.settings, "manufacturing").api_key


@pytest.fixture(scope="module")
def played(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """Address of a recording of several sealed frames and all its bytes."""
    loud = sounds.write_webm(tmp_path_factory.mktemp("loud") / "01.webm", sounds.noise(60), 200_000)
    interview = play(world, "complaint", [loud], scoring=False)
    report_of(world, interview)
    path = f"/api/v1/interviews/{interview}/answers/intro/media"
    with world.api() as staff:
        whole = staff.get(path)
    assert whole.status_code == 200
    assert len(whole.content) > 2 * sealing.FRAME
    return path, whole.content


def seconds_of(media: bytes) -> float:
    """Length of what a player decodes."""
    with av.open(io.BytesIO(media)) as container:
        frames = [(f.time, f.samples / f.sample_rate) for f in container.decode(audio=0)]
    return frames[-1][0] + frames[-1][1]


def seconds_in_header(media: bytes) -> float:
    with av.open(io.BytesIO(media)) as container:
        assert container.duration is not None
        return container.duration / av.time_base


def test_recording_that_went_on_after_a_crash_plays_as_one(world: World) -> None:
    invitation = world.invite("complaint", locale="zh-CN")
    client = world.candidate(invitation)

    async def begin() -> UUID:
        async with Candidate(world.url, world.slug, invitation["token"], "zh-CN") as candidate:
            state = await candidate.begin()
            await candidate.open("intro")
            return UUID(state["id"])

    async def send(segment: int, data: bytes) -> list[str]:
        pieces = [data[i : i + CHUNK] for i in range(0, len(data), CHUNK)]
        async with Candidate(world.url, world.slug, invitation["token"], "zh-CN") as candidate:
            for seq, piece in enumerate(pieces):
                await candidate.chunk("intro", 1, seq, piece, segment)
        return [sha256(piece).hexdigest() for piece in pieces]

    interview = run(begin())
    client.post("/questions/intro/takes", json={"mode": "audio", "content_type": "audio/webm"})
    first = run(send(0, WEAK[0].read_bytes()))
    opened = client.post("/questions/intro/takes/1/segments", json={"content_type": "audio/webm"})
    assert opened.json()["number"] == 1
    second = run(send(1, WEAK[1].read_bytes()))
    segments = [
        {"chunks": len(hashes), "head": head(interview, "intro", 1, n, hashes), "duration_ms": 0}
        for n, hashes in enumerate((first, second))
    ]
    finished = client.post("/questions/intro/takes/1/finish", json={"segments": segments})
    assert finished.status_code == 200, finished.text
    client.post("/submit", json={"leave_unanswered": True})

    report = report_of(world, str(interview))
    expected = sum(seconds_of(path.read_bytes()) for path in WEAK[:2])
    with world.api() as staff:
        media = staff.get(f"/api/v1/interviews/{interview}/answers/intro/media").content
    assert seconds_of(media) == pytest.approx(expected, abs=0.15)
    assert seconds_in_header(media) == pytest.approx(expected, abs=0.15)
    certificate = client.get("/").json()["questions"][0]["take"]["certificate"]
    assert certificate["measured_seconds"] == pytest.approx(expected, abs=0.15)
    text = report["answers"][0]["transcript"]["text"]
    assert "陈强" in text and "保安" in text
    assert text.index("陈强") < text.index("保安")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-1999", 100, 2000),
        (f"bytes={sealing.FRAME - 3}-{sealing.FRAME + 2}", sealing.FRAME - 3, sealing.FRAME + 3),
        ("bytes=70000-", 70000, None),
        ("bytes=-500", -500, None),
        ("bytes=100-99999999", 100, None),
    ],
)
def test_range_gives_exactly_the_bytes_asked_for(
    world: World, played: tuple[str, bytes], asked: str, first: int, last: int | None
) -> None:
    path, whole = played
    with world.api() as staff:
        piece = staff.get(path, headers={"Range": asked})
    assert piece.status_code == 206
    assert piece.content == whole[first:last]
    start, end = (first + len(whole) if first < 0 else first), (last or len(whole)) - 1
    assert piece.headers["content-range"] == f"bytes {start}-{end}/{len(whole)}"


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=5-2", "bytes=-", "pages=1-2", "bytes=-0"])
def test_range_that_cannot_be_satisfied_is_refused(
    world: World, played: tuple[str, bytes], asked: str
) -> None:
    with world.api() as staff:
        assert staff.get(played[0], headers={"Range": asked}).status_code == 416


def test_recording_belongs_to_its_tenant(world: World, played: tuple[str, bytes], charlie_key: str) -> None:
    with world.api(charlie_key) as outsider:
        assert outsider.get(played[0]).status_code == 404
    with world.api(world.weak_key) as member:
        assert member.get(played[0]).status_code == 403
    assert httpx.get(world.url + played[0], trust_env=False).status_code == 401


def test_store_holds_nothing_that_can_be_read(stack: Stack, world: World, played: tuple[str, bytes]) -> None:
    """By S3 with the right keys, and on the store's disk: no container, no codec, no stretch of the recording."""
    settings, (_, whole) = stack.settings, played
    store: Any = LocalObjectStore(settings.data_dir, int(settings.s3_endpoint.rpartition(":")[2])).client()
    listed = store.list_objects_v2(Bucket=settings.s3_bucket, Prefix=f"{world.tenant_id}/")["Contents"]
    objects = [store.get_object(Bucket=settings.s3_bucket, Key=item["Key"])["Body"].read() for item in listed]
    on_disk = [f.read_bytes() for f in (settings.data_dir / "objects").rglob("*") if f.is_file()]
    assert any(len(data) > len(whole) for data in objects)
    assert sum(map(len, on_disk)) > sum(map(len, objects))
    for data in [*objects, *on_disk]:
        assert not data.startswith(b"\x1a\x45\xdf\xa3")
        assert b"OpusHead" not in data
        assert whole[40_000:40_032] not in data


def test_answer_is_processed_while_the_candidate_goes_on(world: World) -> None:
    invitation = world.invite("complaint", locale="zh-CN")

    async def first_answer() -> tuple[str, Document]:
        async with Candidate(world.url, world.slug, invitation["token"], "zh-CN") as candidate:
            question = (await candidate.begin())["questions"][0]
            await answer(candidate, question, WEAK[0])
            state = await answer_settled(world, invitation["interview"], question["key"])
            return state, await candidate.state()

    processed, state = run(first_answer())
    assert processed == "processed"
    assert state["status"] == "in_progress"
    assert [q["state"] for q in state["questions"]] == ["saved", *["pending"] * 4]
