"""Letters that the platform under test has sent: real SMTP, kept by the catcher that `duilian up` runs."""

from __future__ import annotations

import re
import time

from duilian.infra.local.mailbox import Kept, folder_of, kept
from world import World


def letters_to(world: World, address: str) -> list[Kept]:
    """Oldest first."""
    return [one for one in kept(folder_of(world.settings.data_dir)) if one.to == address]


def letter_to(world: World, address: str, number: int = 1, seconds: float = 30) -> Kept:
    """The number-th letter to this address, waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = letters_to(world, address)
        if len(found) >= number:
            return found[number - 1]
        time.sleep(0.1)
    raise AssertionError(f"{address} has {len(letters_to(world, address))} letters, not {number}")


def link_in(world: World, letter: Kept) -> str:
    """The one address of ours in the words; the other part has the same one."""
    pattern = re.escape(world.url) + r"/t/[\w./-]+"
    [link] = set(re.findall(pattern, letter.part("plain")))
    assert link in letter.part("html")
    return link
