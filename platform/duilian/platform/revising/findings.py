"""From what is known of a set to what is proposed for it, and why: pure, aggregates only."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Any

import numpy as np

from duilian.customization.measurement.bootstrap import interval
from duilian.customization.measurement.results import Estimate, Floats, plain
from duilian.customization.revision import borders, order, weights
from duilian.customization.revision.borders import BorderFit
from duilian.customization.revision.order import OrderFit
from duilian.customization.revision.weights import WeightFit
from duilian.customization.schemas import Competency
from duilian.platform.revising.gather import Corrected, Known, Opinions
from duilian.platform.revising.replay import measures_of
from duilian.platform.revising.values import Values, values_of

Json = dict[str, Any]
LEAST_CORRECTED = 10
LEAST_OPINIONS = 3  # for reviewers to be told as leaning one way
NOBODY = Opinions(0, 0, 0, 0)


def find(known: Known) -> tuple[Values, Json]:
    """What is proposed, equal to what there is where nothing is, and the findings behind it."""
    weighing = _weights(known)
    cuts = [_cuts(known, competency) for competency in known.content.competencies]
    ordering = _order(known)
    now = values_of(known.content)
    values = Values(
        weights=now.weights if weighing.why else {row.competency: row.proposed for row in weighing.rows},
        cuts={fit.competency: fit.proposed for fit in cuts},
        order=ordering.proposed,
    )
    return values, {
        "counts": _counts(known),
        "weights": plain(weighing),
        "cuts": [plain(fit) | _signals(known, fit) for fit in cuts],
        "total": asdict(known.opinions.get("", NOBODY)),
        "order": plain(ordering),
    }


def reworded(findings: Json) -> list[str]:
    """Questions that many found unclear."""
    return [item["question"] for item in findings["order"]["items"] if item["reword"]]


def _counts(known: Known) -> Json:
    return {
        "interviews": len(known.replayed.past),
        "reported": known.replayed.reported,
        "decided": len(known.decided()),
        "outcomes": len(known.later.keys() & {one.person for one in known.replayed.past}),
        "marks": len(known.marked),
        "overrides": len(known.corrected),
        "opinions": sum(one.strict + one.right + one.lenient for one in known.opinions.values()),
        "surveys": known.surveys.n,
    }


def _weights(known: Known) -> WeightFit:
    """Performance where enough is known of it: it is what an interview is for. Else what people decided."""
    competencies, decided = known.content.competencies, known.decided()
    past = [one for one in known.replayed.past if one.interview_id in known.learnable]
    worked = [one for one in past if one.person in known.later]
    if len(worked) >= weights.LEAST:
        chosen, basis = worked, "outcome"
        criterion = [known.later[one.person] for one in worked]
    else:
        chosen, basis = [one for one in past if str(one.interview_id) in decided], "decision"
        criterion = [decided[str(one.interview_id)] for one in chosen]
    table = np.array([_scores(known, one) for one in chosen]).reshape(len(chosen), len(competencies))
    return weights.fit(
        [c.key for c in competencies], [c.weight for c in competencies], table, np.array(criterion), basis,
        [one.person for one in chosen],
    )  # fmt: skip


def _scores(known: Known, past: Any) -> list[float]:  # Any: Past
    """0–10 by competency as it stood when people decided: a person's score in place of the machine's."""
    found = measures_of(known.content.competencies, past)
    scores: list[float] = []
    for competency in known.content.competencies:
        corrected = known.corrected.get((str(past.interview_id), competency.key))
        measured = found.get(competency.key)
        scores.append(corrected.score if corrected else measured.score if measured else float("nan"))
    return scores


def marks_of(known: Known, competency: str) -> tuple[Floats, Floats, list[str]]:
    """People's marks, the judges' own means, whose answers they were."""
    mine = [one for one in known.marked if one.competency == competency]
    return (
        np.array([one.truth for one in mine]),
        np.array([one.mean for one in mine]),
        [one.person for one in mine],
    )


def _cuts(known: Known, competency: Competency) -> BorderFit:
    human, mean, people = marks_of(known, competency.key)
    return borders.fit(competency.key, competency.cuts, human, mean, people)


def _signals(known: Known, fit: BorderFit) -> Json:
    """What else is said of a competency, and which of it says the opposite of people's marks."""
    opinions = known.opinions.get(fit.competency, NOBODY)
    mine = [
        one
        for one in known.corrected.values()
        if one.competency == fit.competency and isfinite(one.difference)
    ]
    corrected = _corrected(mine)
    asks = _sign(fit.difference)
    against = [
        name
        for name, says in (("opinions", _leaning(opinions)), ("overrides", _sign(corrected)))
        if asks and says and says != asks
    ]
    return {"opinions": asdict(opinions), "overrides": plain(corrected), "against": against}


def _corrected(mine: list[Corrected]) -> Estimate:
    """Not fitted to: people set another level where they disagree, so these are not all."""
    apart = np.array([one.difference for one in mine])
    return interval(
        np.mean, apart, clusters=[one.person for one in mine], least=LEAST_CORRECTED, replicates=300
    )  # pyright: ignore[reportArgumentType]  # a statistic


def _leaning(opinions: Opinions) -> int:
    """+1: reviewers say too strict; as people's marks above the machine's do."""
    apart = opinions.strict - opinions.lenient
    return 0 if abs(apart) < LEAST_OPINIONS else (1 if apart > 0 else -1)


def _sign(found: Estimate) -> int:
    if found.low is None or found.high is None or found.low <= 0 <= found.high:
        return 0
    return 1 if found.low > 0 else -1


def _order(known: Known) -> OrderFit:
    """A self-introduction opens the conversation and stays where it is."""
    keys = [one.key for one in known.content.questions]
    fixed = [one.key for one in known.content.questions if one.kind == "self_introduction"]
    talks = [talk for talk in known.talks if talk.interview_id in known.learnable]
    levels = np.array([[talk.levels.get(key, np.nan) for key in keys] for talk in talks])
    return order.fit(keys, fixed, levels.reshape(len(talks), len(keys)), known.surveys.said)
