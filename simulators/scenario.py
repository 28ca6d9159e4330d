"""The scenario file: TOML checked key by key."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    FiniteFloat,
    ValidationError,
    model_validator,
)

from simulators.chargers.table import ChargerTable
from simulators.faults import CARS, METER, PRICES, cloud_of, mistake
from simulators.meters.table import MeterTable
from simulators.switches import (
    CHARGER_SWITCHES,
    METER_SWITCHES,
    METER_SWITCHES_BY_LINK,
    Parameters,
    Switches,
)
from simulators.table import ElectronicsTable, NotNegative, Port, Positive, Share, Table

Shares = tuple[Share, Share, Share]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
Version = Literal["ocpp2.1", "ocpp2.0.1", "ocpp1.6"]
RateUnit = Literal["A", "W"]
OperationMode = Literal[
    "Idle",
    "ChargingOnly",
    "CentralSetpoint",
    "CentralFrequency",
    "LocalFrequency",
    "LocalLoadBalancing",
]
PhasePower = Literal[
    "maxChargePower_L2", "maxChargePower_L3", "maxDischargePower_L2", "maxDischargePower_L3"
]
PARAMETERS = tuple(one.name for one in fields(Parameters))


class ScenarioError(Exception):
    """The scenario cannot be used; the text names file, key and fix."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"{name!r} is not a time zone; use a name like Europe/Amsterdam"
        ) from error
    return name


def _hour_minute(value: object) -> object:
    if isinstance(value, time):
        return value
    try:
        return time.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError('write local times as "07:30"') from error


Zone = Annotated[str, AfterValidator(_zone)]
LocalTime = Annotated[time, BeforeValidator(_hour_minute)]


class ClockTable(Table):
    """Simulated time."""

    start: AwareDatetime | None = None
    speed: Positive = 1.0
    anchor_monotonic_s: FiniteFloat | None = None

    @model_validator(mode="after")
    def _real_time_is_not_scaled(self) -> Self:
        if self.start is None and self.speed != 1.0:
            raise ValueError("speed needs a start; add start = 2024-12-11T17:30:00+01:00")
        return self


class HttpTable(Table):
    """Prices and control interface on 127.0.0.1."""

    port: Port = 0


class HouseTable(Table):
    """Recorded or constant load and PV."""

    file: str | None = None
    shift_s: FiniteFloat = 0.0
    load_w: NotNegative = 0.0
    pv_w: NotNegative = 0.0
    load_shares: Shares | None = None
    pv_shares: Shares | None = None

    @model_validator(mode="after")
    def _shares_are_whole(self) -> Self:
        for name in ("load_shares", "pv_shares"):
            shares = getattr(self, name)
            if shares is not None and abs(sum(shares) - 1.0) > 1e-6:
                raise ValueError(f"{name} must sum to 1")
        if self.file is not None and {"load_w", "pv_w"} & self.model_fields_set:
            raise ValueError("give either file or load_w and pv_w")
        return self


class GridTable(Table):
    """The grid behind the meter; where its frequency sways, no living meter stands still."""

    frequency_hz: Annotated[FiniteFloat, Field(gt=0, lt=100)] = 50.0
    frequency_sway_hz: NotNegative = 0.0


class WatchTable(Table):
    """What is counted besides energy."""

    export_limit_w: NotNegative | None = None


class PricesTable(Table):
    """The day-ahead price service."""

    file: str = "demo:price_dayahead_nl_hourly_2023_2024.csv.gz"
    zone: str = "NL"
    timezone: Zone = "Europe/Amsterdam"
    publish_local_time: LocalTime = time(13, 0)
    late_s: NotNegative = 0.0
    missing_hours: tuple[AwareDatetime, ...] = ()


