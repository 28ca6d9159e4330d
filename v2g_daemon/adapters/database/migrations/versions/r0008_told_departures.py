"""When the owner said that a car leaves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add their table."""
    op.create_table(
        "told_departure",
        sa.Column("told_at_utc", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("vehicle_id", sa.String(), primary_key=True),
        sa.Column("ready_by_utc", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("soc", sa.Float()),
        sa.Column("energy_wh", sa.Float()),
        sa.Column("returns_at_utc", sa.BigInteger()),
        sa.Column("trip_wh", sa.Float(), nullable=False),
        sa.Column("taken_back_utc", sa.BigInteger()),
        sqlite_with_rowid=False,
    )
