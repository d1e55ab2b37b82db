"""The anchors scored again (锚定复测): every night, after a change, or because a person asks."""

from __future__ import annotations

from uuid import UUID

from duilian.customization.anchors import service as anchors
from duilian.customization.anchors.models import AnchorRun
from duilian.infra.database import Database
from duilian.infra.objects import ObjectStore
from duilian.platform.labelling.gather import Opinion
from duilian.platform.labelling.predict import judged_again
from duilian.platform.measuring.hearing import Listener
from duilian.platform.scoring.heads import HeadShelf
from duilian.serving.client import ServingClient
from duilian.tenants.keyring import keys_of


class AnchorScorer:
    """The task `lab.anchors`. cause: person keeps every run; versions, the nightly one, only what differs from the
    last: other versions, or other scores under the same versions, which must never be."""

    def __init__(self, database: Database, store: ObjectStore, serving: ServingClient) -> None:
        self._database, self._store, self._serving = database, store, serving

    async def run(self, tenant_id: UUID, cause: str = "versions") -> None:
        heard_by = await Listener(self._database, self._store, self._serving).hear(tenant_id)
        async with self._database.begin(tenant_id) as session:
            rows, heard = await anchors.anchor_examples(session), await anchors.heard(session)
            said = await judged_again(
                session, self._serving, HeadShelf(self._store, keys_of(session)), rows, heard
            )
        if not rows:
            return
        scores = {row.id: said[row.id].mean if row.id in said else None for row in rows}
        versions = _versions(said) | heard_by
        async with self._database.begin(tenant_id) as session:
            last = next(iter(await anchors.runs(session, 1)), None)
            if cause == "person" or _differs(last, scores, versions):
                verdict = await anchors.anchors_hold(session, scores)
                await anchors.keep(session, scores, versions, cause, verdict)


def _versions(said: dict[UUID, Opinion]) -> dict[str, str]:
    """Of all that took part; where answers were judged by different ones, each stands once."""
    found: dict[str, set[str]] = {}
    for opinion in said.values():
        for part, version in opinion.document.get("versions", {}).items():
            found.setdefault(part, set()).add(str(version))
    return {part: " ".join(sorted(versions)) for part, versions in sorted(found.items())}


def _differs(last: AnchorRun | None, scores: dict[UUID, float | None], versions: dict[str, str]) -> bool:
    plain = {str(one): score for one, score in scores.items()}
    return last is None or last.versions != versions or last.scores != plain
