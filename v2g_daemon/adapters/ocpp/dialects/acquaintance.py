"""What we know of a station's make over connections and restarts: it is learned once."""

from __future__ import annotations

import json
from dataclasses import asdict

from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.dialects.lessons import Make
from v2g_daemon.adapters.ocpp.provisioning.inventory import (
    NO_INVENTORY,
    Inventory,
    inventory_from,
    inventory_json,
)
from v2g_daemon.adapters.ocpp.provisioning.settling import Experience, experience_from
from v2g_daemon.adapters.ocpp.security.attempts import NOTES, Allowance, Tally
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.ports import StationJournal

MOST_TRIES = 2  # to read the inventory of a firmware that never finishes its report
LESSONS = Allowance(count=4, per_s=3600.0)  # an inventory may be thousands of variables


class Acquaintance:
    """One station's make, and what that firmware taught us in the version it speaks."""

    def __init__(self, *, station_id: str, journal: StationJournal) -> None:
        self.inventory: Inventory = NO_INVENTORY
        self.experience = Experience()
        self._station_id = station_id
        self._journal = journal
        self._notes = Tally(NOTES)  # of a station that is another one at every boot
        self._lessons = Tally(LESSONS)
        self._tries = 0
        self._software = ""
        self._version: OcppVersion | None = None

    def last_make(self) -> Make:
        """The make that an earlier run met last."""
        kept = self._newest("make")
        return Make() if kept is None else Make(**kept)

    def booted(self, make: Make, now: Instant, *, restarted: bool) -> None:
        """A boot has told who it is; one that nobody asked for is a restart."""
        if restarted:
            self.experience = self.experience.restarted()
        if make == self.last_make() or self._notes.exhausted("make", now_s=now.monotonic_s):
            return
        self._notes.add("make", now_s=now.monotonic_s)
        self._note("make", asdict(make), now)

    def in_version(self, version: OcppVersion, make: Make) -> None:
        """A connection speaks this version: what was learned of this software in it counts."""
        if (self._software, self._version) == (make.software, version):
            return
        self._software, self._version = make.software, version
        self.inventory, self._tries = NO_INVENTORY, 0
        kept = self._lesson("inventory")
        if kept is not None:
            self.inventory, self._tries = inventory_from(kept), int(kept["tries"])
        kept = self._lesson("settings")
        self.experience = Experience() if kept is None else experience_from(kept)

    @property
    def wants_inventory(self) -> bool:
        """Whether the full report of this firmware has still to be asked for."""
        return not self.inventory.complete and self._tries < MOST_TRIES

    def inventoried(self, inventory: Inventory, now: Instant) -> None:
        """Keep a report; one that broke off is tried once more on another connection."""
        self._tries += 1
        if inventory.complete or len(inventory.entries) > len(self.inventory.entries):
            self.inventory = inventory
        told = {**inventory_json(self.inventory), "tries": self._tries}
        self._keep_lesson("inventory", told, now)

    def experienced(self, experience: Experience, now: Instant) -> None:
        """Keep what was taken and refused."""
        before, self.experience = self.experience, experience
        if before.as_json() != experience.as_json():
            self._keep_lesson("settings", experience.as_json(), now)

    def _lesson(self, lesson: str) -> JsonObject | None:
        """What was learned last in this version; of another software it is none."""
        kept = self._newest(self._name(lesson))
        return None if kept is None or kept.get("software") != self._software else kept

    def _keep_lesson(self, lesson: str, told: JsonObject, now: Instant) -> None:
        """One name for every software: a station makes up the names of its own."""
        name = self._name(lesson)
        if not self._lessons.exhausted(name, now_s=now.monotonic_s):
            self._lessons.add(name, now_s=now.monotonic_s)
            self._note(name, {"software": self._software, **told}, now)

    def _name(self, lesson: str) -> str:
        return lesson if self._version is None else f"{lesson} in {self._version.value}"

    def _newest(self, name: str) -> JsonObject | None:
        kept = self._journal.newest(self._station_id, StationEventKind.LEARNED, name)
        found: JsonObject | None = None if kept is None else json.loads(kept.detail)
        return found

    def _note(self, name: str, told: JsonObject, now: Instant) -> None:
        self._journal.note(
            StationEvent(
                at_utc=now.utc,
                station_id=self._station_id,
                kind=StationEventKind.LEARNED,
                name=name,
                detail=json.dumps(told, separators=(",", ":")),
            )
        )
