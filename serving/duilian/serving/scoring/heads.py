"""Tenants' heads in memory: kept by bytes, not by number, and given up fairly.

The tier holds no tenant's key, so it never reads a store: a call names the heads it wants by sha256, the tier says
which it does not hold (ArtefactNeeded), and the caller sends those along. What is held is checked against its name. What
nobody asked for in an hour is given up, so that a model that had to forget somebody does not live on here.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock

from duilian.infra.errors import Problem
from duilian.serving.contracts import HeadWanted
from duilian.serving.scoring.artefact import AnyHead, unpack

Key = tuple[str, str]  # tenant, sha256
IDLE = 3600.0  # seconds


class ArtefactNeeded(Problem):
    """names: sha256 of what must be sent along, separated by commas."""

    status = 409
    code = "artefact-needed"
    zh = "请随请求发送以下模型：{names}"
    en = "{names}"


class HeadCache:
    """limit: bytes of all heads together. Safe for threads."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock = limit, clock
        self._used: dict[Key, float] = {}
        self._heads: OrderedDict[Key, AnyHead] = OrderedDict()  # the longest unused first
        self._of_tenant: dict[str, int] = {}
        self.bytes = 0
        self._lock = Lock()

    def wanted(self, tenant: str, heads: Sequence[HeadWanted]) -> dict[str, AnyHead]:
        """By competency. Raises ArtefactNeeded, HeadBroken."""
        with self._lock:
            self._give_up_idle()
            found = {head.competency: self._one(tenant, head) for head in heads}
        missing = [head.sha256 for head in heads if found[head.competency] is None]
        if missing:
            raise ArtefactNeeded(names=",".join(missing))
        return {competency: head for competency, head in found.items() if head is not None}

    def _one(self, tenant: str, wanted: HeadWanted) -> AnyHead | None:
        key = (tenant, wanted.sha256)
        if key in self._heads:
            self._heads.move_to_end(key)
            self._used[key] = self._clock()
            return self._heads[key]
        if not wanted.artefact:
            return None
        head = unpack(wanted.artefact, wanted.sha256)
        self._keep(key, head)
        return head

    def _keep(self, key: Key, head: AnyHead) -> None:
        self._heads[key], self._used[key] = head, self._clock()
        self._count(key[0], head.bytes)
        while self.bytes > self._limit and len(self._heads) > 1:
            self._give_up(self._victim(key))

    def _victim(self, newest: Key) -> Key:
        """The longest unused head of a tenant that holds more than its share, else the longest unused of all."""
        share = self._limit / len(self._of_tenant)
        others = (key for key in self._heads if key != newest)
        oldest = next(iter(self._heads))
        return next((key for key in others if self._of_tenant[key[0]] > share), oldest)

    def _give_up_idle(self) -> None:
        now = self._clock()
        for key in [key for key, used in self._used.items() if now - used > IDLE]:
            self._give_up(key)

    def _give_up(self, key: Key) -> None:
        del self._used[key]
        self._count(key[0], -self._heads.pop(key).bytes)

    def _count(self, tenant: str, octets: int) -> None:
        self.bytes += octets
        self._of_tenant[tenant] = self._of_tenant.get(tenant, 0) + octets
        if not self._of_tenant[tenant]:
            del self._of_tenant[tenant]

    def __len__(self) -> int:
        return len(self._heads)

    def __contains__(self, key: Key) -> bool:
        return key in self._heads
