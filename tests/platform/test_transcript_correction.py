"""A candidate corrects a transcript: what it changes, what it may not change, and what the reviewer sees of it."""

from __future__ import annotations

import io
import re
from typing import Any
from uuid import UUID

import msgspec
import pytest
from pypdf import PdfReader
from sqlalchemy import select, text

from duilian.infra.database import TenantSession
from duilian.infra.objects import ObjectStore
from duilian.infra.settings import Settings
from duilian.platform.app.up import Stack
from duilian.platform.console import report_view
from duilian.platform.scoring import correction
from duilian.platform.scoring.heads import HeadShelf
from duilian.platform.scoring.models import Analysis, TranscriptCorrection
from duilian.platform.sessions.models import Answer
from duilian.serving.contracts import Delivery, Sentence, Transcript, Word
from duilian.serving.loading import load_embedder
from duilian.tenants.keyring import keys_of
from finished import Finished, hand_in, until
from heads import head_artefact
from inside import within
from playing import SPEECH, publish_set, report_of, shipped
from world import World, open_world

Document = dict[str, Any]
SILENT = Delivery(
    pace=0,
    pace_unit="",
    articulation_pace=0,
    pauses=0,
    pause_seconds=0,
    longest_pause=0,
    fillers=0,
    filler_words={},
)


def heard(text_: str, *sentences: str) -> Transcript:
    """Each character a word of a fifth of a second."""
    words = [
        Word(text=c, start=i / 5, end=(i + 1) / 5, probability=0.9, offset=i)
        for i, c in enumerate(text_)
        if c != " "
    ]
    found = [
        Sentence(text=s, offset=text_.index(s), length=len(s), start=0, end=0, first_word=0, last_word=0)
        for s in sentences or (text_,)
    ]
    return Transcript(
        text=text_, language="zh", words=words, sentences=found, confidence=0.9, detected_language="zh",
        detected_probability=1, audio_seconds=9, speech_seconds=8, loudness_dbfs=-20, signal_to_noise_db=30,
        no_speech_probability=0, repetition=1, delivery=SILENT, versions={},
    )  # fmt: skip


def test_words_that_stay_keep_their_times_and_new_ones_have_none() -> None:
    before = heard("顾客说衣福掉色了，我马上道歉。", "顾客说衣福掉色了，", "我马上道歉。")
    after = correction.corrected_transcript(before, "顾客说新衣服掉色了，我马上道歉。")
    assert all(after.text[w.offset : w.offset + len(w.text)] == w.text for w in after.words)
    assert "".join(w.text for w in after.words) == "顾客说衣掉色了，我马上道歉。"
    times = {w.text: w.start for w in before.words}
    assert all(w.start == times[w.text] for w in after.words)
    assert [s.text for s in after.sentences] == ["顾客说新衣服掉色了，", "我马上道歉。"]
    assert all(after.text[s.offset : s.offset + s.length] == s.text for s in after.sentences)
    assert after.sentences[1].start == times["我"] and after.audio_seconds == before.audio_seconds


def test_the_difference_puts_both_texts_together_again() -> None:
    was, now = "then we red the manual twice", "then we read the whole manual"
    pieces = correction.blocks(was, now)
    assert "".join(was[a:b] for _, a, b, _, _ in pieces) == was
    assert "".join(now[c:d] for *_, c, d in pieces) == now
    assert next((c["heard"], c["corrected"].strip()) for c in correction.changes(was, now)) == ("red", "read")


@pytest.mark.parametrize(
    ("was", "now", "share"),
    [
        ("一二三四五六七八九十", "一二三四五六七八九十", 0.0),
        ("一二三四五六七八九十", "一二，三四五。六七八九十！", 0.0),
        ("一二三四五六七八九十", "一二三四五六七八九百", 0.1),
        ("一二三四五六七八九十", "一二三四五", 0.5),
        ("one two three four", "one two three four five", 0.2),
        ("一二三", "", 1.0),
    ],
)
def test_share_that_was_changed(was: str, now: str, share: float) -> None:
    assert correction.changed_share(was, now) == pytest.approx(share)


def test_an_answer_cannot_be_made_another_one() -> None:
    with pytest.raises(correction.CorrectionTooLarge):
        correction.check(
            "我没有做过这样的事情，也不知道怎么办。" * 3, "我先道歉，再了解情况，最后给顾客换货并跟进。" * 3
        )
    with pytest.raises(correction.CorrectionTooLarge):
        correction.check("一二三四五六七八九十", "一二三四五六七八九十" + "我做得非常好" * 3)
    assert correction.check("好的", "是的") == 0.5, "a few characters are free, however short the answer"


