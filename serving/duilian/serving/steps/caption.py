"""Captions (实时字幕): what is being said, told while it is said. For reading along only; the transcript of an answer
comes from the full pass over the whole recording (recognise.py).

Stateless: the caller sends the sound since the last cut together with the words of it that stand already. Decoding
goes on behind these words, so what was shown as settled is never decoded again and cannot change. Greedy, without
word times, on a model of its own, so that a long transcription under way does not make captions wait.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens
from numpy.typing import NDArray

from duilian.infra.errors import BadRequest
from duilian.serving.contracts import SAMPLE_RATE, Caption, CaptionRequest, Language
from duilian.serving.steps.chinese import PROMPT, simplified
from duilian.serving.steps.features import LogMel
from duilian.serving.steps.voice import FRAME, Voice, VoiceActivity
from duilian.serving.steps.whisper import compression_ratio

LONGEST = 30.0  # seconds of sound in one call
SHORTEST_VOICE = 0.3  # seconds of speech below which nothing is said yet
TAIL = 60  # frames of silence (10 ms each) behind the sound
TOKENS_PER_SECOND, TOKENS_SPARE = 9, 4
NO_SPEECH, UNLIKELY, LOOP = 0.6, -1.0, 2.4  # as in Radford et al. 2022
PROMPT_TOKENS = 60
ALIGN_FROM = 8.0  # seconds of sound from which it matters when the settled words end
POSITION = 0.02  # seconds between two positions of the encoder
# Whisper learned Chinese with narrow marks; wide ones it spells byte by byte and gets lost.
NARROW = str.maketrans("，？！：；", ",?!:;")
_LOOP = re.compile(r"(.{5,}?)\1+|(.)\2{7,}")
STARTS = {"zh": PROMPT, "en": ""}


class Captioner:
    """Not safe for threads: one call at a time. Loading raises if the folder's files are no CTranslate2 Whisper."""

    def __init__(
        self, folder: Path, voice: VoiceActivity, versions: dict[str, str], *, device: str, compute_type: str
    ) -> None:
        self._faster = WhisperModel(
            str(folder), device=device, compute_type=compute_type, cpu_threads=1, num_workers=1
        )
        extractor = self._faster.feature_extractor
        self._features = LogMel(extractor.mel_filters, extractor.n_fft, extractor.hop_length)
        self._voice, self._versions = voice, versions
        self._tokenizers: dict[Language, Tokenizer] = {
            "zh": self._tokenizer("zh"),
            "en": self._tokenizer("en"),
        }

    def caption(self, request: CaptionRequest) -> Caption:
        """Raises BadRequest on half samples or more than half a minute."""
        samples = _samples(request.audio)
        seconds = len(samples) / SAMPLE_RATE
        voice = self._voice.listen(samples)
        spoken = voice.speech_seconds >= SHORTEST_VOICE
        text, until = self._continued(samples, request) if spoken else ("", 0.0)
        return Caption(
            text=text,
            settled_until=round(until, 3),
            speech_seconds=round(voice.speech_seconds, 2),
            silence=round(_silence(voice, seconds), 2),
            quietest=_quietest(voice, seconds, until),
            versions=self._versions,
        )

    def _continued(self, samples: NDArray[np.float32], request: CaptionRequest) -> tuple[str, float]:
        """The words behind those that stand, "" where they are a guess; and when those that stand end."""
        tokenizer = self._tokenizers[request.language]
        settled = tokenizer.encode(request.settled.translate(NARROW))
        prompt = [*self._prompt(tokenizer, request), *settled]
        seconds = len(samples) / SAMPLE_RATE
        sound, frames = self._heard(samples)
        result = self._generate(sound, prompt, int(seconds * TOKENS_PER_SECOND) + TOKENS_SPARE)
        # What the decoder was made to say stands before what it says itself.
        tokens = [token for token in result.sequences_ids[0][len(settled) :] if token < tokenizer.eot]
        text = _LOOP.sub(lambda loop: loop[1] or loop[2], tokenizer.decode(tokens).rstrip("\ufffd"))
        until = self._until(tokenizer, sound, settled, tokens, frames) if seconds >= ALIGN_FROM else 0.0
        guessed = result.no_speech_prob > NO_SPEECH and result.scores[0] < UNLIKELY
        if guessed or compression_ratio(request.settled + text) > LOOP:
            return "", until
        return _evened(request.settled, text) if request.language == "zh" else text, until

    def _heard(self, samples: NDArray[np.float32]) -> tuple[ctranslate2.StorageView, int]:
        """The encoder's view of the sound, and its length in frames of 10 ms."""
        features = self._features(samples)
        sound = np.zeros((1, features.shape[0], features.shape[1] + TAIL), np.float32)
        sound[0, :, : features.shape[1]] = features
        return self._faster.model.encode(ctranslate2.StorageView.from_array(sound)), features.shape[1]

    def _generate(
        self, sound: ctranslate2.StorageView, prompt: list[int], most: int
    ) -> Any:  # Any: CTranslate2's own result
        return self._faster.model.generate(
            sound,
            [prompt],
            beam_size=1,
            max_length=min(self._faster.max_length, len(prompt) + most),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=get_suppressed_tokens(self._tokenizers["zh"], (-1,)),
        )[0]

    def _until(
        self,
        tokenizer: Tokenizer,
        sound: ctranslate2.StorageView,
        settled: list[int],
        tokens: list[int],
        frames: int,
    ) -> float:
        """Seconds at which the settled words end, by the attention of the decoder; 0 where none are settled."""
        if not settled or not tokens:
            return 0.0
        found = self._faster.model.align(sound, tokenizer.sot_sequence, [[*settled, *tokens]], [frames])[0]
        following = [position for token, position in found.alignments if token >= len(settled)]
        return following[0] * POSITION if following else 0.0

    def _prompt(self, tokenizer: Tokenizer, request: CaptionRequest) -> list[int]:
        """The words before the last cut keep names and script steady."""
        before = f"{STARTS[request.language]}{request.before.translate(NARROW)}"
        previous = tokenizer.encode(f" {before.strip()}")[-PROMPT_TOKENS:] if before else []
        return self._faster.get_prompt(tokenizer, previous, without_timestamps=True)

    def _tokenizer(self, code: str) -> Tokenizer:
        model = self._faster
        return Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=code)


def _samples(audio: bytes) -> NDArray[np.float32]:
    if len(audio) % 2 or len(audio) > LONGEST * SAMPLE_RATE * 2:
        raise BadRequest(reason=f"whole 16-bit samples of at most {LONGEST:.0f} s are wanted")
    return np.frombuffer(audio, "<i2").astype(np.float32) / np.float32(32768)


def _evened(settled: str, text: str) -> str:
    """Simplified characters and full-width marks, which depend on the character before."""
    before = settled[-1:]
    return simplified(before + text)[len(before) :]


def _silence(voice: Voice, seconds: float) -> float:
    """Since the last speech, without the margin that its span was given."""
    if not voice.spans:
        return seconds
    loud = np.flatnonzero(voice.probabilities >= 0.35)
    return max(0.0, seconds - (int(loud[-1]) + 1) * FRAME / SAMPLE_RATE) if len(loud) else seconds


def _quietest(voice: Voice, seconds: float, settled: float) -> float:
    """Where a stretch without a pause may be cut: the likeliest silence in its second half, behind what stands."""
    first = max(len(voice.probabilities) // 2, int(settled * SAMPLE_RATE / FRAME))
    if first + 1 >= len(voice.probabilities):
        return seconds
    return round((first + int(np.argmin(voice.probabilities[first:])) + 0.5) * FRAME / SAMPLE_RATE, 3)
