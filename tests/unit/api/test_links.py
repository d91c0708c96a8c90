"""Links show what is possible now and allowed to the caller."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from enamel.api.request import Request
from enamel.api.resources import address, keypair, orphan, task_body, volume, volume_snapshot
from enamel.model import task
from enamel.model.caller import Caller
from enamel.service.resources import address as addresses
from enamel.service.resources import keypair as keypairs
from enamel.service.resources import volume as volumes
from enamel.service.resources import volume_snapshot as volume_snapshots
from enamel.service.resources.paging import Page
from tests.unit.api import fakes
from tests.unit.api.test_shapes import example
from tests.unit.service import use_cases


def request_of(*roles: str) -> Request:
    """Return a request of a caller with some roles."""
    caller = Caller(user_id="u", project_id=fakes.ME.project_id, roles=roles)
    return Request(
        services=None,  # type: ignore[arg-type]
        ctx=msgspec.structs.replace(use_cases.STRANGER, caller=caller),
        path="/",
        params={},
        query=orphan.OrphanFilter(),
        body=None,
        headers={},
        while_here=lambda waiting: waiting,
        documents=None,  # type: ignore[arg-type]
    )


def record(kind: type[msgspec.Struct], **fields: Any) -> Any:
    """Return something of a kind."""
    return msgspec.structs.replace(example(inspect.type_info(kind)), **{"id": "x", **fields})


def a_task(state: task.State) -> Any:
    made = task.Result(made={"server": (task.Made(kind="server", id="1"),)})
    return record(task.Task, state=state, result=made, cancel_requested=False)


SHOWN: dict[str, tuple[Callable[[Request], Any], set[str]]] = {
    "a volume": (lambda asked: volume._shown(asked, record(volumes.Volume, attached_to=())), {"delete"}),
    "a snapshot": (
        lambda asked: volume_snapshot._shown(asked, record(volume_snapshots.VolumeSnapshot)),
        {"delete"},
    ),
    "a free address": (
        lambda asked: address._shown(asked, record(addresses.Address, used=False)),
        {"attach", "delete"},
    ),
    "an attached address": (
        lambda asked: address._shown(asked, record(addresses.Address, used=True)),
        {"detach"},
    ),
    "a keypair": (
        lambda asked: keypair._shown(
            asked, keypairs.Keypair(name="me", public_key="", fingerprint="", cloud="")
        ),
        {"delete"},
    ),
    "a task that runs": (
        lambda asked: task_body.of(a_task(task.State.RUNNING), asked.ctx),
        {"cancel", "replay"},
    ),
    "a task that failed": (
        lambda asked: task_body.of(a_task(task.State.ABORTED), asked.ctx),
        {"revert", "restart", "replay", "forget"},
    ),
}


def changing(body: Any) -> set[str]:
    """Return the names of a body's links that change something."""
    return {name for name, link in body.links.items() if link.method != "GET"}


@pytest.mark.parametrize("what", SHOWN)
def test_members_are_offered_what_is_possible_and_readers_nothing_that_changes(what: str) -> None:
    shown, possible = SHOWN[what]
    assert changing(shown(request_of("member"))) == possible
    assert changing(shown(request_of("reader"))) == set()


def test_readers_are_not_offered_a_clean_up() -> None:
    nothing = Page[Any](entries=[], more=False)
    assert "clean" in orphan._page_links(request_of("member"), nothing)
    assert "clean" not in orphan._page_links(request_of("reader"), nothing)
