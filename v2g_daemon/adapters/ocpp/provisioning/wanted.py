"""The settings that we would have every station take, and when what it has will do; pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from v2g_daemon.adapters.ocpp.authorization.keys import key_settings
from v2g_daemon.adapters.ocpp.config import (
    EvseConfig,
    LocalLoadBalancing,
    OcppVersion,
    StationConfig,
)
from v2g_daemon.adapters.ocpp.provisioning.abilities import Variable, members_of, v2x_variables

Fits = Callable[[str], bool]

REGISTERS = ("Energy.Active.Import.Register", "Energy.Active.Export.Register")
MEASURANDS = (
    "Power.Active.Import",
    "Energy.Active.Import.Register",
    "Power.Active.Export",
    "Energy.Active.Export.Register",
    "SoC",
)
# Tried in this order; a station that refuses a list may take a shorter one.
MEASURAND_LISTS = (
    ",".join(MEASURANDS),
    ",".join(MEASURANDS[:4]),
    ",".join(MEASURANDS[:2]),
)
SLOWEST_SAMPLES_S = 10.0  # beyond it the house is driven by old values


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A setting: values to write, best first, and what will do as it is.

    `members`: the values are lists, and where none of them is taken their members are tried one by
    one. `extends`: the value is added to the list that is there. `needed`: what to tell people
    where the station keeps something that does not do; None: it is well without.
    """

    variable: Variable
    values: tuple[str, ...]
    fits: Fits
    members: bool = False
    extends: bool = False
    needed: Callable[[str], str | None] = lambda kept: None


def wanted_settings(station: StationConfig, version: OcppVersion) -> tuple[Wanted, ...]:
    """Everything that makes values arrive in time and transactions last as long as plug-ins."""
    settings = [
        *_sampling(station),
        *_communication(station),
        *_transactions(),
        *_authorization(station, version),
        _plain("SmartChargingCtrlr", "Enabled", "true", needed="it takes no charging profile"),
        _plain("SmartChargingCtrlr", "LimitChangeSignificance", "1", fits=within(0.0, 1.0)),
        Wanted(
            variable=Variable(component="ClockCtrlr", name="TimeSource"),
            values=("Heartbeat",),
            fits=holding("Heartbeat"),
            extends=True,
        ),
    ]
    if version is OcppVersion.V2_1:
        for config in station.evses:
            if not config.charge_only:
                settings += _two_way(station, config)
    return tuple(settings)


def _sampling(station: StationConfig) -> list[Wanted]:
    lists = MEASURAND_LISTS if station.measurands is None else (station.measurands,)
    every_s = str(station.sample_interval_s)
    settings = [
        _plain("SampledDataCtrlr", "TxUpdatedInterval", every_s, needed=_too_slow),
        _plain("AlignedDataCtrlr", "Interval", "0", fits=one_of("0", "900")),
    ]
    settings.append(
        Wanted(
            variable=Variable(component="SampledDataCtrlr", name="TxUpdatedMeasurands"),
            values=lists,
            fits=holding(*lists[0].split(",")),
            members=station.measurands is None,
            needed=_no_register,
        )
    )
    for name in ("TxStartedMeasurands", "TxEndedMeasurands"):
        variable = Variable(component="SampledDataCtrlr", name=name)
        registers = (",".join(REGISTERS), REGISTERS[0])
        settings.append(Wanted(variable=variable, values=registers, fits=holding(*REGISTERS)))
    return settings


def _communication(station: StationConfig) -> list[Wanted]:
    """A station must notice a dead link and come back, and deliver what it kept meanwhile."""
    name, event = "OCPPCommCtrlr", "TransactionEvent"
    return [
        _plain(name, "HeartbeatInterval", str(station.heartbeat_interval_s)),
        _plain(name, "WebSocketPingInterval", "30", fits=within(1.0, 60.0)),
        _plain(name, "OfflineThreshold", "60", fits=within(0.0, 300.0)),
        _plain(name, "MessageAttempts", "5", fits=within(3.0, 100.0), instance=event),
        _plain(name, "MessageAttemptInterval", "10", fits=within(1.0, 60.0), instance=event),
        _plain(name, "RetryBackOffWaitMinimum", "10", fits=within(1.0, 30.0)),
        _plain(name, "RetryBackOffRepeatTimes", "3", fits=within(0.0, 4.0)),
        _plain(name, "RetryBackOffRandomRange", "10", fits=within(0.0, 30.0)),
    ]


def _transactions() -> list[Wanted]:
    """One transaction from plug-in to plug-out: a pause at 0 W must not end it."""
    return [
        _plain(
            "TxCtrlr",
            "TxStartPoint",
            "EVConnected",
            fits=holding_any("EVConnected", "PowerPathClosed"),
            needed="a car that is told 0 W gets no transaction",
        ),
        _plain(
            "TxCtrlr",
            "TxStopPoint",
            "EVConnected",
            fits=holding_none("EnergyTransfer", "PowerPathClosed"),
            needed="each pause ends the transaction",
        ),
        _plain("TxCtrlr", "StopTxOnEVSideDisconnect", "true"),
        _plain("TxCtrlr", "EVConnectionTimeOut", "120", fits=within(30.0, 600.0)),
    ]


