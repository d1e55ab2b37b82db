"""Thousands of random calls with stolen identifiers: nothing of the robbed tenant comes back, not even that it exists."""

from __future__ import annotations

import asyncio
import time
from statistics import median

import pytest

from duilian.platform.app import web
from duilian.platform.app.up import Stack
from fuzzing import Attacker, Caller, Stolen, ghost_of, targets
from loot import OF_STRANGERS, Robbed, callers, fingerprint, rob
from wire import Wire
from world import World, open_world

PAIRS = 1280
ATTACKERS = 4
ROUNDS = 80
BOUND = 0.0015  # seconds


@pytest.fixture(scope="module")
def robbed(stack: Stack) -> Robbed:
    return rob(open_world(stack.settings))


@pytest.fixture(scope="module")
def thief(stack: Stack) -> World:
    return open_world(stack.settings, "manufacturing")


@pytest.fixture(scope="module")
def known(robbed: Robbed, thief: World) -> list[Caller]:
    return callers(robbed, thief)


def test_stolen_identifiers_give_nothing(stack: Stack, robbed: Robbed, known: list[Caller]) -> None:
    before = fingerprint(robbed.world, OF_STRANGERS)
    app = web.build(stack.settings)
    attackers = [Attacker(seed, robbed.loot, app) for seed in range(ATTACKERS)]

    async def attack(attacker: Attacker) -> None:
        wire = Wire(stack.settings.public_url)
        for _ in range(PAIRS // ATTACKERS):
            await attacker.strike(wire, attacker.random.choice(known))
        await wire.close()

    async def all_at_once() -> None:
        await asyncio.gather(*map(attack, attackers))

    asyncio.run(all_at_once())
    leaks = [leak for attacker in attackers for leak in attacker.findings.leaks]
    assert not leaks, "\n".join(leaks)
    assert sum(attacker.findings.calls for attacker in attackers) >= 2 * PAIRS
    reached = {name for attacker in attackers for name in attacker.findings.reached}
    assert len(reached) > len(targets(app)) * 0.9
    assert fingerprint(robbed.world, OF_STRANGERS) == before, "and nothing of it was changed"


def test_the_attack_sees_a_leak_where_there_is_one(stack: Stack, robbed: Robbed) -> None:
    """The same tool with the tenant's own key: it must cry out, or its silence above would mean nothing."""
    attacker = Attacker(1, robbed.loot, web.build(stack.settings))
    insider = Caller(
        "insider", {"Authorization": f"Bearer {robbed.world.api_key}"}, {"slug": robbed.loot.slug}
    )

    def seen(words: str) -> bool:
        return any(words in leak for leak in attacker.findings.leaks)

    async def attack() -> None:
        wire = Wire(stack.settings.public_url)
        for _ in range(2 * PAIRS):
            await attacker.strike(wire, insider)
            if seen("status differ") and seen("holds"):
                break
        await wire.close()

    asyncio.run(attack())
    assert seen("status differ")
    assert seen("holds")


def test_time_does_not_tell_either(stack: Stack, robbed: Robbed, thief: World, known: list[Caller]) -> None:
    """A stolen identifier and its ghost in turn: the median difference of 80 pairs is below 1.5 ms."""
    by_name = {caller.name: caller for caller in known}
    items = {item.kind: item for item in robbed.loot.items}
    probes = [
        (by_name["key"], "/api/v1/interviews/{}", items["interview_id"]),
        (by_name["key"], "/api/v1/interviews/{}/report", items["interview_id"]),
        (by_name["member"], "/console/interviews/{}", items["interview_id"]),
        (by_name["member"], "/console/invitations/{}", items["invitation_id"]),
        (by_name["nobody"], f"/t/{thief.slug}/i/{{}}", items["token"]),
        (by_name["forged key"], "/api/v1/interviews", None),
        (by_name["forged session"], "/console", None),
        (by_name["moved session"], "/console", None),
    ]
    for caller, path, item in probes:
        # A difference that is there shows each time; one that the machine made does not.
        shifts = [asyncio.run(_shift(stack.settings.public_url, caller, path, item))]
        while abs(shifts[-1]) >= BOUND and len(shifts) < 3:
            shifts.append(asyncio.run(_shift(stack.settings.public_url, caller, path, item)))
        assert min(map(abs, shifts)) < BOUND, f"{caller.name} {path}: {shifts} s"


async def _shift(url: str, caller: Caller, path: str, item: Stolen | None) -> float:
    """Median over pairs of (stolen - ghost), seconds."""
    wire, differences = Wire(url), []
    for number in range(ROUNDS):
        took: dict[bool, float] = {}
        for ghost in (number % 2 == 0, number % 2 == 1):
            value = "" if item is None else item.ghost if ghost else item.value
            began = time.perf_counter()
            await wire.send("GET", path.format(value), caller.credentials(ghost))
            took[ghost] = time.perf_counter() - began
        differences.append(took[False] - took[True])
    await wire.close()
    return median(differences)


def test_unique_keys_tell_nothing(robbed: Robbed, thief: World) -> None:
    """An address that another tenant has invited is invited like any other."""
    address = next(item.value for item in robbed.loot.items if item.kind == "email")
    answers = []
    for email in (address, ghost_of(address)):
        body = {
            "name": "x",
            "email": f"again-{email}" if email == "" else email,
            "question_set": thief.set_key,
        }
        answers.append(thief.api().post("/api/v1/invitations", json=body))
    assert [a.status_code for a in answers] in ([201, 201], [409, 409])  # 409: the attack above invited both
    assert answers[0].headers.keys() == answers[1].headers.keys()
