"""What is kept of a station's make: the newest lesson of each kind, and no more."""

from __future__ import annotations

import json

from tests.adapters.ocpp.scripted_station import MemoryJournal, SteppedClock
from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.dialects.acquaintance import LESSONS, Acquaintance
from v2g_daemon.adapters.ocpp.dialects.lessons import Make
from v2g_daemon.adapters.ocpp.provisioning.abilities import Variable
from v2g_daemon.adapters.ocpp.provisioning.inventory import NO_INVENTORY, Entry, Inventory
from v2g_daemon.adapters.ocpp.provisioning.settling import Experience

VARIABLE = Variable(component="txctrlr", name="txstoppoint")
INVENTORY = Inventory(entries={VARIABLE: Entry(writable=False)}, complete=True)


def test_a_station_of_ever_new_firmware_fills_no_journal() -> None:
    clock, journal = SteppedClock(), MemoryJournal()
    known = Acquaintance(station_id="S1", journal=journal)
    for number in range(500):
        make = Make(vendor="V", model="M", firmware=str(number))
        known.in_version(OcppVersion.V2_1, make)
        assert known.wants_inventory
        known.inventoried(INVENTORY, clock.now())
        known.experienced(Experience(taken={"a.b": str(number)}), clock.now())
    assert {one.name for one in journal.order} == {"inventory in ocpp2.1", "settings in ocpp2.1"}
    assert len(journal.order) == 2 * LESSONS.count


def test_what_another_firmware_taught_is_none() -> None:
    clock, journal = SteppedClock(), MemoryJournal()
    first, second = (Make(vendor="V", model="M", firmware=one) for one in ("1", "2"))
    known = Acquaintance(station_id="S1", journal=journal)
    known.in_version(OcppVersion.V2_1, first)
    known.inventoried(INVENTORY, clock.now())
    known.experienced(Experience(refused={"a.b": "1"}), clock.now())

    after = Acquaintance(station_id="S1", journal=journal)
    after.in_version(OcppVersion.V2_1, first)
    assert after.inventory == INVENTORY
    assert after.experience == Experience(refused={"a.b": "1"})
    for version, make in ((OcppVersion.V2_1, second), (OcppVersion.V2_0_1, first)):
        after.in_version(version, make)
        assert (after.inventory, after.experience) == (NO_INVENTORY, Experience())
    assert [json.loads(one.detail)["software"] for one in journal.order] == ["V/M/1"] * 2
