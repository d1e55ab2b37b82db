"""What any recogniser must keep to, for Whisper and for SenseVoice's format alike."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from duilian.infra.settings import Settings
from duilian.serving.contracts import SAMPLE_RATE, TranscribeRequest
from duilian.serving.loading import decoder_of
from duilian.serving.manifest import find
from duilian.serving.models import locate
from duilian.serving.steps.recognise import Decoder, Recogniser
from duilian.serving.steps.sense_voice import SenseVoice
from duilian.serving.steps.voice import VoiceActivity
from tiny_recogniser import write_recogniser

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> SenseVoice:
    folder = write_recogniser(tmp_path_factory.mktemp("sense"))
    return SenseVoice(folder, main="model.onnx", device="cpu", threads=2)


@pytest.fixture(scope="module", params=["whisper", "sense-voice"])
def decoder(request, models_dir) -> Decoder:
    if request.param == "sense-voice":
        return request.getfixturevalue("tiny")
    settings = Settings(models_dir=models_dir)
    return decoder_of(find("whisper-base"), locate(models_dir, "whisper-base")[0], settings)


@pytest.fixture(scope="module")
def windows(spoken) -> list[np.ndarray]:
    samples = spoken("zh/weak/complaint/01.webm").samples.astype(np.float32) / 32768
    return [
        samples[: 6 * SAMPLE_RATE],
        samples[6 * SAMPLE_RATE : 9 * SAMPLE_RATE],
        samples[: SAMPLE_RATE // 2],
    ]


def test_answers_come_in_order_and_do_not_depend_on_company(decoder, windows):
    together = decoder.decode(windows, "zh", [])
    assert together == [decoder.decode([window], "zh", [])[0] for window in windows]
    assert together == decoder.decode(windows[::-1], "zh", [])[::-1]
    assert together[0].words


def test_times_and_probabilities_are_those_of_the_window(decoder, windows):
    for window, decoded in zip(windows, decoder.decode(windows, "zh", []), strict=True):
        seconds = len(window) / SAMPLE_RATE
        assert all(0 <= w.start <= w.end <= seconds + 0.5 for w in decoded.words)
        assert all(a.start <= b.start for a, b in pairwise(decoded.words))
        assert all(0 <= w.probability <= 1 for w in decoded.words)
        assert 0 <= decoded.no_speech <= 1 and decoded.log_probability <= 0
        assert 0 < sum(decoded.languages.values()) <= 1.001


def test_no_windows_no_answers(decoder):
    assert decoder.decode([], "zh", []) == []


def test_a_transcript_holds_together(decoder, spoken):
    said = spoken("zh/weak/complaint/01.webm")
    recogniser = Recogniser(decoder, VoiceActivity(), {"m": "1"})
    heard = recogniser.transcribe(TranscribeRequest(audio=said.samples.tobytes(), language="zh"))
    assert heard.words and heard.versions == {"m": "1"} and heard.detected_language == "zh"
    assert all(heard.text[w.offset : w.offset + len(w.text)] == w.text for w in heard.words)


def tone(hertz: float, seconds: float) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE)).astype(
        np.float32
    )


def test_sense_voice_reads_what_the_model_says_and_when(tiny):
    """A low tone, a pause, a high hiss, by a model that calls them 低 and 高."""
    hiss = np.random.default_rng(1).standard_normal(SAMPLE_RATE).astype(np.float32) * 0.3
    window = np.concatenate([tone(200, 1.0), np.zeros(SAMPLE_RATE, np.float32), hiss])
    (decoded,) = tiny.decode([window], "zh", [])
    assert [word.text for word in decoded.words] == ["低", "高"]
    assert decoded.words[0].start < 0.2 and decoded.words[1].start == pytest.approx(2.0, abs=0.15)
    assert decoded.languages["zh"] > decoded.languages["en"] > 0
    assert tiny.decode([np.zeros(SAMPLE_RATE, np.float32)], "zh", [])[0].words == []


def test_features_are_of_the_shape_the_model_was_trained_on(tiny):
    assert tiny.features(tone(300, 1.0)).shape == (16, 560)
    assert tiny.features(tone(300, 0.03)).shape == (1, 560)
