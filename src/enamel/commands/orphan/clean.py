"""`orphans.clean`: what belongs to nobody goes, as far as it is proposed and the caller asks for it."""

from collections.abc import Sequence
from datetime import timedelta

from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded, OrphanFactsNeeded
from enamel.commands.orphan import find
from enamel.flow.draft import Draft, Handle
from enamel.model import duration
from enamel.model.errors import Fault
from enamel.model.orphan import CleanWish, Kind, Orphan, Why
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
"""What goes first: what uses others."""
_HOLDERS = (Kind.SERVER, Kind.PORT)
"""What other things of the same task hang on."""
AT_ONCE = 200
"""So many things at the most go with one task."""


def ask(want: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the orphans."""
    wish: CleanWish = want.body
    kinds = frozenset(wish.kinds or Kind) if wish.ids is None else frozenset(Kind)
    return FactsNeeded(
        orphans=OrphanFactsNeeded(kinds=kinds, min_age=_age(wish.min_age), foreign=wish.foreign)
    )


def plan(want: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that takes orphans away, each looked at once more before it goes."""
    wish: CleanWish = want.body
    faults = list(_age_faults(wish))
    if wish.ids is not None:
        chosen, more = _named(wish.ids, facts.orphans)
        faults += more
    else:
        chosen = [one for one in facts.orphans if _is_meant(one, wish)][:AT_ONCE]
    draft = Draft()
    held: dict[tuple[str, Kind], list[Handle]] = {}
    for kind in _ORDER:
        for one in (found for found in chosen if found.kind is kind):
            before = [
                handle
                for holder in _HOLDERS
                if holder is not kind
                for handle in held.get((one.task or "", holder), ())
            ]
            step = RemoveOrphan(what=one.kind, id=one.id, name=one.name, mark=one.mark)
            handle = draft.add(step, name=f"remove-{kind.value}-{one.id}", after=before)
            if kind in _HOLDERS and one.task:
                held.setdefault((one.task, kind), []).append(handle)
    return Planned(plan=draft.plan(on_failure="keep"), faults=tuple(faults), timeout=timedelta(hours=1))


def _is_meant(one: Orphan, wish: CleanWish) -> bool:
    """Tell whether a caller who names no ids means an orphan."""
    if not one.proposed or one.used:
        return False
    # Nobody knows what is unused for long: only who names its kind means that.
    return wish.kinds is not None or one.why is not Why.UNUSED


def _named(ids: Sequence[str], orphans: Sequence[Orphan]) -> tuple[list[Orphan], list[Fault]]:
    """Return the orphans that have ids, and a fault for each id that cannot be cleaned up."""
    chosen: dict[str, Orphan] = {}
    faults = []
    for place, id in enumerate(ids):
        found = find.of(orphans, id.lower())
        if found is None:
            detail = f"'{id}' belongs to somebody, or is not there; `GET /orphans` lists what does not."
            faults.append(Fault(pointer=f"/ids/{place}", detail=detail, code="unknown"))
        elif not found.proposed:
            detail = f"{found.kind.value} '{found.name or id}' is not proposed yet: it waits for {found.waits_for}."
            faults.append(Fault(pointer=f"/ids/{place}", detail=detail, code="not_proposed"))
        else:
            chosen[found.id] = found
    return list(chosen.values()), faults


def _age(text: str | None) -> timedelta | None:
    try:
        return duration.parse(text) if text else None
    except ValueError:
        return None


def _age_faults(wish: CleanWish) -> Sequence[Fault]:
    try:
        if wish.min_age is not None:
            duration.parse(wish.min_age)
    except ValueError as exc:
        return [Fault(pointer="/min_age", detail=str(exc))]
    return []
