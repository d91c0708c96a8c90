"""The strategy of a launch: whether its ports are made before the servers, or by the cloud along with them."""

from enamel.commands.launch.server_request import network_choices
from enamel.commands.launch.servers import RequestedServers
from enamel.model.launch import ServerRequest

MAX_TOGETHER = 100
"""Servers that are booted with one request at the most."""


def ports_first(requested: RequestedServers) -> bool:
    """Tell whether the ports are made before the servers."""
    requests = [server.request for server in requested.members]
    if any(map(_needs_own_ports, requests)):
        return True
    if len(requests) == 1:
        return False
    return any(map(_is_special, requests)) or not requested.numbered or len(requests) > MAX_TOGETHER


def _needs_own_ports(request: ServerRequest) -> bool:
    """Tell whether a server needs ports of its own even where it is the only one."""
    networks = network_choices(request)
    return (
        request.placement is not None
        or request.placement_id is not None
        # Nova would give a server with no security group the project's default.
        or request.security_groups == []
        # With several interfaces it matters which of the ports the public address is put on.
        or len(networks) > 1
        or any(choice.subnet for choice in networks)
    )


def _is_special(request: ServerRequest) -> bool:
    """Tell whether a server has something that cannot be given to several in one request."""
    fixed = any(choice.fixed_ip or choice.port for choice in network_choices(request))
    return fixed or bool(request.volumes) or request.boot_volume is not None
