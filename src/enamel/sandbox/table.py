"""Rows of one kind, found by id, by project, or by another row they belong to.

Every service keeps its resources as plain JSON objects in tables like these, so that no request has
to walk over the rows of other projects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Row = dict[str, Any]


class Table:
    """All rows of one kind, in the order of creation."""

    def __init__(self, *, project: str = "project_id") -> None:
        """Start empty; `project` names the field with the owning project."""
        self._project = project
        self._rows: dict[str, Row] = {}
        self._owned: dict[str, dict[str, Row]] = {}

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, row_id: object) -> bool:
        return isinstance(row_id, str) and row_id in self._rows

    def __getitem__(self, row_id: str) -> Row:
        return self._rows[row_id]

    def get(self, row_id: object) -> Row | None:
        """Return the row with that id, or None; ids come out of bodies, so they may be anything."""
        return self._rows.get(row_id) if isinstance(row_id, str) else None

    def add(self, row: Row) -> Row:
        """Keep a row and return it."""
        self._rows[row["id"]] = row
        self._owned.setdefault(row[self._project], {})[row["id"]] = row
        return row

    def drop(self, row_id: str) -> Row | None:
        """Delete a row and return it, or None if it did not exist."""
        row = self._rows.pop(row_id, None)
        if row is not None:
            self._owned[row[self._project]].pop(row_id, None)
        return row

    def give(self, row: Row, *, project_id: str) -> None:
        """Move a row to another project."""
        self._owned[row[self._project]].pop(row["id"], None)
        row[self._project] = project_id
        self._owned.setdefault(project_id, {})[row["id"]] = row

    def of(self, project_id: str) -> Iterable[Row]:
        """Return the rows of one project, oldest first."""
        return self._owned.get(project_id, {}).values()

    def count(self, project_id: str) -> int:
        """Return how many rows a project has."""
        return len(self._owned.get(project_id, {}))


class Index:
    """Ids of rows by the id of their owner, in the order of creation."""

    def __init__(self) -> None:
        """Start empty."""
        self._ids: dict[str, dict[str, None]] = {}

    def add(self, owner: str, row_id: str) -> None:
        """Add a row to an owner; without an owner, do nothing."""
        if owner:
            self._ids.setdefault(owner, {})[row_id] = None

    def drop(self, owner: str, row_id: str) -> None:
        """Remove a row from an owner."""
        ids = self._ids.get(owner)
        if ids is not None:
            ids.pop(row_id, None)
            if not ids:
                del self._ids[owner]

    def of(self, owner: str) -> list[str]:
        """Return the ids that belong to an owner."""
        return list(self._ids.get(owner, ()))

    def any(self, owner: str) -> bool:
        """Return whether anything belongs to an owner."""
        return owner in self._ids
