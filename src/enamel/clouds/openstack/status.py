"""The status of an OpenStack cloud: how its gates stand, and what is known of it without asking."""

from enamel.clouds.calls import cache
from enamel.clouds.openstack.identity import session
from enamel.clouds.pacing import gate as pacing_gate
from enamel.model import cloud_state
from enamel.model.cloud_state import CloudState


def of(
    name: str,
    *,
    gates: pacing_gate.Pace,
    keystone: session.Session,
    kept: cache.Cache,
    versions: dict[str, str],
) -> CloudState:
    """Return the state of a cloud; nothing is asked of it."""
    return CloudState(
        name=name,
        services=tuple(_service(gate) for _, gate in sorted(gates.gates.items())),
        unusable=keystone.unusable,
        token=keystone.token,
        versions={**keystone.versions, **versions},
        cached=tuple(
            cloud_state.Cached(kind=kind, seconds=round(seconds, 1)) for kind, seconds in kept.kinds()
        ),
    )


def _service(gate: pacing_gate.Gate) -> cloud_state.ServiceState:
    budget, last = gate.budget, gate.last_complaint
    rate, slowness = budget.rate, gate.strain.times
    return cloud_state.ServiceState(
        service=gate.service,
        limit=budget.limit,
        ceiling=budget.ceiling.max_concurrent_calls,
        processes=budget.share,
        rate=None if rate is None else round(rate, 2),
        under_way=gate.inside,
        waiting=cloud_state.Waiting(**{lane.name.lower(): number for lane, number in gate.waiting.items()}),
        closed_seconds=round(gate.closed_for, 1),
        complaints=gate.complaints,
        last_complaint=None
        if last is None
        else cloud_state.Complaint(
            at=last.at, trouble=last.trouble.value, status=last.status, pause_seconds=last.pause
        ),
        slowness=None if slowness is None else round(slowness, 1),
    )
