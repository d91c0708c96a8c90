"""`orphans.clean`: delete orphans that are proposed and that the caller names."""

from collections.abc import Sequence
from datetime import timedelta

from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded, OrphanFactsNeeded
from enamel.commands.orphan import find
from enamel.flow.draft import Draft, Handle
from enamel.model import duration
from enamel.model.errors import Fault
from enamel.model.orphan import CleanRequest, Kind, Orphan, Why
from enamel.steps.orphan import RemoveOrphan

_ORDER = (
    Kind.SERVER,
    Kind.PORT,
    Kind.ADDRESS,
    Kind.VOLUME,
    Kind.SECURITY_GROUP,
    Kind.SERVER_GROUP,
    Kind.NETWORK,
)
"""The order of deletion: what uses others first."""
_HOLDERS = (Kind.SERVER, Kind.PORT)
"""What other things of the same task hang on."""
AT_ONCE = 200
"""Resources that one task deletes at the most."""


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the orphans."""
    body: CleanRequest = request.body
    kinds = frozenset(body.kinds or Kind) if body.ids is None else frozenset(Kind)
    return FactsNeeded(
        orphans=OrphanFactsNeeded(kinds=kinds, min_age=_age(body.min_age), foreign=body.foreign)
    )


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that deletes orphans, each checked once more before."""
    body: CleanRequest = request.body
    faults = list(_age_faults(body))
    if body.ids is not None:
        chosen, more = _named(body.ids, facts.orphans)
        faults += more
    else:
        chosen = [orphan for orphan in facts.orphans if _is_meant(orphan, body)][:AT_ONCE]
    draft = Draft()
    held: dict[tuple[str, Kind], list[Handle]] = {}
    for kind in _ORDER:
        for orphan in (suspect for suspect in chosen if suspect.kind is kind):
            before = [
                handle
                for holder in _HOLDERS
                if holder is not kind
                for handle in held.get((orphan.task or "", holder), ())
            ]
            step = RemoveOrphan(what=orphan.kind, id=orphan.id, name=orphan.name, mark=orphan.mark)
            handle = draft.add(step, name=f"remove-{kind.value.lower()}-{orphan.id}", after=before)
            if kind in _HOLDERS and orphan.task:
                held.setdefault((orphan.task, kind), []).append(handle)
    return Planned(plan=draft.plan(on_failure="keep"), faults=tuple(faults), timeout=timedelta(hours=1))


def _is_meant(orphan: Orphan, body: CleanRequest) -> bool:
    """Tell whether a caller who names no ids means an orphan."""
    if not orphan.proposed or orphan.used:
        return False
    # Nobody knows what is unused for long: only who names its kind means that.
    return body.kinds is not None or orphan.why is not Why.UNUSED


def _named(ids: Sequence[str], orphans: Sequence[Orphan]) -> tuple[list[Orphan], list[Fault]]:
    """Return the orphans that have ids, and a fault for each id that cannot be cleaned up."""
    chosen: dict[str, Orphan] = {}
    faults = []
    for place, id in enumerate(ids):
        orphan = find.of(orphans, id.lower())
        if orphan is None:
            detail = f"'{id}' belongs to somebody, or is not there; `GET /orphans` lists what does not."
            faults.append(Fault(pointer=f"/ids/{place}", detail=detail, code="unknown"))
        elif not orphan.proposed:
            detail = f"{orphan.kind.noun} '{orphan.name or id}' is not proposed yet: it waits for {orphan.waits_for}."
            faults.append(Fault(pointer=f"/ids/{place}", detail=detail, code="not_proposed"))
        else:
            chosen[orphan.id] = orphan
    return list(chosen.values()), faults


def _age(text: str | None) -> timedelta | None:
    try:
        return duration.parse(text) if text else None
    except ValueError:
        return None


def _age_faults(body: CleanRequest) -> Sequence[Fault]:
    try:
        if body.min_age is not None:
            duration.parse(body.min_age)
    except ValueError as exc:
        return [Fault(pointer="/min_age", detail=str(exc))]
    return []
