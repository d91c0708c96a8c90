"""How many calls a service seems to bear, by what it shows: its complaints, and how long its answers take."""

import pytest

from enamel.clouds.pacing import latency
from enamel.clouds.pacing.budget import LEAST_RATE, Budget, Ceiling, Pauses, Trouble


class Clock:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


def budget(clock: Clock, max_concurrent_calls: int = 16, max_calls_per_second: float | None = None) -> Budget:
    return Budget(
        Ceiling(max_concurrent_calls=max_concurrent_calls, max_calls_per_second=max_calls_per_second),
        pauses=Pauses(first=1.0, longest=8.0),
        now=clock,
    )


def complained(of: Budget, clock: Clock, trouble: Trouble = Trouble.TOO_MANY, **rest: float) -> float:
    clock.at += 0.01
    return of.complained(trouble, began=clock.at, **rest)


def test_after_a_pause_one_goes_ahead_then_twice_as_many_then_one_more_each_round(clock: Clock) -> None:
    of = budget(clock)
    complained(of, clock, pause=5.0)
    assert of.limit == 1
    assert of.pause() == pytest.approx(5.0)
    clock.at += 5.0
    assert of.pause() == 0
    limits = []
    for _ in range(5):
        for _ in range(of.limit):
            of.went_well()
        limits.append(of.limit)
    assert limits == [2, 4, 8, 8, 9]


def test_a_burst_of_complaints_is_one(clock: Clock) -> None:
    of = budget(clock)
    for _ in range(16):
        of.complained(Trouble.BUSY, began=clock.at - 1)
    assert of.limit >= 4


def test_the_longest_pause_of_a_burst_counts(clock: Clock) -> None:
    of = budget(clock)
    began = clock.at
    of.complained(Trouble.TOO_MANY, began=began, pause=2.0)
    of.complained(Trouble.TOO_MANY, began=began, pause=9.0)
    of.complained(Trouble.TOO_MANY, began=began, pause=1.0)
    assert of.pause() == pytest.approx(9.0)


def test_who_names_no_pause_is_left_alone_longer_each_time(clock: Clock) -> None:
    of = budget(clock)
    assert [complained(of, clock) for _ in range(6)] == [1, 2, 4, 8, 8, 8]
    of.went_well()
    assert complained(of, clock) == 1


def test_who_says_at_once_again_and_again_is_not_believed(clock: Clock) -> None:
    of = budget(clock)
    assert [complained(of, clock, pause=0.0) for _ in range(4)] == [0, 2, 4, 8]


def test_one_503_closes_nothing_and_many_in_a_row_do(clock: Clock) -> None:
    of = budget(clock)
    waits = [complained(of, clock, Trouble.BUSY) for _ in range(7)]
    assert waits[:5] == [0] * 5
    assert all(wait > 0 for wait in waits[5:])
    assert of.limit == 1


def test_a_service_that_counts_calls_gets_fewer_per_second(clock: Clock) -> None:
    of = budget(clock)
    for _ in range(100):
        clock.at += 0.02
        of.went_well()
    complained(of, clock, pause=0.0)
    assert of.rate is None
    of.went_well()
    complained(of, clock, pause=0.0)
    assert of.rate == pytest.approx(0.7 * 101 / 2, rel=0.05)
    grown = of.rate
    for _ in range(20):
        of.went_well()
    assert of.rate == pytest.approx(grown + 1)
    for _ in range(4000):
        of.went_well()
    assert of.rate is None


def test_calls_begin_at_an_even_pace(clock: Clock) -> None:
    of = budget(clock, max_calls_per_second=8.0)
    began = []
    for _ in range(20):
        clock.at += of.pause()
        of.began()
        began.append(clock.at - 100.0)
    assert began[1] == 0, "a small burst is allowed"
    assert began[-1] == pytest.approx((20 - 2) / 8, rel=0.1)


def test_no_rate_is_thought_to_be_next_to_nothing(clock: Clock) -> None:
    of = budget(clock)
    for _ in range(8):
        of.went_well()
        complained(of, clock, pause=0.0)
        clock.at += 3
    assert of.rate is None or of.rate >= LEAST_RATE


def test_processes_divide_what_is_allowed(clock: Clock) -> None:
    of = budget(clock, max_concurrent_calls=16, max_calls_per_second=9.0)
    of.share = 3
    assert of.limit == 5
    assert of.rate == pytest.approx(3.0)
    of.share = 100
    assert of.limit == 1


def test_long_answers_mean_somewhat_fewer_but_some(clock: Clock) -> None:
    of = budget(clock)
    of.eased()
    assert of.limit == 13
    for _ in range(40):
        of.eased()
    assert of.limit == 4


# -- strain


def fed(of: latency.Latency, kind: str, seconds: float, times: int) -> list[bool]:
    verdicts = [of.took(kind, seconds) for _ in range(times)]
    return [verdict for verdict in verdicts if verdict is not None]


def test_a_slow_kind_of_call_is_no_strain() -> None:
    of = latency.Latency()
    assert not any(fed(of, "GET", 0.02, 50))
    assert not any(fed(of, "POST /servers", 6.0, 50))
    assert not any(fed(of, "GET", 0.02, 50))


def test_calls_that_take_many_times_as_long_as_before_are() -> None:
    of = latency.Latency()
    fed(of, "GET", 0.1, 20)
    fed(of, "POST", 0.4, 20)
    verdicts = fed(of, "GET", 1.5, 12) + fed(of, "POST", 3.0, 12)
    assert verdicts[-1] is True
    assert of.times is not None and of.times > 5


def test_what_is_quick_enough_is_no_strain() -> None:
    of = latency.Latency()
    fed(of, "GET", 0.002, 20)
    assert not any(fed(of, "GET", 0.2, 40))


def test_a_cloud_that_becomes_slower_for_good_is_believed() -> None:
    of = latency.Latency()
    fed(of, "GET", 0.2, 20)
    assert fed(of, "GET", 1.2, 2000)[-1] is False


def test_calls_of_one_route_and_size_are_of_one_kind() -> None:
    one = "/servers/5f0e7f2c-8d0e-4b43-8a2c-3a1b8a4f6c11"
    other = "/servers/0d3c9a34b1f84d1fa1c0f5b8c2f1e6d7"
    assert latency.kind("GET", one, sent=0, got=100) == latency.kind("GET", other, sent=0, got=900)
    assert latency.kind("GET", one, sent=0, got=100) != latency.kind("DELETE", one, sent=0, got=100)
    assert latency.kind("GET", "/servers/detail", sent=0, got=100) != latency.kind(
        "GET", "/servers/detail", sent=0, got=1_000_000
    )
