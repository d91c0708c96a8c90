"""Tasks: shown, followed, cancelled, reverted, restarted, reported by webhooks, and deleted."""

from tools.tour.guide import Guide
from tools.tour.servers import SMALL

HOOK = "https://hooks.invalid/tour"
"""A URL where nothing listens: the tour shows the service's side of webhooks only."""
SOON = {"public_address": True, "ready_when": "tcp/9", "timeout": "1s", "on_failure": "KEEP"}
"""A timeout that is always exceeded: no cloud boots a reachable server within a second."""
FAR = "2099-01-01T00:00:00Z"


def told(guide: Guide) -> None:
    """Call every route that reads a task, and send its webhook again."""
    own = "of Enamel alone"
    body = {**SMALL, "name": f"{guide.name}-told", "notify": [{"url": HOOK}]}
    task = guide.go("create_servers", about="with a webhook", body=body, expect=202,
                    says=lambda task: guide.cloud.server(task["servers"][0]["id"]))  # fmt: skip
    id, server = task["id"], task["servers"][0]["id"]
    guide.later(f"/servers/{server}?with=everything")
    guide.go("list_tasks", query="all=true", note=own)
    guide.go("get_task", id=id, note=own)
    guide.go(
        "get_items",
        id=id,
        says=lambda page: (
            f"{sum(len(item['calls']) for item in page['items'])} API calls, each with its request id"
        ),
    )
    guide.go("get_events", id=id, note=own)
    guide.go(
        "get_events",
        about="as a live stream",
        id=id,
        headers={"Accept": "text/event-stream", "Last-Event-ID": "1"},
        note=own,
    )
    guide.go("get_plan", id=id, note=own)
    guide.go("get_server_task", id=id, note="the same task, by its vNext name")
    guide.go("get_server_task_items", id=id, note="likewise")
    guide.go("replay_notifications", id=id, body={"after": 0}, note=own)
    guide.go(
        "change_secret",
        id=id,
        body={"url": HOOK, "secret": "whsec_bm90aGluZyBidXQgYW5vdGhlciB0ZXN0"},
        note=own,
    )
    undone = guide.go(
        "revert_task", id=id, expect=202, says=lambda _: guide.cloud.server(server).split(";")[0]
    )
    guide.go("forget_task", id=undone["id"], expect=204, note=own)


def stopped(guide: Guide) -> None:
    """Restart a task that timed out, and cancel another one before it starts."""
    body = {**SMALL, **SOON, "name": f"{guide.name}-late"}
    late = guide.go("create_servers", about="that runs out of time", body=body, expect=202, ends="TIMED_OUT",
                    note="what was made is kept")  # fmt: skip
    again = guide.go(
        "restart_task", id=late["id"], expect=202, ends=None, note="it goes on with what is there"
    )
    ended = guide.go("get_task", id=again["id"], query="wait=30", note="ended in its own second, well or not")
    for task in (late, ended):
        guide.remove(task)
    body = {**SMALL, "name": f"{guide.name}-far", "not_before": FAR}
    far = guide.go(
        "create_servers",
        about="that is to begin in 2099",
        body=body,
        expect=202,
        ends=None,
        note="nothing yet",
    )
    guide.go(
        "send_signal",
        id=far["id"],
        name="ready",
        body={},
        expect=404,
        note="no step of it waits for a message",
    )
    guide.go("cancel_task", id=far["id"], expect=202, ends="ABORTED", note="nothing, ever")
