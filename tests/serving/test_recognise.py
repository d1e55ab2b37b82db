"""Speech recognition on real models: right words, honest times, nothing out of nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from duilian.infra.errors import BadRequest
from duilian.serving.contracts import SAMPLE_RATE, TranscribeRequest
from duilian.serving.errors import TooLong

pytestmark = pytest.mark.models
ZH = "zh/weak/complaint/01.webm"
EN = "en/weak/fault-finding/01.webm"
DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")


def edits(said: list[str], heard: list[str]) -> int:
    row = list(range(len(heard) + 1))
    for i, unit in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (unit != other))
    return row[-1]


def units(text: str, language: str) -> list[str]:
    if language == "en":
        return re.findall(r"[\w']+", text.lower())
    return list(re.sub(r"[\W_]", "", text.translate(DIGITS)))


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        (ZH, 0.10),
        ("zh/weak/complaint/05.webm", 0.15),
        ("zh/medium/complaint/05.webm", 0.10),
        (EN, 0.05),
        ("en/weak/fault-finding/03.webm", 0.05),
        ("en/weak/fault-finding/04.webm", 0.05),
    ],
)
def test_the_words_are_right(path, limit, spoken, hear):
    said = spoken(path)
    heard = hear(said.samples, said.language)
    expected = units(said.text, said.language)
    assert edits(expected, units(heard.text, said.language)) / len(expected) <= limit
    assert heard.confidence > 0.6
    assert heard.detected_language == said.language
    assert heard.repetition < 2.4


@pytest.mark.parametrize("path", [ZH, "zh/medium/complaint/02.webm", "en/weak/fault-finding/02.webm"])
def test_every_word_and_sentence_stands_where_it_says(path, spoken, hear):
    said = spoken(path)
    heard = hear(said.samples, said.language)
    assert heard.words
    at = 0
    for word in heard.words:
        assert heard.text[word.offset : word.offset + len(word.text)] == word.text
        assert heard.text[at : word.offset].strip() == ""
        at = word.offset + len(word.text)
    assert at == len(heard.text)
    held = []
    for sentence in heard.sentences:
        assert heard.text[sentence.offset : sentence.offset + sentence.length] == sentence.text
        assert sentence.start == heard.words[sentence.first_word].start
        assert sentence.end == heard.words[sentence.last_word].end
        held += range(sentence.first_word, sentence.last_word + 1)
    assert held == list(range(len(heard.words)))


def test_times_rise_and_follow_the_audio(spoken, hear, silence):
    said = spoken(EN)
    plain = hear(said.samples, "en")
    assert all(0 <= w.start < w.end <= plain.audio_seconds for w in plain.words)
    assert all(a.start <= b.start for a, b in pairwise(plain.words))
    moved = hear(np.concatenate([silence(3.0), said.samples]), "en")
    assert [w.text for w in moved.words] == [w.text for w in plain.words]
    shifts = [after.start - before.start for before, after in zip(plain.words, moved.words, strict=True)]
    assert max(abs(shift - 3.0) for shift in shifts) < 0.2


def test_no_word_lies_in_a_pause(spoken, hear, silence):
    first, second = spoken(ZH).samples, spoken("zh/weak/complaint/03.webm").samples
    heard = hear(np.concatenate([first, silence(4.0), second]))
    begin, end = len(first) / SAMPLE_RATE, len(first) / SAMPLE_RATE + 4.0
    assert not [w for w in heard.words if w.start > begin + 0.3 and w.end < end - 0.3]
    assert max(w.end - w.start for w in heard.words) < 1.5
    assert heard.delivery.longest_pause > 3.5
    assert any(s.end <= begin + 0.3 for s in heard.sentences) and any(
        s.start >= end - 0.3 for s in heard.sentences
    )


def test_the_same_audio_gives_the_same_bytes(spoken, hear):
    said = spoken("zh/weak/complaint/02.webm")
    assert msgspec.msgpack.encode(hear(said.samples)) == msgspec.msgpack.encode(hear(said.samples))


def test_who_else_is_speaking_does_not_change_a_byte(spoken, hear):
    """Windows of several interviews are decoded together; each keeps the words it has alone."""
    names = ["zh/weak/complaint/02.webm", "zh/weak/complaint/03.webm", ZH, "zh/weak/complaint/04.webm"]
    alone = [msgspec.msgpack.encode(hear(spoken(name).samples)) for name in names]
    with ThreadPoolExecutor(len(names)) as pool:
        together = list(pool.map(lambda name: msgspec.msgpack.encode(hear(spoken(name).samples)), names))
    assert together == alone


@pytest.mark.parametrize("threads", ["1", "3"])
def test_the_number_of_threads_does_not_change_a_byte(threads, spoken, hear, models_dir):
    """Another process, with other libraries' thread counts set too: sums must not depend on how work is split."""
    said = spoken("zh/medium/complaint/04.webm")
    command = "from duilian.serving.cli import transcribe; transcribe()"
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "DUILIAN_CPU_THREADS"), threads)
    result = subprocess.run(
        [sys.executable, "-c", command, str(said.path), "--json", "--models-dir", str(models_dir)],
        env={**os.environ, **limits},
        capture_output=True,
        check=True,
    )
    assert result.stdout.strip() == msgspec.json.encode(hear(said.samples))


