"""The tables, each keyed by what it speaks of, so that writing a row twice changes nothing."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

from v2g_daemon.adapters.database.types import Day, Money, UtcMoment

metadata = MetaData()

# `sqlite_with_rowid=False`: rows lie in the order of their key; a new one touches one page only.
session = Table(
    "session",
    metadata,
    Column("session_id", String, primary_key=True),
    Column("evse_id", String, nullable=False),
    Column("vehicle_id", String),
    Column("transaction_id", String),
    Column("plugged_in_utc", UtcMoment, nullable=False),
    Column("plugged_out_utc", UtcMoment),
    Column("start_soc", Float),
    Column("end_soc", Float),
    Column("charge_milliwh", BigInteger, nullable=False),
    Column("discharge_milliwh", BigInteger, nullable=False),
    Index("session_by_start", "plugged_in_utc"),
    sqlite_with_rowid=False,
)

pcc_interval = Table(
    "pcc_interval",
    metadata,
    Column("start_utc", UtcMoment, primary_key=True, autoincrement=False),
    Column("end_utc", UtcMoment, nullable=False),
    Column("import_milliwh", BigInteger, nullable=False),
    Column("export_milliwh", BigInteger, nullable=False),
    Column("pv_milliwh", BigInteger),
    Column("import_register_milliwh", BigInteger),
    Column("export_register_milliwh", BigInteger),
    Column("estimated", Boolean, nullable=False),
    Column("import_per_kwh", Money),
    Column("export_per_kwh", Money),
    Column("currency", String, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("circulating_milliwh", BigInteger),
    sqlite_with_rowid=False,
)

evse_interval = Table(
    "evse_interval",
    metadata,
    Column("start_utc", UtcMoment, primary_key=True, autoincrement=False),
    Column("evse_id", String, primary_key=True),
    Column("end_utc", UtcMoment, nullable=False),
    Column("session_id", String, ForeignKey("session.session_id")),
    Column("vehicle_id", String),
    Column("charge_milliwh", BigInteger, nullable=False),
    Column("discharge_milliwh", BigInteger, nullable=False),
    Column("exported_milliwh", BigInteger, nullable=False),
    Column("discharging_s", Float, nullable=False),
    Column("wear_cost", Money, nullable=False),
    Column("end_soc", Float),
    Column("charge_register_milliwh", BigInteger),
    Column("discharge_register_milliwh", BigInteger),
    Column("estimated", Boolean, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Index("evse_interval_by_vehicle", "vehicle_id", "start_utc"),
    sqlite_with_rowid=False,
)

decision = Table(
    "decision",
    metadata,
    Column("at_utc", UtcMoment, primary_key=True, autoincrement=False),
    Column("evse_id", String, primary_key=True),
    Column("target_w", Float),
    Column("authority", Integer, nullable=False),
    Column("rule", String, nullable=False),
    Column("detail", String, nullable=False),
    Column("changes_count", Integer, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

soc_day = Table(
    "soc_day",
    metadata,
    Column("day", Day, primary_key=True),
    Column("vehicle_id", String, primary_key=True),
    Column("soc_min", Float, nullable=False),
    Column("soc_mean", Float, nullable=False),
    Column("soc_max", Float, nullable=False),
    Column("observed_s", Float, nullable=False),
    sqlite_with_rowid=False,
)

telemetry = Table(
    "telemetry",
    metadata,
    Column("minute_utc", UtcMoment, primary_key=True, autoincrement=False),
    Column("pcc_power_w", Float),
    Column("evse_power_w", Float),
    Column("soc", Float),
    Column("target_w", Float),
    sqlite_with_rowid=False,
)

foretold = Table(
    "foretold",
    metadata,
    Column("start_utc", UtcMoment, primary_key=True, autoincrement=False),
    Column("lead_h", Integer, primary_key=True, autoincrement=False),
    Column("net_load_w", Float, nullable=False),
    Column("pv_w", Float),
    sqlite_with_rowid=False,
)

latch_event = Table(
    "latch_event",
    metadata,
    Column("at_utc", UtcMoment, primary_key=True, autoincrement=False),
    Column("evse_id", String, primary_key=True),
    Column("rule", String, primary_key=True),
    Column("detail", String, nullable=False),
    Column("since_utc", UtcMoment, nullable=False),
    Column("cleared", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

override_event = Table(
    "override_event",
    metadata,
    Column("at_utc", UtcMoment, primary_key=True, autoincrement=False),
    Column("evse_id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("until_utc", UtcMoment, nullable=False),
    Column("confirmed", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

told_departure = Table(
    "told_departure",
    metadata,
    Column("told_at_utc", UtcMoment, primary_key=True, autoincrement=False),
    Column("vehicle_id", String, primary_key=True),
    Column("ready_by_utc", UtcMoment, primary_key=True, autoincrement=False),
    Column("soc", Float),
    Column("energy_wh", Float),
    Column("returns_at_utc", UtcMoment),
    Column("trip_wh", Float, nullable=False),
    Column("taken_back_utc", UtcMoment),
    sqlite_with_rowid=False,
)

station_event = Table(
    "station_event",
    metadata,
    Column("at_utc", UtcMoment, primary_key=True, autoincrement=False),
    Column("station_id", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("detail", String, nullable=False),
    sqlite_with_rowid=False,
)

commissioning_record = Table(
    "commissioning_record",
    metadata,
    Column("recorded_at_utc", UtcMoment, primary_key=True, autoincrement=False),
    Column("step", String, primary_key=True),
    Column("evse_serial", String, primary_key=True),
    Column("recorded_by", String, nullable=False),
    Column("evidence", String, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("meter_serial", String),
    sqlite_with_rowid=False,
)

car_answer = Table(
    "car_answer",
    metadata,
    Column("answered_at_utc", UtcMoment, primary_key=True, autoincrement=False),
    Column("evse_id", String, primary_key=True),
    Column("session_id", String, nullable=False),
    Column("vehicle_id", String),
    sqlite_with_rowid=False,
)
