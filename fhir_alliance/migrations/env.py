"""Run the migrations on the connection, and in the transaction, of whoever opens the store."""

from alembic import context

from fhir_alliance.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