def test_chinese_is_simplified(spoken, hear):
    heard = hear(spoken("zh/medium/complaint/01.webm").samples)
    assert not set(heard.text) & set("個們這來說對還過後沒東時間顧覺")


def test_vocabulary_is_listened_for(spoken, hear):
    said = spoken("zh/medium/complaint/03.webm")
    plain, helped = hear(said.samples), hear(said.samples, vocabulary=["优惠券", "收银"])
    assert "优惠券" in helped.text and "收银" in helped.text
    assert not ("优惠券" in plain.text or "收银" in plain.text), "the fixture no longer shows a difference"


def test_a_long_vocabulary_is_cut_and_harmless(spoken, hear):
    said = spoken(EN)
    heard = hear(said.samples, "en", [f"term number {n}" for n in range(500)])
    assert "Kevin" in heard.text and "term number" not in heard.text


def test_another_language_is_noticed(spoken, hear):
    heard = hear(spoken("hard/other_language.webm").samples)
    assert heard.detected_language == "es"
    assert heard.detected_probability > 0.8


def test_one_word(spoken, hear):
    heard = hear(spoken("hard/one_word.webm").samples)
    assert len(heard.text) <= 4
    assert 0 < heard.speech_seconds < 2


def noises() -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    count = 12 * SAMPLE_RATE
    seconds = np.arange(count) / SAMPLE_RATE
    spectrum = np.fft.rfft(random.standard_normal(count))
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)))
    beat = 1 + 0.5 * np.sin(2 * np.pi * 2 * seconds)
    tunes = random.choice([262, 294, 330, 349, 392, 440], 48)
    return {
        "silence": np.zeros(count),
        "white noise": 0.1 * random.standard_normal(count),
        "pink noise": 0.3 * pink / np.abs(pink).max(),
        "a tone": 0.3 * np.sin(2 * np.pi * 440 * seconds),
        "chords": 0.1 * beat * sum(np.sin(2 * np.pi * f * seconds) for f in (261.6, 329.6, 392.0, 523.2)),
        "a melody": np.concatenate([0.3 * np.sin(2 * np.pi * f * seconds[: count // 48]) for f in tunes]),
        "clicks": (np.arange(count) % 8000 < 40) * 0.8,
        "nothing": np.zeros(0),
    }


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", list(noises()))
def test_nothing_comes_out_of_nothing(name, language, hear):
    heard = hear(noises()[name], language)
    assert (heard.text, heard.words, heard.sentences, heard.confidence) == ("", [], [], 0.0)
    assert heard.no_speech_probability == 1.0
    assert heard.delivery.pace == 0


def test_too_long_and_malformed_audio_are_refused(recogniser):
    with pytest.raises(TooLong):
        recogniser.transcribe(TranscribeRequest(audio=bytes(2 * SAMPLE_RATE * 901), language="zh"))
    with pytest.raises(BadRequest):
        recogniser.transcribe(TranscribeRequest(audio=b"abc", language="zh"))


def test_only_what_is_said_again_at_once_counts_as_repetition(spoken, hear, silence):
    long = np.concatenate([spoken(f"zh/medium/complaint/0{n}.webm").samples for n in (1, 2, 3)])
    assert 0 < hear(long).repetition < 2.4
    short = spoken("en/weak/fault-finding/04.webm").samples
    assert hear(np.tile(short, 4), "en").repetition > 2.4


def test_a_quiet_and_a_noisy_voice(spoken, hear):
    said = spoken("zh/weak/complaint/03.webm").samples / 32768
    noise = np.random.default_rng(3).standard_normal(len(said))
    clear, quiet, noisy = hear(said), hear(said * 0.1), hear(said + 0.02 * noise)
    assert quiet.loudness_dbfs == pytest.approx(clear.loudness_dbfs - 20, abs=1.5)
    assert clear.signal_to_noise_db > noisy.signal_to_noise_db + 10
