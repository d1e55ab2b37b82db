"""What a candidate does on the pages, step by step. Finds things by their hooks, never by their words."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, Request

from browser import shoot, until
from page_checks import assert_sound
from world import PASSWORD, World

PURPOSES = ("recording", "scoring", "face_check", "transfer", "training")
# Counts what the recorder hands over, on its own and before the product's code sees it.
COUNT_CHUNKS = """
(() => {
  if (typeof MediaRecorder === "undefined") return;
  let began = 0;
  window.recorded = { chunks: 0, bytes: 0 };
  window.recordedSeconds = () => (performance.now() - began) / 1000;
  const start = MediaRecorder.prototype.start;
  MediaRecorder.prototype.start = function (...given) {
    window.recorded = { chunks: 0, bytes: 0 };
    began = performance.now();
    this.addEventListener("dataavailable", ({ data }) => {
      if (data.size === 0) return;
      window.recorded.chunks += 1;
      window.recorded.bytes += data.size;
    });
    return start.apply(this, given);
  };
})();
"""


def part(page: Page | Locator, name: str) -> Locator:
    return page.locator(f'[data-part="{name}"]')


@dataclass
class Candidate:
    """A person with an invitation in front of a browser. calls: API requests of the pages, "METHOD path"."""

    context: BrowserContext
    world: World
    invitation: dict[str, Any]
    label: str = ""
    calls: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.context.add_init_script(COUNT_CHUNKS)
        self.context.on("request", self._note)
        self.page = self.context.new_page()

    def _note(self, request: Request) -> None:
        if "/interview" in request.url and "/api/" in request.url:
            self.calls.append(f"{request.method} {request.url.partition('/interview')[2]}")

    @property
    def place(self) -> str:
        return self.invitation["url"].rstrip("/")

    @property
    def id(self) -> str:
        return self.invitation["interview"]

    def look(self, name: str) -> None:
        """The page as it stands is sound; its picture is kept for whoever wants it."""
        assert_sound(self.page)
        shoot(self.page, f"{self.label or self.place[-6:]}-{name}")

    def arrive(self) -> None:
        """Opens the link; on a tab that was killed, a new tab."""
        if self.page.is_closed():
            self.page = self.context.new_page()
        self.page.goto(self.invitation["url"])

    def already_consented(self) -> None:
        """Agreed to everything by the API, for stories that begin later."""
        with self.world.candidate(self.invitation) as api:
            version = api.get("/").json()["consents"]["version"]
            body = {"version": version, "decisions": dict.fromkeys(PURPOSES, True)}
            api.put("/consents", json=body).raise_for_status()

    def already_begun(self) -> None:
        """Everything before the first question by the API."""
        self.already_consented()
        with self.world.candidate(self.invitation) as api:
            api.post("/start").raise_for_status()

    def choose(self, **refused: bool) -> None:
        """Decides on every purpose and goes on. choose(scoring=False) refuses that one."""
        for purpose in PURPOSES:
            value = "yes" if refused.get(purpose, True) else "no"
            self.page.locator(f'input[name="{purpose}"][value="{value}"]').check()
        self.consent_button.click()

    @property
    def consent_button(self) -> Locator:
        return self.page.locator('form[action$="/consent"] button:not([type="button"])')

    # --- the question page ---------------------------------------------------------------------------

    def phase(self, *names: str, seconds: float = 15) -> None:
        """Waits until the question is in one of the phases."""
        wanted = ", ".join(f'[data-module="question"][data-phase="{name}"]' for name in names)
        self.page.locator(wanted).wait_for(timeout=seconds * 1000)

    def open_question(self) -> None:
        """From the link to the words of the next question."""
        self.page.goto(f"{self.place}/next")
        self.show_question()

    def show_question(self) -> None:
        """On the question's page: its words appear and the think time runs."""
        self.phase("idle")
        self.look("question-before")
        part(self.page, "start").click()
        self.phase("read", "think")

    def speak(self) -> None:
        """Starts answering without thinking any longer; returns when the recording runs."""
        self.look("question-think")
        part(self.page, "start").click()
        self.phase("answer")

    def record_for(self, seconds: float) -> None:
        self.page.wait_for_timeout(seconds * 1000)
        self.look("question-answer")

    def finish(self) -> None:
        part(self.page, "stop").click()
        self.phase("saved", seconds=30)
        self.look("question-saved")

    def answer_here(self, seconds: float) -> None:
        """On the question's page: everything from its first look to the certificate."""
        self.show_question()
        self.speak()
        self.record_for(seconds)
        self.finish()

    def recorded(self) -> dict[str, float]:
        """What the recorder of this page has handed over since it last started (chunks, bytes), and seconds since then."""
        return self.page.evaluate("({ ...window.recorded, seconds: window.recordedSeconds() })")

    def wait_for_state(self, question: str, state: str, seconds: float = 15) -> None:
        """Asks the server until the question stands so."""
        deadline = time.monotonic() + seconds
        with self.world.candidate(self.invitation) as api:
            while True:
                questions = api.get("/").json()["questions"]
                found = next(q["state"] for q in questions if q["key"] == question)
                if found == state:
                    return
                assert time.monotonic() < deadline, f"{question} is {found}, not {state}"
                self.page.wait_for_timeout(100)

    def leave_the_rest(self) -> None:
        """Hands in by the API what has been answered so far."""
        with self.world.candidate(self.invitation) as api:
            api.post("/submit", json={"leave_unanswered": True}).raise_for_status()

    def take(self, question: str, number: int = 1) -> dict[str, Any]:
        """The server's view of a take."""
        with self.world.candidate(self.invitation) as api:
            answer = api.get(f"/questions/{question}/takes/{number}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    # --- around the questions -----------------------------------------------------------------------

    def check_devices(self) -> None:
        """Camera and microphone, five seconds of oneself, and "I hear myself"."""
        device = self.page.locator('[data-module="device-check"]')
        self.look("device")
        part(self.page, "start").click()
        device.and_(self.page.locator('[data-stage="checked"]')).wait_for()
        self.page.locator('[data-part="microphone"][data-state="ok"]').wait_for()
        self.look("device-checked")
        part(self.page, "record").click()
        device.and_(self.page.locator('[data-stage="recorded"]')).wait_for()
        until(self.page, "video => video.currentTime > 0.5", on=part(self.page, "playback"))
        self.look("device-recorded")
        part(self.page, "confirm").click()

    def practise(self) -> None:
        """The practice question, answered for some seconds and heard again."""
        self.page.wait_for_url("**/practice")
        self.phase("idle")
        self.look("practice")
        part(self.page, "start").click()
        self.phase("read", "think")
        self.speak()
        self.record_for(3.5)
        self.finish()
        playback = part(self.page, "playback")
        playback.wait_for()
        assert playback.evaluate("video => video.src.startsWith('blob:')")

    def hand_in(self) -> None:
        """From the overview to the thanks; agrees where something is left out."""
        self.page.wait_for_url("**/overview")
        self.look("overview")
        form = self.page.locator('form[action$="/submit"]')
        asks = form.get_attribute("data-confirm") is not None
        form.locator("button").click()
        if asks:
            self.page.locator('dialog[open] button[value="yes"]').click()
        self.page.locator('a[href$="/feedback"]').wait_for()
        self.look("done")


def sign_in(page: Page, world: World, role: str = "admin", password: str = PASSWORD) -> None:
    """Staff come in by the sign-in page."""
    page.goto(f"{world.url}/console/sign-in")
    page.fill('input[name="tenant"]', world.slug)
    page.fill('input[name="email"]', f"{role}@{world.slug}.example")
    page.fill('input[name="password"]', password)
    with page.expect_navigation():
        page.locator('form[action="/console/sign-in"] button').click()
