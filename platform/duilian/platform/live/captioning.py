"""From a stream of sound to captions: what stands is only ever added to, what may still change is told apart.

Two hypotheses in a row must agree on a word before it stands (LocalAgreement-2, Macháček et al. 2023, "Turning Whisper
into a real-time transcription system"). At a pause, or where a stretch grows too long, all of it stands and the sound
before it is forgotten. Nothing is kept beyond the stretch being spoken.

A look that takes back what is shown is itself shown only when the next one does not return to that: words do not flicker.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from duilian.serving.client import ServingClient
from duilian.serving.contracts import SAMPLE_RATE, Caption, CaptionRequest, Language

BYTES = SAMPLE_RATE * 2  # of a second
STEP = 0.4  # seconds of new sound that make another look worth while
PAUSE = 0.6  # seconds of silence that end a stretch
LONGEST = 10.0  # seconds of a stretch without a pause
KEPT = 28.0  # seconds of sound kept at most, should the model tier be slow
BEFORE = 120  # characters before the stretch that are told to the model
OPEN = 2  # last units of a look that never stand: half a word, or the beginning of a loop
_UNIT = re.compile(r"\s*[A-Za-z0-9'’\-]+|\s+|.", re.DOTALL)


@dataclass(frozen=True)
class Said:
    """added: what stands now and did not before; tail: what may still change. Both are shown, in this order."""

    added: str
    tail: str


@dataclass
class CaptionStream:
    """One answer. `feed` sound as it comes; `step` when there is time."""

    serving: ServingClient
    language: Language
    standing: str = ""  # of the whole answer, for whoever comes late
    tail: str = ""
    _sound: bytearray = field(default_factory=bytearray)
    _settled: str = ""  # of this stretch
    _last: str = ""  # the hypothesis before
    _looked: int = 0  # bytes of the stretch that were in the last look
    _gaps: int = 0  # times that sound was forgotten unheard
    _held: bool = False  # whether the last look took back what is shown

    def feed(self, pcm: bytes) -> None:
        """pcm: little-endian signed 16-bit, mono, 16 kHz."""
        self._sound += pcm[: len(pcm) // 2 * 2]
        if len(self._sound) > KEPT * BYTES:
            # Too far behind to catch up: a gap in the captions, none in what stands.
            self._settled = self._last = ""
            self._gaps += 1
            self._forget(len(self._sound) - int(KEPT * BYTES / 2))

    @property
    def is_due(self) -> bool:
        return len(self._sound) - self._looked >= STEP * BYTES

    async def step(self) -> Said | None:
        """What changed, None where nothing did. Raises ServingUnavailable, ServingFailed, ServingRefused."""
        sound = bytes(self._sound)
        self._looked = len(sound)
        if (found := await self._ask(sound)) is None:
            return None
        seconds = len(sound) / BYTES
        ended = bool(self._settled or found.text.strip()) and found.silence >= PAUSE
        if ended or not found.speech_seconds:
            return self._end(found.text, len(sound), seconds - min(found.silence, 0.2))
        if seconds >= LONGEST:
            return await self._cut(sound, found.quietest)
        return self._agree(found)

    async def finish(self) -> Said | None:
        """The rest, once the speaker has ended."""
        sound = bytes(self._sound)
        if not sound or (found := await self._ask(sound)) is None:
            return None
        return self._end(found.text, len(sound), len(sound) / BYTES)

    async def _ask(self, sound: bytes) -> Caption | None:
        """None where sound was forgotten meanwhile: what is said of it belongs nowhere any more."""
        gaps = self._gaps
        found = await self.serving.caption(self._request(sound))
        return found if gaps == self._gaps else None

    def _request(self, sound: bytes) -> CaptionRequest:
        before = self.standing.removesuffix(self._settled)[-BEFORE:]
        return CaptionRequest(audio=sound, language=self.language, settled=self._settled, before=before)

    def _agree(self, found: Caption) -> Said | None:
        """The words that this look and the last one have in common stand; a last word may be half a word."""
        common = _common(self._last, found.text)
        added, self._last = found.text[:common], found.text[common:]
        self._settled += added
        return self._say(added, self._steady(added, self._last))

    def _steady(self, added: str, tail: str) -> str:
        """The tail to be shown: for one look the old one, where the new one takes back what stands in it."""
        shown = self.tail.removeprefix(added) if self.tail.startswith(added) else ""
        self._held = not self._held and _takes_back(shown, tail)
        return shown if self._held else tail

    async def _cut(self, sound: bytes, at: float) -> Said | None:
        """A stretch without a pause: everything before its quietest place stands."""
        edge = int(at * SAMPLE_RATE) * 2
        found = await self._ask(sound[:edge])
        return self._end(found.text, edge, at) if found is not None else None

    def _end(self, text: str, looked: int, at: float) -> Said | None:
        """Everything said so far stands, and the sound up to `at` is forgotten."""
        added = text if self._settled or text.strip() else ""
        if added and not self._settled and self.language == "en" and self.standing:
            added = " " + added.strip()
        self._settled = self._last = ""
        self._held = False
        said = self._say(added.rstrip() if self.language == "en" else added.strip(), "")
        self._forget(min(looked, int(at * SAMPLE_RATE) * 2))
        return said

    def _forget(self, octets: int) -> None:
        del self._sound[: octets // 2 * 2]
        self._looked = max(0, self._looked - octets)

    def _say(self, added: str, tail: str) -> Said | None:
        changed = bool(added) or tail != self.tail
        self.standing, self.tail = self.standing + added, tail
        return Said(added, tail) if changed else None


def _takes_back(shown: str, now: str) -> bool:
    """Whether a look says less than what is shown, or other words in it than the last ones, which were open."""
    sure = "".join(_UNIT.findall(shown)[:-OPEN])
    return not now.startswith(shown) and (len(now) <= len(shown) or not now.startswith(sure))


def _common(last: str, now: str) -> int:
    """Length of the units that both begin with, short of the last ones of either."""
    length = 0
    before, after = _UNIT.findall(last)[:-OPEN], _UNIT.findall(now)[:-OPEN]
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        length += len(one)
    return length
