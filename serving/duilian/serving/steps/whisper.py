"""Whisper on short windows: features, a batched beam search, word alignment.

faster-whisper loads the model and the tokenizer; the loop here differs from its own in four ways: windows are as
long as their speech and a few seconds, in steps of two, and not padded to 30 s; windows of one length are decoded
together and aligned in one call, whichever interviews they come from; batches run side by side on one thread each,
since threads inside an operation spend most of their time waiting for each other; and a window that fails the checks
is decoded again on its own with the full 30 s instead of by sampling, so that the same audio always gives the same
words.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens
from numpy.typing import NDArray

from duilian.serving.contracts import Language
from duilian.serving.steps.alignment import Heard, heard_words
from duilian.serving.steps.chinese import PROMPT
from duilian.serving.steps.decoded import REPETITION_LIMIT, Decoded, compression_ratio
from duilian.serving.steps.features import LogMel
from duilian.serving.steps.gathering import Gatherer

BEAM = 5
FULL = 3000  # mel frames of 10 ms Whisper is trained on
BATCH = 8  # windows decoded together
STEP = 200  # frames between two lengths: windows of one length, of whichever interviews, are decoded together
TAIL = 300  # frames of silence behind the speech: with fewer, the last clause tends to be said twice
PROMPTS = {"zh": (PROMPT, "本次谈到", "、", "。"), "en": ("", "We talk about ", ", ", ".")}
PROMPT_TOKENS = 200  # of 448; terms beyond are left out, the last first
TOKENS_PER_SECOND, TOKENS_SPARE = 14, 24  # the fastest speech, bounding a loop


@dataclass(frozen=True)
class Asked:
    """features: shape (mels, frames of 10 ms)."""

    features: NDArray[np.float32]
    language: Language
    vocabulary: tuple[str, ...]

    @property
    def frames(self) -> int:
        """Decoded with so many, whatever it is decoded with: a window's words must not depend on its company."""
        return min(FULL, -(-(self.features.shape[1] + TAIL) // STEP) * STEP)

    def kind(self) -> tuple[int, Language, tuple[str, ...]]:
        return self.frames, self.language, self.vocabulary


class Whisper:
    """The model and its tokenizers. Loading raises if the folder's files are not a CTranslate2 Whisper."""

    def __init__(self, folder: Path, *, device: str, compute_type: str, threads: int) -> None:
        self._faster = WhisperModel(
            str(folder), device=device, compute_type=compute_type, cpu_threads=1, num_workers=threads
        )
        extractor = self._faster.feature_extractor
        self._features = LogMel(extractor.mel_filters, extractor.n_fft, extractor.hop_length)
        self._gatherer = Gatherer(self._decode, Asked.kind, threads, BATCH)
        self._tokenizers = {code: self._tokenizer(code) for code in ("zh", "en")}

    def decode(
        self, windows: list[NDArray[np.float32]], language: Language, vocabulary: list[str]
    ) -> list[Decoded]:
        """windows: at 16 kHz, each shape (samples,); answers in the same order. Raises Abandoned."""
        asked = [Asked(self._features(window)[:, :FULL], language, tuple(vocabulary)) for window in windows]
        return self._gatherer.run(asked)

    def _decode(self, asked: list[Asked]) -> list[Decoded]:
        """Of one kind: as many frames, one language, one vocabulary."""
        first, features = asked[0], [a.features for a in asked]
        decoded = self._batch(features, first.frames, first.language, list(first.vocabulary))
        return [
            self._better(d, self._batch([f], FULL, first.language, list(first.vocabulary))[0])
            if d.doubtful
            else d
            for d, f in zip(decoded, features, strict=True)
        ]

    @staticmethod
    def _better(first: Decoded, second: Decoded) -> Decoded:
        """A loop loses against anything else, then the likelier text wins."""
        return min(first, second, key=lambda d: (d.repetition > REPETITION_LIMIT, -d.log_probability))

    def _batch(
        self, features: list[NDArray[np.float32]], frames: int, language: Language, vocabulary: list[str]
    ) -> list[Decoded]:
        tokenizer = self._tokenizers[language]
        encoded = self._encode(features, frames)
        prompt = self._prompt(tokenizer, language, vocabulary)
        results = self._faster.model.generate(
            encoded,
            [prompt] * len(features),
            beam_size=BEAM,
            max_length=min(self._faster.max_length, len(prompt) + _token_limit(frames)),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=get_suppressed_tokens(tokenizer, (-1,)),
        )
        tokens = [[t for t in r.sequences_ids[0] if t < tokenizer.eot] for r in results]
        lengths = [feature.shape[1] for feature in features]
        words = self._align(tokenizer, tokens, encoded, lengths)
        languages = self._faster.model.detect_language(encoded)
        return [
            Decoded(
                words=words[i],
                log_probability=_per_token(result.scores[0], len(result.sequences_ids[0])),
                no_speech=float(result.no_speech_prob),
                repetition=compression_ratio(tokenizer.decode(tokens[i])),
                languages={token[2:-2]: float(p) for token, p in languages[i]},
            )
            for i, result in enumerate(results)
        ]

    def _encode(self, features: list[NDArray[np.float32]], frames: int) -> ctranslate2.StorageView:
        batch = np.zeros((len(features), features[0].shape[0], frames), np.float32)
        for row, feature in zip(batch, features, strict=True):
            row[:, : feature.shape[1]] = feature
        return self._faster.model.encode(ctranslate2.StorageView.from_array(batch))

    def _align(
        self,
        tokenizer: Tokenizer,
        tokens: list[list[int]],
        encoded: ctranslate2.StorageView,
        frames: list[int],
    ) -> list[list[Heard]]:
        """Word times by dynamic time warping over the cross-attention, all windows in one call."""
        results = self._faster.model.align(encoded, tokenizer.sot_sequence, tokens, frames)
        return [
            heard_words(tokenizer, row, result.alignments, result.text_token_probs)
            for row, result in zip(tokens, results, strict=True)
        ]

    def _prompt(self, tokenizer: Tokenizer, language: Language, vocabulary: list[str]) -> list[int]:
        """For Chinese a sentence in simplified characters sets the script; a sentence with the tenant's terms makes
        them likely. A sentence does more for them than the bare list that faster-whisper calls hot words.
        """
        script, opening, separator, closing = PROMPTS[language]
        text = script
        for end in range(1, len(vocabulary) + 1):
            with_terms = f"{script}{opening}{separator.join(vocabulary[:end])}{closing}"
            if len(tokenizer.encode(with_terms)) > PROMPT_TOKENS:
                break
            text = with_terms
        previous = tokenizer.encode(f" {text}") if text else []
        return self._faster.get_prompt(tokenizer, previous, without_timestamps=True)

    def _tokenizer(self, code: str) -> Tokenizer:
        model = self._faster
        return Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=code)


def _per_token(score: float, tokens: int) -> float:
    """The search's score is the mean over its tokens; the end token counts as one more."""
    return float(score) * tokens / (tokens + 1)


def _token_limit(frames: int) -> int:
    return int(frames / 100 * TOKENS_PER_SECOND) + TOKENS_SPARE
