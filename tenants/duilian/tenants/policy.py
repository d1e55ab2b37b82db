"""Policy (合规策略): what a jurisdiction lets us do with a candidate's data, line by line, each with its source.

`policies/*.yaml` holds one profile per jurisdiction. A tenant picks one and may only be stricter; what a profile
marks `opt_in` runs after an administrator turned it on by name. The policy in force is stamped on each interview
when it is opened, by the hash of its content, and that one governs the interview ever after.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec
import yaml

from duilian.tenants.branding import Words
from duilian.tenants.errors import CannotTurnOn, NotStricter, OutOfPeriod, UnknownJurisdiction

PROFILES = Path(__file__).parent / "policies"
DEFAULT = "neutral"
# The order in which candidates are asked.
PURPOSES = (
    "recording", "scoring", "face_check", "gaze", "expression", "transfer", "cross_border", "training",
)  # fmt: skip
Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]
Hours = Annotated[int, msgspec.Meta(ge=0, le=168)]
CORRECTION_HOURS = 24


class Rule(StrEnum):
    """From the mildest to the strictest. OPT_IN: off until an administrator turns it on."""

    ALLOWED = "allowed"
    CONSENT = "consent"
    OPT_IN = "opt_in"
    FORBIDDEN = "forbidden"


STRICTNESS = {rule: number for number, rule in enumerate(Rule)}


class Feature(StrEnum):
    """What may be done with a candidate's data (处理活动)."""

    AUDIO_RECORDING = "audio_recording"
    VIDEO_RECORDING = "video_recording"
    SPEECH_SCORING = "speech_scoring"
    FACE_PRESENCE = "face_presence"
    GAZE = "gaze"
    EXPRESSION = "expression"  # emotion included
    DELIVERY_MEASURES = "delivery_measures"
    BIOMETRIC_IDENTIFICATION = "biometric_identification"  # voice print, face recognition
    AUTOMATED_DECISION = "automated_decision"  # without a person
    TRANSFER = "transfer"
    CROSS_BORDER = "cross_border"
    TRAINING = "training"
    CAPTIONS = "captions"  # words shown while somebody speaks
    LIVE_VIEW = "live_view"  # an interviewer follows while it runs
    PRACTICE = "practice"


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every piece of a policy: a misspelt field is refused."""


class Law(Part, frozen=True, kw_only=True):
    name: Words
    in_force: date | None = None


class Source(Part, frozen=True):
    """verified: whether our reading was compared with a published text or a regulator's own summary."""

    law: str  # a key of `Policy.laws`
    at: str = ""  # article, section
    verified: bool = False


class Line(Part, frozen=True, kw_only=True):
    """One feature. purpose: the consent asked for where the rule is CONSENT, or OPT_IN turned on."""

    rule: Rule
    purpose: str = ""
    note: Words
    sources: list[Source]
    condition: Words = {}  # OPT_IN: what the administrator states by turning it on
    lapses_after: Days = 0  # OPT_IN: days until it must be stated again; 0: never


class Period(Part, frozen=True, kw_only=True):
    """days: erased so long after the interview ended; least: what a duty to keep demands."""

    days: Days
    least: Days = 0
    note: Words
    sources: list[Source]


class Retention(Part, frozen=True):
    media: Period
    records: Period


class Notice(Part, frozen=True, kw_only=True):
    """Business days between the invitation and the earliest start; calendar: see calendars.py."""

    business_days: Annotated[int, msgspec.Meta(ge=0, le=60)]
    calendar: str = "weekdays"
    note: Words
    sources: list[Source]


class Duty(Part, frozen=True, kw_only=True):
    """Something that is owed; days: until when, where that is a time."""

    required: bool
    days: Days = 0
    note: Words
    sources: list[Source]


class Enabling(Part, frozen=True, kw_only=True):
    """Who turned an OPT_IN feature on. by: "member:{id}"."""

    by: str
    at: datetime
    statement: str = ""


