"""Labelling (标注): what waits, one answer a page, the blind second rating, adjudication, taking labels away."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.params import Parameter
from litestar.response import Redirect, Stream

from duilian.customization.labels import examples, queues, rating
from duilian.customization.labels.errors import EvidenceOutside
from duilian.customization.service import newest_titles
from duilian.infra import audit
from duilian.infra.errors import NotFound, Problem
from duilian.platform.console import labels_view
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.labels_view import eyes_of
from duilian.platform.console.shell import AnyRequest, Form, staff_page, uuid_or_none
from duilian.platform.labelling.gather import gather_later
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants.rights import Right

READ, WRITE = [member_with(Right.LABELS_READ)], [member_with(Right.LABELS_WRITE)]
ADJUDICATE, MANAGE = [member_with(Right.LABELS_ADJUDICATE)], [member_with(Right.LABELS_MANAGE)]
HERE = "/console/labels"
Page = Annotated[int, Parameter(query="page", ge=1, le=100_000)]


class LabelPages(Controller):
    path = HERE
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=READ)
    async def home(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        eyes = eyes_of(desk)
        rows = await queues.progress(desk.session, eyes)
        return staff_page(
            request, desk, "labels_home.html", rows=rows, waiting=await queues.waiting(desk.session, eyes),
            titles=dict(await newest_titles(desk.session)), needed=queues.NEEDED,
            named={row.item: await _named(desk, row.sample_id) for row in rows},
        )  # fmt: skip

    @get("/next", guards=WRITE)
    async def next(
        self,
        request: AnyRequest,
        desk: Desk,
        queue: str = "first",
        item: str = "",
        after: str = "",
        last: str = "",
    ) -> Response[Any]:
        """Leads to the answer to rate next. after: the one passed over; last: the one just rated."""
        queue = queue if queue in queues.QUEUES else "first"
        passed = uuid_or_none(after)
        found = await queues.next_in(desk.session, eyes_of(desk), queue, item, passed)
        if found is None or found == passed:
            return staff_page(request, desk, "labels_done.html", last=await _last(desk, last))
        asked = msgspec.structs.asdict(_Where(queue=queue, item=item, last=last))
        return Redirect(
            f"{HERE}/examples/{found}", query_params={k: v for k, v in asked.items() if v}, status_code=303
        )

    @get("/examples/{example_id:uuid}", guards=READ)
    async def example(
        self,
        request: AnyRequest,
        desk: Desk,
        example_id: UUID,
        queue: str = "",
        item: str = "",
        last: str = "",
    ) -> Response[Any]:
        return await _example_page(request, desk, example_id, _Where(queue=queue, item=item, last=last))

    @post("/examples/{example_id:uuid}/rating", guards=WRITE)
    async def rate(self, request: AnyRequest, desk: Desk, example_id: UUID, data: Form) -> Response[Any]:
        """level 1–5, or `agree` for the scorer's; evidence as JSON, [[offset, length]] in characters."""
        where = _Where(queue=data.get("queue", ""), item=data.get("item", ""))
        view = await labels_view.view_of(desk, example_id)
        agreed = view.ai_level if data.get("agree") else None
        level = agreed or (int(data["level"]) if data.get("level", "").isdigit() else 0)
        try:
            evidence = _spans(data.get("evidence", ""))
            await rating.rate(
                desk.session, eyes_of(desk), example_id, level, evidence, data.get("reason", "")
            )
        except Problem as problem:
            if problem.status not in (400, 422):
                raise
            return await _example_page(request, desk, example_id, where, problem, data)
        if not where.queue:
            return back_to(
                f"{HERE}/examples/{example_id}", "success", t(desk.locale, "labels.saved", n=level)
            )
        target = f"{HERE}/next"
        asked = {"queue": where.queue, "item": where.item, "last": str(example_id)}
        return Redirect(target, query_params={k: v for k, v in asked.items() if v}, status_code=303)

    @post("/examples/{example_id:uuid}/undo", guards=WRITE)
    async def undo(self, desk: Desk, example_id: UUID, data: Form) -> Redirect:
        await rating.undo(desk.session, eyes_of(desk), example_id)
        asked = {k: v for k in ("queue", "item") if (v := data.get(k, ""))}
        answer = back_to(f"{HERE}/examples/{example_id}", "success", t(desk.locale, "labels.undone"))
        if asked:
            kept = answer.cookies
            answer = Redirect(
                f"{HERE}/examples/{example_id}", query_params=asked, status_code=303, cookies=kept
            )
        return answer

    @post("/examples/{example_id:uuid}/good", guards=WRITE)
    async def good(self, desk: Desk, example_id: UUID, data: Form) -> Redirect:
        good = data.get("good") == "1"
        await rating.set_good(desk.session, eyes_of(desk), example_id, good=good)
        message = t(desk.locale, "labels.good_on" if good else "labels.good_off")
        return back_to(f"{HERE}/examples/{example_id}", "success", message)

    @get("/adjudication", guards=ADJUDICATE)
    async def adjudication(self, request: AnyRequest, desk: Desk, page_number: Page = 1) -> Response[Any]:
        return await _adjudication_page(request, desk, page_number)

    @post("/examples/{example_id:uuid}/adjudication", guards=ADJUDICATE)
    async def adjudicate(
        self, request: AnyRequest, desk: Desk, example_id: UUID, data: Form
    ) -> Response[Any]:
        level = int(data["level"]) if data.get("level", "").isdigit() else 0
        try:
            await rating.adjudicate(desk.session, eyes_of(desk), example_id, level, data.get("reason", ""))
        except Problem as problem:
            if problem.status == 404:
                raise
            return await _adjudication_page(request, desk, 1, problem, str(example_id), data)
        return back_to(f"{HERE}/adjudication", "success", t(desk.locale, "labels.adjudicated", n=level))

    @post("/gathering", guards=MANAGE)
    async def gather(self, desk: Desk) -> Redirect:
        await gather_later(desk.session)
        return back_to(HERE, "success", t(desk.locale, "labels.gathering"))

    @get("/export", guards=MANAGE)
    async def export(self, desk: Desk) -> Stream:
        """JSON Lines in the exchange format of the laboratory."""
        lines = await exported(desk)
        return Stream(
            iter(lines),
            media_type="application/x-ndjson",
            headers={"Content-Disposition": f'attachment; filename="labels-{desk.tenant.slug}.jsonl"'},
        )


