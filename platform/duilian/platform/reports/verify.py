"""The verifier of a whole report, before it is stored: quotes, advice, claims. A breach is an error of ours, never shown.

Words of the published rubric are the employer's and are repeated as they stand; whatever else the report says of a
person is looked at (claims.py). The candidate's own words are nobody's claim.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from duilian.customization.schemas import Competency, QuestionSet
from duilian.infra.errors import Problem
from duilian.platform.reports.claims import ClaimBeyondWords, check_words
from duilian.platform.scoring.evidence import QuoteNotSaid
from duilian.platform.scoring.pooling import CompetencyScore
from duilian.serving.contracts import FactGap, Why
from duilian.serving.scoring.learned.explaining import NAMED

ALLOWED = frozenset(CompetencyScore.__struct_fields__)
IN_A_TOTAL = frozenset({"outcome", "score", "standard_error", "provisional", "weight_scored", "reasons"})
IN_AN_OPINION = frozenset(
    {"answer", "outcome", "code", "level", "spread", "labels", "before", "after", "quotes"}
)
IN_A_WHY = frozenset(("answer", *Why.__struct_fields__))
OF_A_GAP = frozenset(FactGap.__struct_fields__)
OF_A_QUOTE = frozenset({"answer", "quote", "offset", "start", "end", "level", "strength"})


class AdviceUnfounded(Problem):
    code = "advice-unfounded"
    zh = "报告给出的建议既不对应缺少的行为标准，也不对应回答里的原话，已拒绝。"
    en = "A report gave advice that rests neither on a missing anchor nor on words of the answer and was refused."


def verify_report(content: dict[str, Any], questions: QuestionSet) -> None:
    """Raises QuoteNotSaid, AdviceUnfounded, ClaimBeyondWords."""
    said = {a["key"]: a["transcript"]["text"] for a in content["answers"] if a["transcript"]}
    rubric = {competency.key: competency for competency in questions.competencies}
    _no_more_than(content["total"], IN_A_TOTAL)
    for answer in content["answers"]:
        for step in (answer.get("procedure") or {"steps": []})["steps"]:
            if step["quote"] is not None:
                _said({"answer": answer["key"], "quote": step["quote"], "offset": step["offset"]}, said)
    for scored in content["competencies"]:
        _no_more_than(scored, ALLOWED)
        quotes = [_said(evidence, said) for evidence in scored["evidence"]]
        for why in scored["why"]:
            _accounted(why, said, rubric[scored["key"]])
        for opinion in scored.get("opinions", []):
            _no_more_than(opinion, IN_AN_OPINION)
            for quote in opinion["quotes"]:
                _said({"answer": opinion["answer"], **quote}, said)
        _founded(scored, rubric[scored["key"]], quotes)


def _no_more_than(part: dict[str, Any], allowed: frozenset[str]) -> None:
    """A measure of picture or voice has no place among the scores, whatever it is called."""
    if beyond := sorted(part.keys() - allowed):
        raise ClaimBeyondWords(words=", ".join(beyond))


def _accounted(why: dict[str, Any], said: dict[str, str], competency: Competency) -> None:
    """A model's account quotes the answer or the rubric, and has no words of its own."""
    _no_more_than(why, IN_A_WHY)
    for moved in why["moved"]:
        _said({"answer": why["answer"], "quote": moved["text"], "offset": moved["offset"]}, said)
    anchors = list(_strings([level.anchor for level in competency.levels]))
    if any(all(point["text"] not in anchor for anchor in anchors) for point in why["points"]):
        raise AdviceUnfounded
    for gap in (*why["short_of"], *why["lift"]):
        _no_more_than(gap, OF_A_GAP)
        if gap["fact"] not in NAMED:
            raise ClaimBeyondWords(words=gap["fact"])


def _said(evidence: dict[str, Any], said: dict[str, str]) -> str:
    """The quote, if it stands in the transcript where it says."""
    _no_more_than(evidence, OF_A_QUOTE)
    quote, offset = evidence["quote"], evidence["offset"]
    text = said.get(evidence["answer"], "")
    if not quote or text[offset : offset + len(quote)] != quote:
        raise QuoteNotSaid
    return quote


def _founded(scored: dict[str, Any], competency: Competency, quotes: list[str]) -> None:
    """Advice is the rubric's own, or names a missing anchor or a quote; words that are not the rubric's make no claim."""
    own = set(_words(competency))
    higher = {
        text
        for level in competency.levels
        if level.level > (scored["level"] or 0)
        for text in level.anchor.values()
    }
    if not set(scored["missing"]) <= higher:
        raise AdviceUnfounded
    for text in scored["advice"].values():
        if text not in own and not any(ground in text for ground in [*scored["missing"], *quotes]):
            raise AdviceUnfounded
    for text in _strings([scored["name"], scored["advice"], scored["anchor"], scored["missing"]]):
        if text not in own:
            check_words(_without(text, quotes))


def _words(competency: Competency) -> Iterator[str]:
    yield from _strings([competency.name, competency.advice, [level.anchor for level in competency.levels]])


def _strings(part: Any) -> Iterator[str]:  # Any: a document
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        yield from _strings(list(part.values()))  # pyright: ignore[reportUnknownArgumentType,reportUnknownMemberType]
    elif isinstance(part, list):
        for one in part:  # pyright: ignore[reportUnknownVariableType]
            yield from _strings(one)


def _without(text: str, quotes: list[str]) -> str:
    for quote in quotes:
        text = text.replace(quote, "")
    return text
