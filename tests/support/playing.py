"""Playing interviews through the public API, and reading what came of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from duilian.customization import packs
from duilian.customization.schemas import QuestionSet
from duilian.customization.service import publish
from duilian.infra.database import Database
from duilian.platform.app.candidate_client import Candidate, Staff
from world import World, run

FIXTURES = Path(__file__).parents[1] / "fixtures"
SPEECH = FIXTURES / "speech"
Part = Path | str  # a recording, or the words of a written answer
Document = dict[str, Any]


def spoken(language: str, quality: str, question_set: str) -> list[Path]:
    """The recordings of one person, in the order of the questions."""
    return sorted((SPEECH / language / quality / question_set).glob("*.webm"))


def written(question_set: str, quality: str, language: str) -> list[str]:
    """The same words as text, in the order of the questions."""
    source = FIXTURES / "answers" / question_set / quality / f"{language}.yaml"
    return list(yaml.safe_load(source.read_text("utf-8")).values())


def shipped(industry: str, key: str) -> QuestionSet:
    """A set that comes with the product."""
    return next(found for found in packs.shipped_sets(industry) if found.key == key)


def publish_set(world: World, question_set: QuestionSet) -> str:
    """Publishes a set for the tenant, by the path that every set takes; gives its key."""

    async def write() -> None:
        database = Database(world.settings.database_url, 1)
        try:
            async with database.begin(world.tenant_id) as session:
                await publish(session, question_set, "tests")
        finally:
            await database.close()

    run(write())
    return question_set.key


def publish_written(world: World, question_set: QuestionSet) -> str:
    """The set under `{key}-written`, where every question may be answered in writing too."""
    questions = [msgspec.structs.replace(q, modes=["video", "audio", "text"]) for q in question_set.questions]
    key = f"{question_set.key}-written"
    return publish_set(world, msgspec.structs.replace(question_set, key=key, questions=questions))


def play(world: World, set_key: str, parts: Sequence[Part], locale: str = "zh-CN", **consents: bool) -> str:
    """A whole interview up to handing in; gives its id. consents: purposes refused (`scoring=False`)."""
    return run(play_async(world, set_key, parts, locale, **consents))


async def play_async(
    world: World, set_key: str, parts: Sequence[Part], locale: str = "zh-CN", **consents: bool
) -> str:
    invitation = world.invite(set_key, locale=locale)
    async with Candidate(world.url, world.slug, invitation["token"], locale) as candidate:
        state = await candidate.begin(**consents)
        for question, part in zip(state["questions"], parts, strict=False):
            await answer(candidate, question, part)
        await candidate.submit()
    return invitation["interview"]


async def answer(candidate: Candidate, question: Document, part: Part) -> Document:
    """Opens the question and answers it; the certificate of a recording, else the question."""
    await candidate.open(question["key"])
    if isinstance(part, str):
        return await candidate.write(question["key"], part)
    return await candidate.record(question, part)


def report_of(world: World, interview: str, within: float = 180) -> Document:
    """Waits for the report, `within` seconds; a failed wait says where the answers stand."""
    return run(report_async(world, interview, within))


async def report_async(world: World, interview: str, within: float = 180) -> Document:
    deadline = time.monotonic() + within
    async with Staff(world.url, world.api_key) as staff:
        while (state := await staff.interview(interview))["status"] != "reported":
            assert time.monotonic() < deadline, state
            await asyncio.sleep(0.1)
        return await staff.report(interview)


async def answer_settled(world: World, interview: str, key: str, within: float = 120) -> str:
    """Waits until the answer is processed or refused; gives its state."""
    deadline = time.monotonic() + within
    async with Staff(world.url, world.api_key) as staff:
        while True:
            found = (await staff.interview(interview))["answers"]
            state = next(a["state"] for a in found if a["key"] == key)
            if state in ("processed", "failed"):
                return state
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.05)
