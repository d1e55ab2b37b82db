"""The report as PDF, set by typst with fonts of our own."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import typst
from litestar import Response

from duilian.customization.schemas import words
from duilian.infra.database import TenantSession
from duilian.platform.reports import opinions, why
from duilian.platform.reports.models import Report
from duilian.platform.reports.service import Person
from duilian.platform.scoring import refusals
from duilian.platform.web import formats
from duilian.platform.web.pages import STATIC
from duilian.platform.web.words import section, t
from duilian.tenants.models import Tenant

TEMPLATE = Path(__file__).parent / "report.typ"


async def response(
    _session: TenantSession, tenant: Tenant, person: Person, report: Report, locale: str
) -> Response[bytes]:
    body = await asyncio.to_thread(render, document(tenant, person, report, locale))
    name = f"report-{person.interview.id}.pdf"
    return Response(
        body,
        media_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def render(document: dict[str, Any]) -> bytes:
    """PDF bytes. The data go in as JSON: no word of a candidate is ever read as markup."""
    return typst.compile(
        str(TEMPLATE),
        root=str(TEMPLATE.parent),
        font_paths=[str(STATIC / "fonts")],
        ignore_system_fonts=True,
        sys_inputs={"report": json.dumps(document, ensure_ascii=False)},
    )


def document(tenant: Tenant, person: Person, report: Report, locale: str) -> dict[str, Any]:
    """Everything the template prints, in the reader's language."""
    content, zone = report.content, tenant.time_zone
    accounts, beside = why.said(content, locale), opinions.said(content, locale)
    submitted = person.interview.submitted_at
    return {
        "locale": locale,
        "label": t(locale, "portal.feedback.made_by_machine") if content["made_by"]["label"] else "",
        "words": section(locale, "pdf."),
        "brand": {"primary": tenant.brand["primary"], "name": words(tenant.name, locale)},
        "person": person.candidate.name,
        "email": person.candidate.email,
        "submitted": formats.moment(submitted, locale, zone) if submitted else "",
        "created": formats.moment(report.created_at, locale, zone),
        "total": content["total"]
        | {"reasons": [refusals.sentence(r, locale) for r in content["total"]["reasons"]]},
        "competencies": [
            _competency(c, content["answers"], locale)
            | {"why": accounts[c["key"]], "opinions": beside[c["key"]]}
            for c in content["competencies"]
        ],
        "answers": [_answer(a, locale) for a in content["answers"]],
        "integrity": [_fact(f, content["answers"], locale) for f in content["integrity"]],
        "versions": [[name, value] for name, value in content["versions"].items()],
        "sha256": report.sha256,
    }


def _competency(c: dict[str, Any], answers: list[dict[str, Any]], locale: str) -> dict[str, Any]:
    position = {a["key"]: a["position"] for a in answers}
    return {
        "name": words(c["name"], locale),
        "weight": c["weight"],
        "outcome": c["outcome"],
        "level": c["level"],
        "score": c["score"],
        "error": c["standard_error"],
        "anchor": words(c["anchor"], locale) if c["anchor"] else "",
        "evidence": [
            {
                "quote": e["quote"],
                "answer": position[e["answer"]],
                "at": formats.clock(e["start"]) if e["start"] is not None else "",
            }
            for e in c["evidence"]
        ],
        "reasons": list(dict.fromkeys(refusals.sentence(r, locale) for r in c["reasons"])),
        "advice": words(c["advice"], locale),
        "missing": c["missing"],
    }


def _answer(a: dict[str, Any], locale: str) -> dict[str, Any]:
    star = a["star"] or {}
    return {
        "position": a["position"],
        "question": words(a["question"], locale),
        "text": a["transcript"]["text"] if a["transcript"] else "",
        "reason": refusals.sentence(a["reason"], locale) if a["reason"] else "",
        "star": [
            [t(locale, f"star.{part}"), bool(star.get(part))]
            for part in ("situation", "task", "action", "result")
        ]
        if star
        else [],
        "correction": _corrected(a.get("correction"), locale),
        "steps": [_step(step, locale) for step in a.get("steps", [])],
        "procedure": _procedure(a.get("procedure"), locale),
    }


def _corrected(made: dict[str, Any] | None, locale: str) -> list[str]:
    """That the text was corrected, and each change."""
    if made is None:
        return []
    changes = [
        t(
            locale,
            "pdf.change",
            heard=change["heard"].strip() or "—",
            corrected=change["corrected"].strip() or "—",
        )
        for change in made["changes"]
    ]
    return [t(locale, "pdf.corrected", share=round(made["changed_share"] * 100)), *changes]


def _procedure(found: dict[str, Any] | None, locale: str) -> list[str]:
    """How many of the steps are named, in which order, and which are not."""
    if found is None:
        return []
    left = [step for step in found["steps"] if step["quote"] is None]
    count = {"n": len(found["steps"]) - len(left), "all": len(found["steps"])}
    missing = [
        f"{words(step['text'], locale)} ({t(locale, 'procedure.safety_missing' if step['safety'] else 'procedure.missing')})"
        for step in left
    ]
    return [t(locale, "procedure.found", **count, order=f"{found['order']:.0%}"), *missing]


def _step(step: dict[str, Any], locale: str) -> str:
    said = {"step": words(step["text"], locale), "norm": step["norm_seconds"]}
    if step["seconds"] is None:
        return t(locale, "pdf.step_not_marked", **said)
    return t(locale, "pdf.step", **said, seconds=step["seconds"])


def _fact(fact: dict[str, Any], answers: list[dict[str, Any]], locale: str) -> str:
    position = next(a["position"] for a in answers if a["key"] == fact["answer"])
    what = t(
        locale, f"integrity.{fact['kind']}", seconds=round(fact["seconds"]), characters=fact["characters"]
    )
    return t(locale, "pdf.fact", position=position, at=formats.clock(fact["at"]), what=what)
