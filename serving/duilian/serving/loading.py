"""From a models folder to loaded steps. The model libraries are imported here and not before."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from duilian.infra.settings import Settings
from duilian.serving import tensors
from duilian.serving.errors import NoCaptioner, NoLanguageModel
from duilian.serving.manifest import Model, find
from duilian.serving.models import locate
from duilian.serving.triton.client import session

if TYPE_CHECKING:
    from duilian.serving.steps.adapted import AdaptableEncoder
    from duilian.serving.steps.caption import Captioner
    from duilian.serving.steps.converse import Converser
    from duilian.serving.steps.embed import Embedder
    from duilian.serving.steps.observe import Observer
    from duilian.serving.steps.recognise import Decoder, Recogniser

VOICE, FACE, EMBEDDING = "silero-vad", "face-detection", "multilingual-e5-small"
LANDMARKS, IRIS, ADAPTABLE = "face-landmarks", "iris-landmarks", "all-minilm-l6-v2"
Step = TypeVar("Step", covariant=True)


@dataclass(frozen=True)
class Loaded(Generic[Step]):
    """A step with the versions of its models, by name."""

    step: Step
    versions: dict[str, str]


def threads_of(settings: Settings) -> int:
    """Cores the recogniser may use; the setting 0 means all of them."""
    return settings.cpu_threads or os.cpu_count() or 1


def load_recogniser(settings: Settings) -> Loaded[Recogniser]:
    """Raises UnknownModel, ModelMissing, ModelBroken."""
    folder, version = locate(settings.models_dir, settings.speech_model)
    _, voice_version = locate(settings.models_dir, VOICE)
    from duilian.serving.steps.recognise import Recogniser
    from duilian.serving.steps.voice import VoiceActivity

    versions = {settings.speech_model: version, VOICE: voice_version}
    decoder = decoder_of(find(settings.speech_model), folder, settings)
    return Loaded(Recogniser(decoder, VoiceActivity(), versions), versions)


def decoder_of(model: Model, folder: Path, settings: Settings) -> Decoder:
    """The adapter that the model's row names; another recogniser is a row and a class with `decode`."""
    if model.runtime == "sense-voice":
        from duilian.serving.steps.sense_voice import SenseVoice

        return SenseVoice(folder, main=model.main, device=settings.device, threads=threads_of(settings))
    from duilian.serving.steps.whisper import Whisper

    return Whisper(
        folder, device=settings.device, compute_type=settings.compute_type, threads=threads_of(settings)
    )


def load_captioner(settings: Settings) -> Loaded[Captioner]:
    """A recogniser of its own: captions steer a Whisper's decoder, which another recogniser of answers does not have.

    Raises UnknownModel, NoCaptioner, ModelMissing, ModelBroken.
    """
    if find(settings.caption_model).runtime != "whisper":
        raise NoCaptioner(name=settings.caption_model)
    folder, version = locate(settings.models_dir, settings.caption_model)
    _, voice_version = locate(settings.models_dir, VOICE)
    from duilian.serving.steps.caption import Captioner
    from duilian.serving.steps.voice import VoiceActivity

    versions = {settings.caption_model: version, VOICE: voice_version}
    step = Captioner(
        folder, VoiceActivity(), versions, device=settings.device, compute_type=settings.compute_type
    )
    return Loaded(step, versions)


def load_observer(settings: Settings) -> Loaded[Observer]:
    """Raises ModelMissing, ModelBroken, ServingUnavailable."""
    found = {name: locate(settings.models_dir, name) for name in (FACE, LANDMARKS, IRIS)}
    file = {name: folder / find(name).main for name, (folder, _) in found.items()}
    from duilian.serving.steps.faces import FaceDetector
    from duilian.serving.steps.landmarks import Landmarks
    from duilian.serving.steps.observe import Observer

    with tensors.run_by(settings):
        detector, landmarks = FaceDetector(file[FACE]), Landmarks(file[LANDMARKS], file[IRIS])
    versions = {name: tensors.version_of(settings, name, version) for name, (_, version) in found.items()}
    return Loaded(Observer(detector, landmarks, versions), versions)


def load_embedder(settings: Settings) -> Loaded[Embedder]:
    """Raises ModelMissing, ModelBroken, ServingUnavailable."""
    folder, version = locate(settings.models_dir, EMBEDDING)
    from duilian.serving.steps.embed import Embedder, LocalEncoder
    from duilian.serving.triton.executors import TritonEncoder

    if settings.executor == "triton":
        encoder = TritonEncoder(session(settings.triton_address), EMBEDDING)
    else:
        encoder = LocalEncoder(folder / "e5-small-q4.bin")
    versions = {EMBEDDING: tensors.version_of(settings, EMBEDDING, version)}
    return Loaded(Embedder(encoder, versions), versions)


def load_adaptable(settings: Settings) -> Loaded[AdaptableEncoder]:
    """Raises ModelMissing, ModelBroken. Runs here whatever the executor: an adapter is given with each call."""
    folder, version = locate(settings.models_dir, ADAPTABLE)
    from duilian.serving.steps.adapted import AdaptableEncoder

    return Loaded(AdaptableEncoder(folder, find(ADAPTABLE).sha256), {ADAPTABLE: version})


def load_converser(settings: Settings) -> Loaded[Converser]:
    """Raises NoLanguageModel. Whether the endpoint answers is found out by asking."""
    if not settings.language_url:
        raise NoLanguageModel
    from duilian.serving.budget import Budget
    from duilian.serving.steps.converse import Converser

    return Loaded(Converser(settings, Budget(settings.language_daily_tokens)), {})
