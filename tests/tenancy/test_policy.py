"""What each jurisdiction's profile says, and what a tenant may change about it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from duilian.platform.web.words import LOCALES, catalogue
from duilian.tenants.calendars import after_business_days
from duilian.tenants.errors import CannotTurnOn, NotStricter, OutOfPeriod, UnknownJurisdiction
from duilian.tenants.policy import (
    Enabling,
    Feature,
    Overrides,
    Policy,
    Rule,
    in_force,
    jurisdictions,
    profile,
)

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
EVERYTHING = dict.fromkeys(
    ("recording", "scoring", "face_check", "gaze", "expression", "transfer", "cross_border", "training"), True
)


def turned_on(feature: Feature, at: datetime = AT) -> Overrides:
    return Overrides(enabled={feature: Enabling(by="member:1", at=at, statement="audit of 2026-10-01")})


@pytest.mark.parametrize("key", jurisdictions())
def test_every_line_has_both_languages_and_a_source_that_is_named(key: str) -> None:
    policy = profile(key)
    assert policy.jurisdiction == key
    assert set(policy.features) == set(Feature)
    parts = [
        *policy.features.values(), policy.retention.media, policy.retention.records, policy.notice, policy.erasure,
        policy.label, policy.audit,
    ]  # fmt: skip
    for part in parts:
        assert set(part.note) == set(LOCALES)
        assert part.sources
        assert {source.law for source in part.sources} <= set(policy.laws)


@pytest.mark.parametrize("key", jurisdictions())
def test_every_consent_that_may_be_asked_has_words(key: str) -> None:
    for purpose in {line.purpose for line in profile(key).features.values()} - {""}:
        for locale in LOCALES:
            for part in ("title", "why", "refusing"):
                assert f"consent.{purpose}.{part}" in catalogue(locale)


@pytest.mark.parametrize("key", jurisdictions())
def test_nobody_is_identified_judged_by_expression_or_decided_upon_by_a_machine(key: str) -> None:
    policy = in_force(profile(key), Overrides(), AT)
    for feature in (
        Feature.BIOMETRIC_IDENTIFICATION,
        Feature.AUTOMATED_DECISION,
        Feature.EXPRESSION,
        Feature.GAZE,
    ):
        assert not policy.may(feature, EVERYTHING), feature


def test_facts_of_the_profiles() -> None:
    rules = {key: {f: line.rule for f, line in profile(key).features.items()} for key in jurisdictions()}
    assert rules["eu"][Feature.EXPRESSION] == Rule.FORBIDDEN
    assert rules["us-il"][Feature.FACE_PRESENCE] == Rule.FORBIDDEN
    assert rules["us-nyc"][Feature.SPEECH_SCORING] == Rule.OPT_IN
    assert {key for key in jurisdictions() if profile(key).label.required} == {"cn", "eu"}
    assert {key: profile(key).notice.business_days for key in jurisdictions()} == {
        "cn": 0, "eu": 0, "neutral": 0, "us-il": 0, "us-nyc": 10,
    }  # fmt: skip
    assert profile("us-il").erasure.days == 30
    assert profile("cn").laws["face"].in_force == date(2025, 6, 1)
    assert profile("cn").laws["label"].in_force == date(2025, 9, 1)
    assert profile("us-il").laws["hra"].in_force == date(2026, 1, 1)


def test_the_consents_asked_follow_the_policy() -> None:
    assert profile("neutral").purposes == ("recording", "scoring", "face_check", "transfer", "training")
    assert "face_check" not in profile("us-il").purposes
    asked = in_force(profile("neutral"), turned_on(Feature.EXPRESSION), AT).purposes
    assert asked == ("recording", "scoring", "face_check", "expression", "transfer", "training")


def test_undecided_and_refused_are_no() -> None:
    policy = profile("neutral")
    assert policy.may(Feature.SPEECH_SCORING, {"scoring": True})
    for granted in ({"scoring": False}, {"scoring": None}, {}):
        assert not policy.may(Feature.SPEECH_SCORING, granted)


def test_expression_needs_a_policy_that_allows_it_an_administrator_and_the_candidate() -> None:
    policy = in_force(profile("neutral"), turned_on(Feature.EXPRESSION), AT)
    assert policy.may(Feature.EXPRESSION, {"expression": True})
    assert not policy.may(Feature.EXPRESSION, {"expression": False})
    assert policy.enabled[Feature.EXPRESSION].by == "member:1"
    for key in ("cn", "eu", "us-nyc", "us-il"):
        with pytest.raises(CannotTurnOn):
            in_force(profile(key), turned_on(Feature.EXPRESSION), AT)


def test_a_tenant_may_only_be_stricter() -> None:
    stricter = Overrides(features={Feature.FACE_PRESENCE: Rule.FORBIDDEN})
    policy = in_force(profile("neutral"), stricter, AT)
    assert not policy.may(Feature.FACE_PRESENCE, EVERYTHING)
    assert "face_check" not in policy.purposes
    with pytest.raises(NotStricter):
        in_force(profile("eu"), Overrides(features={Feature.EXPRESSION: Rule.CONSENT}), AT)
    with pytest.raises(NotStricter):
        in_force(profile("eu"), Overrides(features={Feature.TRAINING: Rule.ALLOWED}), AT)


def test_a_bias_audit_lapses_after_a_year() -> None:
    overrides = turned_on(Feature.SPEECH_SCORING)
    fresh, old = (in_force(profile("us-nyc"), overrides, AT + timedelta(days=days)) for days in (364, 365))
    assert fresh.may(Feature.SPEECH_SCORING, EVERYTHING)
    assert not old.may(Feature.SPEECH_SCORING, EVERYTHING)
    assert "scoring" not in old.purposes


def test_periods_stay_between_the_duty_to_keep_and_the_duty_to_erase() -> None:
    assert in_force(profile("eu"), Overrides(media_days=30), AT).retention.media.days == 30
    with pytest.raises(OutOfPeriod):
        in_force(profile("eu"), Overrides(media_days=91), AT)
    with pytest.raises(OutOfPeriod):
        in_force(profile("eu"), Overrides(records_days=100), AT)


def test_the_version_is_the_content() -> None:
    base = in_force(profile("eu"), Overrides(), AT)
    assert base.version == in_force(profile("eu"), Overrides(), AT + timedelta(days=9)).version
    assert base.version != in_force(profile("eu"), Overrides(media_days=30), AT).version
    stored = msgspec.convert(msgspec.json.decode(msgspec.json.encode(base)), Policy)
    assert stored.version == base.version


def test_an_unknown_jurisdiction_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownJurisdiction, match="us-nyc"):
        profile("atlantis")


@pytest.mark.parametrize(
    ("notice", "start"),
    [
        ("2026-11-02T09:00", "2026-11-17T09:00"),  # Veterans Day is no business day
        ("2026-12-18T15:30", "2027-01-05T15:30"),  # nor are Christmas and New Year
        ("2026-07-01T12:00", "2026-07-16T12:00"),  # the fourth of July on a Saturday is kept on Friday
        ("2026-05-16T12:00", "2026-06-01T12:00"),  # notice on a Saturday; Memorial Day
    ],
)
def test_ten_business_days_in_new_york(notice: str, start: str) -> None:
    moment = datetime.fromisoformat(notice).replace(tzinfo=UTC) + timedelta(hours=5)
    found = after_business_days(moment, 10, "us-federal", "America/New_York")
    assert found.date() == date.fromisoformat(start[:10])


def test_no_notice_is_no_delay() -> None:
    assert after_business_days(AT, 0, "weekdays", "Asia/Shanghai") == AT


def test_time_of_day_is_kept_in_the_zone_over_a_change_of_clocks() -> None:
    """Friday 23 October, nine in Paris; clocks go back on Sunday."""
    notice = datetime(2026, 10, 23, 7, tzinfo=UTC)
    assert after_business_days(notice, 1, "weekdays", "Europe/Paris") == datetime(2026, 10, 26, 8, tzinfo=UTC)
