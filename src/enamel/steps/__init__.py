"""The steps that plans are made of: one file per kind of resource, one class per effect."""

from enamel.steps import (
    address,
    keypair,
    network,
    port,
    reach,
    revert,
    security_group,
    server,
    server_group,
    volume,
)
from enamel.steps.step import Step

KINDS: dict[str, type[Step]] = {
    "address.create": address.CreateAddress,
    "address.delete": address.DeleteAddress,
    "address.move": address.MoveAddress,
    "keypair.import": keypair.ImportKeypair,
    "network.auto": network.AutoNetwork,
    "port.create": port.CreatePorts,
    "port.delete": port.DeletePort,
    "port.find": port.FindPorts,
    "security_group.create": security_group.CreateSecurityGroup,
    "security_group.delete": security_group.DeleteSecurityGroup,
    "server.await_active": server.AwaitActive,
    "server.boot": server.Boot,
    "server.delete": server.DeleteServer,
    "server.host_keys": reach.HostKeys,
    "server.reach": reach.Reach,
    "server_group.create": server_group.CreateServerGroup,
    "task.undo": revert.Revert,
    "volume.await": volume.AwaitVolume,
    "volume.create": volume.CreateVolume,
    "volume.delete": volume.DeleteVolume,
}
"""Every kind of step by its permanent name."""
