"""What an answer gains by being dressed up: nothing (docs/scoring-defences.md). And the same answers, the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from attacks import FAMILIES, LOCALE, SETS, Attack, Base, attacks, bases, told
from duilian.customization.lab.learning import learn
from duilian.customization.lab.lines import Line
from duilian.customization.labels.items import references
from duilian.customization.schemas import QuestionSet, words
from duilian.customization.training.folds import LEVELS
from duilian.platform.scoring.evidence import verify
from duilian.platform.scoring.requests import score_request, written_transcript
from duilian.serving.client import ServingClient
from duilian.serving.contracts import Opinion, ScoreRequest, ScoreResponse
from duilian.serving.scoring import score
from duilian.serving.scoring.artefact import AnyHead, LearnedHead, pack, unpack
from duilian.serving.scoring.learned.observe import Observer
from duilian.serving.scoring.opinion import WIDE, with_opinion
from duilian.serving.steps.embed import Embedder
from world import run

Heads = dict[str, AnyHead]
MARKS = {"weak": 1.0, "medium": 3.0, "strong": 5.0}
TOLERANCE = 0.3  # levels; a single answer's level is uncertain by 0.85 at best
AGAIN = """
import sys, msgspec
from pathlib import Path
from duilian.infra.settings import Settings
from duilian.serving.contracts import ScoreRequest
from duilian.serving.loading import load_embedder
from duilian.serving.scoring import score
embedder = load_embedder(Settings(models_dir=Path(sys.argv[1]))).step
asked = msgspec.json.decode(sys.stdin.buffer.read(), type=list[ScoreRequest])
sys.stdout.buffer.write(msgspec.json.encode([score(one, embedder) for one in asked]))
"""


def asked(base: Base, text: str, leaked: list[str]) -> ScoreRequest:
    question = base.questions.question(base.question)
    assert question is not None
    transcript = written_transcript(text, base.language)
    request = score_request(base.questions, question, transcript, LOCALE[base.language])
    return msgspec.structs.replace(request, answer=msgspec.structs.replace(request.answer, leaked=leaked))


PERSUADED = Opinion(outcome="used", level=5, spread=WIDE)  # a language model that does what it is told


def levels(
    attack: Attack, text: str, embedder: Embedder, opinion: Opinion | None = None, heads: Heads | None = None
) -> dict[str, float]:
    """Expected levels; 0 where there is no evidence. opinion: of a language model, on every competency."""
    response = score(asked(attack.base, text, attack.leaked), embedder, heads)
    verify(response, written_transcript(text, attack.base.language))
    judgements = response.judgements
    if opinion is not None:
        judgements = [with_opinion(j, opinion, aside=bool(response.set_aside)) for j in judgements]
    return {j.competency: sum((i + 1) * p for i, p in enumerate(j.posterior)) for j in judgements}


ATTACKS = attacks()


def test_there_are_enough_attacks_of_every_family_in_both_languages() -> None:
    assert len({(a.base, a.text) for a in ATTACKS}) >= 300
    told = Counter((a.family, a.base.language) for a in ATTACKS)
    assert min(told[family, language] for family in FAMILIES for language in LOCALE) >= 3


@pytest.mark.parametrize("family", FAMILIES)
def test_an_attack_gains_nothing(family: str, embedder: Embedder) -> None:
    """Not even where it persuades a language model and the honest answer had none beside it."""
    for attack in (a for a in ATTACKS if a.family == family):
        before = levels(attack, attack.base.text, embedder)
        after = levels(attack, attack.text, embedder, PERSUADED)
        for competency, level in after.items():
            assert level <= before[competency] + (TOLERANCE if before[competency] else 0), (
                attack,
                competency,
            )


@pytest.fixture(scope="module")
def heads(embedder: Embedder) -> dict[str, Heads]:
    """By scenario, learned from its own written answers: whoever is strong got a 5, medium a 3, weak a 1."""
    return {
        key: {one.key: head_of(questions, one.key, embedder) for one in questions.competencies}
        for key, questions in SETS.items()
    }


def head_of(questions: QuestionSet, competency: str, embedder: Embedder) -> LearnedHead:
    observer = Observer(lambda texts: embedder.embed(texts, "query"))
    asking = [question for question in questions.questions if competency in question.competencies]
    lines = [
        Line(
            item=f"{question.key}/{language}", question=words(question.text, LOCALE[language]),
            reference=references(questions, question, competency, LOCALE[language]),
            answer=told(questions.key, person, language)[question.key], score=mark, person=person,
        )
        for question in asking for language in LOCALE for person, mark in MARKS.items()
    ]  # fmt: skip
    found = unpack(*pack(learn(lines, observer, embedder.versions, competency, scale=LEVELS)))
    assert isinstance(found, LearnedHead)
    return found


def test_an_attack_gains_nothing_from_a_learned_model_either(
    embedder: Embedder, heads: dict[str, Heads]
) -> None:
    honest: dict[tuple[Base, tuple[str, ...]], dict[str, float]] = {}
    for attack in ATTACKS:
        key, mine = (attack.base, tuple(attack.leaked)), heads[attack.base.set]
        if key not in honest:
            honest[key] = levels(attack, attack.base.text, embedder, heads=mine)
        for competency, level in levels(attack, attack.text, embedder, heads=mine).items():
            before = honest[key][competency]
            assert level <= before + (TOLERANCE if before else 0), (attack, competency)


def test_orders_and_leaked_answers_are_reported_word_for_word(embedder: Embedder) -> None:
    attack = next(a for a in ATTACKS if a.family == "leaked")
    order = next(a for a in ATTACKS if a.family == "order-after")
    for found, reason in ((attack, "leaked"), (order, "addressed")):
        response = score(asked(found.base, found.text, found.leaked), embedder)
        aside = [a for a in response.set_aside if a.reason == reason]
        assert aside
        assert all(found.text[a.offset : a.offset + len(a.text)] == a.text for a in aside)


def test_same_answers_give_the_same_bytes(embedder: Embedder, models_dir: Path, server: object) -> None:
    """Again, in another order, in a process of its own, and through the model tier."""
    requests = [asked(base, base.text, []) for base in bases()[::6]]
    first = [msgspec.json.encode(score(one, embedder)) for one in requests]
    turned = [msgspec.json.encode(score(one, embedder)) for one in reversed(requests)]
    assert turned[::-1] == first
    started = subprocess.run(
        [sys.executable, "-c", AGAIN, str(models_dir)],
        input=msgspec.json.encode(requests), capture_output=True, check=True, env=os.environ,
    )  # fmt: skip
    elsewhere = msgspec.json.decode(started.stdout, type=list[ScoreResponse])
    assert [msgspec.json.encode(one) for one in elsewhere] == first
    assert [msgspec.json.encode(one) for one in run(_served(server, requests))] == first
    assert json.loads(first[0])["versions"]["scorer"]


async def _served(server: object, requests: list[ScoreRequest]) -> list[ScoreResponse]:
    async with ServingClient(server.url, server.token) as client:  # type: ignore[attr-defined]
        return [await client.score(one) for one in requests]
