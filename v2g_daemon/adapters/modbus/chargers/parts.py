"""One charger's parts put together on its bus."""

from __future__ import annotations

from collections.abc import Callable

from v2g_daemon.adapters.modbus.bus import Bus
from v2g_daemon.adapters.modbus.chargers.config import ChargerConfig
from v2g_daemon.adapters.modbus.chargers.driver import ModbusCharger
from v2g_daemon.adapters.modbus.chargers.families import family_of
from v2g_daemon.adapters.modbus.chargers.family import ChargerFamily
from v2g_daemon.adapters.modbus.chargers.profile import ChargerProfile
from v2g_daemon.adapters.modbus.chargers.registers import Registers
from v2g_daemon.adapters.modbus.chargers.writes import WriteCount
from v2g_daemon.ports import Clock, ObservationSink, StationJournal


def modbus_charger(
    bus: Bus,
    *,
    unit_id: int,
    config: ChargerConfig,
    clock: Clock,
    sink: ObservationSink,
    journal: StationJournal,
    speed: float = 1.0,
) -> ModbusCharger:
    """The driver of a charger on a bus; it runs nothing yet. `speed` is that of the clock."""
    writes = WriteCount(config.evse_id, journal=journal, zone=config.zone)
    family = charger_family(
        bus,
        unit_id=unit_id,
        profile=config.profile,
        connector=config.connector,
        on_write=lambda flash: writes.note(clock.now(), flash=flash),
        speed=speed,
    )
    return ModbusCharger(config=config, family=family, clock=clock, sink=sink, writes=writes)


def charger_family(
    bus: Bus,
    *,
    unit_id: int,
    profile: ChargerProfile,
    connector: int,
    on_write: Callable[[bool], None],
    speed: float = 1.0,
) -> ChargerFamily:
    """The registers and sequences of a charger, without a driver."""
    unit = bus.unit(
        unit_id,
        min_gap_s=profile.min_gap_ms / 1000.0 / speed,
        settle_s=profile.settle_ms / 1000.0 / speed,
    )
    registers = Registers(
        unit,
        word_order=profile.word_order,
        register=profile.point,
        blocks=profile.block,
        connector=connector,
        on_write=on_write,
    )
    return family_of(profile, registers)
