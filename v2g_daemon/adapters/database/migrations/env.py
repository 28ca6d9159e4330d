"""Run by alembic with the connection, and in the transaction, of the opening ledger."""

from __future__ import annotations

from alembic import context

from v2g_daemon.adapters.database.tables import metadata

# SQLite's DDL is transactional too, since our transactions begin with BEGIN IMMEDIATE.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
