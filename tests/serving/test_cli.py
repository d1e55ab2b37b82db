"""The commands: what they print, and one clear line where they cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from duilian.serving.cli import models, transcribe

pytestmark = pytest.mark.models
SPEECH = Path(__file__).parents[1] / "fixtures" / "speech"
WEAK = SPEECH / "en" / "weak" / "fault-finding" / "01.webm"


def run(command, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments])


def test_transcribe_prints_json(models_dir):
    result = run(transcribe, WEAK, "--language", "en", "--json", "--models-dir", models_dir)
    assert result.exit_code == 0, result.output
    heard = json.loads(result.stdout)
    assert "Kevin" in heard["text"] and heard["confidence"] > 0.6
    assert {"text", "start", "end", "probability", "offset"} <= set(heard["words"][0])


def test_transcribe_prints_lines(models_dir):
    result = run(transcribe, WEAK, "--language", "en", "--models-dir", models_dir)
    assert result.exit_code == 0
    assert "Kevin" in result.stdout.splitlines()[0] and "confidence" in result.stdout.splitlines()[-1]


@pytest.fixture
def broken(tmp_path) -> dict[str, Path]:
    (tmp_path / "garbage.webm").write_bytes(b"\x1aE\xdf\xa3 nonsense" * 100)
    (tmp_path / "empty.wav").write_bytes(b"")
    return {
        "garbage": tmp_path / "garbage.webm",
        "empty": tmp_path / "empty.wav",
        "missing": tmp_path / "no.wav",
    }


@pytest.mark.parametrize(
    ("which", "words"), [("garbage", "cannot be read"), ("empty", "0 bytes"), ("missing", "no such file")]
)
def test_a_file_that_cannot_be_read_is_one_line(which, words, broken, models_dir):
    result = run(transcribe, broken[which], "--models-dir", models_dir)
    assert result.exit_code == 1 and result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert words in line


def test_an_unknown_language_and_missing_models(tmp_path):
    assert run(transcribe, WEAK, "--language", "fr").exit_code == 2
    result = run(transcribe, WEAK, "--models-dir", tmp_path)
    assert result.exit_code == 1 and "duilian models pull" in result.stderr


def test_models_list_and_verify(models_dir, tmp_path):
    listed = json.loads(run(models, "list", "--json", "--models-dir", models_dir).stdout)
    assert {row["model"] for row in listed if row["version"]} >= {"whisper-base", "face-detection"}
    assert run(models, "verify", "--models-dir", models_dir).exit_code == 0
    failed = run(models, "verify", "whisper-base", "--models-dir", tmp_path)
    assert failed.exit_code == 1 and "whisper-base" in failed.stderr


def test_models_pull_an_unknown_one():
    result = run(models, "pull", "whisper-gigantic")
    assert result.exit_code == 1 and "Known models" in result.stderr
