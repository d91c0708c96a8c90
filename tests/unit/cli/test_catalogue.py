"""What can be chosen from, on the command line."""

from pathlib import Path

from tests.unit.cli.conftest import Type
from tests.unit.commands import north


def test_what_there_is_to_choose_from_is_listed(enamel: Type) -> None:
    assert "cirros" in enamel("template", "list", "--kind", "image").out
    assert enamel("template", "list", "--json").data["templates"]
    assert "private" in enamel("network", "list", "--internal").out
    assert [one["name"] for one in enamel("network", "list", "--external", "--json").data["networks"]] == [
        "public"
    ]
    assert "cores" in enamel("quota", "show").out
    assert enamel("quota", "show", "--json").data["quotas"]


def test_a_key_is_imported_listed_and_deleted(enamel: Type, tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    file.write_text(north.KEY + " me@here\n")
    assert "is there" in enamel("keypair", "create", "typed", "--public-key", str(file)).out
    assert "typed" in enamel("keypair", "list").out
    assert enamel("keypair", "list", "--json").data["keypairs"]
    assert enamel("keypair", "delete", "typed").code == 0
    assert enamel("keypair", "delete", "typed").code == 1


def test_a_volume_is_made_listed_and_deleted(enamel: Type) -> None:
    assert enamel("volume", "create", "typed", "--size", "1", "--dry-run").code == 0
    made = enamel("volume", "create", "typed", "--size", "1", "--type", "standard", "--wait")
    assert (made.code, "CREATE_VOLUME COMPLETED" in made.out) == (0, True)
    assert "typed" in enamel("volume", "list", "--state", "available").out
    assert enamel("volume", "delete", "typed", "no-such").code == 1
    assert enamel("volume", "delete", "typed", "--wait").code == 0
    assert enamel("volume", "list", "--json").data["volumes"] == []
