"""The resources of a cloud on the command line."""

from pathlib import Path

from tests.unit.cli.conftest import Type
from tests.unit.commands import north


def test_templates_networks_and_quotas_are_listed(enamel: Type) -> None:
    assert "cirros" in enamel("template", "list", "--kind", "image").out
    assert enamel("template", "list", "--json").data["templates"]
    assert "private" in enamel("network", "list", "--internal").out
    assert [
        network["name"] for network in enamel("network", "list", "--external", "--json").data["networks"]
    ] == ["public"]
    assert "cores" in enamel("quota", "show").out
    assert enamel("quota", "show", "--json").data["quota"]


def test_a_key_is_imported_listed_and_deleted(enamel: Type, tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    file.write_text(north.KEY + " me@here\n")
    assert "Created keypair typed (" in enamel("keypair", "create", "typed", "--public-key", str(file)).out
    assert "typed" in enamel("keypair", "list").out
    assert enamel("keypair", "list", "--json").data["keypairs"]
    assert north.KEY in enamel("keypair", "show", "typed").out
    assert enamel("keypair", "show", "typed", "--json").data["name"] == "typed"
    assert enamel("keypair", "delete", "typed").code == 0
    assert enamel("keypair", "delete", "typed").code == 1


def test_a_volume_is_made_listed_and_deleted(enamel: Type) -> None:
    assert enamel("volume", "create", "typed", "--size", "1", "--dry-run").code == 0
    created = enamel("volume", "create", "typed", "--size", "1", "--type", "standard", "--wait")
    assert (created.code, "CREATE_VOLUME COMPLETED" in created.out) == (0, True)
    assert "typed" in enamel("volume", "list", "--state", "available").out
    assert "1 GB" in enamel("volume", "show", "typed").out
    assert enamel("volume", "show", "typed", "--json").data["state"] == "AVAILABLE"
    assert enamel("volume", "delete", "typed", "no-such").code == 1
    assert enamel("volume", "delete", "typed", "--wait").code == 0
    assert enamel("volume", "list", "--json").data["volumes"] == []


def test_resources_of_another_cloud_are_created_listed_and_deleted_there(enamel: Type) -> None:
    elsewhere = ("--cloud", "sandbox-other")
    assert enamel("volume", "create", "far", "--size", "1", *elsewhere, "--wait").code == 0
    assert enamel("volume", "show", "far").code == 1
    listed = enamel("volume", "list", *elsewhere)
    assert "far" in listed.out and "sandbox-other" in listed.out
    assert enamel("volume", "delete", "far", *elsewhere, "--wait").code == 0
    for command in (
        ("quota", "show"),
        ("orphans",),
        ("address", "list"),
        ("template", "list"),
        ("network", "list"),
    ):
        assert enamel(*command, *elsewhere).code == 0
    unknown = enamel("volume", "list", "--cloud", "nowhere")
    assert (unknown.code, unknown.err.startswith("--cloud: ")) == (1, True)
    assert "nowhere" in unknown.err and "sandbox-other" in unknown.err


def test_placements_are_listed_drawn_and_shown(enamel: Type) -> None:
    assert "sandbox/RegionOne/az1" in enamel("placement", "list").out
    assert "az2" in enamel("placement", "tree").out
    zone = enamel("placement", "show", "az1", "--json").data
    assert zone["kind"] == "ZONE"
    assert zone["path"] in enamel("placement", "show", zone["id"]).out
    assert enamel("placement", "show", "nowhere").code == 1


def test_server_types_are_listed_and_shown_and_changed_by_admins(enamel: Type) -> None:
    assert "m1.tiny" in enamel("server-type", "list").out
    assert "512 MB" in enamel("server-type", "show", "m1.tiny").out
    refused = enamel("server-type", "create", "mine", "--memory", "512", "--cpu", "1")
    assert (refused.code, "admin" in refused.err) == (1, True)
    assert enamel("server-type", "delete", "m1.tiny").code == 1


def test_an_address_is_created_attached_detached_and_deleted(enamel: Type) -> None:
    assert enamel("address", "list").out == "No addresses.\n"
    assert enamel("address", "create", "--dry-run").code == 0
    created = enamel("address", "create", "--wait", "--json")
    assert created.code == 0
    address = created.data["result"]["data"]["address"]
    assert "free" in enamel("address", "list").out
    assert "FLOATING" in enamel("address", "show", address).out
    launched = enamel("server", "create", "reached", "--image", "cirros", "--flavor", "m1.tiny", "--wait")
    assert launched.code == 0
    assert enamel("address", "attach", address, "nobody").code == 1
    assert enamel("address", "attach", address, "reached", "--wait").code == 0
    assert [
        record["address"] for record in enamel("address", "list", "--used", "--json").data["addresses"]
    ] == [address]
    assert enamel("address", "delete", address).code == 1
    assert enamel("address", "detach", address, "--wait").code == 0
    assert enamel("address", "delete", address, "--wait").code == 0
    assert enamel("address", "show", address).code == 1
    assert enamel("server", "delete", "reached", "--wait").code == 0


def test_the_pace_of_clouds_is_listed_and_shown(enamel: Type) -> None:
    enamel("network", "list")
    assert "ok" in enamel("cloud", "list").out
    assert enamel("cloud", "list", "--json").data["clouds"][0]["name"] == "sandbox"
    text = enamel("cloud", "show", "sandbox").out
    assert "32 of 32" in text and "networks" in text
    assert enamel("cloud", "show", "sandbox", "--json").data["versions"]["network"] == "v2.0"
    assert enamel("cloud", "show", "nowhere").code == 1


def test_orphans_are_listed_and_removed(enamel: Type) -> None:
    assert "No orphans found." in enamel("orphans", "--kind", "address").out
    assert enamel("orphans", "--foreign", "--json").data["orphans"] == []
    assert enamel("orphans", "--min-age", "long").code == 1
    assert "Nothing to do." in enamel("orphans", "clean", "--kind", "address", "--dry-run").out
    assert "Nothing to clean up." in enamel("orphans", "clean", "--kind", "address", "--wait").out
    assert enamel("orphans", "clean", "00000000-0000-4000-8000-000000000000").code == 1