class StationTable(ElectronicsTable):
    """One charging station with one EVSE."""

    id: Annotated[str, Field(min_length=1, max_length=48, pattern=r"^[^/:?#\s]+$")]
    url: str
    password: str | None = None
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    versions: Annotated[tuple[Version, ...], Field(min_length=1)] = ("ocpp2.1",)
    phases: Literal[1, 3] = 3
    sample_interval_s: Annotated[int, Field(ge=1)] = 5
    reports_soc: bool | None = None
    soc_step_percent: Positive = 0.1
    v2x: bool | None = None
    dynamic_profiles: bool = True
    offline_limits: bool = True
    operation_modes: tuple[OperationMode, ...] = get_args(OperationMode)
    rate_units: Annotated[tuple[RateUnit, ...], Field(min_length=1)] = ("A", "W")
    max_external_constraints_id: int | None = None
    direct_current: bool = False
    ev_phases: tuple[PhasePower, ...] = ()
    local_authorization_offline: bool = True
    needs_remote_start: bool = False
    reboot_s: NotNegative = 20.0
    serial: Annotated[str, Field(max_length=25)] = "SIM-0001"
    model: Annotated[str, Field(max_length=20)] = "SimV2G"
    vendor: Annotated[str, Field(max_length=50)] = "Simulated"
    firmware: Annotated[str, Field(max_length=50)] = "1.0.0"
    reconnect_min_s: Positive = 0.5
    reconnect_max_s: Positive = 5.0
    ping_interval_s: NotNegative = 20.0
    call_timeout_s: Positive = 30.0

    @model_validator(mode="after")
    def _is_reachable(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in {"ws", "wss"} or not parts.hostname:
            raise ValueError('url must look like "ws://127.0.0.1:9000/ocpp", or wss://')
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file belong together")
        if self.v2x is True and "ocpp2.1" not in self.versions:
            raise ValueError('v2x needs "ocpp2.1" among the versions')
        return self


class ScheduleTable(Table):
    """A weekly trip."""

    timezone: Zone = "Europe/Amsterdam"
    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEKDAYS
    departure: LocalTime
    returns: Annotated[LocalTime, Field(alias="return")]
    energy_wh: NotNegative
    needed_soc: Share | None = None


class SessionsTable(Table):
    """Recorded plug-ins."""

    file: str
    user: str | None = None
    shift_s: FiniteFloat = 0.0


class VehicleTable(Table):
    """One car."""

    name: Annotated[str, Field(min_length=1)]
    station: str | None = None
    evccid: Annotated[str, Field(max_length=255)] = "SIMEVCC00001"
    id_token: Annotated[str, Field(max_length=36)] = "SIMTOKEN0001"
    capacity_wh: Positive = 60_000.0
    soc: Share = 0.5
    upper_limit_soc: Share = 1.0
    minimum_discharge_soc: Share = 0.1
    taper_from_soc: Annotated[FiniteFloat, Field(gt=0, lt=1)] = 0.95
    taper_to_share: Share = 0.25
    v2x: bool = True
    plugged_in: bool = True
    schedule: tuple[ScheduleTable, ...] = ()
    sessions: SessionsTable | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_schedule_may_stand_alone(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("schedule"), dict):
            return {**data, "schedule": [data["schedule"]]}
        return data

    @model_validator(mode="after")
    def _moves_one_way(self) -> Self:
        if self.schedule and self.sessions is not None:
            raise ValueError("give either schedule or sessions")
        return self


class FaultWords(Table):
    """A device that misbehaves; what a kind takes stands in its switch."""

    device: str
    kind: str
    for_s: Positive | None = None
    action: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,50}$")] | None = None
    code: Annotated[str, Field(pattern=r"^[A-Za-z]{1,50}$")] | None = None
    reason_code: Annotated[str, Field(pattern=r"^[A-Za-z]{1,20}$")] | None = None
    lag_s: FiniteFloat | None = None
    value: FiniteFloat | None = None

    def given(self) -> dict[str, str | float]:
        """Return the parameters that were given."""
        told = {name: getattr(self, name) for name in PARAMETERS}
        return {name: value for name, value in told.items() if value is not None}


class FaultTable(FaultWords):
    """One that begins at a planned time."""

    at_s: NotNegative = 0.0


class Scenario(Table):
    """The whole file."""

    clock: ClockTable = ClockTable()
    http: HttpTable = HttpTable()
    grid: GridTable = GridTable()
    house: HouseTable = HouseTable()
    watch: WatchTable = WatchTable()
    meter: MeterTable | None = None
    prices: PricesTable | None = None
    station: tuple[StationTable, ...] = ()
    charger: tuple[ChargerTable, ...] = ()
    vehicle: tuple[VehicleTable, ...] = ()
    fault: tuple[FaultTable, ...] = ()

    @property
    def outlets(self) -> tuple[StationTable | ChargerTable, ...]:
        """Return whatever a car can be plugged into."""
        return (*self.station, *self.charger)

    @property
    def switches(self) -> dict[str, Switches]:
        """Return the ways to fail of the devices that are no stations."""
        link = "" if self.meter is None else self.meter.link
        of_meter = METER_SWITCHES_BY_LINK.get(link, METER_SWITCHES)
        return {METER: of_meter} | {one.id: CHARGER_SWITCHES for one in self.charger}

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        stations = [outlet.id for outlet in self.outlets]
        names = [vehicle.name for vehicle in self.vehicle]
        for kind, values in (("station id", stations), ("vehicle name", names)):
            if len(set(values)) != len(values):
                raise ValueError(f"every {kind} must be different")
        if self.vehicle and not stations:
            raise ValueError("a vehicle needs a [[station]] or a [[charger]]")
        for vehicle in self.vehicle:
            if vehicle.station is not None and vehicle.station not in stations:
                raise ValueError(f"vehicle {vehicle.name!r}: no station {vehicle.station!r}")
        homes = [v.station or stations[0] for v in self.vehicle if v.plugged_in]
        if len(set(homes)) != len(homes):
            raise ValueError("two cars are plugged into one station; set plugged_in = false")
        return self

    @model_validator(mode="after")
    def _faults_are_known(self) -> Self:
        devices = {METER, PRICES, CARS, *(outlet.id for outlet in self.outlets)}
        devices |= {cloud_of(vehicle.name) for vehicle in self.vehicle}
        for fault in self.fault:
            if fault.device not in devices:
                raise ValueError(f"fault: no device {fault.device!r}; there are {sorted(devices)}")
            wrong = mistake(fault.device, fault.kind, fault.given(), known=self.switches)
            if wrong is not None:
                raise ValueError(f"fault: {wrong}")
        return self

    def start_utc(self, real_utc: datetime) -> datetime:
        """Return the simulated start, which is the real time where none is set."""
        return self.clock.start if self.clock.start is not None else real_utc


def load(path: Path) -> Scenario:
    """Read and check a scenario file; ScenarioError names file, key and fix."""
    try:
        with path.open("rb") as source:
            data = tomllib.load(source)
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: is not TOML: {error}; correct this line") from error
    try:
        return Scenario.model_validate(data)
    except ValidationError as error:
        lines = [_describe(path, problem) for problem in error.errors(include_url=False)]
        raise ScenarioError("\n".join(lines)) from error


def _describe(path: Path, problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"]) or "(whole file)"
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        return f"{path}: key {key} is unknown; remove it or correct its spelling"
    if problem["type"] == "missing":
        return f"{path}: key {key} is missing; add it"
    return f"{path}: key {key}: {message} (got {problem['input']!r}); correct it"
