"""The simulators' half of the demo, as the TOML text they read; ports and paths are this run's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

NEUTRAL_PER_KWH = "0.20"


class DemoHouse(Enum):
    """Which house is simulated; the value is its file in config/."""

    OCPP = "demo"
    QUASAR = "demo-quasar"

    @property
    def charger_serial(self) -> str:
        """How the daemon knows its charger; a Quasar tells a number, which a simulation marks."""
        return "SIM-0001" if self is DemoHouse.OCPP else "SIM-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRun:
    """Which simulated days, how fast (simulated seconds per second), and for how long."""

    start_utc: datetime
    speed: float
    hours: float | None
    house: DemoHouse = DemoHouse.OCPP

    @property
    def tick_s(self) -> float:
        """A tick every 0.1 s of real time, but never below one simulated second."""
        return max(self.speed / 10.0, 1.0)

    @property
    def sample_interval_s(self) -> int:
        """The station reports twice a tick, so that a quarter hour's end lies close to a sample."""
        return max(round(self.tick_s / 2.0), 1)

    @property
    def meter_period_s(self) -> float:
        """The grid meter is read twice a tick, for the same reason."""
        return max(self.tick_s / 2.0, 1.0)


_SCENARIO = """\
[clock]
start = {start_utc:%Y-%m-%dT%H:%M:%SZ}
speed = {speed}
anchor_monotonic_s = {anchor_monotonic_s!r}

[http]
port = 0

[house]
file = "demo:house_fr_load_pv_30min_2024_2025.csv.gz"

[watch]
export_limit_w = {export_limit_w}

[meter]
port = 0
{meter}
refresh_s = 1.0
pv_unit_id = 2

[prices]
file = "demo:price_dayahead_nl_hourly_2023_2024.csv.gz"
zone = "NL"
timezone = "Europe/Amsterdam"

{charger}
[[vehicle]]
name = "car"
evccid = "SIMEVCC00001"
id_token = "SIMTOKEN0001"
capacity_wh = 60000
soc = 0.5

[[vehicle.schedule]]
timezone = "Europe/Amsterdam"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
departure = "07:30"
return = "17:30"
energy_wh = 9000
needed_soc = 0.6
"""


_STATION = """\
[[station]]
id = "SIM-STATION-1"
url = "ws://127.0.0.1:{ocpp_port}"
password = "simulated-station-1"
versions = ["ocpp2.1"]
serial = "SIM-0001"
sample_interval_s = {sample_interval_s}
"""

_QUASAR = """\
[[charger]]
id = "SIM-STATION-1"
make = "wallbox-quasar-1"
serial = "SIM-0001"
"""

_METERS = {
    DemoHouse.OCPP: 'map = "sunspec"',
    DemoHouse.QUASAR: 'map = "eastron_3p"\nlink = "rtu+tcp"',
}


def scenario_toml(
    run: DemoRun, *, ocpp_port: int, export_limit_w: float, anchor_monotonic_s: float
) -> str:
    """60 kWh car at 50 %, 7.4 kW both ways, two trips of 9 kWh, the recorded house with PV."""
    charger = _STATION if run.house is DemoHouse.OCPP else _QUASAR
    return _SCENARIO.format(
        start_utc=run.start_utc,
        speed=run.speed,
        anchor_monotonic_s=anchor_monotonic_s,
        export_limit_w=export_limit_w,
        meter=_METERS[run.house],
        charger=charger.format(ocpp_port=ocpp_port, sample_interval_s=run.sample_interval_s),
    )
