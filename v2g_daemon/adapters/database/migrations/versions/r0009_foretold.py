"""What plans foretold of quarter hours before they came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add its table."""
    op.create_table(
        "foretold",
        sa.Column("start_utc", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("lead_h", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("net_load_w", sa.Float(), nullable=False),
        sa.Column("pv_w", sa.Float()),
        sqlite_with_rowid=False,
    )
