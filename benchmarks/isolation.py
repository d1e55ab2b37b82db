"""A hundred thousand random calls with stolen identifiers of one tenant, by everybody else: what came back of it.

A platform of its own with a robbed tenant full of marker words and a thief's beside it; the calls, their ghosts and what
counts as a leak are those of tests/tenancy/test_fuzz.py. Ends after the calls or the seconds, whichever comes first,
and fails where anything leaked or anything of the robbed tenant was changed.

    python benchmarks/isolation.py [--calls 100000] [--seconds 300] [--attackers 16]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import ending
from duilian.platform.app import web
from fuzzing import Attacker, Caller, targets
from loot import OF_STRANGERS, callers, fingerprint, rob
from stacks import own_stack
from wire import Wire
from world import open_world

UNLIMITED = {"limit_network": 10**8, "limit_person": 10**8, "limit_tenant": 10**8}
SHOWN = 20


async def attack(
    attackers: list[Attacker], known: list[Caller], url: str, options: argparse.Namespace
) -> float:
    """Seconds taken."""
    began, ends = time.monotonic(), time.monotonic() + options.seconds

    async def one(attacker: Attacker) -> None:
        wire = Wire(url)
        while attacker.findings.calls < options.calls / len(attackers) and time.monotonic() < ends:
            await attacker.strike(wire, attacker.random.choice(known))
        await wire.close()

    await asyncio.gather(*map(one, attackers))
    return time.monotonic() - began


def show(attackers: list[Attacker], routes: int, seconds: float, changed: list[str]) -> bool:
    """Whether nothing leaked."""
    calls = sum(attacker.findings.calls for attacker in attackers)
    statuses = sum((attacker.findings.statuses for attacker in attackers), Counter[int]())
    reached = {name for attacker in attackers for name in attacker.findings.reached}
    leaks = [leak for attacker in attackers for leak in attacker.findings.leaks]
    table = Table(
        "calls", "seconds", "routes × methods reached", "answers by status", "leaks", "tables changed"
    )
    told = " ".join(f"{status}:{count}" for status, count in sorted(statuses.items()))
    row = (
        f"{calls}",
        f"{seconds:.0f}",
        f"{len(reached)} of {routes}",
        told,
        f"{len(leaks)}",
        ", ".join(changed) or "0",
    )
    table.add_row(*row)
    console = Console(width=160)
    console.print(table)
    for leak in leaks[:SHOWN]:
        console.print(leak, markup=False)
    return not leaks and not changed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--attackers", type=int, default=16, help="connections at a time")
    parser.add_argument("--data", help="not used: people are made up")
    options = parser.parse_args()
    with own_stack(**UNLIMITED) as stack:
        robbed, thief = rob(open_world(stack.settings)), open_world(stack.settings, "manufacturing")
        known, app = callers(robbed, thief), web.build(stack.settings)
        attackers = [Attacker(seed, robbed.loot, app) for seed in range(options.attackers)]
        before = fingerprint(robbed.world, OF_STRANGERS)
        seconds = asyncio.run(attack(attackers, known, stack.settings.public_url, options))
        after = fingerprint(robbed.world, OF_STRANGERS)
    changed = [name for name in before if before[name] != after[name]]
    if not show(attackers, len(targets(app)), seconds, changed):
        sys.exit(1)


if __name__ == "__main__":
    ending.run(main)
