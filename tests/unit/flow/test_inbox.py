"""The inbox: nothing is lost, whoever comes first."""

import asyncio

import pytest

from enamel.flow.inbox import Inbox


async def test_news_come_out_in_their_order() -> None:
    inbox: Inbox[int] = Inbox()
    assert inbox.empty()
    for number in range(3):
        inbox.put(number)
    assert not inbox.empty()
    assert [await inbox.get() for _ in range(3)] == [0, 1, 2]


async def test_a_reader_waits_for_news() -> None:
    inbox: Inbox[str] = Inbox()
    reading = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put("one")
    inbox.put("two")
    assert await reading == "one"
    assert await inbox.get() == "two"


async def test_a_reader_that_gives_up_takes_nothing_along() -> None:
    inbox: Inbox[str] = Inbox()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await inbox.get()
    reading = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put("late")
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert await inbox.get() == "late"
