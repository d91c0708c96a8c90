"""A stack of OpenStack's own orchestration, Heat."""

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import openstack
import yaml

from benchmarks.launch import ground
from benchmarks.launch.lap import Want


class Stack:
    """Launches with Heat, where the cloud has it. What Heat itself calls does not pass our counter."""

    service = None
    remembers = False

    def __init__(self, entry: str) -> None:
        self._cloud = openstack.connect(cloud=entry)

    def launch(self, want: Want, *, prefix: str) -> None:
        """Create a stack and wait for it."""
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / "stack.yaml"
            file.write_text(yaml.safe_dump(template(want, prefix=prefix)))
            self._cloud.create_stack(prefix, template_file=str(file), wait=True, timeout=900)

    def remove(self, prefix: str) -> None:
        """Delete the stack."""
        self._cloud.delete_stack(prefix, wait=True)

    def close(self) -> None:
        """Give back the connection."""
        self._cloud.close()


def template(want: Want, *, prefix: str) -> dict[str, Any]:
    """Return a template that makes the servers."""
    resources: dict[str, Any] = {}
    for number in range(want.count):
        name = f"{prefix}-{number}"
        resources[f"port{number}"] = {
            "type": "OS::Neutron::Port",
            "properties": {"network": ground.NETWORK, "name": name},
        }
        port = {"get_resource": f"port{number}"}
        resources[f"server{number}"] = {
            "type": "OS::Nova::Server",
            "properties": {
                "name": name,
                "image": ground.IMAGE,
                "flavor": ground.TYPE,
                "networks": [{"port": port}],
            },
        }
        resources[f"address{number}"] = {
            "type": "OS::Neutron::FloatingIP",
            "properties": {"floating_network": ground.OUTSIDE, "port_id": port},
        }
        if want.volume:
            resources[f"volume{number}"] = {
                "type": "OS::Cinder::Volume",
                "properties": {"name": name, "size": 1},
            }
            resources[f"link{number}"] = {
                "type": "OS::Cinder::VolumeAttachment",
                "properties": {
                    "instance_uuid": {"get_resource": f"server{number}"},
                    "volume_id": {"get_resource": f"volume{number}"},
                },
            }
    return {"heat_template_version": "2018-08-31", "resources": resources}


def offered(entry: str) -> bool:
    """Tell whether a cloud has it."""
    with contextlib.closing(openstack.connect(cloud=entry)) as cloud:
        return cloud.has_service("orchestration")
