"""An hour of real frequency at a station that follows it by itself, as the daemon told it to.

The curve goes out in the daemon's own message; the simulated station judges and follows it.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from simulators.clock import utc_from_s
from tests.unit.simulators.rig import Rig, charging_rig
from v2g_daemon.adapters.ocpp.config import FrequencyPoint
from v2g_daemon.adapters.ocpp.smart_charging.ladder import Kind, Rung
from v2g_daemon.adapters.ocpp.smart_charging.profiles import LeaseTime, Outlet, lease_profile
from v2g_daemon.adapters.ocpp.smart_charging.telling import FrequencyFollowing

HOUR = Path(__file__).resolve().parents[2] / "data" / "frequency_1s_1h.csv.gz"
DEAD_BAND_HZ = (49.985, 50.015)
CURVE = FrequencyFollowing(
    target_w=0.0,
    points=(
        FrequencyPoint(frequency_hz=49.9, power_w=-7000.0),
        FrequencyPoint(frequency_hz=DEAD_BAND_HZ[0], power_w=0.0),
        FrequencyPoint(frequency_hz=DEAD_BAND_HZ[1], power_w=0.0),
        FrequencyPoint(frequency_hz=50.1, power_w=7000.0),
    ),
)
LEAST_W = 1400.0  # of the simulated station; below it rests
LEASE_S, RENEWED_EVERY_S = 100, 60
RESPONSE_S = 2


def hour_hz(column: str) -> list[float]:
    with gzip.open(HOUR, "rt", encoding="ascii") as file:
        return [float(row[column]) for row in csv.DictReader(file)]


def told(r: Rig) -> None:
    """The lease that the daemon would write now."""
    transaction = r.station.transaction
    assert transaction is not None
    message = lease_profile(
        Outlet(evse_number=1, phases=3, nominal_voltage_v=230.0),
        Rung(modes_said=True, offline_limit=True),
        CURVE,
        Kind.ABSOLUTE,
        LeaseTime(
            transaction_id=transaction.id,
            length_s=LEASE_S,
            now_utc=utc_from_s(r.clock.at_s),
        ),
    )
    assert r.ask("SetChargingProfile", message) == {"status": "Accepted"}


def on_curve_w(frequency_hz: float) -> float:
    """By hand: 7 kW over the 85 mHz beyond the dead band."""
    low_hz, high_hz = DEAD_BAND_HZ
    beyond_hz = min(frequency_hz - low_hz, 0.0) + max(frequency_hz - high_hz, 0.0)
    power_w = max(-7000.0, min(7000.0, beyond_hz / 0.085 * 7000.0))
    return power_w if abs(power_w) >= LEAST_W else 0.0


@pytest.mark.parametrize("column", ["great_britain_hz", "continental_europe_hz"])
def test_an_hour_of_frequency_is_answered_within_two_seconds_and_never_in_the_dead_band(
    column: str,
) -> None:
    r, course_hz = charging_rig(), hour_hz(column)
    assert len(course_hz) == 3600
    owed_wh, flowed_wh = 0.0, r.station.outlet.charge_wh - r.station.outlet.discharge_wh
    acted = rested = 0
    for second, frequency_hz in enumerate(course_hz):
        if second % RENEWED_EVERY_S == 0:
            told(r)
        r.station.world.frequency_hz = frequency_hz
        r.run(1.0)
        owed_wh += on_curve_w(frequency_hz) / 3600.0
        recent_hz = course_hz[max(second - RESPONSE_S, 0) : second + 1]
        wanted_w = [on_curve_w(one) for one in recent_hz]
        assert min(wanted_w) - 1.0 <= r.power_w <= max(wanted_w) + 1.0
        if all(DEAD_BAND_HZ[0] <= one <= DEAD_BAND_HZ[1] for one in recent_hz):
            assert r.power_w == 0.0
            rested += 1
        acted += r.power_w != 0.0
    assert acted > 100
    assert rested > 100
    # An hour below 50 Hz costs energy; what flows is what the curve owes, and no more.
    flowed_wh = r.station.outlet.charge_wh - r.station.outlet.discharge_wh - flowed_wh
    assert flowed_wh == pytest.approx(owed_wh, rel=0.1)


def test_more_frequency_is_never_less_power() -> None:
    r = charging_rig()
    told(r)
    powers_w = []
    for step in range(61):
        r.station.world.frequency_hz = 49.7 + step / 100.0
        r.run(1.0)
        powers_w.append(r.power_w)
    assert powers_w == sorted(powers_w)
    assert (powers_w[0], powers_w[-1]) == (-7000.0, 7000.0)


def test_an_hour_of_equal_ups_and_downs_leaves_the_battery_as_it_was() -> None:
    r, course_hz = charging_rig(), hour_hz("great_britain_hz")
    outlet = r.station.outlet
    before_wh = (outlet.charge_wh, outlet.discharge_wh)
    for second, frequency_hz in enumerate(course_hz):
        if second % RENEWED_EVERY_S == 0:
            told(r)
        up = 1.0 if second % 120 < RENEWED_EVERY_S else -1.0
        r.station.world.frequency_hz = 50.0 + up * abs(frequency_hz - 50.0)
        r.run(1.0)
    charged_wh = outlet.charge_wh - before_wh[0]
    discharged_wh = outlet.discharge_wh - before_wh[1]
    assert charged_wh > 1000.0
    assert abs(charged_wh - discharged_wh) < 0.1 * (charged_wh + discharged_wh)
