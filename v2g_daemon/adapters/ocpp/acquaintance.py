"""What we know of a station's make over connections and restarts: it is learned once."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from v2g_daemon.adapters.ocpp.codec import JsonObject, printable
from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.inventory import (
    NO_INVENTORY,
    Inventory,
    inventory_from,
    inventory_json,
)
from v2g_daemon.adapters.ocpp.settling import Experience
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.ports import StationJournal

MOST_TRIES = 2  # to read the inventory of a firmware that never finishes its report


@dataclass(frozen=True, slots=True, kw_only=True)
class Make:
    """Who built a station, and what runs on it; the boot tells."""

    vendor: str
    model: str
    firmware: str

    @property
    def name(self) -> str:
        """As people and the journal name it."""
        return " ".join(word for word in (self.vendor, self.model, self.firmware) if word)


def make_of(boot: JsonObject) -> Make:
    """The make in a BootNotification."""
    station = boot["chargingStation"]
    return Make(
        vendor=printable(str(station["vendorName"])).strip(),
        model=printable(str(station["model"])).strip(),
        firmware=printable(str(station.get("firmwareVersion", ""))).strip(),
    )


class Acquaintance:
    """One station's make, and what that firmware taught us in the version it speaks."""

    def __init__(self, *, station_id: str, journal: StationJournal) -> None:
        self.make: Make | None = None
        self.inventory: Inventory = NO_INVENTORY
        self.experience = Experience()
        self._station_id = station_id
        self._journal = journal
        self._tries = 0
        self._read_for: tuple[Make | None, OcppVersion] | None = None

    def recall(self) -> None:
        """At the start: the make that an earlier run met last."""
        kept = self._newest("make")
        self.make = None if kept is None else Make(**kept)

    def booted(self, boot: JsonObject, now: Instant, *, restarted: bool) -> None:
        """A boot tells who it is; one that nobody asked for is a restart."""
        told = make_of(boot)
        if restarted:
            self.experience = self.experience.restarted()
        if told != self.make:
            self.make = told
            self._read_for = None
            self._note("make", asdict(told), now)

    def in_version(self, version: OcppVersion) -> None:
        """A connection speaks this version: what was learned in it counts."""
        if self._read_for == (self.make, version):
            return
        self._read_for = (self.make, version)
        self.inventory, self._tries = NO_INVENTORY, 0
        kept = self._newest(self._of_firmware("inventory", version))
        if kept is not None:
            self.inventory, self._tries = inventory_from(kept), int(kept["tries"])
        kept = self._newest(self._of_firmware("settings", version))
        self.experience = Experience() if kept is None else Experience(**kept)

    @property
    def wants_inventory(self) -> bool:
        """Whether the full report of this firmware has still to be asked for."""
        return not self.inventory.complete and self._tries < MOST_TRIES

    def inventoried(self, inventory: Inventory, version: OcppVersion, now: Instant) -> None:
        """Keep a report; one that broke off is tried once more on another connection."""
        self._tries += 1
        if inventory.complete or len(inventory.entries) > len(self.inventory.entries):
            self.inventory = inventory
        told = {**inventory_json(self.inventory), "tries": self._tries}
        self._note(self._of_firmware("inventory", version), told, now)

    def experienced(self, experience: Experience, version: OcppVersion, now: Instant) -> None:
        """Keep what was taken and refused."""
        before, self.experience = self.experience, experience
        if before.as_json() != experience.as_json():
            self._note(self._of_firmware("settings", version), experience.as_json(), now)

    def _of_firmware(self, what: str, version: OcppVersion) -> str:
        name = "" if self.make is None else self.make.name
        return f"{what} of {name} in {version.value}"

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
