"""The lab's figures in the reader's words: findings, charts, tables to take away."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable
from typing import Any
from unicodedata import east_asian_width
from uuid import UUID

from sqlalchemy import select

from duilian.customization.labels.models import Rating
from duilian.customization.schemas import words
from duilian.customization.service import content_of, newest_sets
from duilian.infra.database import TenantSession
from duilian.platform.console import lab_charts as charts
from duilian.platform.console.desk import Desk
from duilian.platform.web.words import t
from duilian.tenants.models import Member

Json = dict[str, Any]
JOIN = "\u2060"  # word joiner
REASONS = {"few", "no_variance", "not_linked", "not_estimable"}


class Names:
    """What things are called: sets, questions, competencies, raters."""

    def __init__(self, locale: str, sets: dict[str, str], competencies: dict[str, str], questions: dict[str, str], people: dict[str, str]) -> None:  # fmt: skip
        self._locale, self._sets, self._competencies = locale, sets, competencies
        self._questions, self._people = questions, people

    def set(self, key: str) -> str:
        return self._sets.get(key, key)

    def competency(self, key: str) -> str:
        return self._competencies.get(key, key) if key else t(self._locale, "lab.all_answers")

    def question(self, set_key: str, key: str) -> str:
        return self._questions.get(f"{set_key}/{key}", key)

    def short(self, set_key: str, key: str) -> str:
        """For a chart."""
        return _short(self.question(set_key, key), 26)

    def in_order(self, set_key: str, items: list[Json]) -> list[Json]:
        """As the interview asks them; those of earlier versions last."""
        places = {name: place for place, name in enumerate(self._questions)}
        return sorted(items, key=lambda one: places.get(f"{set_key}/{one['item']}", len(places)))

    def item(self, item: str) -> str:
        set_key, _, question = item.partition("/")
        return self.question(set_key, question)

    def rater(self, label: str) -> str:
        return self._people.get(label, t(self._locale, "lab.unknown_rater"))


async def names_of(desk: Desk) -> Names:
    locale = desk.locale
    sets, competencies, questions = {}, {}, {}
    for row in await newest_sets(desk.session):
        content = content_of(row)
        sets[row.key] = words(content.title, locale)
        competencies |= {one.key: words(one.name, locale) for one in content.competencies}
        for place, one in enumerate(content.questions, 1):
            questions[f"{row.key}/{one.key}"] = f"{place}. {_short(words(one.text, locale), 120)}"
    return Names(locale, sets, competencies, questions, await _people(desk.session))


def _short(text: str, most: int) -> str:
    """most: half-width columns; a Chinese character takes two."""
    width = 0
    for place, character in enumerate(text):
        width += 2 if east_asian_width(character) in "WF" else 1
        if width > most:
            return text[:place].rstrip() + "…"
    return text


async def _people(session: TenantSession) -> dict[str, str]:
    found = {f"member:{row.id}": row.name for row in await session.scalars(select(Member))}
    imported = (
        select(Rating).distinct(Rating.rater).where(Rating.rater.like("imported:%")).order_by(Rating.rater)
    )
    for row in await session.scalars(imported):
        found[row.rater] = row.rater_name or row.rater.partition(":")[2][:8]
    return found


class Reader:
    """Turns figures into words and charts for one reader."""

    def __init__(self, locale: str, names: Names) -> None:
        self.locale, self.names = locale, names

    def t(self, key: str, **params: object) -> str:
        return t(self.locale, f"lab.{key}", **params)

    def said(self, estimate: Json, digits: int = 2) -> str:
        """0.78 (0.71–0.84), or the reason why there is none. The interval is not broken across lines."""
        if estimate["value"] is None:
            return self.why(estimate)
        value = f"{estimate['value']:.{digits}f}"
        if estimate["low"] is None or estimate["high"] is None:
            return value.replace("-", "−")
        dash = f"{JOIN}–{JOIN}" if estimate["low"] >= 0 else self.t("to")
        low, high = (f"{estimate[end]:.{digits}f}" for end in ("low", "high"))
        return f"{value} ({low}{dash}{high})".replace("-", "−")

    def why(self, estimate: Json) -> str:
        reason = estimate["reason"] if estimate["reason"] in REASONS else "not_estimable"
        return self.t(f"reason.{reason}", n=estimate["n"], least=estimate["least"])

    def finding(self, kind: str, content: Json) -> str:
        return getattr(self, f"_{kind}")(content)

    def chart(self, kind: str, content: Json) -> Json | None:
        found = getattr(self, f"_{kind}_chart", None)
        return found(content) if found else None

    # --- agreement ----------------------------------------------------------------------------

    def _agreement(self, content: Json) -> str:
        rows = content["rows"]
        if not rows or rows[0]["machine"]["qwk"]["value"] is None:
            n = rows[0]["machine"]["n"] if rows else 0
            return self.t("finding.agreement_few", n=n, least=content["least"])
        top = rows[0]
        machine = self.said(top["machine"]["qwk"])
        if top["human"]["qwk"]["value"] is None:
            return self.t("finding.agreement_alone", machine=machine, n=top["machine"]["n"])
        both = self.t("finding.agreement", machine=machine, human=self.said(top["human"]["qwk"]))
        return f"{both} {self.t('finding.' + content['finding'])}"

    def _agreement_chart(self, content: Json) -> Json | None:
        rows = [
            (self.names.competency(row["key"]), [row["human"]["qwk"], row["machine"]["qwk"]])
            for row in content["rows"]
        ]
        return charts.intervals(rows, [self.t("human_human"), self.t("human_machine")], lowest=0, highest=1)

    # --- raters -------------------------------------------------------------------------------

    def _raters(self, content: Json) -> str:
        known = [one for one in content["raters"] if one["severity"]["value"] is not None]
        if not known:
            return self.t("finding.raters_few", least=content["least"])
        apart = [one for one in known if one["severity"]["low"] * one["severity"]["high"] > 0]
        if not apart:
            return self.t("finding.raters_alike", n=len(known))
        far = max(apart, key=lambda one: abs(one["severity"]["value"]))
        key = "raters_strict" if far["severity"]["value"] > 0 else "raters_lenient"
        by = f"{abs(far['severity']['value']):.2f}"
        return self.t(
            f"finding.{key}", rater=self.names.rater(far["rater"]), by=by, n=len(apart), all=len(known)
        )

    def _raters_chart(self, content: Json) -> Json | None:
        rows = [(self.names.rater(one["rater"]), [one["severity"]]) for one in content["raters"]]
        return charts.intervals(rows, [self.t("severity")], marks=[0])

    # --- items --------------------------------------------------------------------------------

    def _items(self, content: Json) -> str:
        known = [
            one
            for row in content["sets"]
            for one in row["items"]
            if one["discrimination"]["value"] is not None
        ]
        if not known:
            return self.t("finding.items_few", least=content["least"])
        weak = sum("weak" in one["notes"] for one in known)
        return self.t("finding.items_weak" if weak else "finding.items_fine", n=weak, all=len(known))

    def items_charts(self, content: Json) -> dict[str, Json | None]:
        """By set: what each question separates."""
        return {
            row["key"]: charts.intervals(
                [(self.names.short(row["key"], one["item"]), [one["discrimination"]]) for one in self.names.in_order(row["key"], row["items"])],
                [self.t("discrimination")], marks=[0.2],
            )
            for row in content["sets"]
        }  # fmt: skip

    # --- distributions ------------------------------------------------------------------------

    def _distributions(self, content: Json) -> str:
        known = [row for row in content["sets"] if row["mean"] is not None]
        if not known:
            return self.t("finding.distributions_few", least=content["least"])
        high, low = (choose(known, key=lambda row: row["mean"]) for choose in (max, min))
        if high is low:
            return self.t(
                "finding.distribution_one",
                name=self.names.set(high["key"]),
                mean=f"{high['mean']:.1f}",
                n=high["n"],
            )
        return self.t(
            "finding.distributions", high=self.names.set(high["key"]), high_mean=f"{high['mean']:.1f}",
            low=self.names.set(low["key"]), low_mean=f"{low['mean']:.1f}",
        )  # fmt: skip

    def distributions_charts(self, content: Json) -> dict[str, Json | None]:
        labels = [f"{low}–{low + 1}" for low in range(10)]
        return {
            row["key"]: charts.bars(labels, [(self.t("people"), row["bins"])], share=False)
            if row["bins"]
            else None
            for row in content["sets"]
        }

    # --- drift --------------------------------------------------------------------------------

    def _drift(self, content: Json) -> str:
        known = [row for row in content["sets"] if row["value"]["value"] is not None]
        if not known:
            return self.t("finding.drift_few", least=content["least"])
        moved = [
            row for row in known if row["band"] != "stable" and row["value"]["value"] > (row["chance"] or 0)
        ]
        if not moved:
            return self.t("finding.drift_stable", n=len(known))
        worst = max(moved, key=lambda row: row["value"]["value"])
        name, value = self.names.set(worst["key"]), f"{worst['value']['value']:.2f}"
        return self.t(f"finding.drift_{worst['band']}", name=name, value=value)

    def drift_charts(self, content: Json) -> dict[str, Json | None]:
        return {row["key"]: self._shares(row) if row["before"] else None for row in content["sets"]}

    def _shares(self, row: Json) -> Json:
        ends = [f"{edge:.1f}" for edge in row["edges"]]
        labels = [
            f"< {ends[0]}",
            *[f"{a}–{b}" for a, b in itertools.pairwise(ends)],
            f"≥ {ends[-1]}",
        ]
        series = [(self.t("before"), row["before"]), (self.t("recent"), row["after"])]
        return charts.bars(labels, series, share=True)

    # --- fairness -----------------------------------------------------------------------------

    def _fairness(self, content: Json) -> str:
        compared = [one for one in content["questions"] if one["impact"]["rows"]]
        if not compared:
            return self.t("finding.fairness_few", least=content["least"])
        adverse = [
            (one["question"], row) for one in compared for row in one["impact"]["rows"] if row["adverse"]
        ]
        if not adverse:
            return self.t("finding.fairness_fine", n=len(compared))
        question, row = min(adverse, key=lambda pair: pair[1]["ratio"]["value"])
        return self.t(
            "finding.fairness_adverse",
            group=self.group(question, row["group"]),
            ratio=f"{row['ratio']['value']:.2f}",
        )

    def group(self, question: str, choice: str) -> str:
        return t(self.locale, f"portal.groups.{question}.{choice}")

    def fairness_charts(self, content: Json) -> dict[str, Json | None]:
        return {
            one["question"]: charts.intervals(
                [(self.group(one["question"], row["group"]), [row["ratio"]]) for row in one["impact"]["rows"] if not row["is_reference"]],
                [self.t("ratio")], lowest=0, marks=[0.8, 1],
            )
            for one in content["questions"]
        }  # fmt: skip

    # --- review -------------------------------------------------------------------------------

    def _review(self, content: Json) -> str:
        if content["gain20"]["value"] is None:
            return self.t("finding.review_few", n=content["n"], least=content["least"])
        gain, over = (self.said(content[key]) for key in ("gain20", "over_random20"))
        return self.t("finding.review", gain=gain, over=over)

    def _review_chart(self, content: Json) -> Json | None:
        if not content["shares"]:
            return None
        lines = [(self.t("by_gain"), content["ordered"]), (self.t("by_chance"), content["random"])]
        axes = (self.t("share_reviewed"), "QWK")
        return charts.curve(content["shares"], lines, (content["low"], content["high"]), axes)

    # --- validity -----------------------------------------------------------------------------

    def _validity(self, content: Json) -> str:
        known = [row for row in content["rows"] if row["raw"]["value"] is not None]
        if not known:
            return self.t("finding.validity_few", least=content["least"])
        best = max(known, key=lambda row: row["known"])
        return self.t(
            "finding.validity", kind=self.t(f"outcome.{best['kind']}"), raw=self.said(best["raw"]),
            corrected=self.said(best["corrected"]), n=best["known"], share=f"{best['restriction']:.2f}",
        )  # fmt: skip

    def _validity_chart(self, content: Json) -> Json | None:
        rows = [
            (
                f"{self.t('outcome.' + row['kind'])} · {self.t('basis.' + row['basis'])}",
                [row["raw"], row["corrected"]],
            )
            for row in content["rows"]
        ]
        return charts.intervals(rows, [self.t("raw"), self.t("corrected")], marks=[0])


def table(kind: str, content: Json) -> bytes:
    """The figures as CSV (RFC 4180, UTF-8 with a mark for Excel): one flat row per row of the page's tables."""
    rows = [_flat(row) for row in _rows(kind, content)]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns or ["none"], restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def _rows(kind: str, content: Json) -> Iterable[Json]:
    if kind == "items":
        return [{"set": row["key"], **one} for row in content["sets"] for one in row["items"]]
    if kind in ("distributions", "drift"):
        return content["sets"]
    if kind == "fairness":
        return [
            {"question": one["question"], "figure": figure, **row}
            for one in content["questions"]
            for figure, rows in (
                ("impact", one["impact"]["rows"]),
                ("machine_gap", one["gaps"]),
                ("dif", one["dif"]),
            )
            for row in rows
        ]
    if kind == "review":
        columns = ("shares", "ordered", "random", "low", "high")
        return [
            dict(zip(columns, row, strict=True)) for row in zip(*(content[c] for c in columns), strict=True)
        ]
    return content["raters" if kind == "raters" else "rows"]


def _flat(row: Json, prefix: str = "") -> Json:
    found: Json = {}
    for key, value in row.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = " ".join(map(str, value)) if isinstance(value, list) else _plain(value)
    return found


def _plain(value: object) -> object:
    """Text that a spreadsheet would read as a formula is quoted (CWE-1236)."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def level_of(text: str) -> int:
    return int(text) if text.isdigit() and len(text) == 1 else 0


def ids_of(texts: Iterable[str]) -> list[UUID]:
    found: list[UUID] = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:  # not an identifier: nothing was chosen by it
            continue
    return found
