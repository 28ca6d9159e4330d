"""What circulates between the phases, beside the energy of the PCC."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add its column; it is not known of the rows before."""
    op.add_column("pcc_interval", sa.Column("circulating_milliwh", sa.BigInteger()))
