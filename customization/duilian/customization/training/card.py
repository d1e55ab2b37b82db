"""The model card (模型卡): what a run writes about its model, as facts. Pages and files put them into words.

Contents after Mitchell et al. 2019: what it is for, what it learned from, how well it does and on whom, what it must not
be used for, versions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from duilian.customization.labels.examples import LabelledLine
from duilian.customization.measurement.drift import Verdict
from duilian.customization.training.adaptation import Adaptation
from duilian.customization.training.datasets import PROMOTE_LABELS, PROMOTE_PEOPLE
from duilian.customization.training.evaluating import Evaluation
from duilian.customization.training.folds import FOLDS
from duilian.customization.training.gates import GroupFigures
from duilian.customization.training.models import DatasetVersion, TrainingRun
from duilian.serving.scoring.learned.model import Learned

FORMAT = "duilian-model-card-1"


def card_of(
    run: TrainingRun, dataset: DatasetVersion, labelled: Sequence[LabelledLine], found: Evaluation,
    groups: GroupFigures, held: Verdict, learned: Learned, adaptation: Adaptation | None, industry: int,
) -> dict[str, Any]:  # fmt: skip
    """Of nobody: counts, dates and figures. groups, selection: those large enough to be named. adaptation: where it was
    asked for. industry: marked answers of the industry pack that it learned from beside the labels."""
    return {
        "format": FORMAT,
        "competency": run.competency,
        "run": str(run.id),
        "made_at": run.created_at.isoformat(),
        "made_by": run.created_by,
        "seconds": run.seconds,
        "cost": run.cost,
        "data": _data(dataset, labelled) | {"industry": industry},
        "evaluation": msgspec.to_builtins(found) | {"folds": FOLDS},
        "groups": msgspec.to_builtins(groups.gaps),
        "selection": msgspec.to_builtins(groups.selections),
        "anchors": msgspec.to_builtins(held),
        "adapter": msgspec.to_builtins(adaptation) if adaptation else None,
        "gates": run.gates,
        "verdict": run.verdict,
        "least": {"labels": PROMOTE_LABELS, "people": PROMOTE_PEOPLE},
        "versions": {
            "artefact": run.artefact, "format": learned.format, learned.encoder: learned.encoder_version,
            "dataset": dataset.sha256,
        } | ({"adapter": adaptation.sha256} if adaptation and adaptation.used else {}),
    }  # fmt: skip


def _data(dataset: DatasetVersion, labelled: Sequence[LabelledLine]) -> dict[str, Any]:
    answered = sorted(line.provenance.answered_on for line in labelled if line.provenance.answered_on)
    rated = sorted(
        mark.rated_at for line in labelled for mark in (line.first, line.second, line.adjudicated) if mark
    )
    return {
        "labels": dataset.labels,
        "people": dataset.people,
        "questions": len({line.item for line in labelled}),
        "sources": dict(Counter(line.provenance.source for line in labelled)),
        "languages": dict(Counter(line.language for line in labelled)),
        "levels": {
            str(level): n for level, n in sorted(Counter(round(line.level) for line in labelled).items())
        },
        "raters": len({rater for line in labelled for rater in line.raters}),
        "twice": sum(line.second is not None for line in labelled),
        "adjudicated": sum(line.adjudicated is not None for line in labelled),
        "answered": [answered[0].isoformat(), answered[-1].isoformat()] if answered else [],
        "rated": [rated[0].date().isoformat(), rated[-1].date().isoformat()] if rated else [],
        "frozen_at": dataset.created_at.isoformat(),
        "frozen_by": dataset.created_by,
    }
