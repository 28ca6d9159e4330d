"""How many new setpoints stand behind each decision of record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add its column; of the rows before none is known."""
    op.add_column(
        "decision", sa.Column("changes_count", sa.Integer(), nullable=False, server_default="0")
    )
