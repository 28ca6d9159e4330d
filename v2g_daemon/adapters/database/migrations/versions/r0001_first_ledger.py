"""The first ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "session",
        sa.Column("session_id", sa.String(), primary_key=True),
        sa.Column("evse_id", sa.String(), nullable=False),
        sa.Column("vehicle_id", sa.String()),
        sa.Column("transaction_id", sa.String()),
        sa.Column("plugged_in_utc", sa.BigInteger(), nullable=False),
        sa.Column("plugged_out_utc", sa.BigInteger()),
        sa.Column("start_soc", sa.Float()),
        sa.Column("end_soc", sa.Float()),
        sa.Column("charge_milliwh", sa.BigInteger(), nullable=False),
        sa.Column("discharge_milliwh", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("session_by_start", "session", ["plugged_in_utc"])
    op.create_table(
        "pcc_interval",
        sa.Column("start_utc", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("end_utc", sa.BigInteger(), nullable=False),
        sa.Column("import_milliwh", sa.BigInteger(), nullable=False),
        sa.Column("export_milliwh", sa.BigInteger(), nullable=False),
        sa.Column("pv_milliwh", sa.BigInteger()),
        sa.Column("import_register_milliwh", sa.BigInteger()),
        sa.Column("export_register_milliwh", sa.BigInteger()),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("import_per_kwh", sa.BigInteger()),
        sa.Column("export_per_kwh", sa.BigInteger()),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "evse_interval",
        sa.Column("start_utc", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("evse_id", sa.String(), primary_key=True),
        sa.Column("end_utc", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.String(), sa.ForeignKey("session.session_id")),
        sa.Column("vehicle_id", sa.String()),
        sa.Column("charge_milliwh", sa.BigInteger(), nullable=False),
        sa.Column("discharge_milliwh", sa.BigInteger(), nullable=False),
        sa.Column("exported_milliwh", sa.BigInteger(), nullable=False),
        sa.Column("discharging_s", sa.Float(), nullable=False),
        sa.Column("wear_cost", sa.BigInteger(), nullable=False),
        sa.Column("end_soc", sa.Float()),
        sa.Column("charge_register_milliwh", sa.BigInteger()),
        sa.Column("discharge_register_milliwh", sa.BigInteger()),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("evse_interval_by_vehicle", "evse_interval", ["vehicle_id", "start_utc"])
    op.create_table(
        "decision",
        sa.Column("at_utc", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("evse_id", sa.String(), primary_key=True),
        sa.Column("target_w", sa.Float()),
        sa.Column("authority", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "soc_day",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("vehicle_id", sa.String(), primary_key=True),
        sa.Column("soc_min", sa.Float(), nullable=False),
        sa.Column("soc_mean", sa.Float(), nullable=False),
        sa.Column("soc_max", sa.Float(), nullable=False),
        sa.Column("observed_s", sa.Float(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "telemetry",
        sa.Column("minute_utc", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("pcc_power_w", sa.Float()),
        sa.Column("evse_power_w", sa.Float()),
        sa.Column("soc", sa.Float()),
        sa.Column("target_w", sa.Float()),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "latch_event",
        sa.Column("at_utc", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("evse_id", sa.String(), primary_key=True),
        sa.Column("rule", sa.String(), primary_key=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("since_utc", sa.BigInteger(), nullable=False),
        sa.Column("cleared", sa.Boolean(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "override_event",
        sa.Column("at_utc", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("evse_id", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("until_utc", sa.BigInteger(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "commissioning_record",
        sa.Column("recorded_at_utc", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("step", sa.String(), primary_key=True),
        sa.Column("evse_serial", sa.String(), primary_key=True),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sqlite_with_rowid=False,
    )
