"""What an installer may see and ask, answered from the desks and by the stations themselves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence

from v2g_daemon.adapters.ocpp.authorization.keys import key_settings
from v2g_daemon.adapters.ocpp.authorization.local_list import (
    digest_of,
    held_version,
    keys_for,
    sent_list,
)
from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.desks import Desk, Live
from v2g_daemon.adapters.ocpp.tools.addresses import Address, forbidden, parsed
from v2g_daemon.adapters.ocpp.tools.addresses import told as addressed
from v2g_daemon.adapters.ocpp.tools.views import details_of, view_of
from v2g_daemon.adapters.ocpp.v16.outbound import triggerable
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject, printable
from v2g_daemon.adapters.ocpp.wire.redaction import shortened, shown_value
from v2g_daemon.adapters.ocpp.wire.schemas import call_violation
from v2g_daemon.adapters.ocpp.wire.session import (
    CallAnswered,
    CallOutcome,
    CallRejectedByError,
    CallTimedOut,
    LinkClosed,
    StationCalls,
)
from v2g_daemon.adapters.ocpp.wire.translate import format_stamp
from v2g_daemon.domain.errors import DeviceRejectedCommand, DeviceUnknown, DeviceUnreachable
from v2g_daemon.domain.stations import (
    FollowEnd,
    FrameNote,
    HeldKey,
    KeyListView,
    LogKind,
    LogRequest,
    LogUpload,
    StationDetails,
    StationView,
    VariableReading,
)
from v2g_daemon.ports import Clock

MOST_ENTRIES = 5_000
LONGEST_VALUE = 500  # what every version takes
_LOG_TYPES = {LogKind.DIAGNOSTICS: "DiagnosticsLog", LogKind.SECURITY: "SecurityLog"}
_IDS = 2**31


class InstallerDesk:
    """The StationDesk of one central system."""

    def __init__(
        self, desks: Mapping[str, Desk], *, clock: Clock, report_patience_s: float
    ) -> None:
        self._desks = desks
        self._clock = clock
        self._report_patience_s = report_patience_s

    def stations(self) -> tuple[StationView, ...]:
        """Every configured station."""
        return tuple(view_of(desk) for desk in self._desks.values())

    def station(self, station_id: str) -> StationDetails:
        """Everything known of one."""
        return details_of(self._desk(station_id))

    def log_upload(self, station_id: str) -> LogUpload | None:
        """How the upload that was asked for last goes."""
        return self._desk(station_id).state.log_upload

    async def frames(self, station_id: str, *, newest: int) -> tuple[FrameNote, ...]:
        """The last frames of its link."""
        return await self._desk(station_id).frames.newest(newest)

    def follow(
        self, station_id: str, *, newest: int
    ) -> AsyncGenerator[FrameNote | FollowEnd, None]:
        """The last frames and all that follow."""
        return self._desk(station_id).frames.follow(newest=newest)

    async def variables(self, station_id: str, name: str | None) -> tuple[VariableReading, ...]:
        """One variable, a component, or the inventory."""
        _, live = self._live(station_id)
        address = None if name is None else parsed(name, old=live.version is OcppVersion.V1_6)
        if address is None or address.variable is None:
            return await self._inventory(station_id, within=address)
        return await _read(live.calls, (address,))

    async def set_variable(self, station_id: str, name: str, value: str) -> str:
        """Write one variable, unless it could cut us off."""
        _, live = self._live(station_id)
        address = parsed(name, old=live.version is OcppVersion.V1_6)
        if address.variable is None:
            raise ValueError(f"{name!r} is a component; name the variable as well")
        if len(value) > LONGEST_VALUE or printable(value) != value:
            raise ValueError(f"a value has at most {LONGEST_VALUE} printable characters")
        reason = forbidden(address, value)
        if reason is not None:
            raise ValueError(f"{address.text()} is not set from here: {reason}")
        data = {**address.wire(), "attributeValue": value}
        answer = await _asked(live.calls, "SetVariables", {"setVariableData": [data]})
        result = answer["setVariableResult"][0]
        match result["attributeStatus"]:
            case "Accepted":
                return f"{address.text()} = {value}"
            case "RebootRequired":
                return f"{address.text()} = {value}, once the station has been reset"
            case status:
                raise DeviceRejectedCommand(_no(status, result.get("attributeStatusInfo")))

    async def reset(self, station_id: str, *, immediate: bool) -> str:
        """Reboot it."""
        _, live = self._live(station_id)
        kind = "Immediate" if immediate else "OnIdle"
        answer = await _asked(live.calls, "Reset", {"type": kind})
        match answer["status"]:
            case "Accepted":
                return "the station resets"
            case "Scheduled":
                return "the station resets once no transaction runs"
            case status:
                raise DeviceRejectedCommand(_no(status, answer.get("statusInfo")))

    async def unlock(self, station_id: str, *, evse_number: int, connector: int) -> str:
        """Unlock a connector; a station refuses while its transaction runs."""
        _, live = self._live(station_id)
        place = {"evseId": evse_number, "connectorId": connector}
        answer = await _asked(live.calls, "UnlockConnector", place)
        if answer["status"] != "Unlocked":
            raise DeviceRejectedCommand(_no(answer["status"], answer.get("statusInfo")))
        return "the connector is unlocked"

    async def trigger(self, station_id: str, message: str, *, evse_number: int | None) -> str:
        """Have it send a message; which ones it knows is for its version to say."""
        desk, live = self._live(station_id)
        asked: JsonObject = {"requestedMessage": message}
        if message == "StatusNotification":
            number = desk.config.evses[0].number if evse_number is None else evse_number
            asked["evse"] = {"id": number, "connectorId": 1}
        elif evse_number is not None:
            asked["evse"] = {"id": evse_number}
        if not _triggerable(live.version, asked):
            raise ValueError(f"OCPP {live.version.number} knows no trigger {message!r}")
        answer = await _asked(live.calls, "TriggerMessage", asked)
        if answer["status"] != "Accepted":
            raise DeviceRejectedCommand(_no(answer["status"], answer.get("statusInfo")))
        return f"{message} comes"

    async def get_log(self, station_id: str, request: LogRequest) -> str:
        """Have it upload a log; how that goes, `log_upload` tells."""
        desk, live = self._live(station_id)
        request_id = round(self._clock.now().utc.timestamp()) % _IDS
        log = {"remoteLocation": request.url}
        if request.since_utc is not None:
            log["oldestTimestamp"] = format_stamp(request.since_utc)
        if request.until_utc is not None:
            log["latestTimestamp"] = format_stamp(request.until_utc)
        asked = {"logType": _LOG_TYPES[request.kind], "requestId": request_id, "log": log}
        before = desk.state.log_upload
        desk.state.log_asked(request_id)
        try:
            answer = await _asked(live.calls, "GetLog", asked)
        except (DeviceRejectedCommand, DeviceUnreachable):
            desk.state.log_upload = before
            raise
        if answer["status"] == "Rejected":
            desk.state.log_upload = before
            raise DeviceRejectedCommand(_no("Rejected", answer.get("statusInfo")))
        name = answer.get("filename")
        if name is None:
            return "the station agreed, and names no file"
        return f"the station uploads {printable(str(name))}"

    async def keys(self, station_id: str) -> KeyListView:
        """The local list, as far as anybody can say what is in it."""
        desk = self._desk(station_id)
        live, ring = desk.live, desk.config.key_ring
        sent = sent_list(desk.state.journal, station_id)
        version = OcppVersion.V2_0_1 if live is None else live.version
        keys = keys_for(desk.config, version)
        held = None if live is None else await held_version(live.calls)
        in_step = sent is not None and (held, digest_of(keys)) == (sent.version, sent.digest)
        return KeyListView(
            held_version=held,
            sent_version=None if sent is None else sent.version,
            sent_utc=None if sent is None else sent.at_utc,
            in_step=in_step,
            accept_unknown_keys=ring.accept_unknown,
            keys=tuple(HeldKey(name=key.name, id_token=shortened(key.id_token)) for key in keys),
            settings=() if live is None else await _settings(live.calls, desk),
            unknown_keys=tuple(desk.state.unknown_keys),
        )

    async def _inventory(
        self, station_id: str, *, within: Address | None
    ) -> tuple[VariableReading, ...]:
        desk, live = self._live(station_id)
        with desk.state.reports.expecting("NotifyReport") as expected:
            asked = {"requestId": expected.request_id, "reportBase": "FullInventory"}
            answer = await _asked(live.calls, "GetBaseReport", asked)
            if answer["status"] not in ("Accepted", "EmptyResultSet"):
                raise DeviceRejectedCommand(_no(answer["status"], answer.get("statusInfo")))
            told = answer.get("reportData", [])
            if not told and answer["status"] == "Accepted":
                parts, _ = await expected.parts(patience_s=self._report_patience_s)
                told = [entry for part in parts for entry in part.get("reportData", ())]
        if not told:
            raise DeviceRejectedCommand("the station agreed to report, and reported nothing")
        return _entries(told, within)

    def _desk(self, station_id: str) -> Desk:
        desk = self._desks.get(station_id)
        if desk is None:
            known = ", ".join(self._desks)
            raise DeviceUnknown(f"no station {station_id!r} is configured; there are: {known}")
        return desk

    def _live(self, station_id: str) -> tuple[Desk, Live]:
        desk = self._desk(station_id)
        if desk.live is None:
            raise DeviceUnreachable(f"station {station_id} is not connected")
        return desk, desk.live


def _triggerable(version: OcppVersion, asked: JsonObject) -> bool:
    if version is OcppVersion.V1_6:
        return triggerable(asked)
    return call_violation(version, "TriggerMessage", asked) is None


async def _settings(calls: StationCalls, desk: Desk) -> tuple[VariableReading, ...]:
    """What decides whether keys charge without us; a station may have none of these."""
    wanted = key_settings(desk.config.key_ring, remote_start=desk.config.remote_start)
    addresses = [Address(component=component, variable=name) for component, name, _ in wanted]
    try:
        return await _read(calls, addresses)
    except DeviceRejectedCommand:
        return ()


async def _asked(calls: StationCalls, action: str, payload: JsonObject) -> JsonObject:
    """The answer; everything else is an error that says why."""
    return _answer(action, await calls.call(action, payload))


def _answer(action: str, outcome: CallOutcome) -> JsonObject:
    match outcome:
        case CallAnswered(payload=payload):
            return payload
        case CallRejectedByError(code=code, text=text):
            raise DeviceRejectedCommand(f"{action}: {': '.join(filter(None, (code, text)))}")
        case CallTimedOut(timeout_s=timeout_s):
            raise DeviceUnreachable(f"{action}: no answer within {timeout_s:g} s")
        case LinkClosed():
            raise DeviceUnreachable(f"{action}: the link closed; whether it was done is unknown")


def _no(status: str, info: JsonObject | None) -> str:
    """The station's own reason."""
    words = (
        status,
        *(str((info or {}).get(name, "")) for name in ("reasonCode", "additionalInfo")),
    )
    return ": ".join(printable(word) for word in words if word)


async def _read(calls: StationCalls, addresses: Sequence[Address]) -> tuple[VariableReading, ...]:
    asked = {"getVariableData": [address.wire() for address in addresses]}
    answer = await _asked(calls, "GetVariables", asked)
    return tuple(
        _reading(addressed(one), one.get("attributeValue"), None, one["attributeStatus"])
        for one in answer["getVariableResult"]
    )


def _entries(told: list[JsonObject], within: Address | None) -> tuple[VariableReading, ...]:
    """All variables, or those of one component, in the order of the station's report."""
    return tuple(
        _reading(
            address, attribute.get("value"), attribute.get("mutability", "ReadWrite"), "Accepted"
        )
        for entry in told[:MOST_ENTRIES]
        for address in (addressed(entry),)
        if within is None or within.holds(address)
        for attribute in entry["variableAttribute"]
        if attribute.get("type", "Actual") == "Actual"
    )


def _reading(
    address: Address, value: object, mutability: str | None, status: str
) -> VariableReading:
    name = address.variable or ""
    return VariableReading(
        name=printable(address.text()),
        value=None if value is None else printable(shown_value(name, str(value))),
        mutability=mutability,
        status=status,
    )
