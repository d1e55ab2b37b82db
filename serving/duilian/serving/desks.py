"""One call of the contract: its message, the step that answers it, and the bytes in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from duilian.infra.errors import BadRequest, Problem
from duilian.infra.settings import Settings
from duilian.serving import contracts as c
from duilian.serving.adapters import Adapters
from duilian.serving.errors import NoLanguageModel, OutOfMemory
from duilian.serving.loading import (
    load_adaptable,
    load_captioner,
    load_converser,
    load_embedder,
    load_observer,
    load_recogniser,
    threads_of,
)
from duilian.serving.refusals import refused
from duilian.serving.scoring import score as judge
from duilian.serving.scoring.heads import HeadCache
from duilian.serving.slots import Slot
from duilian.serving.steps.caption import Captioner
from duilian.serving.steps.converse import Converser
from duilian.serving.steps.embed import Embedder
from duilian.serving.steps.observe import Observer
from duilian.serving.steps.recognise import Recogniser
from duilian.serving.tier import Reply

Step = TypeVar("Step")
Message = TypeVar("Message", bound=c.Contract)
CALLS_OF_TRITON = 8  # side by side: they wait for the server, which batches what comes together
ANSWERS_PER_THREAD = 8  # with three, batches are so small that a core hears a twentieth less


@dataclass(frozen=True)
class Desk(Generic[Step, Message]):
    """slot: the step; kind: what it is asked with; work: what it does with it. refusal: why it is left out here."""

    slot: Slot[Step]
    kind: type[Message]
    work: Callable[[Step, Message], c.Contract]
    refusal: Problem | None = None

    async def answer(self, body: bytes) -> Reply:
        """Never raises a Problem: a refusal is a reply."""
        try:
            message = self._read(body)
            if self.refusal is not None:
                raise self.refusal
            found = await self.slot.run(lambda step: self.work(step, message))
            return Reply(200, msgspec.msgpack.encode(found))
        except Problem as problem:
            return refused(problem)
        except MemoryError:  # already for reading the message
            return refused(OutOfMemory())

    def _read(self, body: bytes) -> Message:
        try:
            return msgspec.msgpack.decode(body, type=self.kind)
        except msgspec.DecodeError as error:  # ValidationError is one of them
            raise BadRequest(reason=str(error)) from error


AnySlot = Slot[Captioner] | Slot[Recogniser] | Slot[Observer] | Slot[Embedder] | Slot[Converser]
AnyDesk = (
    Desk[Captioner, c.CaptionRequest]
    | Desk[Converser, c.ConverseRequest]
    | Desk[Recogniser, c.TranscribeRequest]
    | Desk[Observer, c.ObserveRequest]
    | Desk[Embedder, c.EmbedRequest]
    | Desk[Embedder, c.ScoreRequest]
)


def recogniser_slot(settings: Settings) -> Slot[Recogniser]:
    # More answers at a time than threads: their windows are decoded together (steps/gathering.py).
    at_once = ANSWERS_PER_THREAD * threads_of(settings)
    return Slot(lambda: load_recogniser(settings), at_once, settings.step_seconds)


def captioner_slot(settings: Settings) -> Slot[Captioner]:
    return Slot(lambda: load_captioner(settings), 1, settings.step_seconds)


def observer_slot(settings: Settings) -> Slot[Observer]:
    return Slot(lambda: load_observer(settings), 1, settings.step_seconds)


def embedder_slot(settings: Settings) -> Slot[Embedder]:
    at_once = CALLS_OF_TRITON if settings.executor == "triton" else 1
    return Slot(lambda: load_embedder(settings), at_once, settings.step_seconds)


def transcribing(slot: Slot[Recogniser]) -> Desk[Recogniser, c.TranscribeRequest]:
    return Desk(slot, c.TranscribeRequest, lambda recogniser, message: recogniser.transcribe(message))


def captioning(slot: Slot[Captioner]) -> Desk[Captioner, c.CaptionRequest]:
    return Desk(slot, c.CaptionRequest, lambda captioner, message: captioner.caption(message))


def observing(slot: Slot[Observer]) -> Desk[Observer, c.ObserveRequest]:
    return Desk(slot, c.ObserveRequest, lambda observer, message: observer.observe(message))


def adapters_of(settings: Settings) -> Adapters:
    return Adapters(lambda: load_adaptable(settings))


def embedding(slot: Slot[Embedder], adapters: Adapters) -> Desk[Embedder, c.EmbedRequest]:
    def work(embedder: Embedder, message: c.EmbedRequest) -> c.Embeddings:
        return adapters.respond(message) if message.adapter else embedder.respond(message)

    return Desk(slot, c.EmbedRequest, work)


def scoring(slot: Slot[Embedder], settings: Settings, adapters: Adapters) -> Desk[Embedder, c.ScoreRequest]:
    heads = HeadCache(settings.head_cache_bytes)

    def work(embedder: Embedder, message: c.ScoreRequest) -> c.ScoreResponse:
        return judge(message, embedder, heads.wanted(message.tenant, message.heads), adapters)

    return Desk(slot, c.ScoreRequest, work)


def converser_slot(settings: Settings) -> Slot[Converser]:
    return Slot(lambda: load_converser(settings), settings.language_at_once, settings.step_seconds)


def conversing(slot: Slot[Converser], settings: Settings) -> Desk[Converser, c.ConverseRequest]:
    """Where no model is configured, the call says so and everything else works."""
    missing = None if settings.language_url else NoLanguageModel()
    return Desk(slot, c.ConverseRequest, lambda converser, message: converser.converse(message), missing)


def desk_of(step: str, settings: Settings) -> AnyDesk:
    """A step alone with its own models, as a replica of a cluster has it."""
    match step:
        case "transcribe":
            return transcribing(recogniser_slot(settings))
        case "caption":
            return captioning(captioner_slot(settings))
        case "observe":
            return observing(observer_slot(settings))
        case "embed":
            return embedding(embedder_slot(settings), adapters_of(settings))
        case "converse":
            return conversing(converser_slot(settings), settings)
        case _:
            return scoring(embedder_slot(settings), settings, adapters_of(settings))
