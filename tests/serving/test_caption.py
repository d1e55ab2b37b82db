"""Captions on the real model: what stands is never said again, silence says nothing."""

from __future__ import annotations

from collections.abc import Callable
from difflib import SequenceMatcher
from itertools import groupby

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
async def test_what_is_shown_grows_and_is_what_was_said(captioner, spoken, path, language):
    """Fed half a second at a time: words stand before the speaker ends, none twice, and no display comes back."""
    answer = spoken(path)
    sound = answer.samples.tobytes()
    stream, shown = CaptionStream(InProcess(captioner), language), [""]  # type: ignore[arg-type]
    for start in range(0, len(sound), BYTES // 2):
        stream.feed(sound[start : start + BYTES // 2])
        await stream.step()
        shown.append(stream.standing + stream.tail)
    assert len(stream.standing) > 0.3 * len(answer.text), "before the end"
    await stream.finish()
    displays = [display for display, _ in groupby(shown)]
    assert len(set(displays)) == len(displays), "what was taken back comes again"
    said = stream.standing.lower()
    blocks = SequenceMatcher(None, answer.text.lower(), said, autojunk=False).get_matching_blocks()
    assert stream.tail == "" and sum(block.size for block in blocks) > 0.6 * len(answer.text), said
    assert len(said) < 1.3 * len(answer.text), "something is said twice"


class Hearing:
    """A tier that hears what it is told to, look by look. meanwhile: what happens while it listens to the last."""

    def __init__(self, texts: list[str], silence: float = 0.0, meanwhile: Callable[[], None] = lambda: None):
        self._texts, self._silence, self._meanwhile = texts, silence, meanwhile
        self.asked: list[CaptionRequest] = []

    async def caption(self, request: CaptionRequest) -> Caption:
        self.asked.append(request)
        text = self._texts.pop(0)
        if not self._texts:
            self._meanwhile()
        return Caption(
            text=text, settled_until=0, speech_seconds=1, silence=self._silence, quietest=1, versions={}
        )


@pytest.mark.parametrize(
    ("heard", "shown"),
    [
        (["先问原因", "现温原因", "先问原因再"], ["先问原因", "先问原因", "先问原因再"]),
        (["先问原因", "", "先问原因再"], ["先问原因", "先问原因", "先问原因再"]),
        (["先问原因", "", ""], ["先问原因", "先问原因", ""]),
        (["先问原因", "现温原因", "现温原因吧"], ["先问原因", "先问原因", "现温原因吧"]),
        (["先问原因", "先问缘由再"], ["先问原因", "先问缘由再"]),
    ],
)
async def test_what_one_look_takes_back_stays_for_a_look(heard, shown):
    stream = CaptionStream(Hearing(list(heard)), "zh")  # type: ignore[arg-type]
    for display in shown:
        stream.feed(bytes(BYTES))
        await stream.step()
        assert stream.standing + stream.tail == display


async def test_an_answer_about_sound_that_is_forgotten_touches_nothing():
    """The tier listens so long that half a minute comes in meanwhile: what it says is of sound that has gone."""
    tier = Hearing(["到此为止。"], silence=1.0, meanwhile=lambda: stream.feed(bytes(30 * BYTES)))
    stream = CaptionStream(tier, "zh")  # type: ignore[arg-type]
    stream.feed(bytes(5 * BYTES))
    assert await stream.step() is None and stream.standing == ""
    tier._texts.append("之后。")
    tier._meanwhile = lambda: None
    said = await stream.step()
    assert len(tier.asked[-1].audio) == 14 * BYTES and said is not None and said.added == "之后。"


def test_a_slow_tier_costs_a_gap_and_no_memory(captioner):
    stream = CaptionStream(InProcess(captioner), "zh")  # type: ignore[arg-type]
    for _ in range(300):
        stream.feed(bytes(BYTES))
    assert len(stream._sound) <= 29 * BYTES  # pyright: ignore[reportPrivateUsage]
