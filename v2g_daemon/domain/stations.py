"""What an installer sees of a charging station, and what can be asked of one.

Words of OCPP (connector status, variables, message names) stay as the station says them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class FrameSide(Enum):
    """Whose words a line of the frame log holds."""

    STATION = "station"
    DAEMON = "daemon"
    LINK = "link"  # the connection itself: opened, closed


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameNote:
    """One frame as it may be shown: tokens shortened, secrets left out, nothing a terminal obeys.

    `number` counts every frame of the station since the start, so a gap shows what was dropped.
    `action` of an answer is that of its call, and `took_s` the time since; None: not known.
    """

    number: int
    at_utc: datetime
    side: FrameSide
    kind: str
    action: str | None
    size_bytes: int
    took_s: float | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowEnd:
    """The last line of a followed log: why no more comes."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StationAbout:
    """What a station says it is; None: it did not say."""

    vendor: str | None = None
    model: str | None = None
    firmware: str | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseView:
    """One EVSE of a station now; None: not told in this run."""

    evse_id: str
    evse_number: int
    connector_status: str | None
    plugged_in: bool
    power_w: float | None
    soc: float | None
    transaction_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StationView:
    """One configured station; version, address and since are those of its connection, if any."""

    station_id: str
    connected: bool
    version: str | None
    address: str | None
    since_utc: datetime | None
    about: StationAbout
    evses: tuple[EvseView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandView:
    """What became of the last command: applied, rejected or timed_out."""

    kind: str
    target_w: float
    answered_utc: datetime
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseDetails:
    """What one EVSE can be told and what stands in it; tokens are shortened."""

    evse_id: str
    control: str | None
    lowest_w: float | None
    highest_w: float | None
    abilities: Mapping[str, object]
    default_installed: bool
    refused: tuple[str, ...]
    transaction_adopted: bool | None
    transaction_since_utc: datetime | None
    evccid: str | None
    id_token: str | None
    outcome: CommandView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityNote:
    """A security event of or around a station."""

    at_utc: datetime
    name: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogUpload:
    """The upload that was asked for last, in the station's word for its progress."""

    request_id: int
    status: str
    told_utc: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayView:
    """The read-only relay of a station; `refused` are commands of the back end, newest last."""

    url: str
    connected: bool
    accepted: bool
    waiting_count: int
    forwarded_count: int
    dropped_count: int
    refused: tuple[str, ...]
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingView:
    """A setting of a station: the value in force, the one we would have, and how it stands."""

    name: str
    value: str
    wanted: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StationDetails:
    """Everything known of one station; `settings` are those of its last boot or connection."""

    station: StationView
    dialect: str | None
    evses: tuple[EvseDetails, ...]
    settings: tuple[SettingView, ...]
    security: tuple[SecurityNote, ...]
    log_upload: LogUpload | None
    relay: RelayView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableReading:
    """One variable of a device model (1.6: a configuration key); value None: the station keeps it.

    `name` is an address as `v2g station vars` takes it.
    """

    name: str
    value: str | None
    mutability: str | None
    status: str


class LogKind(Enum):
    """Which log a station is to upload."""

    DIAGNOSTICS = "diagnostics"
    SECURITY = "security"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRequest:
    """A log to be uploaded by the station to a URL; None: as much as there is."""

    kind: LogKind
    url: str
    since_utc: datetime | None = None
    until_utc: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldKey:
    """One charge key by its name, and its token, shortened."""

    name: str
    id_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenKey:
    """A key that was shown and stands on no list, whole: its owner may want it on one."""

    id_token: str
    kind: str
    at_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyListView:
    """The local list: the version the station tells, the one we sent last, and what stood in it.

    `held_version` None: the station has no local list, or will not say.
    """

    held_version: int | None
    sent_version: int | None
    sent_utc: datetime | None
    in_step: bool
    accept_unknown_keys: bool
    keys: tuple[HeldKey, ...]
    settings: tuple[VariableReading, ...]
    unknown_keys: tuple[SeenKey, ...]
