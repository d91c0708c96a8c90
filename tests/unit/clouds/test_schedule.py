"""When to look next."""

from datetime import timedelta

from enamel.clouds.watch import durations, schedule


def test_the_first_look_comes_a_little_before_it_is_due() -> None:
    beat = schedule.Schedule()
    beat.expect(100.0, due=timedelta(seconds=10))
    assert beat.pause(100.0) == 8.0
    assert beat.pause(108.0) == 0.0


def test_while_something_is_due_looks_are_frequent_and_then_rarer_and_rarer() -> None:
    beat = schedule.Schedule()
    beat.expect(0.0, due=timedelta(seconds=1))
    now, gaps = 0.0, []
    for _ in range(40):
        gaps.append(pause := beat.pause(now))
        now += pause
        beat.looked(now, took=0.0)
    assert gaps[0] == 0.8
    assert gaps[1:3] == [schedule.OFTEN] * 2
    assert gaps[3:] == sorted(gaps[3:])
    assert gaps[-1] == schedule.SELDOM


def test_what_was_learnt_tells_when_to_look_first() -> None:
    beat = schedule.Schedule()
    for seconds in (23.0, 25.0):
        beat.learnt.add("large", seconds=seconds, before=seconds - 3.0)
    beat.expect(0.0, due=None)
    assert beat.pause(0.0) == schedule.SELDOM
    assert beat.pause(15.0) == 5.0


def test_one_who_stops_waiting_is_not_looked_for() -> None:
    beat = schedule.Schedule()
    soon = beat.expect(0.0, due=timedelta(0))
    beat.expect(0.0, due=timedelta(seconds=5))
    assert beat.pause(0.0) == 0.0
    beat.looked(0.0, took=0.0)
    soon.over = True
    assert beat.pause(0.1) == 3.9


def test_a_cloud_that_answers_slowly_is_asked_less() -> None:
    beat = schedule.Schedule()
    beat.expect(0.0, due=timedelta(0))
    assert beat.pause(0.0) == 0.0
    beat.looked(3.0, took=3.0)
    assert beat.pause(3.0) == 6.0


def test_something_that_moves_brings_the_looks_closer_again() -> None:
    beat = schedule.Schedule()
    beat.expect(0.0, due=timedelta(0))
    for now in range(0, 100, 10):
        beat.pause(float(now))
        beat.looked(float(now), took=0.0)
    assert beat.pause(90.0) > 2.0
    beat.moved()
    assert beat.pause(90.0) == schedule.OFTEN


def test_what_was_seen_late_does_not_make_the_next_first_look_late() -> None:
    beat = schedule.Schedule()
    beat.learnt.add("small", seconds=4.0, before=2.0)
    assert beat.learnt.of("small") == durations.Distribution(quickest=2.0, nearly_all=4.0)
    beat.expect(0.0, due=None)
    assert beat.pause(0.0) == 2.0
