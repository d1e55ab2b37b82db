"""How many tokens of a language model each tenant may spend in a day (UTC)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Lock

from duilian.infra.clock import now
from duilian.serving.errors import BudgetSpent

DAY = 86_400


class Budget:
    """daily: tokens per tenant; 0 means no limit. Kept in this process: a restart begins the day anew."""

    def __init__(self, daily: int) -> None:
        self._daily = daily
        self._spent: dict[str, int] = {}
        self._day = now().date()
        self._lock = Lock()

    @contextmanager
    def reserved(self, tenant: str, most: int) -> Generator[Callable[[int], None]]:
        """Sets aside what a call may cost at most; gives the function that is told what it did cost, failed or not.

        A call of which nothing is told costs nothing. Raises BudgetSpent.
        """
        cost = 0

        def spend(tokens: int) -> None:
            nonlocal cost
            cost = tokens

        self._add(tenant, most, limited=True)
        try:
            yield spend
        finally:
            self._add(tenant, cost - most, limited=False)

    def spent(self, tenant: str) -> int:
        """Tokens of today."""
        with self._lock:
            self._turn_page()
            return self._spent.get(tenant, 0)

    def _add(self, tenant: str, tokens: int, *, limited: bool) -> None:
        with self._lock:
            self._turn_page()
            spent = self._spent.get(tenant, 0)
            if limited and self._daily and spent + tokens > self._daily:
                raise BudgetSpent(daily=self._daily, seconds=_until_midnight())
            # Not below nothing: the day may have changed while the call was under way.
            self._spent[tenant] = max(0, spent + tokens)

    def _turn_page(self) -> None:
        if (today := now().date()) != self._day:
            self._day, self._spent = today, {}


def _until_midnight() -> int:
    moment = now()
    return DAY - (moment.hour * 3600 + moment.minute * 60 + moment.second)
