"""Boots and connections that do not come, or come too often."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from simulators.station.device_model import DeviceModel
from simulators.station.records import Message
from simulators.station.station import Station
from simulators.station.wire import JsonDict

AWAY = frozenset({"drop_link", "black_hole", "closes_link"})


def stays_away(station: Station) -> bool:
    """Say whether the station does not connect now."""
    kinds = {fault.kind for fault in station.faults_now()}
    offended = station.remembered.closed_by_server and "gone_after_close" in kinds
    return bool(kinds & AWAY) or offended or station.clock.now_s() < station.reboot_until_s


def connected(station: Station) -> None:
    """Do what the faults do to a fresh connection."""
    for fault in station.faults_now():
        change = _CONNECTED.get(fault.kind)
        if change is not None:
            change(station)


def boot_due(station: Station) -> bool:
    """Say whether a BootNotification has to go out."""
    due = station.clock.now_s() >= station.next_boot_s
    wanted = not station.accepted or station.shows("boot_storm")
    return due and wanted and not station.shows("never_boots")


def booted(station: Station) -> None:
    """After an accepted boot: in a storm the next one follows."""
    storm = station.fault("boot_storm")
    if storm is not None:
        station.next_boot_s = station.clock.now_s() + storm.parameters.lag_s


def _skip_boot(station: Station) -> None:
    station.accepted = True
    station.boot_status = "Accepted"


def _boot_again(station: Station) -> None:
    station.accepted = False
    station.next_boot_s = station.clock.now_s()


def _forget_settings(station: Station) -> None:
    station.model = DeviceModel(station.table, version=station.version)


def _turn_round(station: Station) -> None:
    station.queue = deque(reversed(station.queue))


def _repeat(station: Station) -> None:
    told = [_again(station, payload) for payload in station.remembered.told_events]
    station.queue = deque([*told, *station.queue])


def _again(station: Station, payload: JsonDict) -> Message:
    return Message(
        action="TransactionEvent",
        payload=lambda: payload,
        survives_link=True,
        connection=station.counts.connections,
    )


_CONNECTED: dict[str, Callable[[Station], None]] = {
    "skips_boot": _skip_boot,
    "boots_on_reconnect": _boot_again,
    "forgets_settings": _forget_settings,
    "out_of_order": _turn_round,
    "repeats_events": _repeat,
}
