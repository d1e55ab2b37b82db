"""What became of those who were hired (试用期表现、留任): rows of a file → values per person. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from duilian.customization.labels.cleaning import ERRORS, clean_text, compared, date_of, number_of
from duilian.customization.labels.findings import Finding, quoted
from duilian.customization.labels.mapping import Mapping
from duilian.customization.labels.reading import Row
from duilian.customization.labels.rows import LONGEST_NAME, Wrong
from duilian.customization.labels.scales import Scale

# Kind → its unit. probation_performance: as the employer's own scale has it; retained_days: days from hire to leaving,
# or to the day of measuring for who is still there; left: 1 where the person left, else 0.
KINDS = {"probation_performance": "points", "retained_days": "days", "left": "flag"}
MOST_DAYS = 36_500


@dataclass(frozen=True)
class DraftOutcomes:
    """values: by kind."""

    row: int
    person: str
    measured_on: date | None
    values: dict[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class OutcomeReader:
    mapping: Mapping

    def read(self, row: Row) -> DraftOutcomes | Finding:
        try:
            return self._draft(row)
        except Wrong as wrong:
            return Finding(row=row.number, field=wrong.field, code=wrong.code, params=wrong.params)

    def _draft(self, row: Row) -> DraftOutcomes:
        person = self._said(row, "person")
        if not compared(person):
            raise Wrong("person", "person-missing")
        measured = self._date(row, "date")
        values = self._performance(row) | self._retention(row, measured)
        if not values:
            raise Wrong("", "outcome-missing")
        return DraftOutcomes(row.number, person, measured, values)

    def _performance(self, row: Row) -> dict[str, float]:
        """A number as it stands; a word by the table of the mapping."""
        said = self._said(row, "probation_performance")
        if not said:
            return {}
        scale: Scale = self.mapping.scale
        value = scale.level(said) if scale.kind == "words" else number_of(said)
        if value is None:
            raise Wrong("probation_performance", "number-unreadable", value=quoted(said))
        return {"probation_performance": float(value)}

    def _retention(self, row: Row, measured: date | None) -> dict[str, float]:
        hired, left = self._date(row, "hired_on"), self._date(row, "left_on")
        if hired and left and left < hired:
            raise Wrong("left_on", "left-before-hired")
        found = {"left": 1.0 if left else 0.0} if "left_on" in self.mapping.columns else {}
        days = self._days(row)
        until = left or measured
        if days is None and hired and until:
            days = float((until - hired).days)
        return found | ({} if days is None else {"retained_days": days})

    def _days(self, row: Row) -> float | None:
        said = self._said(row, "retained_days")
        days = number_of(said) if said else None
        if said and (days is None or not 0 <= days <= MOST_DAYS):
            raise Wrong("retained_days", "number-unreadable", value=quoted(said))
        return days

    def _date(self, row: Row, field: str) -> date | None:
        said = self._said(row, field)
        found = date_of(said) if said else None
        if said and found is None:
            raise Wrong(field, "date-unreadable", value=quoted(said))
        return found

    def _said(self, row: Row, field: str) -> str:
        raw = row.cells.get(self.mapping.columns.get(field, ""), "").strip()
        if raw in ERRORS:
            raise Wrong(field, "cell-error", value=raw)
        return clean_text(raw)[:LONGEST_NAME]
