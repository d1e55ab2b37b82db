"""A tenant's own scoring models, in the tenant's sealed storage: artefacts by sha256, and which is in force.

`models/{sha256}` is an artefact (serving.scoring.artefact), `models/in-force` names one per competency. Both are
sealed under the tenant's key, rotate with it and are gone when it is destroyed. An artefact never changes, so what an
answer was judged by can be found again by the version that its analysis names; unless somebody's labels had to leave it:
then another takes its place and it is deleted (labelling.unlearner).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol
from uuid import UUID

import msgspec

from duilian.infra.errors import Problem
from duilian.infra.objects import ObjectMissing, ObjectStore, TenantKey
from duilian.infra.sealing import SealBroken
from duilian.serving.contracts import HeadWanted, ScoreRequest
from duilian.serving.scoring.artefact import Artefact, pack, unpack
from duilian.serving.scoring.learned.model import Learned

IN_FORCE = "models/in-force"


class HeadUnusable(Problem):
    """The job is tried a few times and then waits in the dead-letter list until somebody repairs the model."""

    status = 500
    code = "head-unusable"
    zh = "贵公司的评分模型无法使用：{reason}"
    en = "Your organisation's scoring model cannot be used: {reason}"


class InForce(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """heads: sha256 by competency."""

    heads: dict[str, str] = {}


class Models(Protocol):
    """What a request is judged by beside the rubric."""

    async def named_in(self, request: ScoreRequest) -> ScoreRequest:
        """The request with its models by name."""
        ...

    async def artefact(self, sha256: str) -> bytes: ...


class OneModel:
    """A model that lies in no store, for its competency alone. Packing it takes as long as loading it: not in the event loop."""

    def __init__(self, tenant_id: UUID, learned: Learned) -> None:
        self._tenant_id, self._competency = tenant_id, learned.competency
        self._octets, self._sha256 = pack(learned)

    async def named_in(self, request: ScoreRequest) -> ScoreRequest:
        head = HeadWanted(competency=self._competency, sha256=self._sha256)
        return msgspec.structs.replace(request, tenant=str(self._tenant_id), heads=[head])

    async def artefact(self, sha256: str) -> bytes:
        assert sha256 == self._sha256
        return self._octets


class RubricAlone:
    """No model at all."""

    def __init__(self, tenant_id: UUID) -> None:
        self._tenant_id = tenant_id

    async def named_in(self, request: ScoreRequest) -> ScoreRequest:
        return msgspec.structs.replace(request, tenant=str(self._tenant_id), heads=[])

    async def artefact(self, sha256: str) -> bytes:
        raise HeadUnusable(reason=sha256[:12])


class HeadShelf:
    """One tenant's models. key: opens the tenant's storage."""

    def __init__(self, store: ObjectStore, key: TenantKey) -> None:
        self._store, self._key = store, key

    async def put(self, artefact: Artefact | Learned) -> str:
        """Stores a model and gives its sha256; it judges nothing until it is in force. Raises HeadBroken."""
        octets, sha256 = pack(artefact)
        await self._store.put(self._key, _name(sha256), octets)
        return sha256

    async def put_in_force(self, competency: str, sha256: str | None) -> None:
        """From the next answer on; None goes back to the cold start. Raises HeadUnusable, HeadBroken."""
        if sha256 is not None:
            unpack(await self.artefact(sha256), sha256)
        await self.put_all_in_force((await self.in_force()).heads | {competency: sha256})

    async def put_all_in_force(self, heads: Mapping[str, str | None]) -> None:
        """In one go, whatever was in force."""
        named = {competency: sha256 for competency, sha256 in heads.items() if sha256}
        await self._store.put(self._key, IN_FORCE, msgspec.msgpack.encode(InForce(named)))

    async def stored(self) -> list[str]:
        """sha256 of every model, in force or not."""
        names = await self._store.names(self._key.tenant_id, "models/")
        return sorted(name.removeprefix("models/") for name in names if name != IN_FORCE)

    async def throw_away(self, artefacts: Iterable[str]) -> None:
        await self._store.delete(self._key.tenant_id, [_name(sha256) for sha256 in artefacts])

    async def in_force(self) -> InForce:
        """Nothing where the tenant has no model of its own. Raises HeadUnusable."""
        try:
            return msgspec.msgpack.decode(await self._store.get(self._key, IN_FORCE), type=InForce)
        except ObjectMissing:
            return InForce()
        except (SealBroken, msgspec.DecodeError) as error:
            raise HeadUnusable(reason=f"{IN_FORCE}: {error}") from error

    async def artefact(self, sha256: str) -> bytes:
        """Raises HeadUnusable where it is missing or its seal is broken."""
        try:
            return await self._store.get(self._key, _name(sha256))
        except (ObjectMissing, SealBroken) as error:
            raise HeadUnusable(reason=f"{sha256[:12]}: {error}") from error

    async def named_in(self, request: ScoreRequest) -> ScoreRequest:
        """The request with the models in force for the competencies it asks for. Raises HeadUnusable."""
        heads = (await self.in_force()).heads
        wanted = [
            HeadWanted(competency=key, sha256=heads[key])
            for key in request.answer.competencies
            if key in heads
        ]
        return msgspec.structs.replace(request, tenant=str(self._key.tenant_id), heads=wanted)


def _name(sha256: str) -> str:
    return f"models/{sha256}"
