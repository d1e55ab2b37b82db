"""The staff API of labels: importing history, rating answers, taking labels away (docs/labels.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID

import msgspec
from litestar import Controller, Request, delete, get, post, put
from litestar.di import Provide
from litestar.params import Parameter
from litestar.response import Stream

from duilian.customization.labels import examples, imports, items, queues, rating
from duilian.customization.labels.archives import LARGEST_ARCHIVE
from duilian.customization.labels.mapping import Mapping
from duilian.customization.labels.models import HistoryImport, Rating
from duilian.customization.labels.rating import Eyes
from duilian.infra import audit
from duilian.infra.objects import ObjectStore
from duilian.platform.api.desk import ApiDesk, key_with, provide_api_desk
from duilian.platform.web.openapi import binary
from duilian.tenants.organisation import place_for
from duilian.tenants.rights import Right

AnyRequest = Request[Any, Any, Any]  # Any: the actor lies in the request's own state
READ, WRITE = [key_with(Right.LABELS_READ)], [key_with(Right.LABELS_WRITE)]
MANAGE = [key_with(Right.LABELS_MANAGE)]
Queue = Literal["first", "second"]


class NewRating(msgspec.Struct, frozen=True, kw_only=True):
    """evidence: [offset, length] in characters of the answer."""

    level: Annotated[int, msgspec.Meta(ge=1, le=5)]
    evidence: Annotated[
        list[Annotated[list[int], msgspec.Meta(min_length=2, max_length=2)]], msgspec.Meta(max_length=20)
    ] = []
    reason: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class RatingMade(TypedDict):
    kind: str
    level: int
    blind: bool
    rated_at: str


class ExampleDocument(TypedDict):
    """task: first, second, or "" where this key may not rate it. ai_level: the scorer's, hidden where the rating is
    blind. mine: the key's own rating."""

    id: str
    item: str
    question: str
    competency: str
    language: str
    answer: str
    source: str
    task: str
    blind: bool
    ai_level: int | None
    mine: RatingMade | None
    good: bool


class NextExample(TypedDict):
    """example: None where nothing waits."""

    example: ExampleDocument | None


class ItemProgress(TypedDict):
    item: str
    competency: str
    examples: int
    labelled: int
    twice: int
    agreed: int
    apart: int
    good: int
    missing: int


class ProgressList(TypedDict):
    needed: int
    items: list[ItemProgress]


class FindingDocument(TypedDict):
    """weight: error or duplicate. zh, en: what is wrong and what to do."""

    row: int
    field: str
    code: str
    weight: str
    zh: str
    en: str


class ImportDocument(TypedDict):
    """mapping: as in PUT …/mapping. counts: rows by what becomes of them, {} before the dry run."""

    id: str
    kind: str
    format: str
    sha256: str
    state: str
    columns: list[str]
    mapping: dict[str, Any]
    counts: dict[str, Any]
    findings: list[FindingDocument]
    done: int
    total: int


class Undone(TypedDict):
    rows: int


