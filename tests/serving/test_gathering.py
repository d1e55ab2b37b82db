"""Gathering: what arrives together is worked on together, each gets its own answer, nobody waits for the gone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from duilian.serving.cancelling import Abandoned, stopped_by
from duilian.serving.steps.gathering import Gatherer


class Work:
    """Doubles numbers; the first batch waits until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, numbers: list[int]) -> list[int]:
        self.batches.append(numbers)
        self.begun.set()
        assert self.go.wait(10)
        if 13 in numbers:
            raise ValueError("13")
        return [2 * n for n in numbers]


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def gatherer(work: Work) -> Gatherer[int, int]:
    """Even numbers and odd ones do not mix; at most four together."""
    return Gatherer(work, lambda n: n % 2, threads=1, most=4)


def test_callers_share_runs_and_get_their_own(work, gatherer):
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(gatherer.run, [100])
        work.begun.wait(10)
        rest = [pool.submit(gatherer.run, numbers) for numbers in ([2, 3], [4, 6, 5], [8, 10])]
        while len(gatherer._waiting) < 7:
            pass
        work.go.set()
        assert first.result(10) == [200]
        assert [f.result(10) for f in rest] == [[4, 6], [8, 12, 10], [16, 20]]
    assert sorted(map(len, work.batches)) == [1, 1, 2, 4]
    assert all(len({n % 2 for n in batch}) == 1 for batch in work.batches)


def test_a_failure_reaches_those_it_concerns_and_the_next_are_served(work, gatherer):
    work.go.set()
    with pytest.raises(ValueError, match="13"):
        gatherer.run([13])
    assert gatherer.run([1, 2]) == [2, 4]


def test_what_cannot_be_done_fails_alone_in_its_batch(work, gatherer):
    """Another tenant's piece in the same run has its answer."""
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(gatherer.run, [100])
        work.begun.wait(10)
        mine, bad, theirs = (pool.submit(gatherer.run, [n]) for n in (1, 13, 3))
        while len(gatherer._waiting) < 3:
            pass
        work.go.set()
        assert [f.result(10) for f in (first, mine, theirs)] == [[200], [2], [6]]
        with pytest.raises(ValueError, match="13"):
            bad.result(10)
    assert sorted(work.batches[1]) == [1, 3, 13] and sorted(work.batches[2:]) == [[1], [3], [13]]


def test_what_nobody_waits_for_is_left_out(work, gatherer):
    stop = threading.Event()

    def give_up_later() -> list[int]:
        with stopped_by(stop):
            return gatherer.run([22])

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(gatherer.run, [100])
        work.begun.wait(10)
        gone = pool.submit(give_up_later)
        while not gatherer._waiting:
            pass
        stop.set()
        work.go.set()
        with pytest.raises(Abandoned):
            gone.result(10)
        assert first.result(10) == [200]
    assert work.batches == [[100]]
