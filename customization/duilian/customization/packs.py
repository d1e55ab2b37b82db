"""Reading packs: YAML → checked `QuestionSet`. Tenants' own files take the same path as the shipped ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import yaml

from duilian.customization.cuts import APART, rising
from duilian.customization.errors import BadPack
from duilian.customization.schemas import LOCALES, QuestionSet

SHIPPED = Path(__file__).parent / "packs"


def industries() -> list[str]:
    """The industry packs that come with the product."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/tenant.yaml"))


def vocabulary(industry: str) -> dict[str, list[str]]:
    """Locale → terms of the trade, which the recogniser listens for."""
    file: dict[str, dict[str, list[str]]] = yaml.safe_load(
        (SHIPPED / industry / "tenant.yaml").read_text("utf-8")
    )
    return file.get("vocabulary", {})


def shipped_sets(industry: str) -> list[QuestionSet]:
    """The sets of an industry pack (行业包) that come with the product."""
    files = sorted(path for path in (SHIPPED / industry).glob("*.yaml") if path.name != "tenant.yaml")
    return [read_set(path.read_text("utf-8"), path.name) for path in files]


def read_set(source: str, file: str = "input") -> QuestionSet:
    """Raises BadPack with the file, the place and the reason."""
    try:
        question_set = msgspec.convert(yaml.safe_load(source), QuestionSet)
    except yaml.YAMLError as error:
        raise BadPack(file=file, where="YAML", reason=str(error)) from error
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at ")
        raise BadPack(file=file, where=where.strip("`") or "$", reason=reason) from error
    for where, reason in _faults(question_set):
        raise BadPack(file=file, where=where, reason=reason)
    return question_set


def _faults(question_set: QuestionSet) -> Iterator[tuple[str, str]]:
    total = sum(c.weight for c in question_set.competencies)
    if total != 100:
        yield "$.competencies[].weight", f"the weights sum to {total}, not to 100"
    keys = [c.key for c in question_set.competencies]
    yield from _repeated("competencies", keys)
    yield from _repeated("questions", [q.key for q in question_set.questions])
    for competency in question_set.competencies:
        if [level.level for level in competency.levels] != [1, 2, 3, 4, 5]:
            yield f"$.competencies.{competency.key}.levels", "five levels 1, 2, 3, 4, 5 are needed, in order"
        if competency.cuts is not None and not rising(competency.cuts):
            yield (
                f"$.competencies.{competency.key}.cuts",
                f"four rising borders, {APART} apart, within 1 and 5",
            )
    for question in question_set.questions:
        yield from _repeated(f"questions.{question.key}.steps", [step.key for step in question.steps])
        if question.procedure:
            here = f"questions.{question.key}.procedure"
            yield from _repeated(f"{here}.steps", [step.key for step in question.procedure.steps])
            if question.procedure.competency not in question.competencies:
                yield (
                    f"$.{here}.competency",
                    f"the question does not ask for “{question.procedure.competency}”",
                )
        for key in set(question.competencies) - set(keys):
            yield f"$.questions.{question.key}.competencies", f"there is no competency “{key}”"
    for key in set(keys) - {k for q in question_set.questions for k in q.competencies}:
        yield f"$.competencies.{key}", "no question asks for this competency"
    yield from _untranslated("$", msgspec.to_builtins(question_set))


def _repeated(name: str, keys: list[str]) -> Iterator[tuple[str, str]]:
    for key in {k for k in keys if keys.count(k) > 1}:
        yield f"$.{name}", f"the key “{key}” is used twice"


def _untranslated(where: str, part: object) -> Iterator[tuple[str, str]]:
    """Every map of words must be complete: half a translation would show in front of a candidate."""
    if isinstance(part, list):
        for number, item in enumerate(part):
            yield from _untranslated(f"{where}[{number}]", item)
    elif isinstance(part, dict):
        present = [locale for locale in LOCALES if part.get(locale)]
        if present and len(present) < len(LOCALES):
            yield where, f"words are missing for {', '.join(set(LOCALES) - set(present))}"
        for key, item in part.items():
            yield from _untranslated(f"{where}.{key}", item)
