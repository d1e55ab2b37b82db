"""A head that always gives one level, and an answer with evidence for it to judge."""

from __future__ import annotations

import msgspec
import numpy as np

from duilian.serving import contracts as c
from duilian.serving.loading import ADAPTABLE
from duilian.serving.manifest import find
from duilian.serving.scoring.artefact import Artefact
from duilian.serving.steps.embed import Embedder

ANSWER = "我先听顾客把话说完，向她道歉，再给她换了一箱新的，第二天又打电话问她是否满意。"
ANCHORS = [
    "对顾客的情绪不理会，只说规定不允许。",
    "听了几句就打断顾客，让她自己去找别的部门。",
    "听顾客说完并道歉，按规定处理。",
    "先听顾客说完，安抚情绪并道歉，主动给顾客换货。",
    "先听顾客说完并道歉，换货之后主动回访，问顾客是否满意。",
]


def head_artefact(embedder: Embedder, level: float = 5, competency: str = "care") -> Artefact:
    """A ridge head whose mean is `level` whatever the answer."""
    ((encoder, version),) = embedder.versions.items()
    return Artefact(
        kind="ridge",
        competency=competency,
        encoder=encoder,
        encoder_version=version,
        weights=np.zeros(embedder.dimension + 3, "<f4").tobytes(),
        bias=float(level),
        residual=0.4,
    )


def adapter_bytes() -> bytes:
    """An adapter of one layer, drawn by lot, as safetensors."""
    dice, name = np.random.default_rng(1), "encoder.layer.5.attention.self.value"
    matrices = {f"{name}.down": (384, 4), f"{name}.up": (4, 384)}
    body = [dice.normal(0, 0.1, shape).astype("<f4").tobytes() for shape in matrices.values()]
    size = len(body[0])
    places = zip(matrices.items(), ([0, size], [size, 2 * size]), strict=True)
    header = {key: {"dtype": "F32", "shape": shape, "data_offsets": place} for (key, shape), place in places}
    octets = msgspec.json.encode(header | {"__metadata__": {"base": find(ADAPTABLE).sha256}})
    return len(octets).to_bytes(8, "little") + octets + b"".join(body)


def score_request(text: str = ANSWER) -> c.ScoreRequest:
    sentence = c.Sentence(text=text, offset=0, length=len(text), start=0, end=4, first_word=0, last_word=0)
    anchors = [c.Anchor(level=n, text=anchor, keywords=[]) for n, anchor in enumerate(ANCHORS, 1)]
    answer = c.AnswerText(
        key="q",
        question="请讲一次您处理顾客投诉的经历",
        text=text,
        sentences=[sentence],
        competencies=["care"],
    )
    profile = c.CompetencyProfile(key="care", name="同理心", anchors=anchors)
    return c.ScoreRequest(language="zh", answer=answer, competencies=[profile])
