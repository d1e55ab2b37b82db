"""Browsers and the people in front of them. Playwright lives as long as a module: while it is open nobody else in
this thread can run an event loop, and other tests need one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from browser import DESKTOP, Screen, Watch, launch, open_context, spoken_loop
from browser_steps import Candidate
from duilian.customization.schemas import QuestionSet
from duilian.platform.app.up import Stack
from face_clip import ensure_face_clip
from playing import SPEECH, publish_set, shipped
from world import World, open_world

Invite = Callable[..., Candidate]
# The stretch of each recording that says most, in seconds; the fake microphone repeats it.
VOICES = {
    "zh-CN": ("zh/strong/complaint/03.webm", 7.9, 21.8),
    "en": ("en/strong/fault-finding/03.webm", 14.2, 27.6),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


def short(question_set: QuestionSet, *keys: str) -> QuestionSet:
    """Some questions of a set with seconds instead of minutes."""
    questions = [
        msgspec.structs.replace(q, think_seconds=4, answer_seconds=14, min_seconds=2, takes=2)
        for q in question_set.questions
        if q.key in keys
    ]
    practice = msgspec.structs.replace(question_set.practice, think_seconds=4, answer_seconds=10)
    return msgspec.structs.replace(question_set, key="short", questions=questions, practice=practice)


@pytest.fixture(scope="session")
def shop(stack: Stack) -> World:
    """A retailer that interviews in Chinese."""
    world = open_world(stack.settings, "retail")
    publish_set(world, short(shipped("retail", "complaint"), "own-mistake", "beyond-policy"))
    return world


@pytest.fixture(scope="session")
def factory(stack: Stack) -> World:
    """A manufacturer that interviews in English."""
    world = open_world(stack.settings, "manufacturing")
    publish_set(world, short(shipped("manufacturing", "fault-finding"), "under-pressure", "recurring-fault"))
    return world


@pytest.fixture(scope="session")
def face(stack: Stack) -> Path:
    return ensure_face_clip(stack.settings.models_dir.parent / "fixtures")


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By language: what a candidate says."""
    folder = tmp_path_factory.mktemp("voices")
    return {
        locale: spoken_loop(SPEECH / name, folder / f"{locale}.wav", start, end)
        for locale, (name, start, end) in VOICES.items()
    }


@pytest.fixture(scope="module")
def playwright(shop: World, factory: World) -> Iterator[Playwright]:
    """Asks for the worlds first: they are made with event loops of their own."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser_for(
    playwright: Playwright, voices: dict[str, Path], face: Path
) -> Iterator[Callable[[str], Browser]]:
    """The browser whose microphone speaks the language; the one before is closed."""
    opened: dict[str, Browser] = {}

    def browser_for(locale: str) -> Browser:
        for other in [name for name in opened if name != locale]:
            opened.pop(other).close()
        if locale not in opened:
            opened[locale] = launch(playwright, voices[locale], face)
        return opened[locale]

    yield browser_for
    for browser in opened.values():
        browser.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Every story ends with pages that had nothing to complain about."""
    watch = Watch()
    yield watch
    watch.assert_quiet()


@pytest.fixture
def window(browser_for: Callable[[str], Browser], watch: Watch) -> Iterator[Callable[..., BrowserContext]]:
    """Opens fresh profiles, closed after the story."""
    opened: list[BrowserContext] = []

    def window(screen: Screen = DESKTOP, locale: str = "zh-CN") -> BrowserContext:
        opened.append(open_context(browser_for(locale), screen, locale, watch))
        return opened[-1]

    yield window
    for context in opened:
        context.close()


@pytest.fixture
def invited(window: Callable[..., BrowserContext], shop: World, factory: World) -> Invite:
    """Somebody with a fresh invitation in front of a browser."""

    def invited(screen: Screen = DESKTOP, locale: str = "zh-CN", label: str = "") -> Candidate:
        world = shop if locale == "zh-CN" else factory
        return Candidate(window(screen, locale), world, world.invite("short", locale=locale), label)

    return invited
