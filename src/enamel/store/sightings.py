"""Sightings in the store: which suspected orphans the listings have shown, and since when."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa
from msgspec import Struct

from enamel.model.orphan import Kind, Sighting, Suspect
from enamel.store.schema import sightings
from enamel.store.transaction import Tx

AT_ONCE = 500
_FORGOTTEN_AFTER = timedelta(days=30)
"""Sightings that are older than this are ignored."""


class Seen(Struct, frozen=True, kw_only=True):
    """What the listings of a project have shown."""

    now: datetime
    """The current time, by the clock of the sightings."""
    sightings: dict[tuple[Kind, str], Sighting]


def all(tx: Tx, *, cloud: str, project_id: str) -> Seen:
    """Return what the listings of a project have shown."""
    query = sa.select(sightings).where(*_of(cloud, project_id))
    known = {
        (row["kind"], row["id"]): Sighting(first=row["first_seen"], last=row["last_seen"], looks=row["looks"])
        for row in tx.rows(query)
        if row["last_seen"] >= tx.now - _FORGOTTEN_AFTER
    }
    return Seen(now=tx.now, sightings=known)


def note(
    tx: Tx, suspects: Iterable[Suspect], *, kinds: Collection[Kind], cloud: str, project_id: str
) -> Seen:
    """Store what a listing has shown and forget what it has not; return all sightings of the project.

    Args:
        tx: The transaction.
        suspects: What the listing has shown.
        kinds: The kinds that were listed.
        cloud: The cloud.
        project_id: The project.

    """
    query = sa.select(sightings).where(*_of(cloud, project_id))
    known = {(row["kind"], row["id"]): row for row in tx.rows(query)}
    orphans = {(suspect.kind, suspect.id): suspect for suspect in suspects}
    rows = []
    for key, suspect in orphans.items():
        before = known.get(key)
        # A suspicion for another reason begins now.
        goes_on = (
            before is not None
            and before["why"] is suspect.why
            and before["last_seen"] >= tx.now - _FORGOTTEN_AFTER
        )
        rows.append(
            {
                "cloud": cloud,
                "project_id": project_id,
                "kind": suspect.kind,
                "id": suspect.id,
                "why": suspect.why,
                "first_seen": before["first_seen"] if before and goes_on else tx.now,
                "last_seen": tx.now,
                "looks": before["looks"] + 1 if before and goes_on else 1,
            }
        )
    values = (sightings.c.why, sightings.c.first_seen, sightings.c.last_seen, sightings.c.looks)
    tx.upsert(sightings, rows, update=values)
    for kind in kinds:
        cleared = [id for other, id in known if other is kind and (other, id) not in orphans]
        for start in range(0, len(cleared), AT_ONCE):
            some = sightings.c.id.in_(cleared[start : start + AT_ONCE])
            tx.execute(sa.delete(sightings).where(*_of(cloud, project_id), sightings.c.kind == kind, some))
    return all(tx, cloud=cloud, project_id=project_id)


def _of(cloud: str, project_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return sightings.c.cloud == cloud, sightings.c.project_id == project_id
