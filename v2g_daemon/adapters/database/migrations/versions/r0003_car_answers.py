"""The owner's answers to which car it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add their table."""
    op.create_table(
        "car_answer",
        sa.Column("answered_at_utc", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("evse_id", sa.String(), primary_key=True),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("vehicle_id", sa.String()),
        sqlite_with_rowid=False,
    )
