"""What a launch can choose from: templates, networks, keys, volumes, the quota, placements, clouds."""

from tools.tour.guide import Guide

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tour"


def discovery(guide: Guide) -> None:
    """Read the home document, the routes, the schemas and the health of the process."""
    own = "of Enamel alone"
    guide.go("get_home", headers={"Accept": "application/json-home"}, note=own)
    guide.go("get_openapi", note=own)
    schemas = guide.go("list_schemas", note=own)
    guide.go("get_schema", name=schemas["schemas"][0], note=own)
    guide.go("get_health", note=own)
    guide.go("get_metrics", note=own)


def choices(guide: Guide) -> None:
    """List what a launch can choose from."""
    cloud, own = guide.cloud, "how the cloud bears what Enamel asks of it"
    clouds = guide.go("list_clouds", note=own)
    guide.go("get_cloud", name=clouds["clouds"][0]["name"], note=own)
    guide.go("list_templates", query="limit=100", says=lambda _: cloud.count("image", "/images", "images"))
    guide.go("list_networks", says=lambda _: cloud.count("network", "/networks", "networks"))
    guide.go("get_quota", says=lambda _: cloud.count("compute", "/servers", "servers"))
    placements = guide.go("list_placements", says=lambda _: cloud.zones())
    guide.go("get_placement", id=placements["placements"][-1]["id"], says=lambda _: cloud.zones())


def keypairs(guide: Guide) -> None:
    """Import a keypair, show it, delete it."""
    name = guide.name
    guide.later(f"/keypairs/{name}")
    guide.go(
        "create_keypair",
        body={"name": name, "public_key": KEY},
        expect=201,
        says=lambda key: f"Nova: {key['fingerprint']}",
    )
    guide.go("list_keypairs", note="the user's own, which nobody else sees in Nova")
    guide.go("get_keypair", name=name, note="likewise")
    guide.go("delete_keypair", name=name, expect=204, note="likewise")


def volumes(guide: Guide) -> None:
    """Create a volume and a snapshot of it, show them, delete them."""
    cloud = guide.cloud
    task = guide.go("create_volume", body={"name": guide.name, "size_gb": 1}, expect=202,
                    says=lambda task: cloud.volume(task["result"]["made"]["volume"][0]["id"]))  # fmt: skip
    id = task["result"]["made"]["volume"][0]["id"]
    guide.later(f"/volumes/{id}")
    guide.go("list_volumes", query=f"name={guide.name}",
             says=lambda _: cloud.count("block_storage", f"/volumes?name={guide.name}", "volumes"))  # fmt: skip
    guide.go("get_volume", id=id, says=lambda _: cloud.volume(id))
    of = f"/snapshots?volume_id={id}"
    task = guide.go("create_volume_snapshot", id=id, body={"name": guide.name}, expect=202,
                    says=lambda _: cloud.count("block_storage", of, "snapshots"))  # fmt: skip
    snapshot = task["result"]["made"]["volume_snapshot"][0]["id"]
    guide.go("list_volume_snapshots", id=id, says=lambda _: cloud.count("block_storage", of, "snapshots"))
    guide.go("delete_volume_snapshot", id=id, snapshot=snapshot, expect=202,
             says=lambda _: cloud.count("block_storage", of, "snapshots"))  # fmt: skip
    guide.go("delete_volume", id=id, expect=202, says=lambda _: cloud.volume(id))
