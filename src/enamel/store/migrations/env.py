"""The script that Alembic runs: the migrations, on the connection that `upgrade` passes."""

from alembic import context

from enamel.store import schema

context.configure(connection=context.config.attributes["connection"], target_metadata=schema.metadata)
context.run_migrations()
