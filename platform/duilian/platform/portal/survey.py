"""The survey after handing in (题目反馈): each question too hard, right or too easy, unclear or not, and some words.

Voluntary and without scripts. The same for programs: `SurveyApi`.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post, put
from litestar.di import Provide
from litestar.response import Redirect

from duilian.customization.schemas import words
from duilian.infra.database import Database
from duilian.platform.opinions import survey
from duilian.platform.portal.doors import Door, api_door, page_door
from duilian.platform.portal.pages import Form, portal_page
from duilian.platform.privacy import practice
from duilian.platform.sessions.opening import Visit
from duilian.platform.web.edge import back_to, flash_of, without_flash
from duilian.platform.web.words import t

AnyRequest = Request[Any, Any, Any]  # Any: candidates have no user object
Document = dict[str, Any]


class Said(msgspec.Struct, frozen=True):
    """felt: hard, right or easy; None where nothing is said of it."""

    felt: Annotated[str, msgspec.Meta(max_length=10)] | None = None
    unclear: bool = False


class Opinion(msgspec.Struct, frozen=True):
    """answers: by question. words: free text."""

    answers: Annotated[dict[str, Said], msgspec.Meta(max_length=40)] = {}
    words: Annotated[str, msgspec.Meta(max_length=survey.LONGEST_WORDS)] = ""


class SurveyPages(Controller):
    path = "/t/{slug:str}/i/{token:str}/survey"
    include_in_schema = False
    dependencies = {"door": Provide(page_door)}  # noqa: RUF012  # the framework's own convention

    @get("/")
    async def show(
        self, request: AnyRequest, door: Door, database: Database, slug: str, token: str
    ) -> Response[Any]:
        visit = await door.visit()
        if not survey.may_answer(visit.interview):
            return Redirect(f"/t/{slug}/i/{token}/", status_code=303)
        said = partial(words, locale=visit.interview.locale)
        found = portal_page(
            "survey.html", visit, f"/t/{slug}/i/{token}", mine=await _own(door, visit, database), said=said,
            felt=survey.FELT, flash=flash_of(request), most=survey.LONGEST_WORDS,
        )  # fmt: skip
        return without_flash(found)

    @post("/")
    async def save(self, door: Door, database: Database, slug: str, token: str, data: Form) -> Redirect:
        visit = await door.visit()
        given = {
            question.key: {
                "felt": data.get(f"felt-{question.key}"),
                "unclear": f"unclear-{question.key}" in data,
            }
            for question in visit.questions.questions
        }
        kept = await _save(door, visit, database, given, data.get("words", ""))
        message = t(visit.interview.locale, "portal.survey.saved" if kept else "portal.survey.gone")
        return back_to(f"/t/{slug}/i/{token}/survey", "success", message)


class SurveyApi(Controller):
    path = "/api/v1/t/{slug:str}/interview/survey"
    tags = ("candidate",)
    dependencies = {"door": Provide(api_door)}  # noqa: RUF012  # the framework's own convention

    @get("/")
    async def show(self, door: Door, database: Database) -> Document:
        """What may be answered, and what was; voluntary, and never shown beside scores."""
        visit = await door.visit()
        return _document(visit, await _own(door, visit, database))

    @put("/")
    async def save(self, door: Door, database: Database, data: Opinion) -> Document:
        """In place of what was said before; an empty one is deleted."""
        visit = await door.visit()
        given = {key: {"felt": one.felt, "unclear": one.unclear} for key, one in data.answers.items()}
        return _document(visit, await _save(door, visit, database, given, data.words))


async def _own(door: Door, visit: Visit, database: Database) -> Document | None:
    async with practice.own_session(database, door.session.tenant_id, visit.candidate.id) as own:
        row = next(iter(await survey.own(own, visit.interview.id)), None)
        return survey.document(row) if row else None


async def _save(
    door: Door, visit: Visit, database: Database, given: dict[str, dict[str, Any]], said: str
) -> Document | None:
    """Nothing of it goes on record: the log would tell who said something."""
    known = {question.key for question in visit.questions.questions}
    mine = {key: one for key, one in given.items() if key in known}
    async with practice.own_session(database, door.session.tenant_id, visit.candidate.id) as own:
        row = await survey.save(own, visit.candidate.id, visit.interview, visit.questions.key, mine, said)
        return survey.document(row) if row else None


def _document(visit: Visit, said: Document | None) -> Document:
    return {
        "open": survey.may_answer(visit.interview),
        "questions": [question.key for question in visit.questions.questions],
        "answers": said["answers"] if said else {},
        "words": said["words"] if said else None,
        "given_at": said["given_at"] if said else None,
    }
