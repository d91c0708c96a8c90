"""Dispatch within one process: nobody waits who was rung for, and nobody is rung for others."""

from enamel.dispatch.local import Local
from enamel.model import topic


async def test_a_worker_hears_of_its_topics() -> None:
    dispatch = Local()
    with dispatch.listen(topic.parse(["server.*"])) as servers, dispatch.listen(topic.ALL) as all_topics:
        await dispatch.publish("task.revert", task="t-1")
        assert not await servers.wait(timeout=0)
        assert await all_topics.wait(timeout=0)
        await dispatch.publish("server.create", task="t-2")
        assert await servers.wait(timeout=1)
        assert not await servers.wait(timeout=0)
    await dispatch.publish("server.create", task="t-3")


async def test_a_ring_that_came_first_is_kept() -> None:
    dispatch = Local()
    with dispatch.following("t-1") as bell, dispatch.following("t-1") as twin:
        dispatch.changed("t-1")
        dispatch.changed("t-1")
        dispatch.changed("t-2")
        assert await bell.wait(timeout=1)
        assert await twin.wait(timeout=1)
        assert not await bell.wait(timeout=0)
    dispatch.changed("t-1")
    assert not await dispatch.follow("t-1", timeout=0)


async def test_nothing_is_kept_of_those_who_left() -> None:
    dispatch = Local()
    with dispatch.following("t-1"), dispatch.listen(topic.ALL):
        pass
    assert dispatch._followers == {} and dispatch._listeners == {}