class _Where(msgspec.Struct, frozen=True, kw_only=True):
    """Where in a queue somebody is: queue "first", "second" or "" outside; item: one item only; last: rated before."""

    queue: str = ""
    item: str = ""
    last: str = ""


async def exported(desk: Desk) -> list[bytes]:
    """Of everything that the reader may see; noted in the audit log."""
    found = examples.as_lines(await examples.lines_of(desk.session))
    audit.record(
        desk.session, "labels.exported", "tenant", desk.session.tenant_id, after={"lines": len(found)}
    )
    return [msgspec.json.encode(line) + b"\n" for line in found]


async def _named(desk: Desk, example_id: UUID) -> tuple[str, str]:
    """Question and competency of an item, by any of its examples."""
    view = await labels_view.view_of(desk, example_id)
    return view.question, view.competency


async def _example_page(
    request: AnyRequest,
    desk: Desk,
    example_id: UUID,
    where: _Where,
    problem: Problem | None = None,
    form: dict[str, str] | None = None,
) -> Response[Any]:
    view = await labels_view.view_of(desk, example_id)
    if view.ai_level is not None:
        await rating.show(desk.session, desk.actor.label, view.example)
    if view.example.interview_id is not None:
        audit.record(desk.session, "label.opened", "interview", view.example.interview_id)
    return staff_page(
        request, desk, "labels_example.html", status=problem.status if problem else 200, view=view, where=where,
        error=problem.sentence(desk.locale) if problem else "", form=defaultdict(str, form or {}),
        waiting=await queues.waiting(desk.session, eyes_of(desk)), last=await _last(desk, where.last),
        may_write=desk.actor.may(Right.LABELS_WRITE),
    )  # fmt: skip


async def _last(desk: Desk, example_id: str) -> tuple[UUID, int] | None:
    """The example rated just before and the level it got, to take it back."""
    found = uuid_or_none(example_id)
    if found is None:
        return None
    try:
        await rating.example_of(desk.session, eyes_of(desk), found)
    except NotFound:
        return None
    mine = rating.task_for(desk.actor.label, await rating.standing(desk.session, found)).mine
    return (found, mine.level) if mine else None


async def _adjudication_page(
    request: AnyRequest,
    desk: Desk,
    page_number: int,
    problem: Problem | None = None,
    at: str = "",
    form: dict[str, str] | None = None,
) -> Response[Any]:
    found, more = await queues.disagreements(desk.session, eyes_of(desk), page_number)
    raters = [r for _, first, second in found for r in (first, second)]
    views = {example.id: await labels_view.view_of(desk, example.id) for example, _, _ in found}
    return staff_page(
        request, desk, "labels_adjudication.html", status=problem.status if problem else 200, rows=found, more=more,
        page_number=page_number, views=views, names=await labels_view.names_of(desk.session, raters, desk.locale),
        error=problem.sentence(desk.locale) if problem else "", at=at, form=defaultdict(str, form or {}), me=desk.actor.label,
    )  # fmt: skip


def _spans(said: str) -> list[list[int]]:
    """Raises EvidenceOutside for what is no list of pairs."""
    if not said.strip():
        return []
    try:
        return msgspec.convert(json.loads(said), list[list[int]])
    except (ValueError, msgspec.ValidationError) as error:
        raise EvidenceOutside from error
