"""The candidate API: what is accepted, what is refused with which reason, and that nothing is lost."""

from __future__ import annotations

import base64
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from duilian.platform.media.chain import head
from world import World

SPEECH = Path(__file__).parents[1] / "fixtures" / "speech" / "zh" / "weak" / "complaint" / "01.webm"
HEAD = b"\x1a\x45\xdf\xa3"  # as every WebM file begins
PIECES = [HEAD + b"one" * 100, b"two" * 100, b"three" * 100]


def digest(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(sha256(data).digest()).decode()}:"


def put(
    client: httpx.Client, seq: int, data: bytes, take: int = 1, segment: int = 0, **headers: str
) -> httpx.Response:
    path = f"/questions/intro/takes/{take}/segments/{segment}/chunks/{seq}"
    return client.put(path, content=data, headers={"Content-Digest": digest(data)} | headers)


def chain(state: dict[str, Any], pieces: list[bytes], take: int = 1, segment: int = 0) -> str:
    return head(UUID(state["id"]), "intro", take, segment, [sha256(p).hexdigest() for p in pieces])


def consent(client: httpx.Client, **refused: bool) -> dict[str, Any]:
    state = client.get("/").json()
    decisions = dict.fromkeys(state["consents"]["decisions"], True) | refused
    body = {"version": state["consents"]["version"], "decisions": decisions}
    answer = client.put("/consents", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def client(alice: World) -> httpx.Client:
    """A candidate who has started."""
    client = alice.candidate(alice.invite(locale="zh-CN"))
    consent(client)
    assert client.post("/start").json()["status"] == "in_progress"
    return client


@pytest.fixture
def recording(client: httpx.Client) -> httpx.Client:
    """… and has begun to record the first question."""
    client.post("/questions/intro/open")
    answer = client.post("/questions/intro/takes", json={"mode": "audio", "content_type": "audio/webm"})
    assert answer.status_code == 201, answer.text
    return client


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The refusal is a problem document with the expected code and a sentence."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["code"] == code
    assert document["status"] == status
    assert len(document["detail"]) > 10
    return document


def test_question_is_hidden_until_it_is_opened(client: httpx.Client) -> None:
    before = client.get("/").json()["questions"]
    assert {q["text"] for q in before} == {None}
    opened = client.post("/questions/intro/open").json()
    assert opened["text"]
    assert opened["think_until"] > opened["opened_at"]
    again = client.post("/questions/intro/open").json()
    assert again["opened_at"] == opened["opened_at"]


def test_later_question_waits_for_the_earlier(client: httpx.Client) -> None:
    refused(client.post("/questions/milk-powder/open"), 409, "question-locked")


def test_start_needs_consents(alice: World) -> None:
    client = alice.candidate(alice.invite())
    refused(client.post("/start"), 409, "consent-needed")


def test_consents_need_every_purpose_and_the_current_words(alice: World) -> None:
    client = alice.candidate(alice.invite())
    version = client.get("/").json()["consents"]["version"]
    refused(
        client.put("/consents", json={"version": version, "decisions": {"recording": True}}),
        409,
        "consent-needed",
    )
    refused(client.put("/consents", json={"version": "2020", "decisions": {}}), 409, "consent-outdated")
    unknown = {"version": version, "decisions": {"soul": True}}
    refused(client.put("/consents", json=unknown), 400, "unknown-purpose")


def test_refusing_the_recording_leads_to_a_person(alice: World) -> None:
    client = alice.candidate(alice.invite())
    assert consent(client, recording=False)["status"] == "human_route"
    refused(client.post("/start"), 409, "human-route")


def test_asking_for_a_person(client: httpx.Client) -> None:
    assert client.post("/human-route", json={"reason": "I stutter"}).json()["status"] == "human_route"
    refused(client.post("/questions/intro/open"), 409, "human-route")


def test_chunks_out_of_order_are_kept_and_the_gap_is_named(recording: httpx.Client) -> None:
    assert put(recording, 0, PIECES[0]).json() == {"next": 1, "missing": []}
    assert put(recording, 2, PIECES[2]).json() == {"next": 1, "missing": [1]}
    assert put(recording, 1, PIECES[1]).json() == {"next": 3, "missing": []}


def test_chunk_twice_is_acknowledged_again(recording: httpx.Client) -> None:
    for _ in range(3):
        assert put(recording, 0, PIECES[0]).json() == {"next": 1, "missing": []}
    [segment] = recording.get("/questions/intro/takes/1").json()["segments"]
    assert (segment["chunks"], segment["bytes"]) == (1, len(PIECES[0]))


def test_chunk_altered_is_refused_and_the_first_stays(recording: httpx.Client) -> None:
    put(recording, 0, PIECES[0])
    refused(put(recording, 0, b"something else"), 409, "chunk-altered")
    state = recording.get("/").json()
    body = {"segments": [{"chunks": 1, "head": chain(state, PIECES[:1]), "duration_ms": 1000}]}
    assert recording.post("/questions/intro/takes/1/finish", json=body).status_code == 200


def test_chunk_damaged_on_the_way_is_refused(recording: httpx.Client) -> None:
    answer = put(recording, 0, PIECES[0], **{"Content-Digest": digest(b"other bytes")})
    refused(answer, 422, "digest-mismatch")
    refused(put(recording, 0, PIECES[0], **{"Content-Digest": "md5=:AA==:"}), 400, "bad-digest")
    assert recording.get("/questions/intro/takes/1").json()["segments"][0]["chunks"] == 0


def test_chunk_too_large_or_empty_is_refused(recording: httpx.Client) -> None:
    refused(put(recording, 0, b"x" * (4 * 1024 * 1024 + 1)), 413, "chunk-too-large")
    refused(put(recording, 0, b""), 422, "empty-chunk")
    refused(put(recording, 999_999, PIECES[0]), 422, "bad-sequence")


def test_chunk_without_a_declared_length_is_bounded_too(recording: httpx.Client) -> None:
    """Sent piece by piece: what is over is refused while it comes, not after it has been kept."""
    for size, code in ((4 * 1024 * 1024 + 1, "chunk-too-large"), (40 * 1024 * 1024, "too-large")):
        pieces = (bytes(64 * 1024) for _ in range(-(-size // (64 * 1024))))
        path = "/questions/intro/takes/1/segments/0/chunks/0"
        refused(recording.put(path, content=pieces), 413, code)
    assert recording.get("/questions/intro/takes/1").json()["segments"][0]["chunks"] == 0


def test_recording_that_is_not_what_it_claims_is_refused(recording: httpx.Client) -> None:
    """Only the beginning can tell; what follows is held to it by the chain and the remux."""
    for content in (b"<!doctype html><script>alert(1)</script>", b"\0\0\0\x18ftypiso5", b"MZ" * 100):
        refused(put(recording, 0, content), 422, "content-mismatch")
    assert put(recording, 1, PIECES[1]).json() == {"next": 0, "missing": [0]}
    assert put(recording, 0, PIECES[0]).json() == {"next": 2, "missing": []}


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "", "video/quicktime"])
def test_kinds_that_no_recorder_makes_are_refused(recording: httpx.Client, content_type: str) -> None:
    put(recording, 0, PIECES[0])
    body = {"mode": "audio", "content_type": content_type}
    refused(recording.post("/questions/intro/takes", json=body), 422, "unknown-media-type")
    refused(recording.post("/questions/intro/takes/1/segments", json=body), 422, "unknown-media-type")


def test_chunk_of_another_interview_is_refused(alice: World, recording: httpx.Client) -> None:
    """Another candidate of the same tenant, with a link of their own, has no such take."""
    stranger = alice.candidate(alice.invite())
    consent(stranger)
    stranger.post("/start")
    refused(put(stranger, 0, PIECES[0]), 404, "no-such-take")
    assert recording.get("/questions/intro/takes/1").json()["segments"][0]["chunks"] == 0


def test_finish_names_what_is_missing_and_then_succeeds(recording: httpx.Client) -> None:
    put(recording, 0, PIECES[0])
    put(recording, 2, PIECES[2])
    state = recording.get("/").json()
    body = {"segments": [{"chunks": 3, "head": chain(state, PIECES), "duration_ms": 3000}]}
    document = refused(recording.post("/questions/intro/takes/1/finish", json=body), 409, "chunks-missing")
    assert document["missing"] == [{"segment": 0, "chunks": [1]}]
    put(recording, 1, PIECES[1])
    certificate = recording.post("/questions/intro/takes/1/finish", json=body).json()
    assert (certificate["chunks"], certificate["verified"]) == (3, True)
    assert certificate["heads"] == [chain(state, PIECES)]
    assert (
        recording.post("/questions/intro/takes/1/finish", json=body).json()["heads"] == certificate["heads"]
    )


def test_finish_with_another_chain_is_refused(recording: httpx.Client) -> None:
    put(recording, 0, PIECES[0])
    body = {"segments": [{"chunks": 1, "head": "0" * 64, "duration_ms": 1000}]}
    refused(recording.post("/questions/intro/takes/1/finish", json=body), 422, "chain-mismatch")


def test_nothing_is_added_after_the_finish(recording: httpx.Client) -> None:
    put(recording, 0, PIECES[0])
    state = recording.get("/").json()
    body = {"segments": [{"chunks": 1, "head": chain(state, PIECES[:1]), "duration_ms": 1000}]}
    recording.post("/questions/intro/takes/1/finish", json=body)
    refused(put(recording, 1, PIECES[1]), 409, "take-finished")


def test_recording_goes_on_as_a_new_segment(recording: httpx.Client) -> None:
    put(recording, 0, PIECES[0])
    added = recording.post("/questions/intro/takes/1/segments", json={"content_type": "audio/webm"})
    assert added.json() == {"number": 1}
    second = HEAD + PIECES[1]
    put(recording, 0, second, segment=1)
    state = recording.get("/").json()
    heads = [chain(state, PIECES[:1]), chain(state, [second], segment=1)]
    body = {"segments": [{"chunks": 1, "head": h, "duration_ms": 1000} for h in heads]}
    assert recording.post("/questions/intro/takes/1/finish", json=body).json()["heads"] == heads


def test_retakes_are_counted(recording: httpx.Client) -> None:
    take = {"mode": "audio", "content_type": "audio/webm"}
    same = recording.post("/questions/intro/takes", json=take).json()
    assert same["number"] == 1, "a take without a chunk is used again"
    put(recording, 0, PIECES[0])
    assert recording.post("/questions/intro/takes", json=take).json()["number"] == 2
    refused(put(recording, 1, PIECES[1]), 404, "no-such-take")
    put(recording, 0, PIECES[0], take=2)
    refused(recording.post("/questions/intro/takes", json=take), 409, "no-retakes-left")


def test_mode_that_the_question_does_not_allow(client: httpx.Client) -> None:
    client.post("/questions/intro/open")
    client.put("/questions/intro/text", json={"text": "我在门店服务台工作了八年，每天接待四十位顾客。"})
    client.post("/questions/angry-customer/open")
    answer = client.put("/questions/angry-customer/text", json={"text": "我想写下来。"})
    refused(answer, 422, "mode-not-allowed")


def test_text_has_bounds(client: httpx.Client) -> None:
    client.post("/questions/intro/open")
    refused(client.put("/questions/intro/text", json={"text": " \n"}), 422, "text-empty")
    refused(client.put("/questions/intro/text", json={"text": "长" * 6001}), 413, "text-too-long")


def test_unanswered_questions_are_told_before_handing_in(client: httpx.Client) -> None:
    document = refused(client.post("/submit", json={}), 409, "unanswered")
    assert len(document["questions"]) == 5
    assert client.post("/submit", json={"leave_unanswered": True}).json()["status"] == "submitted"
    refused(client.post("/questions/intro/open"), 409, "already-submitted")


def test_link_resumes_at_the_same_place_and_works_for_one_interview(alice: World) -> None:
    invitation = alice.invite()
    first, second = alice.candidate(invitation), alice.candidate(invitation)
    consent(first)
    first.post("/start")
    first.post("/questions/intro/open")
    state = second.get("/").json()
    assert (state["id"], state["current"]) == (first.get("/").json()["id"], "intro")


@pytest.mark.parametrize("token", ["x", "AAAA", "A" * 43, "*" * 43])
def test_malformed_link_is_refused_without_a_trace(alice: World, token: str) -> None:
    answer = alice.candidate({"token": token}).get("/")
    assert answer.status_code in (401, 404)
    assert alice.slug not in answer.text


def test_altered_link_is_refused(alice: World) -> None:
    token = alice.invite()["token"]
    for position in (0, 20, 40):
        swapped = "A" if token[position] != "A" else "B"
        altered = token[:position] + swapped + token[position + 1 :]
        refused(alice.candidate({"token": altered}).get("/"), 404, "bad-link")


def test_same_person_is_not_invited_twice(alice: World) -> None:
    body = {"name": "林晓", "email": "twice@candidate.example", "question_set": "complaint"}
    assert alice.api().post("/api/v1/invitations", json=body).status_code == 201
    refused(alice.api().post("/api/v1/invitations", json=body), 409, "already-invited")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/questions/intro/takes", {"mode": "smoke", "content_type": "audio/webm"}),
        ("/questions/intro/takes", {"mode": "audio"}),
        ("/questions/intro/takes/1/finish", {"segments": [{"chunks": -1, "head": "x", "duration_ms": 0}]}),
        ("/human-route", {"reason": "x" * 501}),
    ],
)
def test_nonsense_is_refused_with_the_place(recording: httpx.Client, path: str, body: dict[str, Any]) -> None:
    document = refused(recording.post(path, json=body), 400, "bad-request")
    assert any(
        word in document["detail"] for word in ("mode", "content_type", "segments", "reason", "chunks")
    )


def test_body_that_is_no_json(recording: httpx.Client) -> None:
    answer = recording.post(
        "/questions/intro/takes", content=b"{", headers={"Content-Type": "application/json"}
    )
    refused(answer, 400, "bad-request")


def test_errors_speak_the_readers_language(recording: httpx.Client) -> None:
    answer = recording.post("/submit", json={}, headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"})
    assert "没有回答" in answer.json()["detail"]


def test_expired_interview_is_closed(alice: World) -> None:
    from sqlalchemy import text

    from duilian.infra.database import Database
    from world import run

    invitation = alice.invite()
    client = alice.candidate(invitation)
    consent(client)
    client.post("/start")

    async def turn_the_clock() -> None:
        database = Database(alice.settings.database_url, 1)
        async with database.begin(alice.tenant_id) as session:
            statement = text("update interviews set deadline = now() - interval '1 minute' where id = :id")
            await session.execute(statement, {"id": UUID(invitation["interview"])})
        await database.close()

    run(turn_the_clock())
    refused(client.post("/questions/intro/open"), 410, "expired")
    assert client.get("/").json()["status"] == "expired"
