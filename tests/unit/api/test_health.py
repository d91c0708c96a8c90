"""A process tells how it is, and its numbers."""

from typing import Any

from enamel.model.errors import StoreUnavailable
from enamel.service.process.health import Degraded, Health, Verdict, worst
from enamel.service.process.metrics import Metrics
from tests.unit.api import fakes
from tests.unit.api.conftest import Web


async def fine() -> str:
    return "All is well."


async def slow() -> None:
    raise Degraded("The broker is away.")


async def away() -> None:
    raise StoreUnavailable()


async def faulty() -> None:
    raise ZeroDivisionError


class Away:
    """A store that does not answer."""

    async def read(self, *_: Any, **__: Any) -> Any:
        raise StoreUnavailable


async def test_what_is_well_is_ready(web: Web) -> None:
    reply = await web.get("/healthcheck")
    assert reply.status == 200 and reply.body["status"] == "OK"
    assert [check["name"] for check in reply.body["checks"]] == ["store", "dispatch"]
    assert reply.headers["Cache-Control"] == "no-store"


async def test_what_is_only_slow_is_ready_and_says_why(web: Web) -> None:
    web.services.health = Health({"store": fine, "dispatch": slow})
    reply = await web.get("/healthcheck")
    assert (reply.status, reply.body["status"]) == (200, "DEGRADED")
    assert reply.body["checks"][1] == {
        "name": "dispatch",
        "status": "DEGRADED",
        "detail": "The broker is away.",
    }


async def test_what_fails_is_not_ready_but_lives(web: Web) -> None:
    web.services.health = Health({"store": away, "dispatch": slow, "clouds": faulty})
    reply = await web.get("/healthcheck")
    assert (reply.status, reply.body["status"]) == (503, "FAILED")
    store, _, clouds = reply.body["checks"]
    assert "does not answer" in store["detail"] and "ZeroDivisionError" in clouds["detail"]
    assert (await web.get("/healthcheck?live")).status == 200


async def test_what_ends_is_not_ready(web: Web) -> None:
    web.services.health.end()
    reply = await web.get("/healthcheck")
    assert reply.status == 503 and reply.body["checks"][-1]["name"] == "process"


def test_nothing_is_well() -> None:
    assert worst(()) is Verdict.OK


async def test_metrics_tell_of_the_queue(web: Web) -> None:
    await fakes.add(web.services.store)
    reply = await web.get("/metrics")
    assert reply.status == 200 and reply.headers["Content-Type"].startswith("text/plain; version=")
    assert 'enamel_queue_tasks{state="WAITING",type="server.create"} 1.0' in reply.text
    assert 'enamel_queue_age_seconds{type="server.create"}' in reply.text


async def test_metrics_come_without_the_queue_where_the_store_is_away(web: Web) -> None:
    web.services.metrics = Metrics(Away(), clouds=web.services.clouds)
    reply = await web.get("/metrics")
    assert reply.status == 200 and "enamel_queue_tasks{" not in reply.text
    assert "enamel_steps_total" in reply.text
