"""SenseVoice, a Chinese and English recogniser (An et al. 2024), as exported to ONNX for FunASR and sherpa-onnx.

One pass of an encoder and the likeliest token of every 60 ms (greedy CTC); probabilities are the model's own. The
first four places of the output are not speech: language, feeling, event, spelling. Language alone is read, feeling
never. It takes no terms to listen for: `vocabulary` is without effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any

import kaldi_native_fbank as fbank
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from duilian.serving.cancelling import check
from duilian.serving.contracts import SAMPLE_RATE, Language
from duilian.serving.steps.alignment import Heard
from duilian.serving.steps.decoded import Decoded, compression_ratio

Floats = NDArray[np.float32]
BLANK, MARKS = 0, 4  # token of silence; places before the speech
BANDS, STEP = 80, 0.01  # mel bands; seconds between two frames of them
UNLIKELY = 1e-8
LANGUAGES = ("zh", "en", "yue", "ja", "ko")
PROVIDERS = {"cpu": ["CPUExecutionProvider"], "cuda": ["CUDAExecutionProvider", "CPUExecutionProvider"]}


class SenseVoice:
    """Safe for threads. Loading raises if the folder's files are no such model (model.onnx, tokens.txt)."""

    def __init__(self, folder: Path, *, main: str, device: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        providers = PROVIDERS.get(device, onnxruntime.get_available_providers())
        # Any: the library's types say no more.
        self._session: Any = onnxruntime.InferenceSession(str(folder / main), options, providers=providers)
        self._facts: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
        self._window, self._shift = (int(self._facts[f"lfr_window_{name}"]) for name in ("size", "shift"))
        self._mean, self._scale = (_numbers(self._facts[name]) for name in ("neg_mean", "inv_stddev"))
        lines = (folder / "tokens.txt").read_text("utf-8").splitlines()
        self._tokens = [line.rsplit(" ", 1)[0] for line in lines if line]
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sense-voice")

    def decode(self, windows: list[Floats], language: Language, vocabulary: list[str]) -> list[Decoded]:
        """windows: at 16 kHz, each shape (samples,); one at a time, so none depends on another."""
        futures = [self._pool.submit(copy_context().run, self._one, w, language) for w in windows]
        return [future.result() for future in futures]

    def _one(self, window: Floats, language: Language) -> Decoded:
        check()
        features = self.features(window)
        given = [
            features[None],
            np.array([len(features)], np.int32),
            np.array([int(self._facts[f"lang_{language}"])], np.int32),
            np.array([int(self._facts["with_itn"])], np.int32),
        ]
        names = [tensor.name for tensor in self._session.get_inputs()]
        (logits,) = self._session.run(None, dict(zip(names, given, strict=True)))
        return self._decoded(_softmax(logits[0]))

    def features(self, window: Floats) -> Floats:
        """Log mel energies of 25 ms every 10, seven frames joined every six, normalised: shape (frames, 560)."""
        options: Any = fbank.FbankOptions()  # Any: the library ships no types
        options.frame_opts.dither, options.frame_opts.snip_edges = 0, False
        options.frame_opts.window_type, options.frame_opts.samp_freq = "hamming", SAMPLE_RATE
        options.mel_opts.num_bins = BANDS
        computer: Any = fbank.OnlineFbank(options)
        computer.accept_waveform(SAMPLE_RATE, (window * 32768).tolist())
        computer.input_finished()
        frames = np.stack([computer.get_frame(i) for i in range(computer.num_frames_ready)])
        # Short of one joined frame, the last is repeated.
        frames = np.pad(frames, ((0, max(0, self._window - len(frames))), (0, 0)), mode="edge")
        starts = range(0, len(frames) - self._window + 1, self._shift)
        joined = np.stack([frames[start : start + self._window].reshape(-1) for start in starts])
        return ((joined + self._mean) * self._scale).astype(np.float32)

    def _decoded(self, probabilities: Floats) -> Decoded:
        """probabilities: shape (places, tokens)."""
        speech = probabilities[MARKS:]
        best = speech.argmax(axis=1)
        fresh = [i for i, token in enumerate(best) if token != BLANK and (i == 0 or token != best[i - 1])]
        heard = self._words(fresh, best, speech)
        likely = np.log(np.maximum([speech[i, best[i]] for i in fresh], UNLIKELY)) if fresh else np.zeros(1)
        return Decoded(
            words=heard,
            log_probability=float(likely.mean()),
            no_speech=self._mark(probabilities[0], "<|nospeech|>"),
            repetition=compression_ratio("".join(word.text for word in heard)),
            languages={code: self._mark(probabilities[0], f"<|{code}|>") for code in LANGUAGES},
        )

    def _words(self, fresh: list[int], best: NDArray[np.int64], speech: Floats) -> list[Heard]:
        """A token opens a word where it begins with ▁ or is Chinese; others go on with the word before."""
        place = self._shift * STEP
        words: list[Heard] = []
        for number, i in enumerate(fresh):
            end = min(fresh[number + 1] if number + 1 < len(fresh) else i + 2, i + 5)
            token, probability = self._tokens[int(best[i])], float(speech[i, best[i]])
            if token.startswith("<|"):
                continue
            text = token.replace("▁", " ")
            if words and _goes_on(token, words[-1].text):
                last = words[-1]
                words[-1] = Heard(
                    last.text + text, last.start, end * place, min(last.probability, probability)
                )
            else:
                words.append(Heard(text, i * place, end * place, probability))
        return words

    def _mark(self, place: Floats, token: str) -> float:
        return float(place[self._tokens.index(token)]) if token in self._tokens else 0.0


def _goes_on(token: str, before: str) -> bool:
    """A piece of an English word, or a mark behind any."""
    if not token[0].isalnum() and token[0] not in "▁<":
        return True
    return token[0].isascii() and token[0].isalnum() and before[-1].isascii() and before[-1].isalnum()


def _numbers(text: str) -> Floats:
    return np.array([float(number) for number in text.split(",")], np.float32)


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
