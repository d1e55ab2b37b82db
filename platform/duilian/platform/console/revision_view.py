"""Proposals in the reader's words, and the form in which a person changes them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from math import isfinite, nan
from typing import Any

from duilian.customization.schemas import LOCALES, QuestionSet
from duilian.platform.console import lab_charts as charts
from duilian.platform.console.desk import Desk
from duilian.platform.console.lab_view import names_of
from duilian.platform.console.models_view import ModelReader, people_of
from duilian.platform.revising.values import Values
from duilian.platform.web.words import t

Json = dict[str, Any]
TONES = {"open": "info", "published": "success", "rejected": "error", "taken_back": "warning"}


class RevisionReader(ModelReader):
    """Sentences on findings and effects."""

    def r(self, key: str, **params: object) -> str:
        return t(self.locale, f"revision.{key}", **params)

    def tone(self, state: str) -> str:
        return TONES.get(state, "neutral")

    def signed(self, value: float, digits: int = 2) -> str:
        """With its sign, so that a direction is read."""
        return f"{value:+.{digits}f}".replace("-", "−")

    def weights(self, fit: Json) -> str:
        params = {
            "n": fit["n"], "least": fit["least"], "least_each": fit["least_each"],
            "few": min(fit["positive"], fit["n"] - fit["positive"]), "basis": self.r(f"basis.{fit['basis']}"),
        }  # fmt: skip
        if fit["why"]:
            return self.r(f"weights_why.{fit['why']}", **params)
        return self.r(f"weights_why.proposed_{fit['basis']}", rise=self.said(fit["held_out"], 3), before=self.said(fit["before"]), **params)  # fmt: skip

    def cuts(self, fit: Json) -> str:
        params = {key: fit[key] for key in ("n", "people", "least", "least_people")}
        if fit["why"] == "few":
            return self.r("cuts_why.few", **params)
        apart = fit["difference"]
        params["by"] = self.said(apart)
        if fit["why"]:
            return self.r(f"cuts_why.{fit['why']}", **params)
        case = "strict" if apart["value"] > 0 else "lenient"
        step = abs(fit["proposed"][1] - fit["present"][1])
        return self.r(f"cuts_why.{case}", step=f"{step:.2f}", rise=self.said(fit["held_out"], 3), **params)

    def order(self, fit: Json) -> str:
        return self.r(f"order_why.{fit['why'] or 'proposed'}", least=fit["least"])

    def opinions(self, found: Json) -> str:
        if not found["people"]:
            return self.r("no_opinions")
        return self.r("opinions", **found)

    def asked(self, item: Json) -> str:
        said = item["said"]
        n = said["hard"] + said["right"] + said["easy"]
        return self.r("asked", n=n, **{key: said[key] for key in ("hard", "right", "easy")}) if n else "—"

    def changed(self, effect: Json) -> str:
        change = effect["change"]
        if change is None:
            return self.r("effect_few", n=effect["n"], least=effect["least"])
        if not change["changed"]:
            return self.r("effect_none", n=change["n"])
        return self.r(
            "effect_some", n=change["n"], changed=change["changed"], mean=self.signed(change["mean"]),
            largest=self.signed(change["largest"], 1), low=self.signed(change["quarters"][0]),
            high=self.signed(change["quarters"][2]),
        )  # fmt: skip

    def spread(self, effect: Json) -> Json | None:
        """The distribution of differences."""
        change = effect["change"]
        if change is None:
            return None
        ends = [self.signed(edge, 2 if abs(edge) < 0.1 else 1) for edge in change["edges"]]
        middle = [f"{a} … {b}" for a, b in itertools.pairwise(ends)]
        labels = [f"< {ends[0]}", *middle, f"≥ {ends[-1]}"]
        return charts.bars(labels, [(self.r("interviews"), change["bins"])], share=False)


async def reader_of(desk: Desk) -> RevisionReader:
    reader = RevisionReader(desk.locale, await names_of(desk))
    reader.people = await people_of(desk.session)
    return reader


def form_of(content: QuestionSet, values: Values) -> dict[str, str]:
    """As the page's fields hold it."""
    found = {f"weight-{key}": str(weight) for key, weight in values.weights.items()}
    for key, cuts in values.cuts.items():
        found |= {f"cut-{key}-{place}": f"{cut:.2f}" for place, cut in enumerate(cuts, 1)}
    found |= {f"place-{key}": str(place) for place, key in enumerate(values.order, 1)}
    for question in content.questions:
        said = values.texts.get(question.key, question.text)
        found |= {f"text-{question.key}-{locale}": said[locale] for locale in LOCALES}
    return found


def values_in(content: QuestionSet, data: Mapping[str, str]) -> Values:
    """What was typed; what is no number is no value, and is refused by whoever checks."""
    keys = [question.key for question in content.questions]
    places = sorted((_number(data.get(f"place-{key}", "")), keys.index(key)) for key in keys)
    distinct = len({place for place, _ in places}) == len(keys)
    texts = {
        question.key: said
        for question in content.questions
        if (said := _text(data, question.key)) and said != question.text
    }
    return Values(
        weights={one.key: _whole(data.get(f"weight-{one.key}", "")) for one in content.competencies},
        cuts={
            one.key: (
                _number(data.get(f"cut-{one.key}-1", "")), _number(data.get(f"cut-{one.key}-2", "")),
                _number(data.get(f"cut-{one.key}-3", "")), _number(data.get(f"cut-{one.key}-4", "")),
            )
            for one in content.competencies
        },
        order=[keys[at] for _, at in places] if distinct else [],
        texts=texts,
    )  # fmt: skip


def border_in(text: str) -> float | None:
    found = _number(text)
    return found if 0 <= found <= 10 else None


def _text(data: Mapping[str, str], key: str) -> dict[str, str]:
    """Nothing where the form did not show the question's words."""
    found = {
        locale: data[f"text-{key}-{locale}"].strip() for locale in LOCALES if f"text-{key}-{locale}" in data
    }
    return {locale: words.replace("\r\n", "\n") for locale, words in found.items()}


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0


def _number(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        return nan
    return found if isfinite(found) else nan
