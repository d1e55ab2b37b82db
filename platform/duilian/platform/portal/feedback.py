"""The candidate's own feedback: strengths first, one thing to practise, the words it rests on. No rank, no score."""

from __future__ import annotations

from typing import Any, TypedDict

from duilian.customization.schemas import words
from duilian.infra.database import TenantSession
from duilian.platform.reports.service import report_of
from duilian.platform.scoring import refusals
from duilian.platform.sessions.opening import Visit

STRENGTHS = 2
STRONG_LEVEL = 3


class Strength(TypedDict):
    competency: str
    quote: str | None
    anchor: str


class Advice(TypedDict):
    competency: str
    quote: str | None
    advice: str


class Unread(TypedDict):
    position: int
    code: str
    reason: str


class MadeBy(TypedDict):
    """label: whether the law of the place wants the text marked as made by a machine."""

    machine: bool
    label: bool


class Feedback(TypedDict):
    """contact: who at the employer answers questions. practise: None where nothing was scored."""

    made_by: MadeBy
    strengths: list[Strength]
    practise: Advice | None
    unread: list[Unread]
    human_review: bool
    contact: str


async def document(session: TenantSession, visit: Visit) -> Feedback:
    """Raises NoReportYet."""
    report = await report_of(session, visit.interview)
    locale = visit.interview.locale
    scored = sorted(
        (c for c in report.content["competencies"] if c["outcome"] == "scored"),
        key=lambda c: (-c["score"], c["key"]),
    )
    strengths = [c for c in scored if c["level"] >= STRONG_LEVEL][:STRENGTHS]
    practise = next((c for c in reversed(scored) if c not in strengths), None)
    return {
        "made_by": report.content.get("made_by", {"machine": True, "label": False}),
        "strengths": [_strength(c, locale) for c in strengths],
        "practise": _practise(practise, locale) if practise else None,
        "unread": _unread(report.content["answers"], locale),
        "human_review": report.content["human_review"]["needed"],
        "contact": visit.tenant.brand["contact"],
    }


def _strength(competency: dict[str, Any], locale: str) -> Strength:
    best = max(competency["evidence"], key=lambda e: e["strength"], default=None)
    return {
        "competency": words(competency["name"], locale),
        "quote": best["quote"] if best else None,
        "anchor": words(competency["anchor"], locale),
    }


def _practise(competency: dict[str, Any], locale: str) -> Advice:
    quote = competency["evidence"][0]["quote"] if competency["evidence"] else None
    return {
        "competency": words(competency["name"], locale),
        "quote": quote,
        "advice": words(competency["advice"], locale),
    }


def _unread(answers: list[dict[str, Any]], locale: str) -> list[Unread]:
    """Answers that could not be scored, with the reason: the candidate may ask for another chance."""
    return [
        {
            "position": a["position"],
            "code": a["reason"]["code"],
            "reason": refusals.sentence(a["reason"], locale),
        }
        for a in answers
        if a["reason"]
    ]
