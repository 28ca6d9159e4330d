"""The meters and chargers of a house, each looked at once; nothing is ever written to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from v2g_daemon.adapters.modbus.bus import Buses
from v2g_daemon.adapters.modbus.chargers.parts import charger_family
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.app import meters
from v2g_daemon.app.chargers import ChargerPlan, charger_plans
from v2g_daemon.app.findings import Finding, bad, good, unknown
from v2g_daemon.app.meters import MeterPlan
from v2g_daemon.domain.errors import DeviceError, DeviceProtocolError
from v2g_daemon.domain.policy import Stage
from v2g_daemon.domain.readings import MeterReading, MeterRole
from v2g_daemon.domain.snapshot import CommissioningRecord, CommissioningStep
from v2g_daemon.ports import Meter
from v2g_daemon.runtime.meter_reader import implausible
from v2g_daemon.settings import Settings

LONGEST_S = 20.0  # real: a P1 port sends every ten seconds
LATEST_S = 5.0
_REACH = "is it on, in the same network, and is its link right? v2g scan shows what answers"

Records = tuple[CommissioningRecord, ...]
Status = dict[str, Any] | None


async def meter_lines(
    settings: Settings, records: Records, status: Status
) -> AsyncIterator[Finding]:
    """Reachable, the right one, plausible, fresh, and at the grid with its sign on record."""
    if not settings.has_grid_meter:
        yield unknown("meter", "none at the grid, so the house only charges", "v2g scan finds one")
    buses = Buses()
    for plan in meters.meter_plans(settings):
        what = f"meter {plan.meter_id}"
        if status is not None:
            serial, finding = _told(what, plan, status)
        else:
            serial, finding = await _read(what, plan, settings, buses)
        yield finding
        if plan.role is MeterRole.GRID and finding.is_good and _wants_more(settings):
            yield _sign(what, serial, records)


async def charger_lines(
    settings: Settings, records: Records, status: Status
) -> AsyncIterator[Finding]:
    """Reachable and the right one; a station is only known to a running daemon."""
    plans = {plan.evse_id: plan for plan in charger_plans(settings)}
    buses = Buses()
    for charger in settings.charger:
        what, plan = f"charger {charger.id}", plans.get(charger.id)
        if status is not None:
            yield _connected(what, charger.id, status)
        elif plan is not None:
            yield await _met(what, plan, buses)
        else:
            yield unknown(
                what,
                f"station {charger.station_id} connects to the daemon, which does not run",
                "start it, and ask again",
            )


async def _read(
    what: str, plan: MeterPlan, settings: Settings, buses: Buses
) -> tuple[str | None, Finding]:
    meter = meters.meter_of(plan.source, RealClock(), buses)
    if meter is None:
        return None, unknown(what, "is told by a charging station", "start the daemon")
    try:
        async with asyncio.timeout(LONGEST_S):
            reading = await _twice(meter)
    except (DeviceError, TimeoutError) as error:
        fix = "compare profile and unit_id" if isinstance(error, DeviceProtocolError) else _REACH
        return None, bad(what, str(error) or f"no answer in {LONGEST_S:g} s", fix)
    finally:
        await meter.close()
    site = settings.site
    fuse_w = site.main_fuse_a * site.nominal_voltage_v * site.phases
    nonsense = implausible(reading, main_fuse_w=fuse_w)
    if nonsense is not None:
        return None, bad(
            what, f"reads {nonsense}", "compare profile, word order and site.main_fuse_a"
        )
    age_s = RealClock().now().seconds_since(reading.observed_at)
    if age_s > LATEST_S:
        return None, bad(what, f"its reading is {age_s:.0f} s old", "look at its link")
    number = "no serial number" if reading.serial is None else f"serial number {reading.serial}"
    known_by = reading.serial or meters.place_of(plan.source)
    return known_by, good(what, f"{reading.power_w:.0f} W, {number}")


async def _twice(meter: Meter) -> MeterReading:
    """The second try: a first question may wake a gateway, or fall into another's telegram."""
    try:
        return await meter.read()
    except DeviceError:
        await asyncio.sleep(1.0)
        return await meter.read()


def _told(what: str, plan: MeterPlan, status: dict[str, Any]) -> tuple[str | None, Finding]:
    """What the running daemon says of it."""
    found = next((one for one in status["meters"] if one["meter_id"] == plan.meter_id), None)
    if found is None:
        return None, bad(what, "the running daemon does not know it", "restart the daemon")
    if found["trouble"] is not None or found["power_w"] is None:
        return None, bad(what, found["trouble"] or "gives no value", _REACH)
    return found["serial"], good(what, f"{found['power_w']:.0f} W, as the daemon reads it")


def _wants_more(settings: Settings) -> bool:
    return Stage[settings.control.stage.upper()] > Stage.V1G


def _sign(what: str, serial: str | None, records: Records) -> Finding:
    tests = [one for one in records if one.step is CommissioningStep.SIGN_TEST]
    for one in reversed(tests):
        if one.meter_serial in (None, serial):
            when = f"{one.recorded_at_utc:%Y-%m-%d}"
            return good(f"{what}, sign", f"proved on {when} by {one.recorded_by}")
    why = "its sign was proved for another meter" if tests else "nobody has proved its sign"
    return bad(f"{what}, sign", f"{why}, so the house only charges", "v2g commission meter")


async def _met(what: str, plan: ChargerPlan, buses: Buses) -> Finding:
    family = charger_family(
        buses.at(plan.link),
        unit_id=plan.unit_id,
        profile=plan.profile,
        connector=plan.connector,
        on_write=lambda _: None,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            await family.meet()
        seen = family.seen()
    except (DeviceError, TimeoutError) as error:
        fix = "compare profile and unit_id" if isinstance(error, DeviceProtocolError) else _REACH
        return bad(what, str(error) or f"no answer in {LONGEST_S:g} s", fix)
    finally:
        buses.at(plan.link).close()
    said = f"{plan.profile.name}, serial number {family.serial or 'not told'}, {seen.said}"
    if seen.trouble is not None:
        return bad(what, f"{said}; it says: {seen.trouble}", "look at its app, or its maker's list")
    return good(what, f"{said}, {seen.power_w:.0f} W")


def _connected(what: str, evse_id: str, status: dict[str, Any]) -> Finding:
    found = next((one for one in status["evses"] if one["evse_id"] == evse_id), None)
    if found is None:
        return bad(what, "the running daemon does not know it", "restart the daemon")
    if not found["connected"]:
        return bad(what, "is not connected", "docs/operations.md, Stations; v2g station log")
    car = "with a car" if found["plugged_in"] else "without a car"
    return good(what, f"is connected, {car}, stage {found['stage']}")
