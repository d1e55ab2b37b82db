"""What the lab's charts show, as data: the script draws it, the table beside it says the same without one.

Three shapes: `intervals` (a point with its interval a row), `bars`, and `curve` (lines with a band).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor
from typing import Any

Json = dict[str, Any]
Words = Callable[..., str]


def intervals(
    rows: Sequence[tuple[str, Sequence[Json]]],
    series: Sequence[str],
    *,
    lowest: float | None = None,
    highest: float | None = None,
    marks: Sequence[float] = (),
    digits: int = 2,
) -> Json | None:
    """rows: (label, an estimate per series). marks: values at which a line stands. None where no value is known."""
    known = [(label, points) for label, points in rows if any(p["value"] is not None for p in points)]
    if not known:
        return None
    low, high = _reach([point for _, points in known for point in points], [*marks])
    lowest, highest = (
        min(low, low if lowest is None else lowest),
        max(high, high if highest is None else highest),
    )
    shown = [{"label": label, "points": [_point(point) for point in points]} for label, points in known]
    return {
        "shape": "intervals", "rows": shown, "series": list(series), "lowest": lowest, "highest": highest,
        "marks": list(marks), "digits": digits,
    }  # fmt: skip


def _reach(points: Sequence[Json], marks: list[float]) -> tuple[float, float]:
    """Ends of the axis: everything that is drawn, at a round fifth."""
    ends = [point[end] for point in points for end in ("value", "low", "high") if point[end] is not None]
    step = 0.2 if max(ends) - min(ends) < 2 else 1.0
    low, high = min([*ends, *marks]), max([*ends, *marks])
    return round(floor(low / step - 0.1) * step, 1), round(ceil(high / step + 0.1) * step, 1)


def _point(estimate: Json) -> Json:
    return {key: estimate[key] for key in ("value", "low", "high", "n")}


def bars(labels: Sequence[str], series: Sequence[tuple[str, Sequence[float]]], *, share: bool) -> Json:
    """share: values are shares of one."""
    shown = [{"name": name, "values": list(values)} for name, values in series]
    return {"shape": "bars", "labels": list(labels), "series": shown, "share": share}


def curve(
    x: Sequence[float],
    lines: Sequence[tuple[str, Sequence[float | None]]],
    band: tuple[Sequence[float | None], Sequence[float | None]],
    axes: tuple[str, str],
) -> Json:
    """x: shares of one. band: lower and upper ends around the last line. axes: names of x and y."""
    shown = [{"name": name, "values": list(values)} for name, values in lines]
    low, high = band
    return {
        "shape": "curve",
        "x": list(x),
        "lines": shown,
        "low": list(low),
        "high": list(high),
        "axes": list(axes),
    }
