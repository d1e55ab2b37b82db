"""What cannot be scored gets a reason and never a number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sounds
from duilian.platform.app.up import Stack
from ledger import counts
from playing import SPEECH, Part, play, publish_written, report_of, shipped, spoken
from world import World, open_world

Document = dict[str, Any]
HARD, GOOD = SPEECH / "hard", spoken("zh", "medium", "complaint")
TWO_HOURS = 7200.0
READ_BACK = shipped("retail", "complaint").questions[2].text
SPANISH = (
    "Un día vino un señor muy enfadado porque su mesa había llegado rota, y le pedí disculpas enseguida."
)

# Where each part stands, the questions in order, with the reason that is expected.
Batch = list[tuple[str, Callable[[Path], Part], str]]
SOUNDS: Batch = [
    ("silence", lambda at: sounds.write_wav(at / "silence.wav", sounds.silence(20)), "silence"),
    ("noise", lambda at: sounds.write_wav(at / "noise.wav", sounds.noise(20)), "silence"),
    ("music", lambda at: sounds.write_wav(at / "music.wav", sounds.music(20)), "silence"),
    ("tone", lambda at: sounds.write_wav(at / "tone.wav", sounds.tone(20)), "silence"),
    ("one word", lambda _: HARD / "one_word.webm", "too-little-speech"),
]
WORDS: Batch = [
    ("question read back", lambda _: HARD / "read_back.webm", "question-read-back"),
    ("Spanish", lambda _: HARD / "other_language.webm", "wrong-language"),
    ("English", lambda _: spoken("en", "weak", "fault-finding")[1], "wrong-language"),
    (
        "one word on and on",
        lambda at: sounds.write_looped(at / "loop.webm", HARD / "one_word.webm", 30),
        "too-little-speech",
    ),
    (
        "two hours",
        lambda at: sounds.write_looped(at / "hours.webm", HARD / "one_word.webm", TWO_HOURS),
        "too-long",
    ),
]
FILES: Batch = [
    ("empty file", lambda at: file(at / "empty.webm", b""), "empty-recording"),
    ("no media at all", lambda at: file(at / "words.webm", b"this is no recording " * 500), "broken-media"),
    ("header only", lambda at: file(at / "head.webm", GOOD[0].read_bytes()[:200]), "broken-media"),
    ("beginning lost", lambda at: file(at / "tail.webm", GOOD[0].read_bytes()[3000:]), "broken-media"),
    ("picture without sound", lambda at: sounds.write_mute_video(at / "mute.webm", 8), "broken-media"),
]
WRITTEN: Batch = [
    ("written in Spanish", lambda _: SPANISH, "wrong-language"),
    ("one word written", lambda _: "好的。", "too-little-speech"),
    ("question copied", lambda _: READ_BACK["zh-CN"], "question-read-back"),
    ("question copied in English", lambda _: READ_BACK["en"], "wrong-language"),
    ("signs", lambda _: "……？！ 12345 ###", "too-little-speech"),
]
BATCHES = {"sounds": SOUNDS, "words": WORDS, "files": FILES, "written": WRITTEN}


def file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    return open_world(stack.settings)


@pytest.fixture(scope="module")
def reports(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Document]:
    """One interview per batch, all handed in before the first report is waited for."""
    at = tmp_path_factory.mktemp("hard")
    publish_written(world, shipped("retail", "complaint"))
    handed_in = {
        name: play(world, _set_of(name), [make(at) for _, make, _ in batch])
        for name, batch in BATCHES.items()
    }
    return {name: report_of(world, interview) for name, interview in handed_in.items()}


def _set_of(batch: str) -> str:
    return "complaint-written" if batch == "written" else "complaint"


def numbers(document: Document) -> Iterator[tuple[str, object]]:
    """Whatever could be taken for a result."""
    for name in ("score", "standard_error", "level"):
        if document.get(name) is not None:
            yield name, document[name]


@pytest.mark.parametrize(
    ("batch", "position"),
    [
        pytest.param(batch, i, id=part[0].replace(" ", "-"))
        for batch, parts in BATCHES.items()
        for i, part in enumerate(parts)
    ],
)
def test_hard_input_cannot_be_scored(reports: dict[str, Document], batch: str, position: int) -> None:
    answer, expected = reports[batch]["answers"][position], BATCHES[batch][position][2]
    assert answer["outcome"] == "cannot_be_scored"
    assert answer["reason"]["code"] == expected
    assert (answer["star"], answer["on_topic"]) == (None, None)


@pytest.mark.parametrize("batch", BATCHES)
def test_interview_of_hard_inputs_has_no_number(reports: dict[str, Document], batch: str) -> None:
    report = reports[batch]
    assert report["total"]["outcome"] == "cannot_be_scored"
    assert report["total"]["weight_scored"] == 0
    assert [r["code"] for r in report["total"]["reasons"]] == ["too-few-scored"]
    assert list(numbers(report["total"])) == []
    for competency in report["competencies"]:
        assert competency["outcome"] == "cannot_be_scored"
        assert competency["reasons"]
        assert list(numbers(competency)) == []
        assert (competency["evidence"], competency["anchor"]) == ([], None)


def test_interview_without_a_total_is_not_charged_and_can_be_read(
    world: World, reports: dict[str, Document]
) -> None:
    with world.api() as staff:
        for report in reports.values():
            pdf = staff.get(f"/api/v1/interviews/{report['interview']}/report.pdf")
            assert pdf.content.startswith(b"%PDF-")
            assert counts(world, report["interview"])["usage"] == 0


def test_recording_with_a_torn_end_is_still_heard(world: World, tmp_path: Path) -> None:
    """A recorder that was killed leaves a torn last block; what came before it counts."""
    whole = GOOD[0].read_bytes()
    torn = file(tmp_path / "torn.webm", whole[: len(whole) * 2 // 3 + 7])
    answer = report_of(world, play(world, "complaint", [torn]))["answers"][0]
    assert answer["outcome"] == "read"
    assert len(answer["transcript"]["text"]) > 30
