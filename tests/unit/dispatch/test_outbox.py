"""The outbox: it never holds more than fits, never makes anybody wait, and tells news of one task only once."""

from enamel import telemetry
from enamel.dispatch.hint import Hint
from enamel.dispatch.outbox import Outbox, Post


class Clock:
    time = 100.0

    def __call__(self) -> float:
        return self.time


def a_hint(number: int) -> Hint:
    return Hint(task=f"t-{number}", type="server.create")


def dropped() -> float:
    return float(telemetry.HINTS.labels(outcome="dropped")._value.get())


def test_hints_come_out_in_their_order() -> None:
    box = Outbox()
    for number in range(3):
        box.hint(a_hint(number))
    assert box.take(within=0) == Post(hints=(a_hint(0), a_hint(1), a_hint(2)))
    assert box.take(within=0) is None


def test_a_full_box_drops_and_counts() -> None:
    box, before = Outbox(at_most=2), dropped()
    for number in range(5):
        box.hint(a_hint(number))
        box.changed(f"t-{number}")
    post = box.take(within=0)
    assert post is not None and len(post.hints) == len(post.changed) == 2
    assert dropped() == before + 6


def test_news_goes_out_at_once_after_a_silence_and_then_together() -> None:
    clock = Clock()
    box = Outbox(news_every=1, clock=clock)
    box.changed("t-1")
    assert box.take(within=0) == Post(changed=("t-1",))
    box.changed("t-1")
    box.changed("t-2")
    box.changed("t-1")
    assert box.take(within=0) is None
    box.hint(a_hint(1))
    assert box.take(within=0) == Post(hints=(a_hint(1),))
    clock.time += 1
    post = box.take(within=0)
    assert post is not None and sorted(post.changed) == ["t-1", "t-2"]


def test_what_is_left_comes_out_of_a_closed_box() -> None:
    box = Outbox(news_every=1000)
    box.changed("t-1")
    box.take(within=0)
    box.changed("t-2")
    box.close()
    assert box.take(within=1000) == Post(changed=("t-2",))
    assert box.take(within=1000) is None
