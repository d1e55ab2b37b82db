"""The lab's figures for programs: the aggregates of the pages, with intervals, n and reasons."""

from __future__ import annotations

from typing import Any, TypedDict

from litestar import Controller, get
from litestar.di import Provide

from duilian.infra import audit
from duilian.infra.errors import NotFound
from duilian.platform.api.desk import ApiDesk, key_with, provide_api_desk
from duilian.platform.measuring import service
from duilian.tenants.rights import Right


class Figures(TypedDict):
    """content: docs/measurement.md."""

    kind: str
    computed_at: str
    content: dict[str, Any]


class LabApi(Controller):
    path = "/api/v1/lab"
    tags = ("staff",)
    dependencies = {"desk": Provide(provide_api_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/{kind:str}", guards=[key_with(Right.LAB_READ)])
    async def figures(self, desk: ApiDesk, kind: str) -> Figures:
        """One of agreement, raters, items, distributions, drift, fairness, review, validity; as last measured."""
        row = await service.figures_of(desk.session, kind)
        if row is None:
            raise NotFound
        audit.record(desk.session, "lab.exported", "tenant", desk.session.tenant_id, after={"kind": kind})
        return Figures(kind=kind, computed_at=row.computed_at.isoformat(), content=row.content)
