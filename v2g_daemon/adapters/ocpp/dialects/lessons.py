"""What was learned of one EVSE of a station, kept in the station journal over restarts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from v2g_daemon.adapters.ocpp.smart_charging import ladder
from v2g_daemon.adapters.ocpp.smart_charging.ladder import Rung
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.ports import StationJournal


@dataclass(frozen=True, slots=True, kw_only=True)
class Make:
    """Which device with which software; None: it did not say."""

    vendor: str | None = None
    model: str | None = None
    firmware: str | None = None
    serial: str | None = None

    @property
    def software(self) -> str:
        """What a form of profiles is learned for: all devices that behave alike."""
        return "/".join(part or "?" for part in (self.vendor, self.model, self.firmware))

    @property
    def device(self) -> str:
        """What a proof holds for: this device with this software."""
        return f"{self.software}/{self.serial or '?'}"

    @property
    def is_known(self) -> bool:
        """Whether another make could be told from it."""
        return None not in (self.vendor, self.model, self.firmware)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteCount:
    """Profiles written to one EVSE in one day; `flash_count` of them wear its memory."""

    day: str
    count: int = 0
    flash_count: int = 0


class Lessons:
    """The newest of each lesson; one that was learned of another device or software is none."""

    def __init__(self, *, station_id: str, evse_number: int, journal: StationJournal) -> None:
        self._station_id = station_id
        self._evse_number = evse_number
        self._journal = journal

    def rung(self, make: Make, layer: str) -> Rung | None:
        """How this software takes the profiles of a layer."""
        told = self._told(StationEventKind.LEARNED, f"form of the {layer}")
        if told is None or not make.is_known or told.get("make") != make.software:
            return None
        return ladder.decode(str(told.get("rung")))

    def keep_rung(self, make: Make, layer: str, rung: Rung, now_utc: datetime) -> None:
        """Start there next time."""
        if make.is_known:
            told = {"make": make.software, "rung": ladder.encode(rung)}
            self._note(StationEventKind.LEARNED, f"form of the {layer}", told, now_utc)

    def default_hash(self, make: Make) -> str | None:
        """What the default profile was that this device accepted last."""
        told = self._told(StationEventKind.LEARNED, "default")
        if told is None or told.get("device") != make.device:
            return None
        return str(told.get("hash"))

    def keep_default_hash(self, make: Make, content_hash: str, now_utc: datetime) -> None:
        """It holds this one now."""
        told = {"device": make.device, "hash": content_hash}
        self._note(StationEventKind.LEARNED, "default", told, now_utc)

    def writes(self, day: str) -> WriteCount:
        """How often it was written to on that day."""
        told = self._told(StationEventKind.LEARNED, "writes")
        if told is None or told.get("day") != day:
            return WriteCount(day=day)
        return WriteCount(day=day, count=int(told["count"]), flash_count=int(told["flash_count"]))

    def keep_writes(self, writes: WriteCount, now_utc: datetime) -> None:
        """Count on from here."""
        told = {"day": writes.day, "count": writes.count, "flash_count": writes.flash_count}
        self._note(StationEventKind.LEARNED, "writes", told, now_utc)

    def discharge_proved(self, make: Make, way: str) -> bool:
        """Whether a guided test showed that this very device discharges when told in that way."""
        told = self._told(StationEventKind.PROBE, "discharge")
        if told is None or make.serial is None or not make.is_known:
            return False
        return told.get("passed") is True and (told.get("device"), told.get("way")) == (
            make.device,
            way,
        )

    def keep_probe(
        self, make: Make, way: str, *, passed: bool, detail: str, now_utc: datetime
    ) -> None:
        """The verdict of a guided test."""
        told = {"device": make.device, "way": way, "passed": passed, "detail": detail}
        self._note(StationEventKind.PROBE, "discharge", told, now_utc)

    def _told(self, kind: StationEventKind, lesson: str) -> dict[str, Any] | None:
        event = self._journal.newest(self._station_id, kind, self._name(lesson))
        if event is None:
            return None
        found = json.loads(event.detail)
        return found if isinstance(found, dict) else None

    def _note(
        self, kind: StationEventKind, lesson: str, told: dict[str, Any], now_utc: datetime
    ) -> None:
        self._journal.note(
            StationEvent(
                at_utc=now_utc,
                station_id=self._station_id,
                kind=kind,
                name=self._name(lesson),
                detail=json.dumps(told),
            )
        )

    def _name(self, lesson: str) -> str:
        return f"{lesson}, evse {self._evse_number}"
