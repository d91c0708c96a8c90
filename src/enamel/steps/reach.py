"""Steps towards a server that answers: its port, its web page, the host keys that it shows on its console."""

import asyncio
import re
from datetime import timedelta
from typing import ClassVar

from enamel.model.errors import CloudError, EnamelError, NotReachable
from enamel.steps.step import Context, Outputs, Step

HOST_KEYS = re.compile(
    r"-----BEGIN SSH HOST KEY KEYS-----\s*(.*?)\s*-----END SSH HOST KEY KEYS-----", re.DOTALL
)
"""How cloud-init shows a server's public host keys on the console."""


class Reach(Step, frozen=True, kw_only=True):
    """Wait until a server answers as `ready_when` asks. It costs the cloud nothing."""

    kind: ClassVar[str] = "server.reach"
    action: ClassVar[str] = "REACHING"
    repeatable: ClassVar[bool] = True
    waits: ClassVar[bool] = True
    calls: ClassVar[int] = 0
    timeout: ClassVar[timedelta] = timedelta(minutes=10)

    address: str
    ready_when: str
    """tcp/PORT, http://:PORT/path or https://:PORT/path."""
    addresses: tuple[str, ...] = ()
    """All the server's addresses, of which any may answer; only `address` if empty."""

    def timeout_error(self, seconds: float) -> EnamelError:
        """Say what does not answer."""
        listed = " and ".join(self.addresses or (self.address,))
        return NotReachable(f"{listed} did not answer as '{self.ready_when}' within {seconds:.0f} s.")

    async def do(self, at: Context) -> Outputs:
        """Try again and again, a little slower each time."""
        if not self.address:
            raise CloudError(
                f"The cloud shows no address of the server, so nobody can try whether it answers as '{self.ready_when}'.",
                cloud=at.cloud.name,
                remedy="Look at the server's ports on the cloud; restart the task when they have addresses.",
            )
        pause = 0.1
        while (address := await self._answering(at)) is None:
            await at.sleep(pause)
            pause = min(2.0, pause * 1.5)
        at.tell("server.reachable", {"address": address, "ready_when": self.ready_when})
        return {"address": address}

    async def _answering(self, at: Context) -> str | None:
        """Return the first address that answers; not every network or IP version is reached from here."""

        async def tried(address: str) -> str | None:
            return address if await at.prober.answers(address, ready_when=self.ready_when) else None

        attempts = [asyncio.ensure_future(tried(one)) for one in self.addresses or (self.address,)]
        try:
            for attempt in asyncio.as_completed(attempts):
                if (address := await attempt) is not None:
                    return address
            return None
        finally:
            for pending in attempts:
                pending.cancel()


class HostKeys(Step, frozen=True, kw_only=True):
    """Read a server's ssh host keys from its console, so that the first login need not trust blindly."""

    kind: ClassVar[str] = "server.host_keys"
    action: ClassVar[str] = "READING_HOST_KEYS"
    repeatable: ClassVar[bool] = True
    waits: ClassVar[bool] = True

    id: str

    async def do(self, at: Context) -> Outputs:
        """Read them; a console that shows none is no fault."""
        try:
            console = await at.cloud.console_log(self.id)
        except CloudError as exc:
            at.note(f"The console could not be read: {exc.detail}")
            return {"entry": {}}
        match = HOST_KEYS.search(console)
        keys = [line.strip() for line in match[1].splitlines() if line.strip()] if match else []
        return {"entry": {"ssh_host_keys": keys}}
