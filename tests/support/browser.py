"""Chromium with a fake camera and microphone, and everything its pages complain about.

Playwright's synchronous interface keeps an event loop running in its thread: whatever needs `asyncio.run` while
a browser is open goes through `aside`.
"""

from __future__ import annotations

import os
import shutil
import time
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Locator, Page, Playwright

from face_clip import WAV_RATE, speech_wav

SHOTS = os.environ.get("DUILIAN_SHOTS")  # a folder for pictures of the pages, where somebody wants them
Result = TypeVar("Result")


@dataclass(frozen=True)
class Screen:
    """What a person sits in front of. Sizes in CSS pixels."""

    name: str
    width: int
    height: int
    touch: bool = False


DESKTOP = Screen("desktop", 1440, 900)
PHONE = Screen("phone", 390, 844, touch=True)


def launch(playwright: Playwright, voice: Path, face: Path) -> Browser:
    """voice: WAV the microphone hears for ever; face: Motion JPEG the camera sees. The machine's own Chromium first."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    return playwright.chromium.launch(
        executable_path=found,
        headless=True,
        args=[
            "--no-sandbox",  # Chromium has none for root
            "--headless=new",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={voice}",
            f"--use-file-for-fake-video-capture={face}",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
        ],
    )


def spoken_loop(recording: Path, out: Path, start: float, end: float) -> Path:
    """Seconds [start, end) of a recording as a WAV with half a second of silence after it."""
    speech_wav([recording], out, pause_seconds=0)
    with wave.open(str(out)) as whole:
        whole.setpos(round(start * WAV_RATE))
        words = whole.readframes(round((end - start) * WAV_RATE))
    with wave.open(str(out), "wb") as cut:
        cut.setnchannels(1)
        cut.setsampwidth(2)
        cut.setframerate(WAV_RATE)
        cut.writeframes(words + bytes(WAV_RATE))
    return out


@dataclass
class Watch:
    """Errors of every page of a context: console, uncaught exceptions, violations of the content security policy.

    allowed: parts of messages that a story expects, such as those of a network that it has cut.
    """

    errors: list[str] = field(default_factory=list[str])
    allowed: list[str] = field(default_factory=list[str])

    def expect(self, *parts: str) -> None:
        self.allowed += parts

    def hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def crash(self, error: Error) -> None:
        self.errors.append(f"uncaught: {error.message}")

    def assert_quiet(self) -> None:
        loud = [one for one in self.errors if not any(part in one for part in self.allowed)]
        assert not loud, "\n".join(loud)


def open_context(browser: Browser, screen: Screen, locale: str, watch: Watch) -> BrowserContext:
    """A fresh profile whose pages are watched. A step that takes longer than 15 s has failed."""
    context = browser.new_context(
        viewport={"width": screen.width, "height": screen.height},
        has_touch=screen.touch,
        locale=locale,
        service_workers="block",
    )
    context.set_default_timeout(15_000)
    # Not by the flag that agrees to everything: a story may take the permission away again.
    context.grant_permissions(["camera", "microphone"])
    context.on("console", watch.hear)
    context.on("weberror", lambda error: watch.crash(error.error))
    return context


def permit(page: Page, setting: str) -> None:
    """What the person answers when the browser asks for camera and microphone: "granted" or "denied"."""
    browser = page.context.browser
    assert browser
    target = page.context.new_cdp_session(page).send("Target.getTargetInfo")["targetInfo"]
    session = browser.new_browser_cdp_session()
    for name in ("camera", "microphone"):
        asked = {"permission": {"name": name}, "setting": setting}
        session.send("Browser.setPermission", asked | {"browserContextId": target["browserContextId"]})


def aside(work: Callable[[], Result]) -> Result:
    """The result of work that runs an event loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def until(page: Page, script: str, *, on: Locator | None = None, seconds: float = 15) -> None:
    """Waits until a function of the page (or of an element of it) is true.

    Playwright's own waiting evaluates text inside the page, which the content security policy forbids.
    """
    deadline = time.monotonic() + seconds
    while not (on or page).evaluate(script):
        assert time.monotonic() < deadline, f"{page.url}: not within {seconds} s: {script}"
        page.wait_for_timeout(50)


def shoot(page: Page, name: str) -> None:
    """A picture of the page as it stands, when `DUILIAN_SHOTS` names a folder."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png")
