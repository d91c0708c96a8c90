"""Where a fault is, in the words of the command line: `--network` in place of `/networks/0`."""

from collections.abc import Iterator

import click

PARAMETERS: dict[str, tuple[str, ...]] = {
    "defaults/type": ("type",),
    "fixed_ip": ("fixed_address", "address"),
    "from": ("address_network", "start"),
    "keypair": ("keypair", "name"),
    "kind": ("series", "kind"),
    "kinds": ("kind",),
    "networks": ("network",),
    "project_id": ("project",),
    "properties": ("property",),
    "public_address/address": ("address",),
    "public_address/from": ("address_network",),
    "security_groups": ("security_group",),
    "size_gb": ("size", "volume"),
    "spec/cpu_units": ("cpu",),
    "spec/memory_mb": ("memory",),
    "spec/root_disk_gb": ("disk",),
    "spec/swap_mb": ("swap",),
    "tags": ("tag", "tags"),
    "virt_state": ("state",),
    "visibility": ("public", "visibility"),
    "volumes": ("volume",),
    "with": ("along",),
}
"""The parameters of commands that set a field of a request, where they are not called the same."""


def spelled(pointer: str) -> str:
    """Return the option of the running command that set what a JSON pointer leads to; else the pointer itself."""
    context = click.get_current_context(silent=True)
    if context is None or context.params.get("file"):
        return pointer
    parameters = {parameter.name: parameter for parameter in context.command.params}
    for field in _fields(pointer):
        for name in PARAMETERS.get(field, (field,)):
            if name in parameters:
                return _spelling(parameters[name])
    return pointer


def _fields(pointer: str) -> Iterator[str]:
    """Yield the fields that a pointer leads through, the innermost one first; numbers are left out."""
    parts = [part for part in pointer.lstrip("?").split("/") if part and not part.isdigit()]
    while parts:
        yield "/".join(parts)
        parts.pop()


def _spelling(parameter: click.Parameter) -> str:
    return parameter.opts[0] if isinstance(parameter, click.Option) else parameter.human_readable_name
