"""Training runs and releases in the reader's words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from duilian.customization.measurement.results import plain
from duilian.customization.training import releases
from duilian.customization.training.costs import Money
from duilian.customization.training.models import HeadRelease, TrainingRun
from duilian.infra.database import TenantSession
from duilian.infra.settings import Settings
from duilian.platform.console import lab_charts as charts
from duilian.platform.console.desk import Desk
from duilian.platform.console.lab_view import Reader, names_of
from duilian.platform.training import service, shadows
from duilian.platform.web import formats
from duilian.platform.web.words import t
from duilian.tenants.models import Member

Json = dict[str, Any]
NONE = service.Count()
KIND = {"passed": "success", "warned": "warning", "failed": "error", "refused": "error"}


class ModelReader(Reader):
    """people: names by "member:{id}"."""

    people: dict[str, str]

    def who(self, actor: str) -> str:
        return self.people.get(actor, t(self.locale, "models.by_system"))

    def at(self, moment: str) -> datetime:
        """As a card keeps it."""
        return datetime.fromisoformat(moment)

    def kind(self, state: str) -> str:
        return KIND.get(state, "neutral")

    def sentence(self, gate: Json) -> str:
        params = dict(gate["params"])
        for key in ("group", "other"):
            if params.get(key):
                params[key] = self.group(params["question"], params[key])
        return t(self.locale, f"models.gate.{gate['name']}.{gate['case']}", **params)

    def money(self, amounts: Money) -> str:
        """ "" where no price is set."""
        return " / ".join(formats.money(minor, currency, self.locale) for currency, minor in amounts.items())

    def curve_chart(self, evaluation: Json) -> Json | None:
        """Agreement by labels learned from, then what it has learned by heart beside what it does on others."""
        rows = [
            (self._labels(point["labels"]), [point["qwk"]])
            for point in evaluation["curve"]
        ]  # fmt: skip
        return charts.intervals(rows, [t(self.locale, "models.held_out")], lowest=0, highest=1)

    def _labels(self, number: int | None) -> str:
        return (
            t(self.locale, "models.curve_all")
            if number is None
            else t(self.locale, "models.n_labels", n=number)
        )

    def agreement_chart(self, evaluation: Json) -> Json | None:
        names = (
            ("candidate", "own"),
            ("current", "current"),
            ("people", "humans"),
            ("alone", "alone"),
            ("by_heart", "by_heart"),
        )
        found = evaluation | {"humans": evaluation["candidate"]["humans_qwk"]}
        rows = [(t(self.locale, f"models.row.{name}"), [found[key]]) for name, key in names if key in found]
        return charts.intervals(rows, [t(self.locale, "lab.column.qwk")], lowest=0, highest=1)


async def reader_of(desk: Desk) -> ModelReader:
    reader = ModelReader(desk.locale, await names_of(desk))
    reader.people = await people_of(desk.session)
    return reader


async def people_of(session: TenantSession) -> dict[str, str]:
    """Names of members, by the label that they act under."""
    return {f"member:{row.id}": row.name for row in await session.scalars(select(Member))}


async def overview(desk: Desk, settings: Settings, price: Money) -> list[Json]:
    """A row for each competency that has labels or ever had a model. price: of a core hour; obstacle: why its encoder cannot
    be adapted."""
    counted = await service.counts(desk.session)
    told = await service.estimates(desk.session, counted, price)
    rows = list(await desk.session.scalars(select(HeadRelease)))
    active = {(row.competency, row.state): row for row in rows if row.state != releases.RETIRED}
    released = {row.competency for row in rows}
    known = sorted({*counted, *released})
    return [
        {
            "key": key,
            "labels": counted.get(key, NONE).labels,
            "people": counted.get(key, NONE).people,
            "estimate": told.get(key),
            "obstacle": found.sentence(desk.locale)
            if (found := service.obstacle(counted.get(key, NONE), settings))
            else "",
            "released": key in released,
            "in_force": active.get((key, releases.IN_FORCE)),
            "shadow": active.get((key, releases.SHADOW)),
        }
        for key in known
    ]


async def taken_out(desk: Desk, competency: str = "") -> list[Json]:
    """Models that judge no longer because people left them, until a newer run of the competency is done."""
    query = select(TrainingRun).where(TrainingRun.state == service.DONE).order_by(TrainingRun.created_at)
    runs = list(await desk.session.scalars(query))
    released = set(await desk.session.scalars(select(HeadRelease.run_id)))
    newest = {run.competency: run for run in runs if run.id in released}
    done = {
        run.competency: run.ended_at for run in sorted(runs, key=lambda run: run.ended_at or run.created_at)
    }
    gone = [
        last | {"competency": key, "run": run.id, "at": datetime.fromisoformat(last["at"])}
        for key, run in sorted(newest.items())
        if competency in ("", key) and run.verdict == "refused"
        for last in (run.card or {}).get("forgotten", [])[-1:]
    ]
    return [one for one in gone if (ended := done[one["competency"]]) is None or ended < one["at"]]


async def comparison(desk: Desk, release: HeadRelease | None) -> Json | None:
    return plain(await shadows.figures(desk.session, release)) if release else None
