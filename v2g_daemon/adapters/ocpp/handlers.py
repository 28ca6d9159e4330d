"""An answer to everything a station may ask, in both versions: one table, action to handler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.security.certificate_requests import CertificateRequests
from v2g_daemon.adapters.ocpp.security.security_log import SecurityLog
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.redaction import shortened
from v2g_daemon.adapters.ocpp.wire.session import CallRefused
from v2g_daemon.adapters.ocpp.wire.translate import allowed_transfers, format_stamp
from v2g_daemon.ports import Clock

PENDING_INTERVAL_S = 10
# What may come before the boot is accepted: it, and what we ask for meanwhile.
_WHILE_PREPARING = frozenset({"BootNotification", "NotifyReport", "SecurityEventNotification"})

Handler = Callable[["StationHandlers", JsonObject], JsonObject]


class StationHandlers:
    """Answers one connection's calls out of, and into, the station's state."""

    def __init__(
        self,
        *,
        station: StationState,
        version: OcppVersion,
        clock: Clock,
        security: SecurityLog,
        wake: Callable[[], None],
        certificates: CertificateRequests | None = None,
    ) -> None:
        self.station = station
        self.version = version
        self.clock = clock
        self.security = security
        self.certificates = certificates
        self._wake = wake
        self._table = HANDLERS[version]
        self._actions = frozenset(self._table)

    @property
    def actions(self) -> frozenset[str]:
        """What a station may ask in this version."""
        return self._actions

    async def answer(self, action: str, payload: JsonObject) -> JsonObject:
        """The answer to a schema-valid call."""
        if self.station.withholding and action not in _WHILE_PREPARING:
            raise CallRefused(code="SecurityError", text="the boot is pending")  # B02.FR.09
        self.station.stamp_told(payload, self.clock.now())
        if action == "TransactionEvent":
            await self.station.keep_transaction(payload, self.clock.now())
        return self._table[action](self, payload)

    def answered(self, action: str) -> None:
        """The answer is out: what follows from the message may now be sent."""
        if action == "SignCertificate" and self.certificates is not None:
            self.certificates.answered()
        self._wake()

    def told(self, action: str, payload: JsonObject) -> None:
        """A message without answer (periodic event streams): nothing here asked for one."""
        del action, payload

    def key_shown(self, id_token: JsonObject, status: str) -> None:
        """A key was shown, and told `status`; one that was refused is a security event."""
        self.station.key_shown(id_token, self.clock.now())
        if status != "Accepted":
            detail = f"{shortened(str(id_token['idToken']))} ({id_token['type']})"
            station_id = self.station.config.station_id
            self.security.note("unknown_key", station_id=station_id, detail=detail)

    def now_stamp(self) -> str:
        """The clock as stations want it, and set their own by."""
        self.station.has_our_time = True
        return format_stamp(self.clock.now().utc)


def _boot(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    """Pending while our clock is untrusted, and once where the make wants it so (B02)."""
    station = handlers.station
    station.named(payload["chargingStation"])
    prepares = station.preparing and payload["reason"] != "Triggered"
    accepted = handlers.clock.trusted() and not prepares
    station.booted(payload, handlers.clock.now(), accepted=accepted)
    return {
        "currentTime": handlers.now_stamp(),
        "interval": station.config.heartbeat_interval_s if accepted else PENDING_INTERVAL_S,
        "status": "Accepted" if accepted else "Pending",
    }


def _heartbeat(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    del payload
    return {"currentTime": handlers.now_stamp()}


def _authorize(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    """Who it is decides later what its car may do; here only whether it may charge at all."""
    handlers.station.authorized(payload)
    status = handlers.station.config.key_ring.status(payload["idToken"])
    handlers.key_shown(payload["idToken"], status)
    answer: JsonObject = {"idTokenInfo": {"status": status}}
    admitted = status == "Accepted"
    if handlers.version is OcppVersion.V2_1 and admitted:  # Q01: left out, it means charging only
        answer["allowedEnergyTransfer"] = allowed_transfers(handlers.station.evse_configs)
    return answer


def _transaction_event(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    handlers.station.transaction_told(payload, handlers.clock.now())
    status = handlers.station.admissions.status(payload)
    if "idToken" not in payload:  # E05: idTokenInfo only where an idToken was given
        return {}
    handlers.key_shown(payload["idToken"], status)
    return {"idTokenInfo": {"status": status}}


def _status_notification(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    handlers.station.connector_told(payload, handlers.clock.now())
    return {}


def _meter_values(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    handlers.station.meter_told(payload, handlers.clock.now())
    return {}


def _charging_needs(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    """K18: Rejected would end the transaction; Accepted says that a profile follows at once."""
    follows = handlers.station.needs_told(payload, handlers.clock.now())
    return {"status": "Accepted" if follows else "Processing"}


def _ev_schedule(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    """K15.FR.11-13: a schedule beyond ours is refused, and ours is sent again."""
    within = handlers.station.ev_schedule_told(payload, handlers.clock.now())
    return {"status": "Accepted" if within else "Rejected"}


def _pulled(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    """Q04: what the control loop still issues renews its lease; nothing else does."""
    return handlers.station.pulled(payload["chargingProfileId"])


def _report(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    handlers.station.reports.told("NotifyReport", payload)
    return {}


def _profiles_report(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    handlers.station.reports.told("ReportChargingProfiles", payload)
    return {}


def _charging_limit(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    handlers.station.foreign.told(payload)
    return {}


def _cleared_limit(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    handlers.station.foreign.cleared(payload)
    return {}


def _event(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    handlers.station.event_told(payload, handlers.clock.now())
    return {}


def _security_event(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    handlers.security.told(
        payload["type"],
        station_id=handlers.station.config.station_id,
        detail=payload.get("techInfo", "told by the station"),
    )
    return {}


def _log_status(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    handlers.station.log_told(payload, handlers.clock.now())
    return {}


def _sign_certificate(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    """A02: accepted is a promise that CertificateSigned follows."""
    accepted = handlers.certificates is not None and handlers.certificates.asked(payload)
    return {"status": "Accepted" if accepted else "Rejected"}


def _vat_number(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    del handlers
    return {"vatNumber": payload["vatNumber"], "status": "Rejected"}


def _certificate_chain_status(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    statuses = [
        {
            "certificateHashData": request["certificateHashData"],
            "source": request["source"],
            "status": "Failed",
            "nextUpdate": handlers.now_stamp(),
        }
        for request in payload["certificateStatusRequests"]
    ]
    return {"certificateStatus": statuses}


def _always(**answer: Any) -> Handler:
    def fixed(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
        del handlers, payload
        return dict(answer)

    return fixed


_NOTED = _always()

_BOTH: dict[str, Handler] = {
    "Authorize": _authorize,
    "BootNotification": _boot,
    "ClearedChargingLimit": _cleared_limit,
    "DataTransfer": _always(status="UnknownVendorId"),
    "FirmwareStatusNotification": _NOTED,
    "Get15118EVCertificate": _always(status="Failed", exiResponse=""),
    "GetCertificateStatus": _always(status="Failed"),
    "Heartbeat": _heartbeat,
    "LogStatusNotification": _log_status,
    "MeterValues": _meter_values,
    "NotifyChargingLimit": _charging_limit,
    "NotifyCustomerInformation": _NOTED,
    "NotifyDisplayMessages": _NOTED,
    "NotifyEVChargingNeeds": _charging_needs,
    "NotifyEVChargingSchedule": _ev_schedule,
    "NotifyEvent": _event,
    "NotifyMonitoringReport": _NOTED,
    "NotifyReport": _report,
    "PublishFirmwareStatusNotification": _NOTED,
    "ReportChargingProfiles": _profiles_report,
    "ReservationStatusUpdate": _NOTED,
    "SecurityEventNotification": _security_event,
    "SignCertificate": _sign_certificate,
    "StatusNotification": _status_notification,
    "TransactionEvent": _transaction_event,
}

_ONLY_2_1: dict[str, Handler] = {
    "BatterySwap": _NOTED,
    "ClosePeriodicEventStream": _NOTED,
    "GetCertificateChainStatus": _certificate_chain_status,
    "NotifyDERAlarm": _NOTED,
    "NotifyDERStartStop": _NOTED,
    "NotifyPriorityCharging": _NOTED,
    "NotifySettlement": _NOTED,
    "OpenPeriodicEventStream": _always(status="Rejected"),
    "PullDynamicScheduleUpdate": _pulled,
    "ReportDERControl": _NOTED,
    "VatNumberValidation": _vat_number,
}

HANDLERS: Mapping[OcppVersion, Mapping[str, Handler]] = MappingProxyType(
    {OcppVersion.V2_0_1: _BOTH, OcppVersion.V2_1: {**_BOTH, **_ONLY_2_1}}
)
