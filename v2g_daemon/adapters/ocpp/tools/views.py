"""A desk as an installer sees it."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum

from v2g_daemon.adapters.ocpp.desks import Desk
from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.provisioning.settling import Setting, SettingState
from v2g_daemon.adapters.ocpp.wire.codec import printable
from v2g_daemon.adapters.ocpp.wire.redaction import shortened
from v2g_daemon.domain.stations import (
    CommandView,
    EvseDetails,
    EvseView,
    SettingView,
    StationAbout,
    StationDetails,
    StationView,
)


def view_of(desk: Desk) -> StationView:
    """One line of the list."""
    live, state = desk.live, desk.state
    return StationView(
        station_id=desk.config.station_id,
        connected=live is not None,
        version=None if live is None else live.version.number,
        address=None if live is None else live.address,
        since_utc=None if live is None else live.since.utc,
        about=StationAbout(**asdict(state.make)),
        evses=tuple(_evse_view(evse) for evse in state.evses),
    )


def details_of(desk: Desk) -> StationDetails:
    """Everything known of a station."""
    state = desk.state
    started = {one.evse_id: one.trouble for one in state.autostarts}
    return StationDetails(
        station=view_of(desk),
        dialect=None if state.dialect is None else f"{state.dialect.id} ({state.dialect.name})",
        evses=tuple(_evse_details(evse, started.get(evse.config.evse_id)) for evse in state.evses),
        settings=tuple(_setting_view(one) for one in state.settings),
        security=desk.security.recent(desk.config.station_id),
        log_upload=state.log_upload,
        relay=None if desk.relay is None else desk.relay.view(),
    )


def _setting_view(setting: Setting) -> SettingView:
    state = setting.state.value
    return SettingView(
        name=setting.name,
        value=printable(setting.in_force),
        wanted=setting.wanted,
        state=f"{state}: {setting.status}" if setting.state is SettingState.REFUSED else state,
    )


def _evse_view(evse: EvseState) -> EvseView:
    status = evse.status
    return EvseView(
        evse_id=status.evse_id,
        evse_number=evse.config.number,
        connector_status=evse.connector_status,
        plugged_in=status.plugged_in,
        power_w=status.power_w,
        soc=status.soc,
        transaction_id=status.transaction_id,
    )


def _evse_details(evse: EvseState, start_trouble: str | None) -> EvseDetails:
    status, running = evse.status, evse.transaction
    capability, named, outcome = status.capability, status.identity, status.outcome
    return EvseDetails(
        evse_id=status.evse_id,
        control=None if capability is None else capability.control.value,
        lowest_w=None if capability is None else capability.power.lowest_w,
        highest_w=None if capability is None else capability.power.highest_w,
        abilities={
            name: value.value if isinstance(value, Enum) else value
            for name, value in asdict(evse.abilities).items()
        },
        default_installed=evse.forms.default_installed,
        refused=tuple(_refused(evse, start_trouble)),
        transaction_adopted=None if running is None else running.adopted,
        transaction_since_utc=None if running is None else running.since.utc,
        evccid=None if named is None or named.evccid is None else shortened(named.evccid),
        id_token=None if named is None or named.id_token is None else shortened(named.id_token),
        outcome=None
        if outcome is None
        else CommandView(
            kind=outcome.kind.value,
            target_w=outcome.target_w,
            answered_utc=outcome.answered_at.utc,
            detail=outcome.detail,
        ),
    )


def _refused(evse: EvseState, start_trouble: str | None) -> list[str]:
    """What the station would not have, in sentences."""
    found = []
    if evse.status.connected and not evse.forms.default_installed:
        found.append("the default profile (not installed, or not yet)")
    if evse.abilities.central_setpoint and not evse.forms.rung.may_discharge:
        found.append("signed setpoints: it is told charging limits only")
    return found if start_trouble is None else [*found, start_trouble]
