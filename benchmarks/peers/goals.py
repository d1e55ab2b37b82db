"""How every benchmark says whether a goal was reached. Not a benchmark itself."""

from __future__ import annotations


def at_least(name: str, ratio: float, goal: float) -> bool:
    """Prints the ratio, its goal and the verdict; gives the verdict."""
    return _said(name, f"{ratio:.3f}", f"≥ {goal}", ratio >= goal)


def at_most(name: str, ratio: float, goal: float) -> bool:
    return _said(name, f"{ratio:.3f}", f"≤ {goal}", ratio <= goal)


def _said(name: str, ratio: str, goal: str, met: bool) -> bool:
    print(f"{name}: ratio {ratio}, goal {goal}: {'met' if met else 'MISSED'}")
    return met
