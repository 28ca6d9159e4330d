"""Schema history; read by alembic, and only when a stored schema is older than this version's."""
