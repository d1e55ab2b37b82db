"""From a models folder to loaded steps. The model libraries are imported here and not before."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from duilian.infra.settings import Settings
from duilian.serving.models import locate

if TYPE_CHECKING:
    from duilian.serving.steps.caption import Captioner
    from duilian.serving.steps.embed import Embedder
    from duilian.serving.steps.observe import Observer
    from duilian.serving.steps.recognise import Recogniser

VOICE, FACE, EMBEDDING = "silero-vad", "face-detection", "multilingual-e5-small"
LANDMARKS = "face-landmarks"
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
    from duilian.serving.steps.whisper import Whisper

    versions = {settings.speech_model: version, VOICE: voice_version}
    whisper = Whisper(
        folder,
        device=settings.device,
        compute_type=settings.compute_type,
        threads=threads_of(settings),
    )
    return Loaded(Recogniser(whisper, VoiceActivity(), versions), versions)


def load_captioner(settings: Settings) -> Loaded[Captioner]:
    """A recogniser of its own. Raises UnknownModel, ModelMissing, ModelBroken."""
    folder, version = locate(settings.models_dir, settings.speech_model)
    _, voice_version = locate(settings.models_dir, VOICE)
    from duilian.serving.steps.caption import Captioner
    from duilian.serving.steps.voice import VoiceActivity

    versions = {settings.speech_model: version, VOICE: voice_version}
    step = Captioner(
        folder, VoiceActivity(), versions, device=settings.device, compute_type=settings.compute_type
    )
    return Loaded(step, versions)


def load_observer(models_dir: Path) -> Loaded[Observer]:
    """Raises ModelMissing, ModelBroken."""
    folder, version = locate(models_dir, FACE)
    points, points_version = locate(models_dir, LANDMARKS)
    from duilian.serving.steps.faces import FaceDetector
    from duilian.serving.steps.landmarks import Landmarks
    from duilian.serving.steps.observe import Observer

    versions = {FACE: version, LANDMARKS: points_version}
    detector = FaceDetector(folder / "face_detection_short_range.tflite")
    landmarks = Landmarks(points / "face_landmark.tflite", points / "iris_landmark.tflite")
    return Loaded(Observer(detector, landmarks, versions), versions)


def load_embedder(models_dir: Path) -> Loaded[Embedder]:
    """Raises ModelMissing, ModelBroken."""
    folder, version = locate(models_dir, EMBEDDING)
    from duilian.serving.steps.embed import Embedder

    return Loaded(Embedder(folder / "e5-small-q4.bin", {EMBEDDING: version}), {EMBEDDING: version})
