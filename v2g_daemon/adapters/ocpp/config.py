"""What the central system is told; seconds are real unless a field says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from pathlib import Path

from v2g_daemon.adapters.ocpp.keys import ANY_KEY, KeyRing


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
class EvseConfig:
    """One EVSE: `evse_id` is its name in the house, `number` its OCPP id; powers are magnitudes.

    `static_safe_current_a` (per phase) is what the car draws when nobody commands.
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

    `least_profile` None: it may not fall below the highest profile it has come with. Pings are in
    real seconds, the other intervals in seconds of the clock.
    """

    station_id: str
    password: str | None = field(repr=False)
    evses: tuple[EvseConfig, ...]
    least_profile: SecurityProfile | None = None
    unauthenticated_on_private_network: bool = False
    versions: tuple[OcppVersion, ...] = tuple(OcppVersion)
    unknown_fields_tolerated: bool = True
    ping_interval_s: float = 20.0  # 0: never; some stations answer no pings
    ping_timeout_s: float = 20.0
    sample_interval_s: int = 5
    heartbeat_interval_s: int = 60
    key_ring: KeyRing = ANY_KEY
    relay: RelayConfig | None = None
    remote_start: bool = False  # of a station that starts no transaction by itself


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
    rival_ping_timeout_s: float = 3.0
    farewell_timeout_s: float = 3.0
    open_timeout_s: float = 10.0
    max_frame_bytes: int = 1024 * 1024
