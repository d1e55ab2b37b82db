"""A second voice, on spoken fixtures; the real detector says where somebody speaks."""

from __future__ import annotations

import time

import numpy as np
import pytest

from duilian.serving.audio import decode_audio
from duilian.serving.contracts import SAMPLE_RATE
from duilian.serving.second_voice import second_voice
from duilian.serving.steps.voice import VoiceActivity
from playing import SPEECH

pytestmark = pytest.mark.models
PAUSE = np.zeros(SAMPLE_RATE // 2, np.int16)
ALONE = sorted(str(path.relative_to(SPEECH)) for path in SPEECH.glob("*/*/complaint/*.webm"))


@pytest.fixture(scope="module")
def found():
    """Samples to the stretches in another voice."""
    voice = VoiceActivity()

    def look(samples: np.ndarray) -> list[tuple[float, float]]:
        spans = voice.listen(samples.astype(np.float32) / 32768).spans
        return second_voice(samples, [(span.start, span.end) for span in spans])

    return look


def interrupted(main: str, other: str) -> tuple[np.ndarray, float]:
    """Five seconds of another speaker in the middle of an answer, and when they begin."""
    whole, words = decode_audio(SPEECH / main), decode_audio(SPEECH / other)[: 5 * SAMPLE_RATE]
    middle = len(whole) // 2
    return np.concatenate([whole[:middle], PAUSE, words, PAUSE, whole[middle:]]), middle / SAMPLE_RATE + 0.5


@pytest.mark.parametrize(
    ("main", "other"),
    [
        ("zh/strong/complaint/01.webm", "zh/weak/complaint/01.webm"),
        ("zh/medium/complaint/01.webm", "zh/weak/complaint/01.webm"),
        ("zh/weak/complaint/01.webm", "zh/strong/complaint/04.webm"),
        ("zh/medium/complaint/02.webm", "zh/strong/complaint/04.webm"),
        ("zh/strong/complaint/01.webm", "zh/weak/complaint/03.webm"),
        ("zh/medium/complaint/03.webm", "zh/strong/complaint/02.webm"),
        ("zh/strong/complaint/03.webm", "en/weak/fault-finding/03.webm"),
    ],
)
def test_another_speaker_is_noticed_where_he_speaks(found, main, other):
    samples, begins = interrupted(main, other)
    spans = found(samples)
    assert spans[0][0] == pytest.approx(begins, abs=1.5)
    assert 2.5 <= sum(end - start for start, end in spans) <= 7


@pytest.mark.parametrize("path", ALONE)
def test_one_speaker_is_one_voice(found, path):
    assert found(decode_audio(SPEECH / path)) == []


def test_a_long_answer_takes_no_long_time(found):
    """Fourteen minutes of one speaker."""
    samples = np.tile(decode_audio(SPEECH / "zh/strong/complaint/05.webm"), 19)
    began = time.process_time()
    assert found(samples) == []
    assert time.process_time() - began < 40


def test_noise_and_nothing_are_no_voice(found):
    noise = (np.random.default_rng(7).standard_normal(5 * SAMPLE_RATE) * 300).astype(np.int16)
    assert found(noise) == [] == found(np.zeros(SAMPLE_RATE, np.int16))
    assert second_voice(np.zeros(0, np.int16), []) == []