def test_a_report_of_an_earlier_format_is_still_read() -> None:
    old = {"format": 2, "answers": [{"key": "intro"}], "competencies": []}
    assert report_view.whole(old)["answers"] == [
        {"key": "intro", "steps": [], "correction": None, "procedure": None}
    ]
    assert old["answers"] == [{"key": "intro"}], "what is stored stays as it was"


# --- on the running platform ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    return open_world(stack.settings)


@pytest.fixture(scope="module")
def spoken_set(world: World) -> str:
    found = shipped("retail", "complaint")
    question = msgspec.structs.replace(found.questions[1], competencies=[c.key for c in found.competencies])
    return publish_set(world, msgspec.structs.replace(found, key="one-spoken", questions=[question]))


@pytest.fixture(scope="module")
def spoken(world: World, spoken_set: str) -> tuple[Finished, Document]:
    """One answer, and the report on it as it was heard."""
    finished = hand_in(world, [SPEECH / "zh/strong/complaint/02.webm"], spoken_set)
    return finished, report_of(world, finished.id)


def shown(finished: Finished) -> Document:
    return finished.api.get("/transcripts").raise_for_status().json()


def put(finished: Finished, key: str, text_: str) -> Any:
    return finished.api.put(f"/transcripts/{key}", json={"text": text_})


def rescored(finished: Finished) -> Document:
    until(lambda: shown(finished), lambda d: not any(line["scoring"] for line in d["answers"]))
    return report_of(finished.world, finished.id)


def put_in_force(world: World, competency: str, level: float | None) -> None:
    """A model of the tenant's own that always gives one level, or none any more."""

    async def go(session: TenantSession) -> None:
        shelf, sha256 = HeadShelf(ObjectStore(world.settings), keys_of(session)), None
        if level is not None:
            embedder = load_embedder(Settings(models_dir=world.settings.models_dir)).step
            sha256 = await shelf.put(head_artefact(embedder, level, competency))
        await shelf.put_in_force(competency, sha256)

    within(world, go)


def test_a_correction_is_scored_and_shown(spoken: tuple[Finished, Document]) -> None:
    """As every answer is: by the tenant's own model, where one is in force by now."""
    finished, first = spoken
    own = next(c for c in first["competencies"] if c["outcome"] == "scored")
    level = 1 if own["level"] > 2 else 5
    put_in_force(finished.world, own["key"], level)
    (line,) = shown(finished)["answers"]
    quote = first["competencies"][0]["evidence"] or first["competencies"][1]["evidence"]
    said = quote[0]["quote"]
    fixed = line["heard"].replace(said, "其实" + said, 1)
    answer = put(finished, line["key"], fixed)
    assert answer.status_code == 200 and answer.json()["changes"] == [
        {"heard": "", "corrected": "其实", "offset": fixed.index("其实" + said)}
    ]
    report = rescored(finished)
    put_in_force(finished.world, own["key"], None)
    assert report["revision"] == 2 and first["revision"] == 1
    assert f"head:{own['key']}" in report["versions"] and f"head:{own['key']}" not in first["versions"]
    assert next(c["level"] for c in report["competencies"] if c["key"] == own["key"]) == level
    found = report["answers"][0]
    assert found["transcript"]["text"] == fixed and found["correction"]["heard"] == line["heard"]
    quotes = [e for c in report["competencies"] for e in c["evidence"]]
    assert quotes
    for e in quotes:
        assert fixed[e["offset"] : e["offset"] + len(e["quote"])] == e["quote"], (
            "quotes rest on the corrected text"
        )
    assert any(e["start"] is not None and e["end"] > e["start"] for e in quotes), "and play where words align"


def test_the_reviewer_sees_that_and_what(spoken: tuple[Finished, Document]) -> None:
    finished, _ = spoken
    office = finished.world.console("recruiter")
    page = office.get(f"/console/interviews/{finished.id}").text
    assert "Corrected by the candidate." in page and "As it was heard:" in page
    assert re.search(r"<ins>.*其实.*</ins>", page)
    pdf = office.get(f"/console/interviews/{finished.id}/report.pdf").content
    assert "scored on the corrected text" in "".join(
        p.extract_text() for p in PdfReader(io.BytesIO(pdf)).pages
    )


