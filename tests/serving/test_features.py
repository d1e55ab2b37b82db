"""The spectrogram is Whisper's own, computed in another way."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from duilian.serving.steps.features import LogMel


@pytest.mark.parametrize("mels", [80, 128])
@pytest.mark.parametrize("seconds", [0.05, 1.0, 7.31])
def test_equal_to_the_reference(mels, seconds):
    reference = FeatureExtractor(feature_size=mels)
    ours = LogMel(reference.mel_filters, reference.n_fft, reference.hop_length)
    samples = (0.1 * np.random.default_rng(2).standard_normal(int(16_000 * seconds))).astype(np.float32)
    expected = reference(samples, padding=0)
    assert ours(samples).shape == expected.shape and ours(samples).dtype == np.float32
    assert ours(samples) == pytest.approx(expected, abs=1e-5)


def test_silence_is_the_floor():
    reference = FeatureExtractor()
    quiet = LogMel(reference.mel_filters, reference.n_fft, reference.hop_length)(np.zeros(16_000, np.float32))
    assert np.all(quiet == quiet[0, 0])
