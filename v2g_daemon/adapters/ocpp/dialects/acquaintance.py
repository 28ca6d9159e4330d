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
from v2g_daemon.adapters.ocpp.provisioning.settling import Experience
from v2g_daemon.adapters.ocpp.security.attempts import NOTES, Tally
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.ports import StationJournal

MOST_TRIES = 2  # to read the inventory of a firmware that never finishes its report


class Acquaintance:
    """One station's make, and what that firmware taught us in the version it speaks."""

    def __init__(self, *, station_id: str, journal: StationJournal) -> None:
        self.inventory: Inventory = NO_INVENTORY
        self.experience = Experience()
        self._station_id = station_id
        self._journal = journal
        self._notes = Tally(NOTES)  # of a station that is another one at every boot
        self._tries = 0
        self._learned_of = ""

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
        learned_of = f"{make.software} in {version.value}"
        if self._learned_of == learned_of:
            return
        self._learned_of = learned_of
        self.inventory, self._tries = NO_INVENTORY, 0
        kept = self._newest(f"inventory of {learned_of}")
        if kept is not None:
            self.inventory, self._tries = inventory_from(kept), int(kept["tries"])
        kept = self._newest(f"settings of {learned_of}")
        self.experience = Experience() if kept is None else Experience(**kept)

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
        self._note(f"inventory of {self._learned_of}", told, now)

    def experienced(self, experience: Experience, now: Instant) -> None:
        """Keep what was taken and refused."""
        before, self.experience = self.experience, experience
        if before.as_json() != experience.as_json():
            self._note(f"settings of {self._learned_of}", experience.as_json(), now)

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
