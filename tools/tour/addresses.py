"""Addresses that outlive servers, and orphans."""

from typing import Any

from tools.tour import servers
from tools.tour.guide import Guide


def addresses(guide: Guide) -> None:
    """Create an address, attach it to a server, detach it and delete it."""
    cloud = guide.cloud
    created = guide.go(
        "create_address",
        body={},
        expect=202,
        says=lambda task: cloud.address(task["result"]["data"]["address_id"]),
    )
    id = created["result"]["data"]["address_id"]
    guide.later(f"/addresses/{id}")

    def told(_: Any) -> str:
        return cloud.address(id)

    guide.go("list_addresses", query="kind=FLOATING", says=told)
    guide.go("get_address", id=id, says=told)
    server = servers.launch(guide, suffix="-addressed")
    guide.go("attach_address", id=id, body={"server": server}, expect=202, says=told)
    guide.go("detach_address", id=id, expect=202, says=told)
    guide.go("terminate_server", id=server, expect=202, says=lambda _: cloud.server(server).split(";")[0])
    guide.go("delete_address", id=id, expect=202, says=told)


def orphans(guide: Guide) -> None:
    """List orphans, and preview their clean-up."""
    guide.go("list_orphans", note="what others have left in the project is not touched here")
    guide.go("clean_orphans", query="dry_run=true", body={"kinds": ["ADDRESS"]}, note="a preview")
