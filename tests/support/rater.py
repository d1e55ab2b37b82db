"""A member at the labelling pages, for stories of rating."""

from __future__ import annotations

import httpx

from outsiders import signed_in
from world import World


class Rater:
    """A member at the labelling pages."""

    def __init__(self, world: World, role: str) -> None:
        self.client, self.csrf = signed_in(world, role)

    def next(self, queue: str = "first") -> str:
        answer = self.client.get("/console/labels/next", params={"queue": queue})
        assert answer.status_code == 303, "something waits"
        return answer.headers["location"].partition("/examples/")[2][:36]

    def page(self, example: str) -> str:
        answer = self.client.get(f"/console/labels/examples/{example}")
        assert answer.status_code == 200
        return answer.text

    def post(self, example: str, act: str, **form: str) -> httpx.Response:
        return self.client.post(f"/console/labels/examples/{example}/{act}", data=form | {"csrf": self.csrf})

    def rate(self, example: str, level: int, **form: str) -> httpx.Response:
        answer = self.post(example, "rating", level=str(level), **form)
        assert answer.status_code == 303, answer.text[:500]
        return answer
