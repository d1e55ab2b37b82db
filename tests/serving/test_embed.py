"""Embeddings: normalised, alike where the meaning is, the same whatever they are asked for with."""

from __future__ import annotations

import numpy as np
import pytest

from duilian.infra.errors import BadRequest
from duilian.serving.contracts import EmbedRequest

pytestmark = pytest.mark.models
TEXTS = [
    "我先安抚顾客的情绪，再处理退货。",
    "I calmed the customer, then handled the return.",
    "今天的月亮很圆。",
]


def test_rows_are_normalised_and_meaning_is_near(embedder):
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (3, 384) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_company_and_repetition_change_nothing(embedder):
    together = embedder.embed([*TEXTS, "别的"])
    assert np.array_equal(embedder.embed([TEXTS[1]])[0], together[1])
    assert not np.array_equal(embedder.embed([TEXTS[0]], "query")[0], together[0])


def test_the_wire_form(embedder):
    answer = embedder.respond(EmbedRequest(texts=TEXTS))
    rows = np.frombuffer(answer.vectors, "<f4").reshape(len(TEXTS), answer.dimension)
    assert np.array_equal(rows, embedder.embed(TEXTS))
    assert embedder.embed([]).shape == (0, 384)
    with pytest.raises(BadRequest):
        embedder.respond(EmbedRequest(texts=["x"] * 2049))
