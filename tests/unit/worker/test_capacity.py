"""Capacity: a worker takes what it can carry."""

import pytest

from enamel.worker.capacity import FIRST, LEAST, Capacity


def test_begins_moderately_and_claims_in_portions() -> None:
    capacity = Capacity(10_000)
    assert capacity.tasks == FIRST
    assert capacity.room(0) == 100
    assert capacity.room(FIRST - 3) == 3
    assert capacity.room(FIRST) == 0


def test_grows_to_the_most_while_it_is_used_and_quick() -> None:
    capacity = Capacity(10_000)
    for _ in range(100):
        capacity.lagged(0.01, held=capacity.tasks)
    assert capacity.tasks == 10_000


def test_does_not_grow_without_being_used() -> None:
    capacity = Capacity(10_000)
    for _ in range(100):
        capacity.lagged(0.01, held=5)
    assert capacity.tasks == FIRST


def test_shrinks_below_what_it_has_when_it_falls_behind_and_claims_nothing() -> None:
    capacity = Capacity(10_000)
    for _ in range(20):
        capacity.lagged(0.01, held=capacity.tasks)
    before = capacity.tasks
    capacity.lagged(2.0, held=before)
    assert capacity.tasks < before
    assert capacity.room(0) == 0
    for _ in range(50):
        capacity.lagged(2.0, held=before)
    assert capacity.tasks == LEAST


def test_grows_back_when_it_has_caught_up() -> None:
    capacity = Capacity(10_000)
    for _ in range(50):
        capacity.lagged(2.0, held=300)
    for _ in range(100):
        capacity.lagged(0.01, held=capacity.tasks)
    assert capacity.tasks == 10_000
    assert capacity.room(0) == 100


@pytest.mark.parametrize("most", [1, 5, 200])
def test_never_exceeds_its_slots(most: int) -> None:
    capacity = Capacity(most)
    for lag in (0.01, 3.0, 0.01, 0.01):
        capacity.lagged(lag, held=most)
        assert 1 <= capacity.tasks <= most