class LabelsApi(Controller):
    path = "/api/v1/labels"
    tags = ("staff",)
    dependencies = {"desk": Provide(provide_api_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/progress", guards=READ)
    async def progress(self, desk: ApiDesk) -> ProgressList:
        rows = await queues.progress(desk.session, _eyes(desk))
        return {
            "needed": queues.NEEDED,
            "items": [
                {
                    "item": r.item, "competency": r.competency, "examples": r.examples, "labelled": r.labelled,
                    "twice": r.twice, "agreed": r.agreed, "apart": r.apart, "good": r.good, "missing": r.missing,
                }
                for r in rows
            ],
        }  # fmt: skip

    @get("/next", guards=WRITE)
    async def next(
        self, desk: ApiDesk, queue: Queue = "first", item: Annotated[str, Parameter(max_length=200)] = ""
    ) -> NextExample:
        """The answer to rate next: least certain first, second ratings in an order that says nothing."""
        found = await queues.next_in(desk.session, _eyes(desk), queue, item)
        return {"example": await _document(desk, found) if found else None}

    @get("/examples/{example_id:uuid}", guards=READ)
    async def example(self, desk: ApiDesk, example_id: UUID) -> ExampleDocument:
        return await _document(desk, example_id)

    @post("/examples/{example_id:uuid}/ratings", guards=WRITE)
    async def rate(self, desk: ApiDesk, example_id: UUID, data: NewRating) -> RatingMade:
        """The first or the second rating, by what the answer has; another in place of the key's own."""
        row = await rating.rate(
            desk.session, _eyes(desk), example_id, data.level, data.evidence, data.reason, origin="api"
        )
        return _rating(row)

    @get("/lines", guards=MANAGE, responses=binary("Labels as JSON Lines.", "application/x-ndjson"))
    async def lines(self, desk: ApiDesk) -> Stream:
        found = examples.as_lines(await examples.lines_of(desk.session))
        facts = {"lines": len(found)}
        audit.record(desk.session, "labels.exported", "tenant", desk.session.tenant_id, after=facts)

        def encoded() -> Iterator[bytes]:
            for line in found:
                yield msgspec.json.encode(line) + b"\n"

        return Stream(encoded(), media_type="application/x-ndjson")

    @post("/imports", guards=MANAGE, request_max_body_size=LARGEST_ARCHIVE)
    async def upload(
        self, request: AnyRequest, desk: ApiDesk, store: ObjectStore,
        name: Annotated[str, Parameter(min_length=1, max_length=200)],
        kind: Literal["answers", "outcomes"] = "answers", unit: UUID | None = None,
    ) -> ImportDocument:  # fmt: skip
        """The body is the file; its mapping is guessed."""
        place = await place_for(desk.session, desk.session.access.units, unit)
        row = await imports.upload(desk.session, store, name, await request.body(), kind, place.id)
        return _import(row)

    @get("/imports/{import_id:uuid}", guards=MANAGE)
    async def import_state(self, desk: ApiDesk, import_id: UUID) -> ImportDocument:
        return _import(await imports.import_of(desk.session, import_id))

    @put("/imports/{import_id:uuid}/mapping", guards=MANAGE)
    async def check(
        self, desk: ApiDesk, store: ObjectStore, import_id: UUID, data: Mapping
    ) -> ImportDocument:
        """The dry run: every row read, nothing written."""
        row = await imports.import_of(desk.session, import_id, lock=True)
        await imports.dry_run(desk.session, store, row, data)
        return _import(row)

    @post("/imports/{import_id:uuid}/start", guards=MANAGE, status_code=202)
    async def start(self, desk: ApiDesk, import_id: UUID) -> ImportDocument:
        row = await imports.import_of(desk.session, import_id, lock=True)
        await imports.start(desk.session, row)
        return _import(row)

    @delete("/imports/{import_id:uuid}", guards=MANAGE, status_code=200)
    async def remove(self, desk: ApiDesk, store: ObjectStore, import_id: UUID, sure: bool = False) -> Undone:
        """Undoes an import, or throws away a file that was not imported. sure: with the ratings people gave since."""
        row = await imports.import_of(desk.session, import_id, lock=True)
        if row.state == imports.IMPORTED:
            return {"rows": await imports.undo(desk.session, row, sure=sure)}
        await imports.discard(desk.session, store, row)
        return {"rows": 0}


def _eyes(desk: ApiDesk) -> Eyes:
    return Eyes(desk.actor.label, desk.actor.units_with(Right.INTERVIEWS_READ))


async def _document(desk: ApiDesk, example_id: UUID) -> ExampleDocument:
    eyes = _eyes(desk)
    example = await rating.example_of(desk.session, eyes, example_id)
    if example.interview_id is not None:
        audit.record(desk.session, "label.opened", "interview", example.interview_id)
    task = rating.task_for(eyes.rater, await rating.standing(desk.session, example.id), example.seen_by)
    shown = bool(task.kind) and not task.blind
    if shown:
        await rating.show(desk.session, eyes.rater, example)
    return {
        "id": str(example.id),
        "item": example.item,
        "question": await items.asked(desk.session, example),
        "competency": example.competency,
        "language": example.language,
        "answer": example.answer,
        "source": example.source,
        "task": task.kind,
        "blind": task.blind,
        "ai_level": example.ai_level if shown else None,
        "mine": _rating(task.mine) if task.mine else None,
        "good": example.good_at is not None,
    }


def _rating(row: Rating) -> RatingMade:
    return {"kind": row.kind, "level": row.level, "blind": row.blind, "rated_at": row.rated_at.isoformat()}


def _import(row: HistoryImport) -> ImportDocument:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "format": row.format,
        "sha256": row.sha256,
        "state": row.state,
        "columns": (row.preview or {}).get("columns", []),
        "mapping": row.mapping,
        "counts": row.counts,
        "findings": [
            {
                "row": f.row, "field": f.field, "code": f.code, "weight": f.weight, "zh": f.sentence("zh-CN"),
                "en": f.sentence("en"),
            }
            for f in imports.findings_of(row)
        ],
        "done": row.done,
        "total": row.total,
    }  # fmt: skip