def _authorization(station: StationConfig, version: OcppVersion) -> list[Wanted]:
    """The car charges while we are away; but where it may discharge we must be asked (Q01)."""
    told = {
        (component, name): value
        for component, name, (value,) in key_settings(station.key_ring, remote_start=True)
    }
    # Part 2 and its appendices differ in the name.
    told["AuthCtrlr", "LocalAuthorizeOffline"] = "true"
    if version is OcppVersion.V2_1 and any(not config.charge_only for config in station.evses):
        told["AuthCtrlr", "LocalPreAuthorize"] = "false"
    return [_plain(component, name, value) for (component, name), value in told.items()]


def _two_way(station: StationConfig, config: EvseConfig) -> list[Wanted]:
    """Samples while a setpoint holds, which 2.1 configures apart; and V2X itself, by consent."""
    settings = []
    for variable in v2x_variables("TxUpdatedInterval", config, instance="CentralSetpoint"):
        every_s = str(station.sample_interval_s)
        settings.append(Wanted(variable=variable, values=(every_s,), fits=one_of(every_s)))
    for variable in v2x_variables("TxUpdatedMeasurands", config, instance="CentralSetpoint"):
        settings.append(
            Wanted(
                variable=variable,
                values=MEASURAND_LISTS,
                fits=holding(*MEASURANDS),
                members=True,
            )
        )
    settings += load_balancing(config)
    if station.enable_v2x:
        switches = (
            *v2x_variables("Enabled", config),
            Variable(component="ISO15118Ctrlr", name="Enabled", evse_number=config.number),
            Variable(component="ISO15118Ctrlr", name="Enabled"),
        )
        settings += [
            Wanted(variable=one, values=("true",), fits=one_of("true"), needed=_switched_off)
            for one in switches
        ]
    return settings


def load_balancing(config: EvseConfig) -> list[Wanted]:
    """The thresholds of Q09, where the owner asked for that mode; it runs only with them."""
    local = config.dialect.local
    if not isinstance(local, LocalLoadBalancing):
        return []
    values_w = {
        "UpperThreshold": local.upper_threshold_w,
        "LowerThreshold": local.lower_threshold_w,
        "UpperOffset": local.upper_offset_w,
        "LowerOffset": local.lower_offset_w,
    }
    return [
        Wanted(variable=variable, values=(f"{round(value_w)}",), fits=one_of(f"{round(value_w)}"))
        for instance, value_w in values_w.items()
        for variable in v2x_variables("LocalLoadBalancing", config, instance=instance)
    ]


def _plain(
    component: str,
    name: str,
    value: str,
    *,
    fits: Fits | None = None,
    instance: str | None = None,
    needed: str | Callable[[str], str | None] | None = None,
) -> Wanted:
    said = (lambda kept: needed) if isinstance(needed, str) else needed
    return Wanted(
        variable=Variable(component=component, name=name, instance=instance),
        values=(value,),
        fits=one_of(value) if fits is None else fits,
        needed=_well if said is None else said,
    )


def _well(kept: str) -> str | None:
    del kept
    return None


def _switched_off(kept: str) -> str | None:
    del kept
    return "no car is asked whether it can discharge"


def _too_slow(kept: str) -> str | None:
    every_s = number(kept)
    if every_s is not None and 0.0 < every_s <= SLOWEST_SAMPLES_S:
        return None
    return "power and SoC come too seldom to steer by"


def _no_register(kept: str) -> str | None:
    return None if holding(REGISTERS[0])(kept) else "its energy cannot be counted"


def one_of(*values: str) -> Fits:
    """One of the values; numbers compare as numbers, words without letter case."""
    return lambda present: any(_alike(present, value) for value in values)


def within(least: float, most: float) -> Fits:
    """A number of that range."""

    def fits(present: str) -> bool:
        found = number(present)
        return found is not None and least <= found <= most

    return fits


def holding(*members: str) -> Fits:
    """A list with all of them."""
    return lambda present: {one.casefold() for one in members} <= members_of(present)


def holding_any(*members: str) -> Fits:
    """A list with at least one of them."""
    return lambda present: not members_of(present).isdisjoint(one.casefold() for one in members)


def holding_none(*members: str) -> Fits:
    """A list without any of them, and not empty."""
    return lambda present: (
        members_of(present) != frozenset()
        and members_of(present).isdisjoint(one.casefold() for one in members)
    )


def number(text: str) -> float | None:
    """The number a text holds, if any."""
    try:
        return float(text)
    except ValueError:
        return None


def _alike(present: str, value: str) -> bool:
    one, other = number(present), number(value)
    if one is not None and other is not None:
        return one == other
    return present.strip().casefold() == value.casefold()
