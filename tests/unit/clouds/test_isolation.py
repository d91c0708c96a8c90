"""Two projects of one cloud share a process and a cache server: neither is ever given what the other sees."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from enamel.clouds import driver
from enamel.clouds.calls import context
from enamel.clouds.openstack.cloud import OpenStackCloud
from enamel.clouds.openstack.driver import OpenStack
from enamel.clouds.registry import Registry
from enamel.clouds.shared.store import SharedStore
from enamel.model import cloud
from enamel.model.call_context import CallContext
from enamel.model.errors import CloudThrottled
from enamel.model.states import ImageState, ServerState, VolumeState
from enamel.sandbox import faults, kernel, serve
from tests.unit.clouds.shelf import Shelf

PROJECTS = ("demo", "other")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me"
ENTRIES = {"demo": "sandbox", "other": "sandbox-other"}
READS: dict[str, Callable[[driver.Cloud], Awaitable[Any]]] = {
    "identity": lambda at: at.identity(),
    "servers": lambda at: at.servers_list(),
    "volumes": lambda at: at.volumes_list(),
    "volume snapshots": lambda at: at.volume_snapshots_list(),
    "networks": lambda at: at.networks(),
    "subnets": lambda at: at.subnets(),
    "ports": lambda at: at.ports_list(),
    "addresses": lambda at: at.addresses_list(),
    "security groups": lambda at: at.security_groups(),
    "keypairs": lambda at: at.keypairs(),
    "images": lambda at: at.images(),
    "flavors": lambda at: at.flavors(),
    "quota": lambda at: at.quota(["servers", "cores", "volumes", "ports", "networks"]),
}
"""Everything that is cached, watched or shared, and what is merely asked for."""


class Processes:
    """Several processes of one deployment on one sandbox, each with its registry, and a cache server for all."""

    def __init__(self, sandbox: serve.Sandbox, file: Path) -> None:
        self.sandbox = sandbox
        self._file = file
        self.shelf = Shelf()
        self._registries: list[Registry] = []

    def start(self, *, alone: bool = False) -> Registry:
        """Return the registry of a new process; one that is alone shares nothing."""
        board = None if alone else SharedStore(self.shelf)
        self._registries.append(Registry([OpenStack(file=self._file)], board=board))
        return self._registries[-1]

    async def end(self) -> None:
        for registry in self._registries:
            await registry.close()


@pytest.fixture
async def processes(tmp_path: Path) -> AsyncIterator[Processes]:
    async with serve.running(kernel.Settings(boot_seconds=(0.05, 0.1), pace=0.1)) as sandbox:
        file = tmp_path / "clouds.yaml"
        file.write_text(sandbox.clouds_yaml())
        processes = Processes(sandbox, file)
        try:
            clouds = processes.start(alone=True)
            # Each project has another number of everything.
            await asyncio.gather(
                *(
                    furnish(clouds.get(ENTRIES[project]), project, count)
                    for number, project in enumerate(PROJECTS, start=1)
                    for count in range(number)
                )
            )
            yield processes
        finally:
            await processes.end()


async def furnish(at: driver.Cloud, project: str, count: int) -> None:
    """Give a project one more of each."""
    name, mark = f"{project}-{count}", f"enamel:{project}/{count}"
    network = await at.create_network(name, mark=mark)
    await at.create_ports([cloud.PortSpec(network_id=network.id, name=name, mark=mark)])
    outside = next(network for network in await at.networks() if network.external)
    await at.create_address(network_id=outside.id, mark=mark)
    await at.create_keypair(name, public_key=KEY)
    await at.create_security_group(name, mark=mark)
    volume = await at.create_volume(cloud.VolumeSpec(size_gb=1, name=name, mark=mark))
    flavor = next(flavor for flavor in await at.flavors() if flavor.name == "m1.tiny")
    image = next(image for image in await at.images() if image.name == "cirros")
    [server] = await at.boot(
        cloud.ServerSpec(
            name=name,
            flavor_id=flavor.id,
            image_id=image.id,
            networks=(cloud.NetworkPort(network_id=network.id),),
            mark=mark,
        )
    )
    await at.servers.until(server, lambda server: server is None or server.state is ServerState.ACTIVE)
    await at.volumes.until(volume.id, lambda volume: volume is None or volume.state is VolumeState.AVAILABLE)
    snapshot = await at.create_volume_snapshot(volume.id, name=name, description="", mark=mark)
    image_id = await at.take_image(server, name=name, mark=mark)
    await at.volume_snapshots.until(
        snapshot.id, lambda snapshot: snapshot is None or snapshot.state is VolumeState.AVAILABLE
    )
    await at.snapshots.until(image_id, lambda image: image is None or image.state is ImageState.ACTIVE)


async def read(at: driver.Cloud, what: str) -> Any:
    """Return an answer in a form that can be compared, whatever the order of its parts."""
    answer = msgspec.to_builtins(await READS[what](at))
    return sorted(answer, key=str) if isinstance(answer, list) else answer


async def test_each_project_is_given_its_own_whoever_asked_before(processes: Processes) -> None:
    alone = {project: processes.start(alone=True).get(ENTRIES[project]) for project in PROJECTS}
    truth = {key: await read(alone[key[0]], key[1]) for key in itertools.product(PROJECTS, READS)}
    private = {what for what in READS if truth["demo", what] != truth["other", what]}
    assert private == READS.keys() - {"flavors"}
    for order in itertools.permutations(PROJECTS):
        processes.shelf = Shelf()
        shared = [processes.start(), processes.start()]
        for what in READS:
            # Each process reads for the one, then for the other, and then for the first one again.
            for clouds, project in itertools.product(shared, [*order, *order]):
                assert await read(clouds.get(ENTRIES[project]), what) == truth[project, what], (what, project)
        kinds = {key.split(":")[2] for key in processes.shelf.kept}
        assert {"answer", "look"} <= kinds


async def test_an_entry_that_is_used_for_another_project_shows_that_project(processes: Processes) -> None:
    clouds = processes.start()
    admin = clouds.get("sandbox-admin")
    assert await admin.servers_list() == []
    other = await admin.project("other")
    assert other is not None
    reference = await admin.entry_of(other.id)
    theirs = clouds.get(reference.entry, project=reference.project)
    for cloud_, names in ((theirs, {"other-0", "other-1"}), (admin, set()), (theirs, {"other-0", "other-1"})):
        assert {server.name for server in await cloud_.servers_list()} == names
        assert {volume.name for volume in await cloud_.volumes_list() if volume.name} == names
    assert (await theirs.quota(["servers"]))["servers"].used == 2
    assert (await admin.quota(["servers"]))["servers"].used == 0


async def test_waits_of_two_projects_end_each_with_its_own(processes: Processes) -> None:
    clouds = [processes.start(), processes.start()]
    servers = {
        project: (await processes.start(alone=True).get(ENTRIES[project]).servers_list())[0].id
        for project in PROJECTS
    }

    async def wait(registry: Registry, project: str, *, of: str) -> str | None:
        found = await registry.get(ENTRIES[project]).servers.until(servers[of], lambda server: True)
        return found and found.name.partition("-")[0]

    asked = list(itertools.product(clouds, PROJECTS, PROJECTS))
    told = await asyncio.gather(*(wait(registry, project, of=of) for registry, project, of in asked))
    # What is another project's does not exist, however many have just seen it.
    assert told == [project if project == of else None for _, project, of in asked]


async def test_what_a_service_asks_of_one_project_all_of_them_heed(processes: Processes) -> None:
    rule = {
        "match": {"service": "compute", "times": 1},
        "then": {"status": 429, "headers": {"Retry-After": "30"}},
    }
    one, another = processes.start(), processes.start()
    for registry, project in itertools.product((one, another), PROJECTS):
        await registry.get(ENTRIES[project]).identity()
    processes.sandbox.faults.add(msgspec.convert(rule, faults.Rule))
    context.use(CallContext())
    with pytest.raises(CloudThrottled):
        await one.get("sandbox").quota(["servers"])
    await asyncio.sleep(0.3)
    # The rule is used up: whoever is refused was not sent to the cloud.
    for registry, project in itertools.product((one, another), PROJECTS):
        with pytest.raises(CloudThrottled):
            await registry.get(ENTRIES[project]).quota(["servers"])
    for registry in (one, another):
        assert (await registry.get("sandbox-other").quota(["volumes"]))["volumes"].used == 2


def test_entries_whose_addresses_are_spelled_differently_are_one_cloud(tmp_path: Path) -> None:
    file = tmp_path / "clouds.yaml"
    auth = {"username": "me", "password": "secret", "project_name": "p"}
    urls = (
        "http://127.0.0.1:1/identity",
        "http://127.0.0.1:1/identity/v3",
        "http://127.0.0.1:1/identity/v3/",
    )
    entries = {
        f"north-{number}": {"region_name": "R", "auth": {**auth, "auth_url": url}}
        for number, url in enumerate(urls)
    }
    file.write_text(msgspec.json.encode({"clouds": entries}).decode())
    clouds = Registry([OpenStack(file=file)])
    opened = [clouds.get(name) for name in entries]
    assert all(isinstance(at, OpenStackCloud) for at in opened)
    assert len({id(at.pace) for at in opened if isinstance(at, OpenStackCloud)}) == 1
    assert len({at.site for at in opened}) == 1