class Policy(Part, frozen=True, kw_only=True):
    """A profile as shipped, or what `in_force` made of it for one tenant."""

    jurisdiction: str
    name: Words
    reviewed: date
    laws: dict[str, Law]
    features: dict[Feature, Line]
    retention: Retention
    notice: Notice
    erasure: Duty  # on the candidate's request
    label: Duty  # of text made by a machine (人工智能生成内容标识)
    audit: Duty  # of bias, published
    correction_hours: Hours = CORRECTION_HOURS  # after handing in, to correct a transcript; 0: not at all
    enabled: dict[Feature, Enabling] = {}

    @property
    def version(self) -> str:
        """Hex SHA-256 of the content: two policies with the same version say the same."""
        return sha256(msgspec.json.encode(self, order="sorted")).hexdigest()

    def line(self, feature: Feature) -> Line:
        return self.features[feature]

    @property
    def purposes(self) -> tuple[str, ...]:
        """The consents to ask for, in order."""
        asked = {line.purpose for line in self.features.values() if line.rule == Rule.CONSENT}
        return tuple(purpose for purpose in PURPOSES if purpose in asked)

    def may(self, feature: Feature, granted: Mapping[str, bool | None]) -> bool:
        """Whether the feature may run for a person who decided so. Undecided is no, and so is what a policy that was
        stamped before the feature existed does not name."""
        line = self.features.get(feature)
        if line is None:
            return False
        if line.rule == Rule.CONSENT:
            return granted.get(line.purpose) is True
        return line.rule == Rule.ALLOWED


class Overrides(Part, frozen=True, kw_only=True):
    """What a tenant changed. Stricter only, apart from `enabled`."""

    features: dict[Feature, Rule] = {}
    enabled: dict[Feature, Enabling] = {}
    media_days: Days | None = None
    records_days: Days | None = None
    notice_business_days: Annotated[int, msgspec.Meta(ge=0, le=60)] | None = None
    correction_hours: Hours | None = None


@cache
def jurisdictions() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in PROFILES.glob("*.yaml")))


@cache
def profile(jurisdiction: str) -> Policy:
    """The policy as shipped. Raises UnknownJurisdiction."""
    if jurisdiction not in jurisdictions():
        raise UnknownJurisdiction(jurisdiction=jurisdiction, known=", ".join(jurisdictions()))
    source = (PROFILES / f"{jurisdiction}.yaml").read_text("utf-8")
    return msgspec.convert(yaml.safe_load(source), Policy)


def in_force(base: Policy, overrides: Overrides, at: datetime) -> Policy:
    """The profile with a tenant's changes. Raises NotStricter, CannotTurnOn, OutOfPeriod."""
    for feature, rule in overrides.features.items():
        line = base.features[feature]
        nothing_to_ask = rule == Rule.CONSENT and not line.purpose
        if STRICTNESS[rule] < STRICTNESS[line.rule] or rule == Rule.OPT_IN or nothing_to_ask:
            raise NotStricter(feature=feature, rule=line.rule)
    enabled = {f: e for f, e in overrides.enabled.items() if _stands(base, overrides, f, e, at)}
    lines = {feature: _line(base, overrides, enabled, feature) for feature in base.features}
    retention = Retention(
        media=_period(base.retention.media, overrides.media_days),
        records=_period(base.retention.records, overrides.records_days),
    )
    days = max(base.notice.business_days, overrides.notice_business_days or 0)
    notice = msgspec.structs.replace(base.notice, business_days=days)
    hours = base.correction_hours if overrides.correction_hours is None else overrides.correction_hours
    return msgspec.structs.replace(
        base, features=lines, retention=retention, notice=notice, enabled=enabled, correction_hours=hours
    )


def _stands(base: Policy, overrides: Overrides, feature: Feature, enabling: Enabling, at: datetime) -> bool:
    """Whether what was turned on is still on. Raises CannotTurnOn."""
    line = base.features[feature]
    if line.rule != Rule.OPT_IN:
        raise CannotTurnOn(feature=feature, rule=line.rule)
    if overrides.features.get(feature) is not None:
        return False
    return not line.lapses_after or at < enabling.at + timedelta(days=line.lapses_after)


def _line(base: Policy, overrides: Overrides, enabled: dict[Feature, Enabling], feature: Feature) -> Line:
    line = base.features[feature]
    if feature in enabled:
        rule = Rule.CONSENT if line.purpose else Rule.ALLOWED
    else:
        rule = overrides.features.get(feature, line.rule)
    return msgspec.structs.replace(line, rule=rule)


def _period(period: Period, days: int | None) -> Period:
    if days is None:
        return period
    if not period.least <= days <= period.days:
        raise OutOfPeriod(days=days, least=period.least, most=period.days)
    return msgspec.structs.replace(period, days=days)
