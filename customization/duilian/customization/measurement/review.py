"""Where a human's time is worth most (人工复核): whom to look at first, and what that does to agreement."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from duilian.customization.measurement.agreement import qwk
from duilian.customization.measurement.bootstrap import SEED
from duilian.customization.measurement.results import Estimate as Figure
from duilian.customization.measurement.results import Floats, floats, refused

SHARES = tuple(share / 20 for share in range(21))
LEAST = 50
DRAWS = 200


def expected_gain(posterior: ArrayLike, given: ArrayLike, points: ArrayLike) -> Floats:
    """By how much a look at each answer lowers the squared error that is to be expected: E[(true - given)^2].

    posterior: (n, k) probabilities of the scale's points, rows sum to 1; given: (n,) the scores that stand. The
    numerator of quadratic weighted kappa is the sum of these squares, so this is the order in which reviewing raises
    agreement fastest. nan posteriors (nothing known) come first: infinity.
    """
    chances, scale, scores = floats(posterior), floats(points), floats(given)
    gain = (chances * (scale[None, :] - scores[:, None]) ** 2).sum(axis=1)
    return np.where(np.isfinite(gain), gain, np.inf)


def gain_of(score: float, standard_error: float, posterior: ArrayLike, points: ArrayLike) -> float:
    """For one score: from its posterior, or from its standard error where no posterior is kept."""
    chances = floats(posterior)
    if chances.size:
        return float(expected_gain(chances[None, :], [score], points)[0])
    return standard_error**2


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Agreement (QWK with the humans' marks) after a share was reviewed. All lists: one entry a share.

    ordered: the most promising first; random: the mean of draws of the same size, low and high their middle 95 %.
    gain20: what reviewing a fifth adds over the machine alone; over_random20: over a random fifth.
    """

    shares: list[float]
    ordered: list[float | None]
    random: list[float | None]
    low: list[float | None]
    high: list[float | None]
    n: int
    gain20: Figure
    over_random20: Figure


def curve(
    truth: ArrayLike,
    given: ArrayLike,
    gain: ArrayLike,
    points: ArrayLike,
    shares: tuple[float, ...] = SHARES,
    least: int = LEAST,
    seed: int = SEED,
) -> Curve:
    """truth: what humans say; given: what the machine says; gain: the order of review, highest first. All (n,).

    A reviewed answer carries the human's mark. Ties keep their order. Refused below `least`.
    """
    marks, scores = floats(truth), floats(given)
    n = len(marks)
    if n < least:
        few = refused("few", n, least)
        return Curve(shares=[], ordered=[], random=[], low=[], high=[], n=n, gain20=few, over_random20=few)
    order, scale = np.argsort(-floats(gain), kind="stable"), floats(points)
    ordered = [_after(marks, scores, order, share, scale) for share in shares]
    random = np.random.default_rng(seed)
    draws = [random.permutation(n) for _ in range(DRAWS)]
    table = np.array([[_after(marks, scores, draw, share, scale) for share in shares] for draw in draws])
    low, high = np.quantile(table, [0.025, 0.975], axis=0)
    gain20, over = _fifth(marks, scores, order, scale, table, draws)
    return Curve(
        shares=list(shares),
        ordered=_plain(np.array(ordered)),
        random=_plain(table.mean(axis=0)),
        low=_plain(low),
        high=_plain(high),
        n=n,
        gain20=gain20,
        over_random20=over,
    )


def _fifth(
    marks: Floats, scores: Floats, order: np.ndarray, scale: Floats, table: Floats, draws: list[np.ndarray]
) -> tuple[Figure, Figure]:  # fmt: skip
    """What a fifth adds, with the spread over resampled answers; and over a random fifth, with the draws' spread."""
    n = len(marks)
    alone, after = qwk(marks, scores, scale), _after(marks, scores, order, 0.2, scale)
    chance = np.array([_after(marks, scores, draw, 0.2, scale) for draw in draws])
    ends = after - np.quantile(chance, [0.975, 0.025])
    reviewed = np.isin(np.arange(n), order[: round(0.2 * n)])
    random = np.random.default_rng(SEED)
    spread: list[float] = []
    for _ in range(DRAWS):
        rows = random.integers(0, n, n)
        mended = np.where(reviewed[rows], marks[rows], scores[rows])
        spread.append(qwk(marks[rows], mended, scale) - qwk(marks[rows], scores[rows], scale))
    low, high = np.nanquantile(spread, [0.025, 0.975])
    gained = Figure(value=after - alone, low=float(low), high=float(high), n=n)
    return gained, Figure(value=float(after - chance.mean()), low=float(ends[0]), high=float(ends[1]), n=n)


def _after(marks: Floats, scores: Floats, order: np.ndarray, share: float, scale: Floats) -> float:
    mended = scores.copy()
    first = order[: round(share * len(marks))]
    mended[first] = marks[first]
    return qwk(marks, mended, scale)


def _plain(numbers: Floats) -> list[float | None]:
    return [float(number) if np.isfinite(number) else None for number in numbers]
