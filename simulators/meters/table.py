"""`[meter]` of a scenario: the meter at the grid connection, by what it speaks."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from simulators.modbus.maps import MAPS
from simulators.sunspec_inverter import InverterKind
from simulators.switches import METER_SWITCHES_BY_LINK
from simulators.table import NotNegative, Port, Positive, Table
from simulators.tcp import LOOPBACK


def _meter_kind(name: str) -> str:
    known = {"sunspec", *MAPS}
    if name not in known:
        raise ValueError(f"{name!r} is no known meter; use one of {', '.join(sorted(known))}")
    return name


def _near(address: str) -> str:
    """No packet of a simulation leaves this machine: its groups are joined on the loopback."""
    try:
        found = IPv4Address(address)
    except ValueError as error:
        raise ValueError(f"{address!r} is no IPv4 address; write {LOOPBACK}") from error
    if not (found.is_loopback or found.is_multicast):
        raise ValueError(f"{address!r} is not of this machine; write {LOOPBACK} or a group")
    return address


MeterLink = Literal["tcp", "rtu+tcp", "udp", "rtu", "p1", "p1+tcp", "speedwire", "http"]
OF_REGISTERS = frozenset({"map", "unit_id", "model", "pv_unit_id", "pv_inverter"})
MeterKind = Annotated[str, AfterValidator(_meter_kind)]


class MeterTable(Table):
    """The meter at the grid connection.

    `device` is its end of a serial line; `send_to` is where one that only sends does so.
    """

    map: MeterKind = "sunspec"
    link: MeterLink = "tcp"
    port: Port = 0
    device: str | None = None
    send_to: Annotated[str, AfterValidator(_near)] = LOOPBACK
    slow_s: Positive = 2.0
    unit_id: Annotated[int, Field(ge=0, le=247)] = 1
    phases: Literal[1, 3] = 3
    model: Literal["integer", "float"] = "integer"
    refresh_s: Positive = 1.0
    inverted_sign: bool = False
    start_import_wh: NotNegative = 1_000_000.0
    start_export_wh: NotNegative = 200_000.0
    serial: Annotated[str, Field(max_length=32)] = "SIM-METER-1"
    pv_unit_id: Annotated[int, Field(ge=1, le=247)] | None = None
    pv_inverter: InverterKind | None = None

    @model_validator(mode="after")
    def _units_differ(self) -> Self:
        if self.pv_inverter is not None and self.pv_unit_id is None:
            raise ValueError("pv_inverter needs a unit; add pv_unit_id")
        if self.pv_unit_id == self.unit_id:
            raise ValueError("pv_unit_id must differ from unit_id")
        if (self.device is not None) != (self.link in ("rtu", "p1")):
            raise ValueError('device and link = "rtu" or "p1" belong together')
        return self

    @model_validator(mode="after")
    def _has_registers(self) -> Self:
        surplus = sorted(OF_REGISTERS & self.model_fields_set)
        if self.link in METER_SWITCHES_BY_LINK and surplus:
            raise ValueError(f"{', '.join(surplus)}: only a Modbus meter has these; remove them")
        if "send_to" in self.model_fields_set and self.link != "speedwire":
            raise ValueError('send_to belongs to link = "speedwire"; remove it')
        return self
