"""The verifier: a quote stands in the transcript word for word, or it is not evidence."""

from __future__ import annotations

from typing import Any

from duilian.infra.errors import Problem
from duilian.serving.contracts import Quote, ScoreResponse, Transcript


class QuoteNotSaid(Problem):
    code = "quote-not-said"
    zh = "评分引用了回答里没有的话，已拒绝。"
    en = "A score quoted words that are not in the answer and was refused."


def verify(response: ScoreResponse, transcript: Transcript) -> None:
    """Raises QuoteNotSaid. Runs before anything is stored."""
    for judgement in response.judgements:
        moved = judgement.why.moved if judgement.why else []
        said = judgement.opinion.quotes if judgement.opinion else []
        for quote in (*judgement.quotes, *moved, *said):
            if transcript.text[quote.offset : quote.offset + len(quote.text)] != quote.text:
                raise QuoteNotSaid
        if judgement.outcome == "scored" and not judgement.quotes:
            raise QuoteNotSaid
    for step in response.procedure.steps if response.procedure else []:
        if step.quote is not None and not transcript.text.startswith(step.quote, step.offset):
            raise QuoteNotSaid


def evidence(answer: str, quote: Quote, transcript: Transcript) -> dict[str, Any]:
    """The quote with its times in seconds (None for written answers)."""
    start, end = _times(quote, transcript)
    return {
        "answer": answer,
        "quote": quote.text,
        "offset": quote.offset,
        "start": start,
        "end": end,
        "level": quote.level,
        "strength": quote.strength,
    }


def _times(quote: Quote, transcript: Transcript) -> tuple[float | None, float | None]:
    first, last = quote.offset, quote.offset + len(quote.text)
    inside = [w for w in transcript.words if w.offset < last and w.offset + len(w.text) > first]
    if not inside:
        return None, None
    return round(inside[0].start, 3), round(inside[-1].end, 3)
