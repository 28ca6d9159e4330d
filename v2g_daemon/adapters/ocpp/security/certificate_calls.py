"""What a person has a connected station do with certificates."""

from __future__ import annotations

from collections.abc import Mapping

from v2g_daemon.adapters.ocpp.desks import Desk
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject, printable
from v2g_daemon.adapters.ocpp.wire.session import (
    CallAnswered,
    CallRejectedByError,
    CallTimedOut,
    LinkClosed,
)
from v2g_daemon.domain.certificates import InstalledRoot
from v2g_daemon.domain.errors import DeviceRejectedCommand, DeviceUnreachable
from v2g_daemon.ports import StationCa

ROOT = "CSMSRootCertificate"
NEW_REQUEST = "SignChargingStationCertificate"
LONGEST_SHOWN = 64


class CertificateCalls:
    """Every call raises DeviceUnreachable or DeviceRejectedCommand with a text for people."""

    def __init__(self, *, desks: Mapping[str, Desk], ca: StationCa | None) -> None:
        self._desks = desks
        self._ca = ca

    async def install_root(self, station_id: str) -> None:
        """Give the station our CA, so that it can check the server (M05)."""
        if self._ca is None:
            raise DeviceRejectedCommand(
                "no local CA is in use; set certificates.sign_station_requests = true"
            )
        root = {"certificateType": ROOT, "certificate": self._ca.root_pem()}
        _wants(await self._ask(station_id, "InstallCertificate", root), "Accepted")

    async def installed(self, station_id: str) -> tuple[InstalledRoot, ...]:
        """What the station says it holds (M03)."""
        held = await self._held(station_id)
        return tuple(_root_of(chain, self._ca) for chain in held)

    async def delete(self, station_id: str, serial: str) -> None:
        """Have the station forget a certificate, but never our own CA's (M04)."""
        if self._ca is not None and _same(serial, self._ca.root_serial()):
            raise DeviceRejectedCommand("that is the CA by which the station knows this server")
        for chain in await self._held(station_id):
            hashes = chain["certificateHashData"]
            if _same(serial, hashes["serialNumber"]):
                deletion = {"certificateHashData": hashes}
                _wants(await self._ask(station_id, "DeleteCertificate", deletion), "Accepted")
                return
        raise DeviceRejectedCommand(f"the station holds no certificate {serial}")

    async def request_new(self, station_id: str) -> None:
        """Have the station ask for a new certificate of its own (A02, A03)."""
        trigger = {"requestedMessage": NEW_REQUEST}
        _wants(await self._ask(station_id, "TriggerMessage", trigger), "Accepted")

    async def _held(self, station_id: str) -> list[JsonObject]:
        answer = await self._ask(station_id, "GetInstalledCertificateIds", {})
        _wants(answer, "Accepted", "NotFound")
        found: list[JsonObject] = answer.get("certificateHashDataChain", [])
        return found

    async def _ask(self, station_id: str, action: str, payload: JsonObject) -> JsonObject:
        desk = self._desks.get(station_id)
        if desk is None:
            known = ", ".join(self._desks)
            raise DeviceUnreachable(f"no station {station_id!r} is configured; there are {known}")
        if desk.live is None:
            raise DeviceUnreachable(f"station {station_id!r} is not connected")
        outcome = await desk.live.calls.call(action, payload)
        match outcome:
            case CallAnswered():
                return outcome.payload
            case CallRejectedByError():
                raise DeviceRejectedCommand(f"the station answered {outcome.code}: {outcome.text}")
            case CallTimedOut() | LinkClosed():
                raise DeviceUnreachable("the station did not answer")


def _wants(answer: JsonObject, *statuses: str) -> None:
    status = answer["status"]
    if status not in statuses:
        reason = answer.get("statusInfo", {}).get("reasonCode")
        why = "" if reason is None else f" ({printable(reason)})"
        raise DeviceRejectedCommand(f"the station answered {status}{why}")


def _root_of(chain: JsonObject, ca: StationCa | None) -> InstalledRoot:
    serial = printable(chain["certificateHashData"]["serialNumber"])[:LONGEST_SHOWN]
    return InstalledRoot(
        serial=serial,
        use=chain["certificateType"],
        ours=ca is not None and _same(serial, ca.root_serial()),
    )


def _same(one: str, other: str) -> bool:
    """Stations differ in case and in leading zeros."""
    return one.strip().lstrip("0").casefold() == other.strip().lstrip("0").casefold()
