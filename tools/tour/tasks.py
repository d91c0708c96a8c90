"""Tasks: looked at, followed, stopped, undone, taken up again, told of, and forgotten."""

from tools.tour.guide import Guide
from tools.tour.servers import SMALL

HOOK = "https://hooks.invalid/tour"
"""Nobody listens there: what is shown is what can be asked of the service."""
SOON = {"public_address": True, "ready_when": "tcp/9", "timeout": "1s", "on_failure": "keep"}
"""What cannot be ready in time: no cloud boots a server, and lets it answer, within a second."""
FAR = "2099-01-01T00:00:00Z"


def told(guide: Guide) -> None:
    """Look at a task in every way, and have its webhook told again."""
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
        says=lambda found: (
            f"{sum(len(one['calls']) for one in found['items'])} plumbing calls, each with its request id"
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
    """Take up a task that ran out of time, and stop another one before it begins."""
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
    guide.go("cancel_task", id=far["id"], expect=202, ends="ABORTED", note="nothing, ever")
