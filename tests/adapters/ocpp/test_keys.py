"""Charge keys over the wire: what a station is answered, what list it gets, and when it gets it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.adapters.ocpp.conftest import Bench, Benches
from tests.adapters.ocpp.scripted_station import Json, MemoryJournal, ScriptedStation, station
from tests.adapters.ocpp.test_v16_station import OldStation, old_station
from tests.adapters.waiting import until
from v2g_daemon.adapters.ocpp import OcppVersion
from v2g_daemon.adapters.ocpp.authorization.keys import ChargeKey, KeyRing
from v2g_daemon.domain.ledger import StationEventKind

RING = KeyRing(
    keys=(
        ChargeKey(name="badge", id_token="04A2B3C4"),
        ChargeKey(name="contract", id_token="NL-ABC-C12345678-X-1234", kind="eMAID"),
    ),
    accept_unknown=False,
)
STRANGER = {"idToken": "DEADBEEF", "type": "ISO14443"}
LISTED = [
    {
        "idToken": {"idToken": "04A2B3C4", "type": "ISO14443"},
        "idTokenInfo": {"status": "Accepted"},
    },
    {
        "idToken": {"idToken": "NL-ABC-C12345678-X-1234", "type": "eMAID"},
        "idTokenInfo": {"status": "Accepted"},
    },
]


def holding(
    car: ScriptedStation | OldStation, version: int, *, field: str = "versionNumber"
) -> None:
    """The station says that it holds a list of that version."""
    car.answers["GetLocalListVersion"] = lambda _: {field: version}


def kept(bench: Bench) -> list[str]:
    return [
        one.detail
        for one in bench.journal.order
        if one.kind is StationEventKind.LEARNED and one.name == "local list"
    ]


@pytest.mark.parametrize("version", ["ocpp2.1", "ocpp2.0.1"])
async def test_the_owners_keys_are_sent_whole_and_only_where_the_station_lacks_them(
    benches: Benches, version: str
) -> None:
    journal = MemoryJournal()
    async with benches(key_ring=RING, journal=journal) as bench:
        async with station(bench.central, versions=(version,)) as car:
            holding(car, 0)
            await car.boot()
            sent = await car.asked("SendLocalList")
            assert sent == {
                "versionNumber": 1,
                "updateType": "Full",
                "localAuthorizationList": LISTED,
            }
            await until(lambda: len(kept(bench)) == 1)
            assert car.broken == []
        async with station(bench.central, versions=(version,)) as car:
            holding(car, 1)
            await car.configured()
            assert car.of("SendLocalList") == []
    # Another run of the daemon, with the same journal: still nothing to send.
    async with (
        benches(key_ring=RING, journal=journal) as bench,
        station(bench.central, versions=(version,)) as car,
    ):
        holding(car, 1)
        await car.boot()
        await car.settled()
        assert len(car.of("GetLocalListVersion")) == 1
        assert car.of("SendLocalList") == []


@pytest.mark.parametrize("held", [0, 7])
async def test_a_list_that_was_lost_or_replaced_is_sent_again_under_a_higher_version(
    benches: Benches, held: int
) -> None:
    async with benches(key_ring=RING) as bench:
        async with station(bench.central) as car:
            holding(car, 0)
            await car.boot()
            await car.asked("SendLocalList")
            await until(lambda: len(kept(bench)) == 1)
        async with station(bench.central) as car:
            holding(car, held)
            await car.boot()
            assert (await car.asked("SendLocalList"))["versionNumber"] == max(held, 1) + 1


async def test_a_house_that_gives_up_its_keys_empties_the_list_and_one_that_had_none_leaves_it(
    benches: Benches,
) -> None:
    journal = MemoryJournal()
    async with benches(journal=journal) as bench, station(bench.central) as car:
        await car.configured()
        assert car.of("GetLocalListVersion") == []
    async with benches(key_ring=RING, journal=journal) as bench, station(bench.central) as car:
        holding(car, 4)
        await car.boot()
        await car.asked("SendLocalList")
        await until(lambda: len(kept(bench)) == 1)
    async with benches(journal=journal) as bench, station(bench.central) as car:
        holding(car, 5)
        await car.boot()
        assert await car.asked("SendLocalList") == {"versionNumber": 6, "updateType": "Full"}


async def test_a_station_that_takes_no_list_is_configured_all_the_same(
    benches: Benches,
) -> None:
    async with benches(key_ring=RING) as bench, station(bench.central) as car:
        car.answers["GetLocalListVersion"] = lambda _: {"error": "NotImplemented"}
        await car.configured()
        assert car.of("SendLocalList") == []
        assert kept(bench) == []


async def test_a_list_that_was_refused_is_not_thought_to_be_there(benches: Benches) -> None:
    async with benches(key_ring=RING) as bench, station(bench.central) as car:
        holding(car, 0)
        car.answers["SendLocalList"] = lambda _: {"status": "Failed"}
        await car.configured()
        assert len(car.of("SendLocalList")) == 1
        assert kept(bench) == []


async def test_an_old_station_gets_the_keys_that_fit_it(benches: Benches) -> None:
    old = (OcppVersion.V1_6,)
    async with benches(key_ring=RING, versions=old) as bench, old_station(bench) as car:
        holding(car, 0, field="listVersion")
        await car.boot()
        assert await car.until_asked("SendLocalList") == {
            "listVersion": 1,
            "updateType": "Full",
            "localAuthorizationList": [{"idTag": "04A2B3C4", "idTagInfo": {"status": "Accepted"}}],
        }


@pytest.mark.parametrize("answer", [{"listVersion": -1}])
async def test_an_old_station_without_lists_is_left_alone(benches: Benches, answer: Json) -> None:
    old = (OcppVersion.V1_6,)
    async with benches(key_ring=RING, versions=old) as bench, old_station(bench) as car:
        car.answers["GetLocalListVersion"] = lambda _: answer
        await car.boot()
        assert car.of("SendLocalList") == []


async def test_the_settings_that_keys_need_are_written_where_they_differ(benches: Benches) -> None:
    async with benches(key_ring=RING) as bench, station(bench.central) as car:
        car.device_model |= {
            ("LocalAuthListCtrlr", "Enabled"): "false",
            ("AuthCtrlr", "LocalPreAuthorize"): "true",
            ("AuthCtrlr", "OfflineTxForUnknownIdEnabled"): "true",
        }
        holding(car, 0)
        await car.boot()
        await car.asked("SendLocalList")
        written = {
            (one["component"]["name"], one["variable"]["name"]): one["attributeValue"]
            for call in car.of("SetVariables")
            for one in call["setVariableData"]
        }
        assert written["LocalAuthListCtrlr", "Enabled"] == "true"
        assert written["AuthCtrlr", "OfflineTxForUnknownIdEnabled"] == "false"
        # Where cars may discharge, each has to be asked about first (2.1 Q01).
        assert written["AuthCtrlr", "LocalPreAuthorize"] == "false"


@pytest.mark.parametrize("version", ["ocpp2.1", "ocpp2.0.1"])
async def test_an_unknown_key_is_refused_named_and_ends_nothing(
    benches: Benches, version: str
) -> None:
    async with (
        benches(key_ring=RING) as bench,
        station(bench.central, versions=(version,)) as car,
    ):
        holding(car, 0)
        await car.configured()
        answer = await car.call("Authorize", {"idToken": STRANGER})
        assert answer == {"idTokenInfo": {"status": "Invalid"}}
        known: dict[str, Any] = {"idToken": {"idToken": "04a2b3c4", "type": "ISO14443"}}
        assert (await car.call("Authorize", known))["idTokenInfo"] == {"status": "Accepted"}
        started = await car.event("Started", "Authorized", evse={"id": 1}, **known)
        assert started == {"idTokenInfo": {"status": "Accepted"}}
        shown = await car.event("Updated", "StopAuthorized", idToken=STRANGER)
        assert shown == {"idTokenInfo": {"status": "Accepted"}}
        told = [one for one in bench.journal.order if one.name == "unknown_key"]
        assert [one.detail for one in told] == ["*BEEF (ISO14443)"]


async def test_an_old_stations_unknown_tag_is_refused(benches: Benches) -> None:
    old = (OcppVersion.V1_6,)
    async with benches(key_ring=RING, versions=old) as bench, old_station(bench) as car:
        holding(car, 0, field="listVersion")
        await car.boot()
        refused = await car.call("Authorize", {"idTag": "DEADBEEF"})
        assert refused == {"idTagInfo": {"status": "Invalid"}}
        assert await car.call("Authorize", {"idTag": "04A2B3C4"}) == {
            "idTagInfo": {"status": "Accepted"}
        }
