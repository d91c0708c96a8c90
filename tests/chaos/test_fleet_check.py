"""The fence check sees what it is there for."""

import pytest

from tests.chaos import fleet_check

LIVES = [(10.0, "first"), (30.0, "second")]


@pytest.mark.parametrize(
    ("marks", "late"),
    [
        ([(12.0, "a"), (19.0, "b")], []),
        ([(12.0, "a"), (21.0, "b")], [(1.0, "b")]),
        # What it had begun, it may be in the middle of.
        ([(19.0, "a"), (21.0, "a")], []),
        ([(31.0, "b")], []),
    ],
)
def test_what_is_begun_after_a_lease_was_taken_over(
    marks: list[tuple[float, str]], late: list[tuple[float, str]]
) -> None:
    assert fleet_check.begun_late(marks, LIVES, {"first": 20.0}) == late


@pytest.mark.parametrize(
    ("changes", "late"),
    [
        ([(12.0, "a"), (20.1, "b"), (31.0, "c")], []),
        ([(12.0, "a"), (21.0, "b"), (31.0, "c")], [(1.0, "b")]),
    ],
)
def test_what_is_changed_between_two_leases(
    changes: list[tuple[float, str]], late: list[tuple[float, str]]
) -> None:
    assert fleet_check.changed_late(changes, LIVES, {"first": 20.0}) == late
