"""Interviews from the first answer to the report: what is heard, quoted, weighed and played back."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from duilian.platform.app.up import Stack
from playing import play, publish_written, report_of, shipped, spoken, written
from world import World, open_world

Document = dict[str, Any]
TIED_TO_THE_PERSON = ("interview", "candidate", "submitted_at")


@pytest.fixture(scope="module")
def shop(stack: Stack) -> World:
    return open_world(stack.settings)


@pytest.fixture(scope="module")
def plant(stack: Stack) -> World:
    return open_world(stack.settings, "manufacturing")


def interview_run(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`duilian interview run` as a person types it; only the settings file is in its environment."""
    command = [str(Path(sys.executable).with_name("duilian")), "interview", "run", "--tenant", world.slug]
    command += ["--url", world.url, "--api-key", world.api_key, *arguments]
    environment = {"PATH": os.defpath, "DUILIAN_SETTINGS": str(world.settings.data_dir / "env")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture(scope="module")
def strong(shop: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Document, Path]:
    """A spoken interview by the command line: its summary and the folder with what it wrote."""
    out = tmp_path_factory.mktemp("strong")
    folder = spoken("zh", "strong", "complaint")[0].parent
    done = interview_run(
        shop, "--set", "complaint", "--answers", str(folder), "--out", str(out), "--locale", "zh-CN", "--json"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), out


@pytest.fixture(scope="module")
def report(strong: tuple[Document, Path]) -> Document:
    return json.loads((strong[1] / "report.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def weak(shop: World) -> Document:
    return report_of(shop, play(shop, "complaint", spoken("zh", "weak", "complaint")))


def quotes(report: Document) -> list[tuple[Document, Document]]:
    """Each quote with the answer it stands in."""
    answers = {answer["key"]: answer for answer in report["answers"]}
    return [(e, answers[e["answer"]]) for c in report["competencies"] for e in c["evidence"]]


def content(report: Document) -> bytes:
    """The report without what is tied to the person, in canonical form."""
    kept = {name: value for name, value in report.items() if name not in TIED_TO_THE_PERSON}
    return json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()


def test_command_line_says_where_the_report_is(strong: tuple[Document, Path], report: Document) -> None:
    summary, out = strong
    assert summary == {
        "interview": report["interview"],
        "total": report["total"],
        "report_json": str(out / "report.json"),
        "report_pdf": str(out / "report.pdf"),
    }


def test_report_holds_every_answer_with_words_and_times(report: Document) -> None:
    questions = shipped("retail", "complaint").questions
    assert [answer["key"] for answer in report["answers"]] == [q.key for q in questions]
    for answer in report["answers"]:
        assert (answer["outcome"], answer["reason"]) == ("read", None)
        transcript, length = answer["transcript"], answer["quality"]["audio_seconds"]
        assert len(transcript["words"]) > 50
        starts = [word["start"] for word in transcript["words"]]
        assert starts == sorted(starts)
        for word in transcript["words"]:
            assert transcript["text"][word["offset"] :].startswith(word["text"])
            assert 0 <= word["start"] <= word["end"] <= length + 0.1
        assert answer["delivery"]["pace_unit"] == "characters/min"


def test_report_scores_every_competency_and_says_how_sure_it_is(report: Document) -> None:
    assert [c["key"] for c in report["competencies"]] == [
        c.key for c in shipped("retail", "complaint").competencies
    ]
    for competency in report["competencies"]:
        assert competency["outcome"] == "scored"
        assert competency["level"] in (1, 2, 3, 4, 5)
        assert 0 <= competency["score"] <= 10
        assert competency["standard_error"] > 0
        assert competency["provisional"] is True
        assert competency["evidence"]
        assert competency["anchor"]["zh-CN"]


def test_quotes_stand_in_the_answer_word_for_word_and_their_times_cover_them(report: Document) -> None:
    for quote, answer in quotes(report):
        text, first = answer["transcript"]["text"], quote["offset"]
        last = first + len(quote["quote"])
        assert text[first:last] == quote["quote"]
        words = [
            w
            for w in answer["transcript"]["words"]
            if w["offset"] < last and w["offset"] + len(w["text"]) > first
        ]
        assert quote["start"] == pytest.approx(min(w["start"] for w in words), abs=0.002)
        assert quote["end"] == pytest.approx(max(w["end"] for w in words), abs=0.002)
        assert quote["start"] < quote["end"]


def test_total_is_the_weighted_mean(report: Document) -> None:
    scored = report["competencies"]
    weights = sum(c["weight"] for c in scored)
    assert weights == 100 == report["total"]["weight_scored"]
    mean = sum(c["weight"] * c["score"] for c in scored) / weights
    assert report["total"]["score"] == pytest.approx(mean, abs=0.051)
    assert report["total"]["provisional"] is True


def test_report_names_the_versions_it_rests_on(report: Document) -> None:
    versions = report["versions"]
    assert versions["question_set"] == "complaint@1"
    assert re.fullmatch(r"[0-9a-f]{64}", versions["question_set_sha256"])
    assert {"consents", "report_format", "whisper-base"} < set(versions)


def test_pdf_says_the_same(strong: tuple[Document, Path], report: Document) -> None:
    file = strong[1] / "report.pdf"
    assert file.read_bytes().startswith(b"%PDF-")
    printed = "".join("".join(page.extract_text() for page in PdfReader(file).pages).split())
    assert f"{report['total']['score']}" in printed
    for quote, _ in quotes(report):
        assert "".join(quote["quote"].split()) in printed


def test_better_answers_get_higher_totals(shop: World, report: Document, weak: Document) -> None:
    medium = report_of(shop, play(shop, "complaint", spoken("zh", "medium", "complaint")))
    assert report["total"]["score"] > medium["total"]["score"] > weak["total"]["score"]
    for better, worse in zip(report["competencies"], weak["competencies"], strict=True):
        if worse["outcome"] == "scored":
            assert better["score"] > worse["score"]


def test_same_recordings_give_the_same_bytes(shop: World, weak: Document) -> None:
    again = report_of(shop, play(shop, "complaint", spoken("zh", "weak", "complaint")))
    assert again["interview"] != weak["interview"]
    assert content(again) == content(weak)
    assert again["sha256"] == weak["sha256"]


def test_written_interview_is_scored_in_english(plant: World) -> None:
    key = publish_written(plant, shipped("manufacturing", "fault-finding"))
    played = {
        quality: play(plant, key, written("fault-finding", quality, "en"), "en")
        for quality in ("strong", "medium", "weak")
    }
    reports = {quality: report_of(plant, interview) for quality, interview in played.items()}
    totals = [reports[quality]["total"]["score"] for quality in ("strong", "medium", "weak")]
    assert totals == sorted(totals, reverse=True)
    assert len(set(totals)) == 3
    for quote, answer in quotes(reports["strong"]):
        assert quote["quote"] in answer["transcript"]["text"]
        assert (quote["start"], quote["end"]) == (None, None)


def test_same_words_give_the_same_bytes(plant: World) -> None:
    key = publish_written(plant, shipped("manufacturing", "fault-finding"))
    one, two = (
        report_of(plant, play(plant, key, written("fault-finding", "medium", "en"), "en")) for _ in range(2)
    )
    assert content(one) == content(two)
    assert one["candidate"] != two["candidate"]


def test_command_line_needs_answers_and_a_key(shop: World, tmp_path: Path) -> None:
    empty = interview_run(shop, "--set", "complaint", "--answers", str(tmp_path))
    (tmp_path / "01.txt").write_text("有一次一个顾客来退衣服，我帮他办了退货。", "utf-8")
    unknown = interview_run(shop, "--set", "nowhere", "--answers", str(tmp_path))
    stranger = interview_run(
        shop, "--set", "complaint", "--answers", str(tmp_path), "--api-key", shop.weak_key
    )
    for refused, word in ((empty, "answer files"), (unknown, "nowhere"), (stranger, "refused")):
        assert refused.returncode == 1
        (line,) = refused.stderr.splitlines()
        assert line.startswith("duilian: ")
        assert word in line
