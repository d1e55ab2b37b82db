"""The candidate's pages. One question a page: what should I do now?"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from duilian.customization.schemas import words
from duilian.platform.live.state import allowed as live_allowed
from duilian.platform.portal import feedback
from duilian.platform.portal.doors import Door, page_door
from duilian.platform.reports.errors import NoReportYet
from duilian.platform.scoring import refusals
from duilian.platform.sessions import answering, consents
from duilian.platform.sessions.models import Answer
from duilian.platform.sessions.opening import Visit
from duilian.platform.sessions.policy import policy_of
from duilian.platform.sessions.states import ANSWERED, Status
from duilian.platform.web import formats
from duilian.platform.web.pages import page
from duilian.platform.web.words import LOCALES

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class PortalPages(Controller):
    path = "/t/{slug:str}/i/{token:str}"
    include_in_schema = False
    dependencies = {"door": Provide(page_door)}  # noqa: RUF012  # the framework's own convention

    @get("/")
    async def welcome(self, door: Door, slug: str, token: str) -> Response[Any]:
        visit = await door.visit()
        place = _place(visit, slug, token)
        if visit.interview.status != Status.INVITED:
            return await _continue(door, visit, place)
        return portal_page("welcome.html", visit, place, minutes=visit.questions.minutes + 5)

    @post("/locale")
    async def change_locale(self, door: Door, slug: str, token: str, data: Form) -> Redirect:
        visit = await door.visit(lock=True)
        locale = data.get("locale", "")
        if locale in LOCALES and visit.interview.status in (Status.INVITED, Status.CONSENTED):
            visit.interview.locale, visit.interview.language = (
                locale,
                "zh" if locale.startswith("zh") else "en",
            )
        wanted = data.get("page", "")
        return _to(
            _place(visit, slug, token), wanted if wanted in ("consent", "device", "practice", "begin") else ""
        )

    @get("/consent")
    async def consent(self, door: Door, slug: str, token: str) -> Response[Any]:
        visit = await door.visit()
        return await _consent_page(door, visit, _place(visit, slug, token))

    @post("/consent")
    async def decide(self, door: Door, slug: str, token: str, data: Form) -> Response[Any]:
        visit = await door.visit(lock=True)
        place = _place(visit, slug, token)
        purposes = (await policy_of(door.session, visit.interview)).purposes
        decisions = {p: data[p] == "yes" for p in purposes if data.get(p) in ("yes", "no")}
        undecided = [p for p in purposes if p not in decisions]
        if undecided:
            return await _consent_page(door, visit, place, decisions, undecided)
        await answering.give_consents(door.session, visit, data.get("version", ""), decisions)
        return _to(place, "" if visit.interview.status == Status.HUMAN_ROUTE else "device")

    @post("/person")
    async def person(self, door: Door, slug: str, token: str) -> Redirect:
        visit = await door.visit(lock=True)
        await answering.ask_for_person(door.session, visit, "asked for a person")
        return _to(_place(visit, slug, token), "")

    @get("/device")
    async def device(self, door: Door, slug: str, token: str) -> Response[Any]:
        visit = await door.visit()
        place = _place(visit, slug, token)
        if visit.interview.status != Status.CONSENTED:
            return await _continue(door, visit, place)
        modes = sorted({mode for question in visit.questions.questions for mode in question.modes})
        script = _script(visit, place, "device") | {"next_url": f"{place}/practice", "modes": modes}
        return portal_page("device.html", visit, place, script=script, modes=modes)

    @get("/practice")
    async def practice(self, door: Door, slug: str, token: str) -> Response[Any]:
        visit = await door.visit()
        place = _place(visit, slug, token)
        if visit.interview.status != Status.CONSENTED:
            return await _continue(door, visit, place)
        practice = visit.questions.practice
        numbers = {
            "think_seconds": practice.think_seconds,
            "answer_seconds": practice.answer_seconds,
            "modes": list(practice.modes),
        }
        script = _question_script(visit, place, "practice") | {
            "next_url": f"{place}/begin",
            "is_practice": True,
            "min_seconds": 3,
            "practice": numbers,
        }
        return portal_page(
            "question.html", visit, place, script=script, text=words(practice.text, visit.interview.locale),
            number=0, count=len(visit.questions.questions), modes=list(practice.modes), practice=True, takes=1,
            hint="", answer_seconds=practice.answer_seconds, think_seconds=practice.think_seconds,
        )  # fmt: skip

    @get("/begin")
    async def begin(self, door: Door, slug: str, token: str) -> Response[Any]:
        visit = await door.visit()
        place = _place(visit, slug, token)
        if visit.interview.status != Status.CONSENTED:
            return await _continue(door, visit, place)
        if visit.tenant.closes_at is not None:
            return portal_page("no_more.html", visit, place)
        if visit.is_early:
            return portal_page("early.html", visit, place)
        return portal_page("begin.html", visit, place, minutes=visit.questions.minutes)

    @post("/begin")
    async def start(self, door: Door, slug: str, token: str) -> Redirect:
        visit = await door.visit(lock=True)
        await answering.start(door.session, visit)
        return _to(_place(visit, slug, token), "next")

    @get("/next")
    async def next_question(self, door: Door, slug: str, token: str) -> Response[Any]:
        visit = await door.visit()
        return await _continue(door, visit, _place(visit, slug, token), straight=True)

    @get("/question/{key:str}")
    async def question(self, door: Door, slug: str, token: str, key: str) -> Response[Any]:
        visit = await door.visit()
        place = _place(visit, slug, token)
        if visit.interview.status != Status.IN_PROGRESS:
            return await _continue(door, visit, place)
        question, answer = await answering.answer_to(door.session, visit, key)
        script = _question_script(visit, place, key) | {"min_seconds": question.min_seconds}
        may = await live_allowed(door.session, visit.interview)
        script["live"] = {"socket": f"{script['api']}/live", "captions": may.captions, "view": may.view}
        return portal_page(
            "question.html", visit, place, script=script, text="",  # the script shows it when the clock starts
            number=answer.position, count=len(visit.questions.questions), modes=list(question.modes), practice=False,
            takes=question.takes, hint="", answer_seconds=question.answer_seconds,
            think_seconds=question.think_seconds,
        )  # fmt: skip

    @get("/overview")
    async def overview(self, door: Door, slug: str, token: str) -> Response[Any]:
        visit = await door.visit()
        place = _place(visit, slug, token)
        if visit.interview.status != Status.IN_PROGRESS:
            return await _continue(door, visit, place)
        return _overview(visit, place, await answering.answers_of(door.session, visit.interview))

    @post("/submit")
    async def submit(self, door: Door, slug: str, token: str, data: Form) -> Redirect:
        visit = await door.visit(lock=True)
        await answering.submit(door.session, visit, data.get("leave_unanswered") == "yes")
        return _to(_place(visit, slug, token), "")

    @get("/feedback")
    async def show_feedback(self, door: Door, slug: str, token: str) -> Response[Any]:
        visit = await door.visit()
        place = _place(visit, slug, token)
        if visit.interview.status == Status.ERASED:
            return await _continue(door, visit, place)
        try:
            document = await feedback.document(door.session, visit)
        except NoReportYet:
            return portal_page("done.html", visit, place, ready=False)
        return portal_page("feedback.html", visit, place, feedback=document)


async def _continue(door: Door, visit: Visit, place: str, *, straight: bool = False) -> Response[Any]:
    """Where this interview goes on. straight: to the next question, without the overview."""
    status = Status(visit.interview.status)
    if status == Status.INVITED:
        return _to(place, "")
    if status == Status.CONSENTED:
        return portal_page("resume.html", visit, place)
    if status == Status.IN_PROGRESS:
        answers = await answering.answers_of(door.session, visit.interview)
        following = next((a for a in answers if a.state not in ANSWERED), None)
        if straight and following is not None:
            return _to(place, f"question/{following.question_key}")
        return _overview(visit, place, answers)
    if status in (Status.SUBMITTED, Status.REPORTED):
        return portal_page("done.html", visit, place, ready=status == Status.REPORTED)
    kinds = {Status.EXPIRED: "expired", Status.ERASED: "erased"}
    return portal_page("closed.html", visit, place, kind=kinds.get(status, "person"))


def _overview(visit: Visit, place: str, answers: list[Answer]) -> Response[Any]:
    """again: why an answer is asked for again, by question; it costs no take."""
    asked = [a for a in answers if answering.is_asked_again(a) and a.failure]
    again = {a.question_key: refusals.sentence(a.failure or {}, visit.interview.locale) for a in asked}
    return portal_page("overview.html", visit, place, answers=answers, again=again)


async def _consent_page(
    door: Door,
    visit: Visit,
    place: str,
    decisions: dict[str, bool] | None = None,
    undecided: list[str] | None = None,
) -> Response[Any]:
    if Status(visit.interview.status) not in (Status.INVITED, Status.CONSENTED):
        return await _continue(door, visit, place)
    policy = await policy_of(door.session, visit.interview)
    known = decisions
    if known is None:
        known = await consents.decisions_of(door.session, visit.interview, policy)
    return portal_page(
        "consent.html", visit, place, decisions=known, undecided=undecided or [], purposes=policy.purposes,
        version=consents.VERSION, periods=consents.periods(policy),
        notices={purpose: consents.notices(purpose, policy) for purpose in policy.purposes},
    )  # fmt: skip


def _place(visit: Visit, slug: str, token: str) -> str:
    return f"/t/{slug}/i/{token}"


def _not_before(visit: Visit) -> str | None:
    """The earliest start, while it lies ahead."""
    start = visit.invitation.not_before
    if start is None or not visit.is_early:
        return None
    return formats.moment(start, visit.interview.locale, visit.tenant.time_zone)


def _to(place: str, step: str) -> Redirect:
    return Redirect(f"{place}/{step}" if step else place, status_code=303)


def _script(visit: Visit, place: str, name: str) -> dict[str, Any]:
    """What the page's scripts must know."""
    slug, token = place.split("/")[2], place.split("/")[4]
    return {
        "page": name,
        "api": f"/api/v1/t/{slug}/interview",
        "token": token,
        "locale": visit.interview.locale,
        "interview": str(visit.interview.id),
    }


def _question_script(visit: Visit, place: str, key: str) -> dict[str, Any]:
    return _script(visit, place, "question") | {
        "question": key,
        "next_url": f"{place}/next",
        "pause_url": f"{place}/overview",
        "done_url": f"{place}/overview",
        "is_practice": False,
    }


def portal_page(template: str, visit: Visit, place: str, **context: Any) -> Response[str]:
    locale = visit.interview.locale
    shared: dict[str, Any] = {
        "visit": visit,
        "brand": visit.tenant.brand,
        "slug": visit.tenant.slug,
        "employer": visit.tenant.name[locale],
        "job": words(visit.questions.job.title, locale),
        "set_title": words(visit.questions.title, locale),
        "count_questions": len(visit.questions.questions),
        "deadline": formats.moment(visit.interview.deadline, locale, visit.tenant.time_zone),
        "place": place,
        "not_before": _not_before(visit),
        "script": _script(visit, place, template.removesuffix(".html")),
    }
    merged: dict[str, Any] = shared | context
    return page(template, locale, **merged)
