"""A cloud called north, with the names that the lab has, and wants that are planned on it."""

import base64
from typing import Any

import msgspec

from enamel.clouds.capability import Capability
from enamel.commands import COMMANDS
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts
from enamel.flow import plan as plans
from enamel.flow.plan import Node, Plan
from enamel.model import cloud
from enamel.model.launch import Launch
from enamel.model.states import ImageState, ServerState, VolumeState

TASK = "019a0000-0000-7000-8000-0000000000aa"
PROJECT = "a" * 32
KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(range(32))).decode()
OTHER_KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"k" * 32).decode()


def id_of(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


TINY, SMALL, MEDIUM, BOOT_ONLY = (id_of(number) for number in range(1, 5))
CIRROS, UBUNTU, QUEUED, SNAPSHOT = (id_of(number) for number in range(11, 15))
PRIVATE, PUBLIC, TWIN_A, TWIN_B = (id_of(number) for number in range(21, 25))
SUBNET = id_of(31)
SYSTEM, DATA, SHARED_DISK, TAKEN_DISK = (id_of(number) for number in range(41, 45))
DEFAULT, WEB = (id_of(number) for number in range(51, 53))
FREE_PORT, BUSY_PORT = (id_of(number) for number in range(61, 63))
FREE_ADDRESS, BUSY_ADDRESS = (id_of(number) for number in range(71, 73))
NEIGHBOUR = id_of(81)

NETWORKS = (
    cloud.Network(id=PRIVATE, name="private", project_id=PROJECT, subnets=(SUBNET,)),
    cloud.Network(id=PUBLIC, name="public", project_id="b" * 32, external=True, subnets=("s",)),
)
TWINS = (
    cloud.Network(id=TWIN_A, name="twin", project_id=PROJECT, subnets=("a",)),
    cloud.Network(id=TWIN_B, name="twin", project_id=PROJECT, subnets=("b",)),
)


def facts(**changes: Any) -> Facts:
    """What is known of north."""
    plenty = cloud.Limit(limit=100, used=0)
    base = Facts(
        cloud="north",
        clouds=("north", "south"),
        identity=cloud.Identity(
            user_id="u" * 32, user_name="me", project_id=PROJECT, project_name="mine", region="RegionOne"
        ),
        capabilities=frozenset(Capability),
        flavors=(
            cloud.Flavor(id=TINY, name="m1.tiny", memory_mb=512, vcpus=1, disk_gb=1),
            cloud.Flavor(id=SMALL, name="m1.small", memory_mb=2048, vcpus=1, disk_gb=20),
            cloud.Flavor(id=MEDIUM, name="m1.medium", memory_mb=4096, vcpus=2, disk_gb=40),
            cloud.Flavor(id=BOOT_ONLY, name="v1.small", memory_mb=2048, vcpus=2, disk_gb=0),
        ),
        images=(
            cloud.Image(id=CIRROS, name="cirros", state=ImageState.ACTIVE, status="active", min_disk_gb=1),
            cloud.Image(
                id=UBUNTU,
                name="ubuntu",
                state=ImageState.ACTIVE,
                status="active",
                min_disk_gb=10,
                min_memory_mb=1024,
            ),
            cloud.Image(id=QUEUED, name="fresh", state=ImageState.SAVING, status="queued"),
            cloud.Image(
                id=SNAPSHOT, name="web-yesterday", state=ImageState.ACTIVE, status="active", snapshot=True
            ),
        ),
        networks=NETWORKS,
        subnets=(cloud.Subnet(id=SUBNET, name="private-subnet", network_id=PRIVATE, cidr="10.0.0.0/20"),),
        zones=(cloud.Zone(name="az1"), cloud.Zone(name="az2")),
        volume_types=(cloud.VolumeType(id=id_of(91), name="standard"),),
        volumes=(
            cloud.Volume(
                id=SYSTEM,
                name="system",
                size_gb=5,
                state=VolumeState.AVAILABLE,
                status="available",
                bootable=True,
            ),
            cloud.Volume(id=DATA, name="data", size_gb=5, state=VolumeState.AVAILABLE, status="available"),
            cloud.Volume(
                id=SHARED_DISK,
                name="shared",
                size_gb=5,
                state=VolumeState.IN_USE,
                status="in-use",
                multiattach=True,
            ),
            cloud.Volume(id=TAKEN_DISK, name="taken", size_gb=5, state=VolumeState.IN_USE, status="in-use"),
        ),
        addresses=(
            cloud.Address(id=FREE_ADDRESS, address="203.0.113.7", network_id=PUBLIC),
            cloud.Address(id=BUSY_ADDRESS, address="203.0.113.8", network_id=PUBLIC, port_id=BUSY_PORT),
        ),
        security_groups=(
            cloud.SecurityGroup(id=DEFAULT, name="default", project_id=PROJECT),
            cloud.SecurityGroup(id=WEB, name="web", project_id=PROJECT),
        ),
        ports=(
            cloud.Port(id=FREE_PORT, network_id=PRIVATE, name="free", addresses=("10.0.0.61",)),
            cloud.Port(id=BUSY_PORT, network_id=PRIVATE, name="busy", server_id=NEIGHBOUR),
        ),
        keypairs={"old": cloud.Keypair(name="old", public_key=KEY + " me@here")},
        servers=(cloud.Server(id=NEIGHBOUR, name="db", state=ServerState.ACTIVE, tags=("database",)),),
        quota=dict.fromkeys(
            ("servers", "cores", "volumes", "gigabytes", "ports", "addresses", "security_groups"), plenty
        )
        | {"memory_mb": cloud.Limit(limit=-1, used=0)},
    )
    return msgspec.structs.replace(base, **changes)


def want(body: dict[str, Any], **rest: Any) -> CommandRequest:
    launch = msgspec.convert(body, Launch)
    return CommandRequest(body=launch, task_id=TASK, clouds=("north", "south"), seed=7, **rest)


def planned(body: dict[str, Any], known: Facts | None = None, **rest: Any) -> Planned:
    return COMMANDS["server.create"].plan(want(body, **rest), known or facts())


def launch(**body: Any) -> dict[str, Any]:
    """The smallest launch, with more."""
    base = {"name": "web", "template": "cirros", "type": "m1.small"}
    return {key: value for key, value in {**base, **body}.items() if value is not None}


def plan(known: Facts | None = None, **body: Any) -> Plan:
    """The plan of a launch that has no fault."""
    made = planned(launch(**body), known)
    assert made.faults == ()
    return stored(made.plan)


def stored(plan: Plan) -> Plan:
    """The plan as the store has it: as JSON."""
    return plans.read(msgspec.json.decode(msgspec.json.encode(plans.data(plan))))


def faults(known: Facts | None = None, **body: Any) -> set[tuple[str, str]]:
    """Where a launch has which faults."""
    return {(one.pointer, one.code) for one in planned(launch(**body), known).faults}


def detail(known: Facts | None = None, **body: Any) -> str:
    """What a launch's only fault says."""
    [one] = planned(launch(**body), known).faults
    return one.detail


def nodes(plan: Plan, kind: str) -> list[Node]:
    return [node for node in plan.nodes if node.kind == kind]


def kinds(plan: Plan) -> list[str]:
    return [node.kind for node in plan.nodes]


def only(plan: Plan, kind: str) -> dict[str, Any]:
    """The inputs of the plan's only step of a kind."""
    [node] = nodes(plan, kind)
    return node.inputs
