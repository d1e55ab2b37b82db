"""Token buckets: what they let through, what they tell, what they forget."""

from __future__ import annotations

import pytest

from duilian.infra.limits import Buckets


def test_a_bucket_holds_a_minutes_worth_and_fills_evenly() -> None:
    buckets = Buckets("person", 60)
    assert [buckets.take("a", 0.0).allowed for _ in range(61)] == [True] * 60 + [False]
    assert not buckets.take("a", 0.5).allowed
    assert buckets.take("a", 1.0).allowed
    assert not buckets.take("a", 1.0).allowed


def test_a_refused_request_takes_nothing_and_waiting_as_told_is_enough() -> None:
    buckets = Buckets("person", 6)
    for _ in range(6):
        buckets.take("a", 100.0)
    for _ in range(50):
        refused = buckets.take("a", 103.0)
    assert refused.wait == pytest.approx(7.0)
    assert buckets.take("a", 103.0 + refused.wait).allowed


def test_what_is_told_agrees_with_what_is_let_through() -> None:
    buckets = Buckets("person", 10)
    left = [buckets.take("a", 0.0).left for _ in range(10)]
    assert left == list(range(9, -1, -1))
    quota = buckets.take("a", 30.0)
    assert (quota.left, quota.resets) == (4, 36)


def test_keys_do_not_share() -> None:
    buckets = Buckets("person", 1)
    assert buckets.take("a", 0.0).allowed
    assert buckets.take("b", 0.0).allowed
    assert not buckets.take("a", 0.0).allowed


def test_steady_callers_at_the_limit_are_never_refused() -> None:
    """Fifty candidates who send a chunk a second behind one address, for ten minutes."""
    buckets = Buckets("network", 3000)
    assert all(buckets.take("nat", n / 50).allowed for n in range(50 * 600))


def test_full_buckets_are_forgotten_and_keys_are_bounded() -> None:
    buckets = Buckets("network", 60, most=100)
    for n in range(1000):
        buckets.take(f"stranger {n}", 0.0)
    assert len(buckets) == 100
    for n in range(300):
        buckets.take("regular", 100.0 + n)
    assert len(buckets) == 1
