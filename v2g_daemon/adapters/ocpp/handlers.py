"""An answer to everything a station may ask, in both versions: one table, action to handler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from v2g_daemon.adapters.ocpp.certificate_requests import CertificateRequests
from v2g_daemon.adapters.ocpp.codec import JsonObject
from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.redaction import shortened
from v2g_daemon.adapters.ocpp.security_log import SecurityLog
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.adapters.ocpp.translate import allowed_transfers, format_stamp
from v2g_daemon.ports import Clock

PENDING_INTERVAL_S = 10

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
    trusted = handlers.clock.trusted()
    handlers.station.booted(payload, handlers.clock.now(), accepted=trusted)
    interval_s = handlers.station.config.heartbeat_interval_s if trusted else PENDING_INTERVAL_S
    return {
        "currentTime": handlers.now_stamp(),
        "interval": interval_s,
        "status": "Accepted" if trusted else "Pending",
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
    """K18: Rejected would end the transaction; Processing says that a profile may follow."""
    handlers.station.needs_told(payload, handlers.clock.now())
    return {"status": "Processing"}


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


def _report(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
    handlers.station.reports.told(payload)
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
    "ClearedChargingLimit": _NOTED,
    "DataTransfer": _always(status="UnknownVendorId"),
    "FirmwareStatusNotification": _NOTED,
    "Get15118EVCertificate": _always(status="Failed", exiResponse=""),
    "GetCertificateStatus": _always(status="Failed"),
    "Heartbeat": _heartbeat,
    "LogStatusNotification": _log_status,
    "MeterValues": _meter_values,
    "NotifyChargingLimit": _NOTED,
    "NotifyCustomerInformation": _NOTED,
    "NotifyDisplayMessages": _NOTED,
    "NotifyEVChargingNeeds": _charging_needs,
    "NotifyEVChargingSchedule": _always(status="Accepted"),
    "NotifyEvent": _NOTED,
    "NotifyMonitoringReport": _NOTED,
    "NotifyReport": _report,
    "PublishFirmwareStatusNotification": _NOTED,
    "ReportChargingProfiles": _NOTED,
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
    # Our leases are pushed; a pull would renew one behind our back.
    "PullDynamicScheduleUpdate": _always(status="Rejected"),
    "ReportDERControl": _NOTED,
    "VatNumberValidation": _vat_number,
}

HANDLERS: Mapping[OcppVersion, Mapping[str, Handler]] = MappingProxyType(
    {OcppVersion.V2_0_1: _BOTH, OcppVersion.V2_1: {**_BOTH, **_ONLY_2_1}}
)
