"""What the central system is told; seconds are real unless a field says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Literal

from v2g_daemon.adapters.ocpp.authorization.keys import ANY_KEY, KeyRing
from v2g_daemon.domain.vendor_command import whole_command

USUAL_LEASE_LEVEL = 2


class OcppVersion(StrEnum):
    """A version by its WebSocket subprotocol; the order is the server's preference."""

    V2_1 = "ocpp2.1"
    V2_0_1 = "ocpp2.0.1"
    V1_6 = "ocpp1.6"

    @property
    def number(self) -> str:
        """The version as the schema folders name it."""
        return self.value.removeprefix("ocpp")


class SecurityProfile(IntEnum):
    """How a station proves itself (OCPP 2.0.1 A00); NOTHING is no profile, but what 1.6 knew."""

    NOTHING = 0
    PASSWORD = 1
    PASSWORD_OVER_TLS = 2
    CERTIFICATE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyPoint:
    """A point of a frequency-watt curve: charge +, discharge −, on top of the target."""

    frequency_hz: float
    power_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFrequency:
    """The station itself follows the grid's frequency around the target (OCPP 2.1 Q08)."""

    points: tuple[FrequencyPoint, ...]

    def __post_init__(self) -> None:
        frequencies_hz = [point.frequency_hz for point in self.points]
        if len(self.points) < 2 or any(a >= b for a, b in pairwise(frequencies_hz)):
            raise ValueError("a frequency-watt curve has two points or more, of rising frequency")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalLoadBalancing:
    """The station itself keeps its own grid meter between two thresholds (OCPP 2.1 Q09)."""

    upper_threshold_w: float
    lower_threshold_w: float
    upper_offset_w: float = 0.0
    lower_offset_w: float = 0.0

    def __post_init__(self) -> None:
        if self.upper_threshold_w <= self.lower_threshold_w:
            raise ValueError("the upper threshold of load balancing lies above the lower one")


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorPower:
    """A signed power in a vendor's own words, over DataTransfer.

    `data` is a text with {power_w} or {current_a}, {duration_s} and perhaps {transaction_id}.
    """

    vendor_id: str
    data: str
    message_id: str | None = None

    def __post_init__(self) -> None:
        whole_command(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileDialect:
    """How one model wants its power told; the defaults are the specification's.

    `pulls`: leases are renewed by the station's PullDynamicScheduleUpdate. `setpoint_bounds`: limit
    and dischargeLimit stand beside a setpoint (Q03.FR.02 forbids them). `idle_after_s`: 0 W for so
    long becomes Idle where it is offered; 0: never. `wears_flash`: each TxProfile is kept in flash;
    None: as the station says. `negative_limit`: a discharge may be tried as a negative limit, by a
    guided test, before 2.1. `local`, `vendor_power`: only where somebody asked for them by name.

    `rate_unit` None: as the station says. `default_kind`, `lease_purpose`, `lease_level`: where
    the ladder starts. `least_limit_a`: 0 is told as so much, with which no car can charge.
    """

    pulls: bool = False
    setpoint_bounds: bool = False
    idle_after_s: float = 1800.0
    evse_sleep: bool = False
    outlook_offline_s: int = 4 * 3600
    wears_flash: bool | None = None
    negative_limit: bool = False
    vendor_power: VendorPower | None = None
    local: LocalFrequency | LocalLoadBalancing | None = None
    rate_unit: Literal["A", "W"] | None = None
    phases_said: bool = True
    default_kind: Literal["Absolute", "Relative"] = "Absolute"
    lease_purpose: Literal["TxProfile", "TxDefaultProfile"] = "TxProfile"
    lease_level: int = USUAL_LEASE_LEVEL
    least_limit_a: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseConfig:
    """One EVSE: `evse_id` is its name in the house, `number` its OCPP id; powers are magnitudes.

    `static_safe_current_a` (per phase) is what the car draws when nobody commands. `explicit`: what
    of `dialect` the installer wrote himself.
    """

    evse_id: str
    static_safe_current_a: float
    max_charge_w: float
    max_discharge_w: float = 0.0
    min_charge_w: float = 0.0
    min_discharge_w: float = 0.0
    number: int = 1
    phases: int = 1
    nominal_voltage_v: float = 230.0
    charge_only: bool = False
    dialect: ProfileDialect = ProfileDialect()
    explicit: frozenset[str] = frozenset()

    @property
    def static_safe_w(self) -> float:
        """The static safe current as a power over all phases."""
        return self.static_safe_current_a * self.nominal_voltage_v * self.phases


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """A back end that hears a station; the station's id is added to the URL as its last segment.

    `user` None: the station's id; `version` None: whichever the station speaks.
    """

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    version: OcppVersion | None = None
    ca_file: str | None = None
    call_timeout_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StationConfig:
    """One charging station; naming a single version pins it.

    Pings are in real seconds, the other intervals in seconds of the clock. `enable_v2x` is the
    owner's consent to switch V2X on at the station. `boot_pending`: it wants to be configured
    before its boot is accepted (B02). `measurands`: the only list to be asked of it.
    `prefers_version`: chosen wherever it is offered, assumed where none is. `drops_link`: it comes
    back only after a link that broke. `configuration_keys`: its own names for keys of 1.6.
    `explicit`: what of all that the installer wrote himself.
    `least_profile` None: it may not fall below the highest profile it has come with. `timezone`:
    whose midnights part the days in which writes are counted.
    """

    station_id: str
    password: str | None = field(repr=False)
    evses: tuple[EvseConfig, ...]
    least_profile: SecurityProfile | None = None
    unauthenticated_on_private_network: bool = False
    versions: tuple[OcppVersion, ...] = tuple(OcppVersion)
    unknown_fields: Literal["tolerate", "refuse"] = "tolerate"
    ping_interval_s: float = 20.0  # 0: never; some stations answer no pings
    ping_timeout_s: float = 20.0
    sample_interval_s: int = 5
    heartbeat_interval_s: int = 60
    enable_v2x: bool = False
    boot_pending: bool = False
    trigger_boot: bool = True
    measurands: str | None = None
    prefers_version: OcppVersion | None = None
    drops_link: bool = False
    configuration_keys: Mapping[str, str] = field(default_factory=dict)
    explicit: frozenset[str] = frozenset()
    key_ring: KeyRing = ANY_KEY
    relay: RelayConfig | None = None
    remote_start: bool = False  # of a station that starts no transaction by itself
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """The server's certificate, and the CA by which stations' certificates are checked.

    `rsa_key_exchange` opens the TLS_RSA_* suites of A00.FR.318, which keep no forward secrecy.
    """

    certificate_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    rsa_key_exchange: bool = False
    port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CentralSystemConfig:
    """Where to listen, for whom, and the time-outs of the wire (port 0: any free port).

    From `least_profile` 2 on nothing plain is listened to.
    """

    stations: tuple[StationConfig, ...]
    host: str = "127.0.0.1"
    port: int = 0
    tls: TlsConfig | None = None
    least_profile: SecurityProfile = SecurityProfile.PASSWORD
    plain_text_on_public_network: bool = False
    call_timeout_s: float = 30.0
    boot_wait_s: float = 3.0
    status_wait_s: float = 2.0
    report_patience_s: float = 10.0
    rival_ping_timeout_s: float = 3.0
    farewell_timeout_s: float = 3.0
    open_timeout_s: float = 10.0
    max_frame_bytes: int = 1024 * 1024
