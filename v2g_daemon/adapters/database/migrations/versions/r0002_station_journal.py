"""The station journal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add its table."""
    op.create_table(
        "station_event",
        sa.Column("at_utc", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("station_id", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("detail", sa.String(), nullable=False),
        sqlite_with_rowid=False,
    )
