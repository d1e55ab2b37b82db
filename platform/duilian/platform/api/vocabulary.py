"""Vocabulary for programs: start a version, read it, go back. Promotion is a person's."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import Provide

from duilian.customization.vocabulary import service
from duilian.customization.vocabulary.models import VocabularyVersion
from duilian.platform.api.desk import ApiDesk, key_with, provide_api_desk
from duilian.platform.vocabulary import releasing
from duilian.tenants.rights import Right

READ, MANAGE = [key_with(Right.LAB_READ)], [key_with(Right.LAB_MANAGE)]
PROMOTE = [key_with(Right.LAB_PROMOTE)]


class VocabularyBack(msgspec.Struct, frozen=True, kw_only=True):
    reason: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class VocabularyDocument(TypedDict):
    """terms: by locale, None until it is done. sources, evaluation, gates: docs/training.md#speech-vocabulary."""

    id: str
    number: int
    state: str
    share: float
    release: str
    sha256: str | None
    verdict: str | None
    failure: dict[str, Any] | None
    terms: dict[str, Any] | None
    sources: dict[str, Any] | None
    evaluation: dict[str, Any] | None
    gates: list[Any] | None


class VocabularyList(TypedDict):
    """in_force: its id. versions: newest first, without their words."""

    in_force: str | None
    versions: list[VocabularyDocument]


class VocabularyNow(TypedDict):
    """in_force: None where no learned words are listened for."""

    in_force: VocabularyDocument | None


class VocabularyApi(Controller):
    path = "/api/v1/lab/vocabulary"
    tags = ("staff",)
    dependencies = {"desk": Provide(provide_api_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=READ)
    async def overview(self, desk: ApiDesk) -> VocabularyList:
        current = await service.in_force(desk.session)
        rows = [_document(row, with_terms=False) for row in await service.versions(desk.session)]
        return VocabularyList(in_force=str(current.id) if current else None, versions=rows)

    @post("/versions", guards=MANAGE)
    async def learn(self, desk: ApiDesk) -> VocabularyDocument:
        """Reads the history as it is and proposes words in the background."""
        return _document(await service.start(desk.session))

    @get("/versions/{version_id:uuid}", guards=READ)
    async def version(self, desk: ApiDesk, version_id: UUID) -> VocabularyDocument:
        return _document(await service.version_of(desk.session, version_id))

    @post("/rollback", guards=PROMOTE, status_code=200)
    async def roll_back(self, desk: ApiDesk, data: VocabularyBack) -> VocabularyNow:
        """To what was in force before."""
        before = await releasing.roll_back(desk.session, data.reason)
        return VocabularyNow(in_force=_document(before) if before else None)


def _document(row: VocabularyVersion, *, with_terms: bool = True) -> VocabularyDocument:
    content = service.content_of(row) if with_terms else None
    return VocabularyDocument(
        id=str(row.id), number=row.number, state=row.state, share=row.share, release=row.release, sha256=row.sha256,
        verdict=row.verdict, failure=row.failure, terms=msgspec.to_builtins(content.terms) if content else None,
        sources=row.sources, evaluation=row.evaluation, gates=row.gates,
    )  # fmt: skip
