"""Spans of speech and the windows made of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from duilian.serving.steps.voice import FRAME, Span, spans_of
from duilian.serving.steps.windows import LONGEST, LONGEST_PAUSE, windows_of

STEP = FRAME / 16_000


def probabilities(*stretches: tuple[float, float]) -> np.ndarray:
    """(probability, seconds) one after the other."""
    return np.concatenate([np.full(round(seconds / STEP), p, np.float32) for p, seconds in stretches])


def test_pauses_are_bridged_and_clicks_dropped():
    heard = probabilities((0, 1), (0.9, 1), (0.1, 0.12), (0.9, 1), (0, 2), (0.9, 0.04), (0, 1))
    (span,) = spans_of(heard, len(heard) * STEP)
    assert span.start == pytest.approx(1, abs=0.35) and span.end == pytest.approx(3.1, abs=0.35)


def test_margins_never_overlap():
    heard = probabilities((0.9, 1), (0, 0.25), (0.9, 1))
    first, second = spans_of(heard, len(heard) * STEP)
    assert first.start == 0 and first.end <= second.start and second.end <= len(heard) * STEP + 1e-6


def test_windows_cover_every_span_and_stay_short():
    random = np.random.default_rng(5)
    heard = np.repeat(random.random(400) > 0.3, 6).astype(np.float32)
    spans = spans_of(heard, len(heard) * STEP)
    windows = windows_of(spans, heard)
    assert all(w.seconds <= LONGEST + 1e-6 for w in windows)
    assert all(a.end <= b.start + 1e-6 for a, b in pairwise(windows))
    for span in spans:
        inside = sum(max(0.0, min(w.end, span.end) - max(w.start, span.start)) for w in windows)
        assert inside == pytest.approx(span.seconds)


def test_a_long_pause_ends_a_window():
    spans = [Span(0, 2), Span(2 + LONGEST_PAUSE + 0.1, 5)]
    assert windows_of(spans, np.ones(1000, np.float32)) == spans


def test_an_unbroken_stretch_is_cut_where_speech_is_least_likely():
    heard = np.ones(round(LONGEST * 1.5 / STEP), np.float32)
    heard[round(LONGEST * 0.8 / STEP)] = 0.6
    first, second = windows_of([Span(0, LONGEST * 1.5)], heard)
    assert first.end == second.start == pytest.approx(LONGEST * 0.8, abs=0.05)
