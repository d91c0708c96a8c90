"""The documents that describe a table of routes: JSON Home, OpenAPI, schemas."""

from typing import Any

from enamel.api import home, openapi, schemas
from enamel.api.route import Table


class TableDocuments:
    """Describes the routes of a table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def home(self) -> dict[str, Any]:
        """Return the JSON Home document."""
        return home.document(self._table)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        return openapi.document(self._table)

    def schema_names(self) -> tuple[str, ...]:
        """Return the names of all schemas."""
        return schemas.names(self._table)

    def schema(self, name: str) -> dict[str, Any] | None:
        """Return one schema, or None if no body has that name."""
        return schemas.document(self._table, name)
