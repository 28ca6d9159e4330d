"""Frames that no decent station sends: a seeded stream, one after the other."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from v2g_daemon.adapters.ocpp import OcppVersion
from v2g_daemon.adapters.ocpp.wire.schemas import known_actions

Raw = str | bytes
AT = "2024-12-11T17:00:00Z"
TWO: dict[str, dict[str, Any]] = {
    "BootNotification": {
        "reason": "PowerUp",
        "chargingStation": {"model": "M", "vendorName": "V", "serialNumber": "S"},
    },
    "Heartbeat": {},
    "StatusNotification": {
        "timestamp": AT,
        "connectorStatus": "Occupied",
        "evseId": 1,
        "connectorId": 1,
    },
    "Authorize": {"idToken": {"idToken": "T", "type": "ISO14443"}},
    "TransactionEvent": {
        "eventType": "Updated",
        "timestamp": AT,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": 1,
        "transactionInfo": {"transactionId": "t", "chargingState": "Charging"},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [
            {
                "timestamp": AT,
                "sampledValue": [
                    {
                        "value": 7.4,
                        "measurand": "Power.Active.Import",
                        "unitOfMeasure": {"unit": "kW"},
                    },
                    {"value": 1000.0},
                    {"value": 50, "measurand": "SoC"},
                ],
            }
        ],
    },
    "NotifyEVChargingNeeds": {
        "evseId": 1,
        "chargingNeeds": {"requestedEnergyTransfer": "AC_three_phase"},
    },
}
OLD: dict[str, dict[str, Any]] = {
    "BootNotification": {"chargePointVendor": "V", "chargePointModel": "M"},
    "Heartbeat": {},
    "StatusNotification": {"connectorId": 1, "errorCode": "NoError", "status": "Charging"},
    "StartTransaction": {"connectorId": 1, "idTag": "T", "meterStart": 5, "timestamp": AT},
    "StopTransaction": {"transactionId": 7, "meterStop": 9, "timestamp": AT},
    "MeterValues": {
        "connectorId": 1,
        "transactionId": 7,
        "meterValue": [
            {"timestamp": AT, "sampledValue": [{"value": "1", "measurand": "SoC"}]},
        ],
    },
}
ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1e308,
    10**30,
    "",
    "NaN",
    "x" * 300,
    "\x00\ud800",
    [],
    [[]],
    {},
    {"": {}},
    AT,
    "1970-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59Z",
)


class Frames:
    """The stream for one version."""

    def __init__(self, *, version: OcppVersion, chosen: Random) -> None:
        self._chosen = chosen
        self._messages = OLD if version is OcppVersion.V1_6 else TWO
        self._actions = sorted(known_actions(version))
        self._last: Raw = "[]"

    def next(self) -> Raw:
        """The next frame; now and then the last one again."""
        if self._chosen.random() < 0.05:
            return self._last
        made = self._chosen.choice(
            (self._bytes, self._text, self._structure, self._mutated, self._mutated, self._reply)
        )()
        self._last = made
        return made

    def _bytes(self) -> Raw:
        return self._chosen.randbytes(self._chosen.randrange(64))

    def _text(self) -> Raw:
        """Real JSON with a piece torn out or doubled."""
        text = self._call()
        start = self._chosen.randrange(len(text))
        piece = text[start : start + self._chosen.randrange(20)]
        return text.replace(
            piece, self._chosen.choice(("", piece * 2, "{", '"', "NaN", "1e999")), 1
        )

    def _structure(self) -> Raw:
        parts = [self._chosen.choice(ODD) for _ in range(self._chosen.randrange(6))]
        return json.dumps([self._chosen.choice((2, 3, 4, 5, 6, 7, "2")), *parts])

    def _mutated(self) -> Raw:
        """A real message, one value of which is something else."""
        frame = json.loads(self._call())
        self._spoil(frame[3] if self._chosen.random() < 0.9 else frame)
        return json.dumps(frame)

    def _reply(self) -> Raw:
        kind = self._chosen.choice((3, 4, 5, 6))
        rest = [{}] if kind == 3 else ["InternalError", "text", {}]
        return json.dumps([kind, str(self._chosen.randrange(50)), *rest])

    def _call(self) -> str:
        name = self._chosen.choice(tuple(self._messages))
        payload = self._messages[name]
        if self._chosen.random() < 0.2:
            name = self._chosen.choice(self._actions)
        return json.dumps([2, str(self._chosen.randrange(10**6)), name, payload])

    def _spoil(self, place: Any) -> None:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = self._chosen.choice(keys)
        if isinstance(place[key], dict | list) and place[key] and self._chosen.random() < 0.7:
            self._spoil(place[key])
            return
        place[key] = self._chosen.choice(ODD)
