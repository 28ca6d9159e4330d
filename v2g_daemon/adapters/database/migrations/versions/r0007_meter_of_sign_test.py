"""Which grid meter a sign test was made with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add its serial number; of the records before none is known."""
    op.add_column("commissioning_record", sa.Column("meter_serial", sa.String()))
