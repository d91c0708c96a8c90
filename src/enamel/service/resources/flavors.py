"""The flavors of a cloud, as far as the caller can use them."""

from collections.abc import Collection, Sequence

from enamel.clouds import driver
from enamel.model import cloud as cloud_model
from enamel.model.errors import NotFound


async def find(account: driver.Cloud, text: str) -> cloud_model.Flavor:
    """Return the flavor that has an id or a name, and that the caller can use. Raises NotFound."""
    return named(await usable(account, (text,)), text)


async def usable(account: driver.Cloud, names: Collection[str] = ()) -> Sequence[cloud_model.Flavor]:
    """Return the flavors that the caller can use: what the cloud shows, less what is shared with others alone.

    Args:
        account: The caller's project on the cloud.
        names: Names or ids of which one may be a flavor that the list does not show.
    """
    me = await account.identity()
    return [flavor for flavor in await account.flavors_named(names) if flavor.usable_by(me)]


def named(flavors: Collection[cloud_model.Flavor], text: str) -> cloud_model.Flavor:
    """Return the flavor that has an id, or else a name. Raises NotFound."""
    by_id = (flavor for flavor in flavors if flavor.id == text)
    by_name = (flavor for flavor in flavors if flavor.name == text)
    flavor = next(by_id, None) or next(by_name, None)
    if flavor is None:
        raise NotFound(f"There is no server type '{text[:64]}'.")
    return flavor
