"""The effect of chosen values on past interviews, with agreement before and after, and groups where they may be named."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any
from uuid import UUID

import numpy as np

from duilian.customization.measurement.bootstrap import paired_difference
from duilian.customization.measurement.results import Floats, estimate, plain
from duilian.customization.revision import borders, effect, weights
from duilian.customization.revision.ranking import concordance, ranks_alike
from duilian.platform.revising.findings import Json, marks_of
from duilian.platform.revising.gather import Known
from duilian.platform.revising.replay import Past, measures_of, total_of
from duilian.platform.revising.values import Values, competencies, values_of


@dataclass(frozen=True)
class Row:
    report_id: UUID
    before: float
    after: float


def effect_of(
    known: Known, chosen: Values, proposed: Values, findings: Json, declared: dict[str, dict[str, str]]
) -> tuple[Json, list[Row]]:
    """declared: choice by person, by question. Rows are of single interviews; the rest is of many."""
    old, new = known.content.competencies, competencies(known.content.competencies, chosen)
    both = [(one, total_of(old, one), total_of(new, one)) for one in known.replayed.past]
    kept = [(one, a, b) for one, a, b in both if a is not None and b is not None]
    before, after = np.array([a for _, a, _ in kept]), np.array([b for _, _, b in kept])
    people = [one.person for one, _, _ in kept]
    decided = known.decided()
    advanced = np.array([decided.get(str(one.interview_id), np.nan) for one, _, _ in kept])
    border = effect.usual_border(before, advanced)
    change = effect.change(before, after, people)
    crossing = effect.crossing(before, after, *border) if border and change else None
    return {
        "n": len(kept),
        "reported": known.replayed.reported,
        "otherwise": known.replayed.otherwise,
        "unlike": known.replayed.reported - known.replayed.otherwise - len(known.replayed.past),
        "lost": len(both) - len(kept),
        "least": effect.LEAST,
        "change": plain(change) if change else None,
        "levels": [_levels(known, old, new, place) for place in range(len(old))],
        "crossing": plain(crossing) if crossing else None,
        "agreement": _agreement(known, chosen, proposed, findings),
        "groups": _groups(declared, [one for one, _, _ in kept], before, after, border[0]) if border else [],
    }, [Row(one.report_id, a, b) for one, a, b in kept]


def _levels(known: Known, old: Any, new: Any, place: int) -> Json:  # Any: competencies, before and after
    """Of how many interviews the level of one competency differs."""
    pairs = [
        (measures_of([old[place]], one), measures_of([new[place]], one)) for one in known.replayed.past
    ]  # fmt: skip
    key = old[place].key
    apart = [b[key].level - a[key].level for a, b in pairs if key in a]
    return {
        "competency": key,
        "n": len(apart),
        "up": sum(by > 0 for by in apart),
        "down": sum(by < 0 for by in apart),
    }


def _agreement(known: Known, chosen: Values, proposed: Values, findings: Json) -> Json:
    """As fitted, on people left out; where a person changed the values, on all: nothing was fitted then."""
    now = values_of(known.content)
    found: Json = {"weights": None, "cuts": []}
    if chosen.weights != now.weights:
        as_made = chosen.weights == proposed.weights
        fit = findings["weights"]
        before, rise = (
            (fit["before"], fit["held_out"]) if as_made else _told_apart(known, chosen, fit["basis"])
        )
        found["weights"] = {"basis": fit["basis"], "before": before, "rise": rise, "held_out": as_made}
    for fit in findings["cuts"]:
        key = fit["competency"]
        if chosen.cuts[key] != now.cuts[key]:
            as_made = chosen.cuts[key] == proposed.cuts[key]
            before, rise = (fit["before"], fit["held_out"]) if as_made else _marks(known, chosen, key)
            found["cuts"].append({"competency": key, "before": before, "rise": rise, "held_out": as_made})
    return found


def _marks(known: Known, chosen: Values, key: str) -> tuple[Json, Json]:
    human, mean, people = marks_of(known, key)
    present = next(one.cuts for one in known.content.competencies if one.key == key)
    before, rise = borders.agreement(present, chosen.cuts[key], human, mean, people)
    return plain(before), plain(rise)


def _told_apart(known: Known, chosen: Values, basis: str) -> tuple[Json, Json]:
    """On the cases that weights are fitted to."""
    cases = _cases(known, chosen, basis)
    people, n = [person for person, _, _, _ in cases], len(cases)
    values, before, after = (
        np.array([case[place] for case in cases], dtype=np.float64) for place in (1, 2, 3)
    )
    statistic = ranks_alike if basis == "outcome" else concordance
    rise = paired_difference(
        statistic, values, before, after, clusters=people, least=weights.LEAST, replicates=300
    )
    now = estimate(statistic(values, before), nan, nan, n, weights.LEAST) if n else rise
    return plain(now), plain(rise)


def _cases(known: Known, chosen: Values, basis: str) -> list[tuple[str, float, float, float]]:
    """Person, what became of them, the total now and then."""
    decided, old = known.decided(), known.content.competencies
    new, found = competencies(old, chosen), list[tuple[str, float, float, float]]()
    for one in known.replayed.past:
        later = known.later.get(one.person)
        value = later if basis == "outcome" else decided.get(str(one.interview_id))
        before, after = total_of(old, one), total_of(new, one)
        if value is not None and before is not None and after is not None:
            found.append((one.person, value, before, after))
    return found


def _groups(
    declared: dict[str, dict[str, str]], past: list[Past], before: Floats, after: Floats, border: float
) -> list[Json]:
    """One interview a person, the newest; small groups are neither named nor counted."""
    newest: dict[str, int] = {}
    for place, one in enumerate(past):
        newest.setdefault(one.person, place)
    found: list[Json] = []
    for question, choices in sorted(declared.items()):
        places = [place for person, place in newest.items() if person in choices]
        names = [choices[past[place].person] for place in places]
        told = effect.compared(question, names, before[places], after[places], border)
        if told.before.rows:
            found.append(plain(told))
    return found
