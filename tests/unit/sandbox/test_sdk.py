"""The sandbox as openstacksdk sees it."""

import warnings

import pytest
from openstack import connection
from openstack import warnings as sdk_warnings
from openstack.config import OpenStackConfig

from enamel.sandbox import kernel, serve


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    settings = kernel.Settings(boot_seconds=(0.05, 0.1), pace=0.1, guests=False)
    with serve.in_thread(settings) as sandbox:
        path = tmp_path_factory.mktemp("sdk") / "clouds.yaml"
        path.write_text(sandbox.clouds_yaml())
        with warnings.catch_warnings():
            # The SDK warns of its own InfluxDB support, which these tests do not use.
            warnings.simplefilter("ignore", sdk_warnings.RemovedInSDK60Warning)
            config = OpenStackConfig(config_files=[str(path)]).get_one("sandbox")
        with connection.Connection(config=config) as connected:
            yield connected


@pytest.fixture(autouse=True)
def _own_deprecations(recwarn):
    """Ignore warnings about deprecated functions that the SDK itself calls."""
    with warnings.catch_warnings():
        for category in (DeprecationWarning, PendingDeprecationWarning):
            warnings.simplefilter("ignore", category)
        yield


def test_a_server_with_a_public_address(cloud):
    server = cloud.create_server(
        "web", image="cirros", flavor="m1.tiny", network="private", auto_ip=True, wait=True, timeout=30
    )
    assert server.status == "ACTIVE"
    kinds = {line["OS-EXT-IPS:type"]: line["addr"] for line in server.addresses["private"]}
    assert kinds["floating"].startswith("127.")
    assert cloud.get_server("web").public_v4 == kinds["floating"]
    assert cloud.delete_server("web", wait=True, delete_ips=True, timeout=30)
    assert list(cloud.network.ips()) == []


def test_a_server_from_a_volume_with_another_volume(cloud):
    server = cloud.create_server(
        "db", image="ubuntu", flavor="m1.small", network="private", auto_ip=False, wait=True, timeout=30,
        boot_from_volume=True, volume_size=2, terminate_volume=True,
    )  # fmt: skip
    data = cloud.create_volume(1, name="data", wait=True, timeout=30)
    cloud.attach_volume(server, data, wait=True, timeout=30)
    assert len(cloud.get_server("db").attached_volumes) == 2
    cloud.detach_volume(server, data, wait=True, timeout=30)
    assert cloud.delete_volume("data", wait=True, timeout=30)
    (system,) = cloud.block_storage.volumes()
    assert cloud.delete_server("db", wait=True, timeout=30)
    # Nova has asked Cinder for its end by now; Cinder takes its own time.
    cloud.block_storage.wait_for_delete(system, interval=0.05, wait=30)
    assert list(cloud.block_storage.volumes()) == []


def test_discovery_finds_the_newest_versions(cloud):
    assert cloud.compute.get_endpoint_data().max_microversion == (2, 104)
    assert cloud.network.get_endpoint().endswith("/v2.0/") or cloud.network.get_endpoint().endswith("/v2.0")
    assert cloud.image.find_image("cirros").disk_format == "raw"
