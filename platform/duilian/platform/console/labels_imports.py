"""Importing history (导入历史面试): upload, mapping with the dry run's findings, import with progress, undo."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import Provide
from litestar.params import Parameter
from litestar.response import Redirect

from duilian.customization.labels import headers, imports, scales
from duilian.customization.labels.archives import LARGEST_ARCHIVE
from duilian.customization.labels.errors import BadMapping, LabelsWouldGo
from duilian.customization.labels.imports import import_of, mapping_of
from duilian.customization.labels.mapping import KINDS, Mapping, needed
from duilian.customization.labels.models import HistoryImport
from duilian.customization.labels.reading import MOST_ROWS
from duilian.customization.labels.scales import Scale
from duilian.customization.service import content_of, newest_sets
from duilian.infra.errors import BadRequest, Problem
from duilian.infra.objects import ObjectStore
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, Form, staff_page, uuid_or_none
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import t
from duilian.tenants.organisation import place_for, units_in
from duilian.tenants.rights import Right

MANAGE = [member_with(Right.LABELS_MANAGE)]
HERE = "/console/labels/imports"
SHOWN = 300  # findings on the page
Page = Annotated[int, Parameter(query="page", ge=1, le=100_000)]


class HistoryPages(Controller):
    path = HERE
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=MANAGE)
    async def list(self, request: AnyRequest, desk: Desk, page_number: Page = 1) -> Response[Any]:
        return await _list_page(request, desk, page_number)

    @post("/", guards=MANAGE, request_max_body_size=LARGEST_ARCHIVE + 1024 * 1024)
    async def upload(self, request: AnyRequest, desk: Desk, store: ObjectStore) -> Response[Any]:
        form = await request.form()
        file, kind = form.get("file"), str(form.get("kind", KINDS[0]))
        try:
            if not isinstance(file, UploadFile) or not file.filename:
                raise BadRequest(reason=t(desk.locale, "labels.import.no_file"))
            unit = await place_for(
                desk.session, desk.session.access.units, uuid_or_none(str(form.get("unit", "")))
            )
            row = await imports.upload(desk.session, store, file.filename, await file.read(), kind, unit.id)
        except Problem as problem:
            if problem.status == 404 or problem.status >= 500:
                raise
            return await _list_page(request, desk, 1, problem, kind)
        return back_to(f"{HERE}/{row.id}")

    @get("/{import_id:uuid}", guards=MANAGE)
    async def show(self, request: AnyRequest, desk: Desk, import_id: UUID) -> Response[Any]:
        return await _page(request, desk, await import_of(desk.session, import_id))

    @get("/{import_id:uuid}/progress", guards=MANAGE)
    async def progress(self, request: AnyRequest, desk: Desk, import_id: UUID) -> Response[Any]:
        """Polled by the page until the import is over."""
        row = await import_of(desk.session, import_id)
        return staff_page(request, desk, "labels_import_progress.html", row=row)

    @post("/{import_id:uuid}/check", guards=MANAGE)
    async def check(
        self, request: AnyRequest, desk: Desk, store: ObjectStore, import_id: UUID, data: Form
    ) -> Response[Any]:
        """The dry run with the mapping as it stands in the form."""
        row = await import_of(desk.session, import_id, lock=True)
        try:
            await imports.dry_run(desk.session, store, row, await _mapping(desk, store, row, data))
        except BadMapping as problem:
            return await _page(request, desk, row, problem, data)
        return back_to(f"{HERE}/{import_id}#result")

    @post("/{import_id:uuid}/start", guards=MANAGE)
    async def start(self, desk: Desk, import_id: UUID) -> Redirect:
        await imports.start(desk.session, await import_of(desk.session, import_id, lock=True))
        return back_to(f"{HERE}/{import_id}")

    @post("/{import_id:uuid}/undo", guards=MANAGE)
    async def undo(self, request: AnyRequest, desk: Desk, import_id: UUID, data: Form) -> Response[Any]:
        row = await import_of(desk.session, import_id, lock=True)
        try:
            gone = await imports.undo(desk.session, row, sure=data.get("sure") == "1")
        except LabelsWouldGo as problem:
            return await _page(request, desk, row, problem)
        return back_to(f"{HERE}/{import_id}", "success", t(desk.locale, "labels.import.undone_flash", n=gone))

    @post("/{import_id:uuid}/discard", guards=MANAGE)
    async def discard(self, desk: Desk, store: ObjectStore, import_id: UUID) -> Redirect:
        await imports.discard(desk.session, store, await import_of(desk.session, import_id, lock=True))
        return back_to(HERE, "success", t(desk.locale, "labels.import.discarded_flash"))


async def _list_page(
    request: AnyRequest, desk: Desk, page_number: int, problem: Problem | None = None, kind: str = KINDS[0]
) -> Response[Any]:
    rows, more = await imports.imports(desk.session, page_number)
    units = await units_in(desk.session, desk.session.access.units)
    return staff_page(
        request, desk, "labels_imports.html", status=problem.status if problem else 200, rows=rows, more=more,
        page_number=page_number, kinds=KINDS, kind=kind, units=units if len(units) > 1 else [], most_rows=MOST_ROWS,
        largest=LARGEST_ARCHIVE // 2**20, error=problem.sentence(desk.locale) if problem else "",
    )  # fmt: skip


async def _page(
    request: AnyRequest,
    desk: Desk,
    row: HistoryImport,
    problem: Problem | None = None,
    form: dict[str, str] | None = None,
) -> Response[Any]:
    """form: what was typed and refused; it stands there again."""
    mapping = mapping_of(row)
    if form is not None:
        mapping = _typed(mapping, form)
    found = imports.findings_of(row)
    wrong = str(problem.params["field"]) if isinstance(problem, BadMapping) else ""
    error = problem.sentence(desk.locale) if problem else ""
    if wrong:
        error = t(desk.locale, "labels.mapping.wrong", field=t(desk.locale, f"labels.field.{wrong}"))
    return staff_page(
        request, desk, "labels_import.html", status=problem.status if problem else 200, row=row, mapping=mapping,
        fields=[f for f in headers.FIELDS[row.kind] if f != "audio" or row.format == "audio"],
        needed=needed(row.kind, audio=row.format == "audio"), findings=found[:SHOWN], more_findings=len(found) - SHOWN,
        sets=[content_of(one) for one in await newest_sets(desk.session)], levels=scales.LEVELS,
        marks=[*mapping.scale.words, *[m for m in (row.preview or {}).get("marks", []) if m not in mapping.scale.words]],
        error=error, wrong=wrong,
        labels=await imports.labels_on(desk.session, row.id) if row.state == imports.IMPORTED else 0,
    )  # fmt: skip


async def _mapping(desk: Desk, store: ObjectStore, row: HistoryImport, form: dict[str, str]) -> Mapping:
    """As typed; where other marks are mapped than before, or as another kind, their scale is guessed anew."""
    kept, typed = mapping_of(row), _typed(mapping_of(row), form)
    of = form.get("scale", "")
    fields = imports.MARKS[row.kind]
    same = [typed.columns.get(f) for f in fields] == [kept.columns.get(f) for f in fields]
    if same and of in ("", kept.scale.kind):
        return typed
    opened = await imports.opened_file(desk.session, store, row)
    scale = imports.guessed_scale(opened.table, row.kind, typed.columns, "" if not same else of)
    return msgspec.structs.replace(typed, scale=scale or typed.scale)


def _typed(kept: Mapping, form: dict[str, str]) -> Mapping:
    columns = {
        name.removeprefix("field."): value
        for name, value in form.items()
        if name.startswith("field.") and value
    }
    language = form.get("language", "")
    return Mapping(
        columns=columns,
        scale=_scale(kept.scale, form),
        set_key=form.get("set", "")[:80],
        competency=form.get("competency", "")[:80],
        language="zh" if language == "zh" else "en" if language == "en" else "",
    )


def _scale(kept: Scale, form: dict[str, str]) -> Scale:
    """Cuts follow the ends of the scale where only the ends were changed."""
    words = {
        form[name].strip().casefold(): int(level)
        for name in form
        if name.startswith("mark.") and (level := form.get(name.replace("mark.", "level.", 1), "")).isdigit()
    }
    if form.get("scale", kept.kind) == "words":
        return Scale(kind="words", words={mark: level for mark, level in words.items() if mark and level})
    low, high = _number(form.get("low"), kept.low), _number(form.get("high"), kept.high)
    cuts = [_number(form.get(f"cut.{n}"), float("nan")) for n in range(1, 5)]
    moved = (low, high) != (kept.low, kept.high) and cuts == kept.cuts
    if moved or any(cut != cut for cut in cuts):  # not a number
        return scales.linear(low, high)
    return Scale(kind="numbers", low=low, high=high, cuts=cuts)


def _number(said: str | None, otherwise: float) -> float:
    try:
        return float((said or "").strip())
    except ValueError:
        return otherwise
