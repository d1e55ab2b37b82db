"""Interviews that are over, with the link still in hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from browsing import browser
from duilian.platform.app.candidate_client import Candidate
from playing import Part, answer, publish_written, report_of, shipped, written
from world import World, run

Document = dict[str, Any]


@dataclass(frozen=True)
class Finished:
    """A person after the interview. api: the candidate API; page: the person's pages, relative to the link."""

    world: World
    invitation: Document

    @property
    def id(self) -> str:
        return self.invitation["interview"]

    @property
    def api(self) -> httpx.Client:
        return self.world.candidate(self.invitation)

    @property
    def page(self) -> httpx.Client:
        base = f"{self.world.url}/t/{self.world.slug}/i/{self.invitation['token']}"
        return browser(base, headers={"Accept": "text/html"})

    def mine(self) -> Document:
        return self.api.get("/my-data").raise_for_status().json()

    def counts(self) -> dict[str, int]:
        return {h["category"]: h["count"] for h in self.mine()["holdings"]}

    def erase(self) -> str:
        """Asks for erasure; gives the receipt's number."""
        asked = self.api.post("/my-data/erasure", json={"confirm": True})
        assert asked.status_code == 202, asked.text
        return asked.json()["number"]

    def receipt(self, number: str, within: float = 60) -> Document:
        """Waits until the receipt is written."""
        return until(
            lambda: self.api.get(f"/my-data/receipts/{number}").json(), lambda r: "erased" in r, within
        )


def until(read: Callable[[], Document], done: Callable[[Document], bool], within: float = 60) -> Document:
    deadline = time.monotonic() + within
    while not done(found := read()):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def hand_in(
    world: World, parts: list[Part], set_key: str = "", locale: str = "zh-CN", **consents: bool
) -> Finished:
    """An interview up to handing in. set_key: the retail set that may be answered in writing, if not given."""
    key = set_key or publish_written(world, shipped("retail", "complaint"))
    invitation = world.invite(key, locale=locale)

    async def play() -> None:
        async with Candidate(world.url, world.slug, invitation["token"], locale) as candidate:
            state = await candidate.begin(**consents)
            for question, part in zip(state["questions"], parts, strict=False):
                await answer(candidate, question, part)
            await candidate.submit()

    run(play())
    return Finished(world, invitation)


def reported(world: World, parts: list[Part] | None = None, **consents: bool) -> Finished:
    """… and with a report. Written answers, where no others are given."""
    finished = hand_in(world, parts or list(written("complaint", "strong", "zh")), **consents)
    report_of(world, finished.id)
    return finished
