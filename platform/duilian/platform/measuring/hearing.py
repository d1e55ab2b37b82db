"""The anchors' recordings heard again (锚定录音复识别) whenever the recogniser has changed; each once per version."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from duilian.customization.anchors.models import Anchor
from duilian.customization.labels import items
from duilian.customization.labels.items import LOCALE_OF
from duilian.customization.labels.models import Example
from duilian.customization.vocabulary import service as vocabulary
from duilian.customization.vocabulary.proposing import Content
from duilian.infra.database import Database, TenantSession
from duilian.infra.objects import ObjectMissing, ObjectStore, TenantKey
from duilian.platform.media.recordings import recording_of
from duilian.platform.scoring.process import answered
from duilian.serving import contracts as c
from duilian.serving.audio import BrokenMedia, decode_audio
from duilian.serving.client import ServingClient
from duilian.tenants.keyring import keys_of

SILENCE = bytes(c.SAMPLE_RATE)  # half a second: enough to ask who listens


@dataclass(frozen=True)
class Work:
    anchor_id: UUID
    example_id: UUID
    object_name: str
    language: c.Language
    vocabulary: list[str]


class Listener:
    def __init__(self, database: Database, store: ObjectStore, serving: ServingClient) -> None:
        self._database, self._store, self._serving = database, store, serving

    async def hear(self, tenant_id: UUID) -> dict[str, str]:
        """Keeps what the present recogniser hears of each anchor that has a recording; gives its versions, {} where
        no anchor has one. Repeated, it goes on with those not heard yet."""
        async with self._database.begin(tenant_id) as session:
            key, work, heard = keys_of(session), *await _recorded(session)
            _, listened = await vocabulary.listened_for(session, LOCALE_OF["zh"])
        if not work:
            return {}
        versions = (await self._transcribed(SILENCE, work[0])).versions | listened
        mark = json.dumps(versions, sort_keys=True)
        for one in work:
            if heard[one.anchor_id] != mark:
                await self._again(tenant_id, key, one, mark)
        return versions

    async def trial(self, tenant_id: UUID, words: Content) -> dict[UUID, str]:
        """What would be heard with these learned words, by example; nothing is kept."""
        async with self._database.begin(tenant_id) as session:
            key, (work, _) = keys_of(session), await _recorded(session, words)
        found = {one.example_id: await self._said(key, one) for one in work}
        return {example: said for example, said in found.items() if said is not None}

    async def _again(self, tenant_id: UUID, key: TenantKey, one: Work, mark: str) -> None:
        said = await self._said(key, one)
        if said is None:
            return
        async with self._database.begin(tenant_id) as session:
            row = await session.get(Anchor, (tenant_id, one.anchor_id))
            if row is not None:  # taken out meanwhile
                row.heard, row.heard_by = said, mark

    async def _said(self, key: TenantKey, one: Work) -> str | None:
        """None for a recording that was erased or cannot be read: the example's own words are left to be judged."""
        try:
            media = await self._store.get(key, one.object_name)
            samples = await asyncio.to_thread(decode_audio, media)
        except (ObjectMissing, BrokenMedia):
            return None
        return (await self._transcribed(samples.tobytes(), one)).text

    async def _transcribed(self, audio: bytes, one: Work) -> c.Transcript:
        request = c.TranscribeRequest(audio=audio, language=one.language, vocabulary=one.vocabulary)
        return await answered(self._serving.transcribe(request))


async def _recorded(
    session: TenantSession, trial: Content | None = None
) -> tuple[list[Work], dict[UUID, str | None]]:
    """Anchors with a recording, and by whom each was heard last. trial: learned words in place of those in force."""
    query = select(Anchor, Example).join(Example, Example.id == Anchor.example_id)
    query = query.where(Example.answer_id.is_not(None), Example.withheld_at.is_(None)).order_by(Anchor.id)
    work: list[Work] = []
    heard: dict[UUID, str | None] = {}
    for anchor, example in (await session.execute(query)).all():
        found = await recording_of(session, example.answer_id)
        if found is None:
            continue
        language: c.Language = "zh" if example.language == "zh" else "en"
        locale = LOCALE_OF[language]
        question = await items.question_of(session, example)
        words, _ = await vocabulary.listened_for(session, locale, question, trial)
        work.append(Work(anchor.id, example.id, found.object_name, language, words))
        heard[anchor.id] = anchor.heard_by
    return work, heard