def test_original_and_every_correction_are_kept(spoken: tuple[Finished, Document]) -> None:
    finished, first = spoken
    key = first["answers"][0]["key"]
    original = first["answers"][0]["transcript"]["text"]
    assert put(finished, key, original).status_code == 200, "back to what was heard"
    report = rescored(finished)
    assert report["answers"][0]["transcript"]["text"] == original
    assert report["competencies"] == first["competencies"], "the same text gives the same scores"

    async def rows(session: TenantSession) -> list[tuple[int, str, bool]]:
        found = await session.scalars(select(TranscriptCorrection).order_by(TranscriptCorrection.number))
        return [(r.number, r.original, r.scored_at is not None) for r in found]

    assert within(finished.world, rows) == [(1, original, True), (2, original, True)]

    async def transcript(session: TenantSession) -> str:
        query = select(Analysis).join(Answer, Answer.id == Analysis.answer_id)
        row = (await session.scalars(query.where(Answer.interview_id == UUID(finished.id)))).one()
        return row.transcript["text"]

    assert within(finished.world, transcript) == original


def test_abuse_is_refused_and_nothing_typed_is_lost(spoken: tuple[Finished, Document]) -> None:
    finished, first = spoken
    key = first["answers"][0]["key"]
    refused = put(finished, key, "我每次都做得非常好，得到了所有人的表扬。" * 9)
    assert (refused.status_code, refused.json()["code"]) == (422, "correction-too-large")
    assert put(finished, key, "  ").json()["code"] == "correction-empty"
    assert put(finished, "none", "x").json()["code"] == "no-transcript"
    page = finished.page.post(f"/transcript/{key}", data={"text": "完全不同的话" * 9})
    assert page.status_code == 422 and "完全不同的话" in page.text and 'aria-invalid="true"' in page.text
    good = shown(finished)["answers"][0]["text"].replace("。", "！", 1)
    assert finished.page.post(f"/transcript/{key}", data={"text": good}).status_code == 303
    rescored(finished)
    for n in range(2):
        put(finished, key, good + "！" * (n + 1))
        rescored(finished)
    assert put(finished, key, good + "。").json()["code"] == "too-many-corrections"
    assert shown(finished)["answers"][0]["left"] == 0


def test_what_is_kept_goes_with_the_consent(world: World, spoken_set: str) -> None:
    finished = hand_in(world, [SPEECH / "zh/weak/complaint/02.webm"], spoken_set)
    report_of(world, finished.id)
    (line,) = shown(finished)["answers"]
    put(finished, line["key"], line["heard"] + "了")
    finished.api.post("/my-data/withdrawals", json={"purpose": "scoring"}).raise_for_status()

    async def left(session: TenantSession) -> int:
        query = text(
            "select count(*) from transcript_corrections c join answers a on a.id = c.answer_id where a.interview_id = :i"
        )
        return int((await session.execute(query, {"i": UUID(finished.id)})).scalar_one())

    assert within(world, left) == 0
    assert shown(finished)["answers"] == []


def test_the_time_is_over_when_the_policy_says_or_somebody_decides(world: World, spoken_set: str) -> None:
    finished = hand_in(world, [SPEECH / "zh/weak/complaint/03.webm"], spoken_set)
    report_of(world, finished.id)
    (line,) = shown(finished)["answers"]
    office = world.console("recruiter")
    page = office.get(f"/console/interviews/{finished.id}").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)[1]  # type: ignore[index]
    form = {"csrf": csrf, "outcome": "hold", "reason": "to be compared"}
    assert shown(finished)["open"]
    assert office.post(f"/console/interviews/{finished.id}/decision", data=form).status_code == 303
    assert not shown(finished)["open"]
    assert put(finished, line["key"], line["heard"] + "了").json()["code"] == "correction-closed"
    closed = open_world(world.settings)
    admin = closed.console("admin")
    csrf = re.search(r'name="csrf" value="([^"]+)"', admin.get("/console/policy").text)[1]  # type: ignore[index]
    places = {"csrf": csrf, "media": "", "records": "", "notice": "", "correction": "0"}
    assert admin.post("/console/policy/periods", data=places | {"correction": "169"}).status_code == 422
    assert admin.post("/console/policy/periods", data=places).status_code == 303
    other = hand_in(closed, ["我先道歉，然后了解情况，最后给顾客换货。"] * 5)
    state = shown(other)
    assert state["open"] is False and state["until"] is None
