"""From rows to figures: what each page of the lab shows. Aggregates only, ready for JSON (docs/measurement.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from duilian.customization.measurement import agreement as agree
from duilian.customization.measurement import drift as shifts
from duilian.customization.measurement import items as analysis
from duilian.customization.measurement import review as reviewing
from duilian.customization.measurement import severity, validity
from duilian.customization.measurement.agreement import Icc
from duilian.customization.measurement.bootstrap import Statistic, interval, paired_difference
from duilian.customization.measurement.results import Estimate, Floats, estimate, plain, refused, wilson
from duilian.platform.measuring.gather import Marked, Rows, Talk

LEVELS = (1, 2, 3, 4, 5)
LEAST_PAIRS = 30
LEAST_TALKS = 10
RECENT, BEFORE = timedelta(days=30), timedelta(days=180)
Json = dict[str, Any]


def agreement(rows: Rows) -> Json:
    """Human with human beside human with machine, on all answers and by competency; and which is nearer."""
    parts: defaultdict[str, list[Marked]] = defaultdict(list)
    several = len({one.competency for one in rows.marked}) > 1
    for one in rows.marked:
        parts[""].append(one)
        if several:
            parts[one.competency].append(one)
    ordered = sorted(parts, key=lambda key: (key != "", -len(parts[key]), key))
    difference = _nearer(parts[""])
    return {
        "rows": [{"key": key, **_both(parts[key])} for key in ordered if parts[key]],
        "difference": plain(difference),
        "finding": _finding(difference),
        "least": LEAST_PAIRS,
    }


def _both(marked: list[Marked]) -> Json:
    people = [one.person for one in marked]
    first, second, blind, machine, mean = (
        np.array([getattr(one, name) for one in marked])
        for name in ("first", "second", "blind", "machine", "mean")
    )
    return {
        "human": _pair(second, first, first, people),
        "machine": _pair(blind, machine, mean, people),
    }


def _pair(a: Floats, b: Floats, exact_b: Floats, people: list[str]) -> Json:
    """exact_b: b before it was rounded, for the difference of means."""
    both = np.isfinite(a) & np.isfinite(b)
    a, b, exact_b = a[both], b[both], exact_b[both]
    clusters = np.array(people)[both]
    n = len(a)

    def measured(statistic: Statistic, second: Floats) -> Estimate:
        return interval(statistic, a, second, clusters=clusters, least=LEAST_PAIRS, replicates=500)

    table = np.column_stack([a, b]) if n else np.empty((0, 2))
    found: dict[str, Estimate] = {
        "qwk": measured(_kappa, b),
        "exact": measured(agree.exact, b),
        "adjacent": measured(agree.adjacent, b),
        "smd": measured(agree.smd, exact_b),
        "icc1": _of_icc(agree.icc_2_1(table), n),
        "icck": _of_icc(agree.icc_2_k(table), n),
    }
    return {"n": n, "people": len(set(clusters.tolist()))} | {k: plain(v) for k, v in found.items()}


def _of_icc(icc: Icc, n: int) -> Estimate:
    return refused("few", n, LEAST_PAIRS) if n < LEAST_PAIRS else estimate(icc.value, icc.low, icc.high, n)


def _kappa(a: Floats, b: Floats) -> float:
    return agree.qwk(a, b, LEVELS)


def _nearer(marked: list[Marked]) -> Estimate:
    """On answers with two human marks and the machine's: its agreement with the blind second, less the first's."""
    chosen = [one for one in marked if np.isfinite([one.first, one.second, one.machine]).all()]
    columns = [[getattr(one, name) for one in chosen] for name in ("second", "first", "machine")]
    return paired_difference(_kappa, *columns, clusters=[one.person for one in chosen], least=LEAST_PAIRS)


def _finding(difference: Estimate) -> str:
    if difference.value is None or difference.low is None or difference.high is None:
        return "few"
    return "nearer" if difference.low > 0 else "further" if difference.high < 0 else "as_near"


def raters(rows: Rows) -> Json:
    """Strictness of everybody who rated. Identifiers only: the page finds the names."""
    given = [(str(one.example_id), rater, mark) for one in rows.marked for rater, mark in one.raters.values()]
    answers, who, marks = ([row[0] for row in given], [row[1] for row in given], [row[2] for row in given])
    return plain(severity.severities(answers, who, marks)) | {"least": severity.LEAST}


def items(rows: Rows) -> Json:
    """By question set: each question's difficulty, discrimination, exposure and time, from the scorer's levels."""
    return {
        "sets": [{"key": key, "n": len(talks), "items": _items(talks)} for key, talks in _by_set(rows)],
        "least": analysis.LEAST,
    }


def _items(talks: list[Talk]) -> list[Json]:
    names = sorted({name for talk in talks for name in talk.given | talk.levels.keys()})
    marks, seconds = (
        np.array([[values.get(name, np.nan) for name in names] for values in column])
        for column in ([talk.levels for talk in talks], [talk.seconds for talk in talks])
    )
    given = np.array([[name in talk.given for name in names] for talk in talks])
    return [plain(one) for one in analysis.items(names, marks, 1, 5, seconds, given)] if names else []


def _by_set(rows: Rows) -> list[tuple[str, list[Talk]]]:
    found: defaultdict[str, list[Talk]] = defaultdict(list)
    for talk in rows.talks:
        found[talk.set_key].append(talk)
    return sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))


def distributions(rows: Rows) -> Json:
    """By question set: how totals spread, how many have none, how many went on."""
    return {"sets": [_spread(key, talks) for key, talks in _by_set(rows)], "least": LEAST_TALKS}


def _spread(key: str, talks: list[Talk]) -> Json:
    totals = np.array([talk.total for talk in talks])
    totals = totals[np.isfinite(totals)]
    n, enough = len(totals), len(totals) >= LEAST_TALKS
    bins = np.histogram(totals, bins=np.arange(11))[0].tolist() if enough else []
    quarters = np.quantile(totals, [0.25, 0.5, 0.75]).tolist() if enough else []
    decided = [talk.advanced for talk in talks if talk.decided]
    return {
        "key": key, "n": n, "unscored": len(talks) - n, "bins": bins, "quarters": quarters,
        "mean": float(totals.mean()) if enough else None, "sd": float(totals.std(ddof=1)) if enough else None,
        "passed": plain(wilson(sum(decided), len(decided), LEAST_TALKS)),
    }  # fmt: skip


def drift(rows: Rows, at: datetime) -> Json:
    """By question set: totals of the last thirty days against those of the five months before."""
    return {"sets": [_drift(key, talks, at) for key, talks in _by_set(rows)], "least": shifts.LEAST}


def _drift(key: str, talks: list[Talk], at: datetime) -> Json:
    recent = [talk.total for talk in talks if talk.at > at - RECENT]
    before = [talk.total for talk in talks if at - BEFORE < talk.at <= at - RECENT]
    return {"key": key, "before_n": len(before), "after_n": len(recent), **plain(shifts.psi(before, recent))}


def review(rows: Rows) -> Json:
    """What it does to agreement when a human looks at a share of the answers."""
    chosen = [one for one in rows.marked if np.isfinite([one.blind, one.machine, one.error]).all()]
    truth, machine, mean, error = (
        np.array([getattr(one, name) for one in chosen]) for name in ("blind", "machine", "mean", "error")
    )
    gain = error**2 + (mean - machine) ** 2
    return plain(reviewing.curve(truth, machine, gain, LEVELS)) | {"least": reviewing.LEAST}


def validity_of(rows: Rows) -> Json:
    """Totals of interviews, and levels of answers (imported ones too), against what became of people."""
    totals = {talk.person: talk.total for talk in reversed(rows.talks)}
    found: list[Json] = []
    for basis, scores in (("totals", totals), ("answers", rows.machine)):
        people = list(scores)
        for kind, later in sorted(rows.outcomes.items()):
            values = [later.get(person, np.nan) for person in people]
            result = validity.criterion([scores[person] for person in people], values)
            found.append({"basis": basis, "kind": kind, **plain(result)})
    return {"rows": found, "least": validity.LEAST}


Figures = Callable[[Rows], Json]
KINDS = ("agreement", "raters", "items", "distributions", "drift", "fairness", "review", "validity")
