"""The cloud as operators and curious callers see it: how it bears what is asked of it, and what is known of it."""

from enamel import telemetry
from enamel.clouds import driver
from enamel.model.cloud_state import CloudState
from enamel.model.errors import CloudError, NotFound


class CloudStates:
    """Tells how clouds are. It asks them nothing: who wants to know how a busy cloud is must not make it busier."""

    def __init__(self, clouds: driver.Clouds) -> None:
        self._clouds = clouds

    def all(self) -> list[CloudState]:
        """Return every cloud of the configuration, the default one first."""
        return [self._state(name) for name in self._clouds.names()]

    def one(self, name: str) -> CloudState:
        """Return one cloud.

        Raises:
            NotFound: There is none of that name.

        """
        if name not in self._clouds.names():
            raise NotFound(f"There is no cloud '{name[:64]}'.")
        return self._state(name)

    def measure(self) -> None:
        """Set the metrics that tell how clouds are."""
        for gauge in (
            telemetry.PACE_LIMIT,
            telemetry.PACE_UNDER_WAY,
            telemetry.PACE_WAITING,
            telemetry.PACE_CLOSED,
        ):
            gauge.clear()
        for cloud in self.all():
            for one in cloud.services:
                where = {"cloud": cloud.name, "service": one.service}
                telemetry.PACE_LIMIT.labels(**where).set(one.limit)
                telemetry.PACE_UNDER_WAY.labels(**where).set(one.under_way)
                telemetry.PACE_CLOSED.labels(**where).set(one.closed_seconds)
                for lane in one.waiting.__struct_fields__:
                    telemetry.PACE_WAITING.labels(**where, lane=lane).set(getattr(one.waiting, lane))

    def _state(self, name: str) -> CloudState:
        try:
            return self._clouds.get(name).state()
        except CloudError:
            # An entry that lacks its password is a cloud all the same.
            return CloudState(name=name)
