"""Heads as Ray Serve's own multiplexing keeps them, and as our cache does, behind the same call."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ray import serve

from duilian.serving.contracts import HeadWanted
from duilian.serving.scoring.artefact import Head, unpack
from duilian.serving.scoring.heads import ArtefactNeeded, HeadCache


@serve.deployment
class Multiplexed:
    """Three models per replica, the default; the others are read from disk."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    @serve.multiplexed()
    async def head(self, tenant: str) -> Head:
        octets = (self._folder / tenant).read_bytes()
        return unpack(octets, hashlib.sha256(octets).hexdigest())

    async def judge(self, _tenant: str, features: NDArray[np.float32]) -> list[float]:
        head = await self.head(serve.get_multiplexed_model_id())
        return head.posterior(features)


@serve.deployment
class Cached:
    """Our cache by bytes; what is missing comes from memory as it would with the call."""

    def __init__(self, heads: dict[str, bytes]) -> None:
        self._heads = {t: (octets, hashlib.sha256(octets).hexdigest()) for t, octets in heads.items()}
        self._cache = HeadCache(256 << 20)

    async def judge(self, tenant: str, features: NDArray[np.float32]) -> list[float]:
        octets, sha256 = self._heads[tenant]
        try:
            found = self._cache.wanted(tenant, [HeadWanted(competency="care", sha256=sha256)])
        except ArtefactNeeded:
            sent = HeadWanted(competency="care", sha256=sha256, artefact=octets)
            found = self._cache.wanted(tenant, [sent])
        return found["care"].posterior(features)
