"""The rename: another host name for a server, which no other server of its project has."""

from enamel.model.caller import Caller
from enamel.model.errors import NameTaken
from enamel.service.tasks.read import Read


async def rename(read: Read, caller: Caller, id: str, name: str) -> None:
    """Give a server another name.

    Raises:
        NotFound: There is no such server.
        NameTaken: Another server of the project has the name.

    """
    found, where = await read.find(caller, id)
    if found.name == name:
        return
    if any(one.id != found.id for one in await where.servers_named([name])):
        raise NameTaken(f"Another server of the project has the name '{name}'.", cloud=where.name)
    await where.rename_server(found.id, name)
