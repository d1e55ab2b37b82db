"""Captions on the real model: what stands is never said again, silence says nothing."""

from __future__ import annotations

import asyncio
from difflib import SequenceMatcher

import numpy as np
import pytest

from duilian.infra.errors import BadRequest
from duilian.infra.settings import Settings
from duilian.platform.live.captioning import BYTES, CaptionStream
from duilian.serving.contracts import Caption, CaptionRequest
from duilian.serving.errors import NoCaptioner
from duilian.serving.loading import load_captioner
from duilian.serving.steps.caption import Captioner

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def captioner(models_dir) -> Captioner:
    """The answers' recogniser is another one here, as in production it may be."""
    return load_captioner(Settings(models_dir=models_dir, speech_model="sense-voice-small")).step


class InProcess:
    """The step behind the client's call, without the wire between."""

    def __init__(self, step: Captioner) -> None:
        self._step = step

    async def caption(self, request: CaptionRequest) -> Caption:
        return self._step.caption(request)


def test_decoding_goes_on_behind_what_stands(captioner, spoken):
    sound = spoken("zh/medium/complaint/01.webm").samples[: 16_000 * 5].tobytes()
    whole = captioner.caption(CaptionRequest(audio=sound, language="zh"))
    assert "刘" in whole.text and "便利店" in whole.text
    rest = captioner.caption(CaptionRequest(audio=sound, language="zh", settled="你好，我叫刘阳"))
    assert "便利店" in rest.text and "我叫" not in rest.text
    assert set(whole.versions) == {"whisper-base", "silero-vad"} and 3 < whole.speech_seconds <= 5


def test_a_recogniser_that_cannot_caption_is_named(models_dir):
    with pytest.raises(NoCaptioner, match="DUILIAN_CAPTION_MODEL"):
        load_captioner(Settings(models_dir=models_dir, caption_model="sense-voice-small"))


def test_silence_says_nothing_and_is_measured(captioner, silence, spoken):
    found = captioner.caption(CaptionRequest(audio=silence(3.0).tobytes(), language="zh"))
    assert found.text == "" and found.speech_seconds == 0 and found.silence == pytest.approx(3, abs=0.1)
    said = spoken("zh/medium/complaint/01.webm").samples[: 16_000 * 4]
    after = np.concatenate([said, silence(2.0)])
    assert captioner.caption(CaptionRequest(audio=after.tobytes(), language="zh")).silence > 1.5
    assert captioner.caption(CaptionRequest(audio=b"", language="zh")).text == ""


@pytest.mark.parametrize("audio", [b"\x00" * 3, bytes(31 * BYTES)])
def test_what_is_no_sound_or_too_much_is_refused(captioner, audio):
    with pytest.raises(BadRequest):
        captioner.caption(CaptionRequest(audio=audio, language="zh"))


@pytest.mark.parametrize(
    ("path", "language"), [("zh/weak/complaint/01.webm", "zh"), ("en/weak/fault-finding/01.webm", "en")]
)
def test_what_stands_is_only_added_to(captioner, spoken, path, language):
    """Fed half a second at a time; together what was added is what stands, and it is what was said."""
    answer = spoken(path)
    sound = answer.samples.tobytes()
    stream, added, display = CaptionStream(InProcess(captioner), language), "", ""  # type: ignore[arg-type]

    async def listen() -> None:
        nonlocal added, display
        for start in range(0, len(sound), BYTES // 2):
            stream.feed(sound[start : start + BYTES // 2])
            said = await stream.step()
            if said is not None:
                added += said.added
                display = added + said.tail
                assert display.startswith(added) and stream.standing == added
        rest = await stream.finish()
        added += rest.added if rest else ""

    asyncio.run(listen())
    assert stream.tail == "" and stream.standing == added
    blocks = SequenceMatcher(None, answer.text.lower(), added.lower(), autojunk=False).get_matching_blocks()
    assert sum(block.size for block in blocks) > 0.6 * len(answer.text), added


def test_a_slow_tier_costs_a_gap_and_no_memory(captioner):
    stream = CaptionStream(InProcess(captioner), "zh")  # type: ignore[arg-type]
    for _ in range(300):
        stream.feed(bytes(BYTES))
    assert len(stream._sound) <= 29 * BYTES  # pyright: ignore[reportPrivateUsage]
