"""What a vocabulary does to the recogniser: the same recordings heard with and without it, beside what was really said.

The reference is the candidate's own correction, so it was made from a transcript; what nobody noticed counts as right on
both sides. Every recording is heard with words that were proposed without its person.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from duilian.customization.measurement.bootstrap import interval, paired_difference
from duilian.customization.measurement.results import Estimate, Floats, floats
from duilian.serving.scoring.learned.tokens import units

FOLDS = 2
LEAST_RECORDINGS = 5
LOCALES = ("zh-CN", "en")


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """reference: what was said, None where nobody corrected it. plain, helped: as heard without and with `words`."""

    person: str
    locale: str
    reference: str | None
    plain: str
    helped: str
    words: list[str]


class Errors(msgspec.Struct, frozen=True, kw_only=True):
    """Errors by unit said: characters of Chinese (CER), words of English (WER). difference: helped − plain."""

    locale: str
    plain: Estimate
    helped: Estimate
    difference: Estimate


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """corrected: recordings with a reference; people: whose. silent: recordings in which at least one of the words was not
    said; insertions: recordings in which a word was heard only with help although nobody said it. difference: over both
    languages."""

    corrected: int
    people: int
    errors: list[Errors]
    difference: Estimate
    silent: int
    insertions: int


def evaluate(heard: Sequence[Heard]) -> tuple[Evaluation, list[str]]:
    """The figures, and the words that were inserted."""
    fixed = [one for one in heard if one.reference is not None]
    inserted = [inserted_in(one) for one in heard]
    found = Evaluation(
        corrected=len(fixed),
        people=len({one.person for one in fixed}),
        errors=[_errors(locale, [one for one in fixed if one.locale == locale]) for locale in LOCALES],
        difference=_difference(fixed),
        silent=sum(bool(unsaid(one)) for one in heard),
        insertions=sum(bool(words) for words in inserted),
    )
    return found, sorted({word for words in inserted for word in words})


def unsaid(one: Heard) -> list[str]:
    """Words it listened for that were not said; where nobody corrected, as far as the plain transcript knows."""
    said = (one.plain if one.reference is None else one.reference).lower()
    return [word for word in one.words if word.lower() not in said]


def inserted_in(one: Heard) -> list[str]:
    """Those of them that are heard with help and were not heard without."""
    plain, helped = one.plain.lower(), one.helped.lower()
    return [word for word in unsaid(one) if word.lower() in helped and word.lower() not in plain]


def _errors(locale: str, fixed: Sequence[Heard]) -> Errors:
    said, plain, helped, people = _columns(fixed)
    return Errors(
        locale=locale,
        plain=interval(_rate, said, plain, clusters=people, least=LEAST_RECORDINGS),
        helped=interval(_rate, said, helped, clusters=people, least=LEAST_RECORDINGS),
        difference=_difference(fixed),
    )


def _difference(fixed: Sequence[Heard]) -> Estimate:
    said, plain, helped, people = _columns(fixed)
    return paired_difference(_rate, said, plain, helped, clusters=people, least=LEAST_RECORDINGS)


def _columns(fixed: Sequence[Heard]) -> tuple[Floats, Floats, Floats, list[str]]:
    """Units said, errors without and with help, whose."""
    pairs = [(one, one.reference or "") for one in fixed]
    return (
        floats([len(units(said)) for _, said in pairs]),
        floats([edits(units(said), units(one.plain)) for one, said in pairs]),
        floats([edits(units(said), units(one.helped)) for one, said in pairs]),
        [one.person for one in fixed],
    )


def _rate(said: Floats, errors: Floats) -> float:
    return float(errors.sum() / said.sum()) if said.sum() else float("nan")


def edits(said: Sequence[str], heard: Sequence[str]) -> int:
    """Substitutions, insertions and deletions (Levenshtein 1966), a row at a time."""
    codes = {unit: number for number, unit in enumerate({*said, *heard})}
    other = np.array([codes[unit] for unit in heard], dtype=np.int64)
    places = np.arange(len(heard) + 1)
    row = places.copy()
    for number, unit in enumerate(said, 1):
        best = np.minimum(row[:-1] + (other != codes[unit]), row[1:] + 1)
        row = np.minimum.accumulate(np.concatenate([[number], best]) - places) + places
    return int(row[-1])
