"""Addresses that outlive servers, and what belongs to nobody."""

from typing import Any

from tools.tour import servers
from tools.tour.guide import Guide


def addresses(guide: Guide) -> None:
    """Reserve an address, lead it to a server and away again, and give it back."""
    cloud = guide.cloud
    made = guide.go(
        "create_address",
        body={},
        expect=202,
        says=lambda task: cloud.address(task["result"]["data"]["address_id"]),
    )
    id = made["result"]["data"]["address_id"]
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
    """Look for what belongs to nobody, and say what would be cleaned up."""
    guide.go("list_orphans", note="what others have left in the project is not touched here")
    guide.go("clean_orphans", query="dry_run=true", body={"kinds": ["address"]}, note="a preview")
