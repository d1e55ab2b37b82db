"""Reading and correcting the transcript: the candidate's page, which needs no script, and the API behind it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, TypedDict

import msgspec
from litestar import Controller, Request, Response, get, post, put
from litestar.di import Provide
from litestar.response import Redirect

from duilian.customization.schemas import words
from duilian.infra.errors import Problem
from duilian.platform.portal.doors import Door, api_door, page_door
from duilian.platform.portal.pages import Form, portal_page
from duilian.platform.privacy import transcripts
from duilian.platform.privacy.errors import CorrectionEmpty, TooManyCorrections
from duilian.platform.scoring.correction import MOST_CHANGED, Change, CorrectionTooLarge
from duilian.platform.sessions.opening import Visit
from duilian.platform.web import formats
from duilian.platform.web.edge import back_to, flash_of, without_flash
from duilian.platform.web.words import t

AnyRequest = Request[Any, Any, Any]  # Any: candidates have no user object


class CorrectedText(msgspec.Struct, frozen=True):
    text: Annotated[str, msgspec.Meta(max_length=40_000)]


class LineDocument(TypedDict):
    """heard: as it was recognised; text: as it counts now; scoring: a correction is being scored."""

    key: str
    position: int
    heard: str
    text: str
    left: int
    scoring: bool


class Transcripts(TypedDict):
    """open: whether corrections are accepted, until `until` or until somebody decides."""

    open: bool
    until: str | None
    answers: list[LineDocument]


class Corrected(TypedDict):
    """changed_share: 0 to 1; changes: None of them where the text was what it was."""

    number: int
    changed_share: float
    changes: list[Change]


class TranscriptPages(Controller):
    path = "/t/{slug:str}/i/{token:str}/transcript"
    include_in_schema = False
    dependencies = {"door": Provide(page_door)}  # noqa: RUF012  # the framework's own convention

    @get("/")
    async def show(self, request: AnyRequest, door: Door, slug: str, token: str) -> Response[Any]:
        return await _page(request, door, await door.visit(), slug, token)

    @post("/{key:str}")
    async def correct(
        self, request: AnyRequest, door: Door, slug: str, token: str, key: str, data: Form
    ) -> Response[Any]:
        """What is refused stays in the box, with the reason beside it."""
        visit = await door.visit(lock=True)
        text = data.get("text", "")[:40_000]
        try:
            made = await transcripts.correct(door.session, visit, key, text)
        except (CorrectionTooLarge, CorrectionEmpty, TooManyCorrections) as problem:
            return await _page(request, door, visit, slug, token, key, text, problem)
        said = "portal.transcript.saved" if made else "portal.transcript.nothing_changed"
        where = f"/t/{slug}/i/{token}/transcript#{key}"
        answer: Redirect = back_to(where, "success", t(visit.interview.locale, said))
        return answer


class TranscriptApi(Controller):
    path = "/api/v1/t/{slug:str}/interview/transcripts"
    tags = ("candidate",)
    dependencies = {"door": Provide(api_door)}  # noqa: RUF012  # the framework's own convention

    @get("/")
    async def show(self, door: Door) -> Transcripts:
        visit = await door.visit()
        window = await transcripts.window(door.session, visit)
        answers: list[LineDocument] = [
            {
                "key": line.key,
                "position": line.position,
                "heard": line.heard,
                "text": line.text,
                "left": line.left,
                "scoring": line.scoring,
            }
            for line in await transcripts.lines(door.session, visit)
        ]
        until = window.until.isoformat() if window.until else None
        return {"open": window.is_open, "until": until, "answers": answers}

    @put("/{key:str}")
    async def correct(self, door: Door, key: str, data: CorrectedText) -> Corrected:
        visit = await door.visit(lock=True)
        made = await transcripts.correct(door.session, visit, key, data.text)
        if made is None:
            return {"number": 0, "changed_share": 0.0, "changes": []}
        return {"number": made.number, "changed_share": made.changed_share, "changes": made.changes}


async def _page(
    request: AnyRequest,
    door: Door,
    visit: Visit,
    slug: str,
    token: str,
    refused: str = "",
    typed: str = "",
    problem: Problem | None = None,
) -> Response[Any]:
    """refused, typed, problem: the answer whose correction was not accepted, what was typed, and why."""
    locale = visit.interview.locale
    asked = {q.key: words(q.text, locale) for q in visit.questions.questions}
    answer = without_flash(
        portal_page(
            "transcript.html", visit, f"/t/{slug}/i/{token}", flash=flash_of(request), asked=asked,
            window=await transcripts.window(door.session, visit), lines=await transcripts.lines(door.session, visit),
            refused=refused, typed=typed, reason=problem.sentence(locale) if problem else "",
            most=round(MOST_CHANGED * 100), said=partial(words, locale=locale),
            **formats.for_reader(locale, visit.tenant.time_zone),
        )
    )  # fmt: skip
    answer.status_code = problem.status if problem else 200
    return answer
