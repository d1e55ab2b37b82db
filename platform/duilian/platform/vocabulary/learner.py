"""The job `vocabulary.learn`: history → words → the same recordings heard without and with them → checks.

May be killed anywhere and run again: nothing is kept but progress until everything is. Every recording is heard with words
that were proposed without its person; the version itself holds what everybody's history gives.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

import msgspec
from sqlalchemy import select

from duilian.customization.anchors import service as anchors
from duilian.customization.measurement.drift import Verdict
from duilian.customization.training.gates import verdict
from duilian.customization.vocabulary import evaluating, gates, service
from duilian.customization.vocabulary.errors import NoWords
from duilian.customization.vocabulary.evaluating import FOLDS, Heard
from duilian.customization.vocabulary.models import VocabularyVersion
from duilian.customization.vocabulary.proposing import LOCALES, Content, propose
from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import Problem
from duilian.infra.objects import ObjectMissing, ObjectStore, TenantKey
from duilian.platform.labelling.predict import judged_again
from duilian.platform.measuring.hearing import Listener
from duilian.platform.scoring.heads import HeadShelf
from duilian.platform.scoring.process import answered
from duilian.platform.vocabulary.gather import Gathered, Recorded, gather
from duilian.serving import contracts as c
from duilian.serving.audio import BrokenMedia, decode_audio
from duilian.serving.client import ServingClient
from duilian.tenants.keyring import keys_of


class Gone(Exception):
    """The version is no longer under way."""


@dataclass(frozen=True)
class _Work:
    """left_out: words that earlier versions put where nobody had said them."""

    version_id: UUID
    gathered: Gathered
    key: TenantKey
    left_out: frozenset[str]


class VocabularyLearner:
    def __init__(self, database: Database, store: ObjectStore, serving: ServingClient) -> None:
        self._database, self._store, self._serving = database, store, serving

    async def run(self, tenant_id: UUID, version_id: str) -> None:
        try:
            work = await self._begin(tenant_id, UUID(version_id))
            content = await asyncio.to_thread(propose, work.gathered.history, work.left_out)
            if not any(content.terms.values()):
                raise NoWords
            heard = await self._listen(tenant_id, work)
            held = await self._anchors(tenant_id, content)
            async with self._database.begin(tenant_id) as session:
                await _keep(session, work, content, heard, held)
        except Gone:
            return
        except Problem as problem:
            if problem.status >= 500:  # a part of ours is down: tried again
                raise
            failure = {"code": problem.code, "zh": problem.sentence("zh-CN"), "en": problem.sentence("en")}
            await give_up(self._database, tenant_id, version_id, failure)

    async def _begin(self, tenant_id: UUID, version_id: UUID) -> _Work:
        """Raises Gone."""
        async with self._database.begin(tenant_id) as session:
            await _step(session, version_id, service.GATHERING, 0.05)
            known = await session.scalars(select(VocabularyVersion))
            contents = [content for row in known if (content := service.content_of(row))]
            left_out = frozenset(word for content in contents for word in content.inserted)
            return _Work(version_id, await gather(session), keys_of(session), left_out)

    async def _listen(self, tenant_id: UUID, work: _Work) -> list[Heard]:
        """Raises Gone. What cannot be read any more is passed over."""
        history, recorded = work.gathered.history, work.gathered.recorded
        people = {one.person for one in [*history.said, *history.fixed, *recorded]}
        parts = [{person for person in people if _fold(person) == number} for number in range(FOLDS)]
        folds = [await asyncio.to_thread(propose, history.without(part), work.left_out) for part in parts]
        found: list[Heard] = []
        for number, one in enumerate(recorded):
            async with self._database.begin(tenant_id) as session:
                await _step(session, work.version_id, service.LISTENING, 0.1 + 0.9 * number / len(recorded))
            words = folds[_fold(one.person)].words(one.locale)
            heard = await self._heard(work, one, words) if words else None
            found += [heard] if heard else []
        return found

    async def _anchors(self, tenant_id: UUID, content: Content) -> Verdict:
        """Whether the anchors keep their marks when they are heard with these words."""
        heard = await Listener(self._database, self._store, self._serving).trial(tenant_id, content)
        async with self._database.begin(tenant_id) as session:
            rows, known = await anchors.anchor_examples(session), await anchors.heard(session)
            shelf = HeadShelf(self._store, keys_of(session))
            said = await judged_again(session, self._serving, shelf, rows, known | heard)
            return await anchors.anchors_hold(
                session, {row.id: said[row.id].mean if row.id in said else None for row in rows}
            )

    async def _heard(self, work: _Work, one: Recorded, words: list[str]) -> Heard | None:
        try:
            media = await self._store.get(work.key, one.object_name)
            samples = await asyncio.to_thread(decode_audio, media)
        except (ObjectMissing, BrokenMedia):
            return None
        known = work.gathered.history.known.get(one.locale, [])
        plain = await self._transcribed(samples.tobytes(), one.locale, known)
        helped = await self._transcribed(samples.tobytes(), one.locale, [*words, *known])
        return Heard(
            person=one.person, locale=one.locale, reference=one.reference, plain=plain, helped=helped, words=words
        )  # fmt: skip

    async def _transcribed(self, audio: bytes, locale: str, words: list[str]) -> str:
        language: c.Language = "zh" if locale == "zh-CN" else "en"
        request = c.TranscribeRequest(audio=audio, language=language, vocabulary=words)
        return (await answered(self._serving.transcribe(request))).text


def _fold(person: str) -> int:
    """Which part of the people somebody belongs to; always the same."""
    return sha256(person.encode()).digest()[0] % FOLDS


async def _step(session: TenantSession, version_id: UUID, state: str, share: float) -> VocabularyVersion:
    """Raises Gone."""
    row = await session.get(VocabularyVersion, (session.tenant_id, version_id), with_for_update=True)
    if row is None or row.state not in service.UNDER_WAY:
        raise Gone
    row.state, row.share = state, share
    return row


async def _keep(
    session: TenantSession, work: _Work, content: Content, heard: list[Heard], held: Verdict
) -> None:
    """Everything at once. Raises Gone."""
    row = await _step(session, work.version_id, service.DONE, 1.0)
    found, inserted = evaluating.evaluate(heard)
    asked = gates.all_gates(found, held)
    content = msgspec.structs.replace(content, inserted=inserted)
    row.content, row.sha256, row.ended_at = msgspec.to_builtins(content), content.sha256, now()
    history = work.gathered.history
    row.sources = {
        "answers": len(history.said), "corrections": len(history.fixed), "recordings": len(heard),
        "words": {locale: len(content.words(locale)) for locale in LOCALES},
    }  # fmt: skip
    row.evaluation, row.gates = msgspec.to_builtins(found), msgspec.to_builtins(asked)
    row.verdict = verdict(asked)
    facts = {"number": row.number, "verdict": row.verdict, "sha256": row.sha256}
    audit.record(session, "vocabulary.done", "vocabulary", row.id, after=facts)


async def give_up(
    database: Database, tenant_id: UUID, version_id: str, failure: dict[str, str] | None = None
) -> None:
    """It is over without words; a person may start again."""
    async with database.begin(tenant_id) as session:
        row = await session.get(VocabularyVersion, (tenant_id, UUID(version_id)), with_for_update=True)
        if row is not None and row.state in service.UNDER_WAY:
            row.state, row.ended_at = service.FAILED, now()
            row.failure = dict(failure) if failure else {"code": "job-failed"}
