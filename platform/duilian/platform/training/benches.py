"""Where learning happens: in a thread of this worker, or on a Ray cluster. Both give the same model to the last byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from duilian.customization.training.costs import Where
from duilian.customization.training.folds import FOLDS, Fold, Material
from duilian.infra.settings import Settings, WrongSetting
from duilian.platform.training.meter import measured
from duilian.serving.scoring.learned.model import Learned

Tick = Callable[[float], None]  # told the share done; raises to stop


class Learnt(NamedTuple):
    """head: from all labels. core_seconds: CPU time of all of it."""

    head: Learned
    folds: list[Fold]
    core_seconds: float


class Bench(Protocol):
    where: Where

    def learn(self, material: Material, tick: Tick) -> Learnt:
        """Blocks. Raises what the tick raises, OneMark, NothingToLearn, ClusterUnusable."""
        ...


class LocalBench:
    where: Where = "local"

    def learn(self, material: Material, tick: Tick) -> Learnt:
        head, seconds = measured(material.head)
        folds: list[Fold] = []
        for number in range(FOLDS):
            tick((number + 1) / (FOLDS + 1))
            found, more = measured(material.fold, number)
            folds.append(found)
            seconds += more
        return Learnt(head, folds, seconds)


def bench_of(settings: Settings) -> Bench:
    """Of the settings: the cluster where one is named, and then never this worker instead of it. Raises WrongSetting."""
    if not settings.training_ray:
        return LocalBench()
    try:
        from duilian.platform.training.cluster import RayBench
    except ImportError as error:
        raise WrongSetting(
            name="DUILIAN_TRAINING_RAY", source="settings", reason="the extra `ray` is not installed"
        ) from error
    return RayBench(settings.training_ray, settings.training_ray_wheel)
