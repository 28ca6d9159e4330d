"""Reports in parts, as stations were seen to send them, and the inventory made of them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from v2g_daemon.adapters.ocpp.provisioning.abilities import Variable
from v2g_daemon.adapters.ocpp.provisioning.inventory import (
    MOST_ENTRIES,
    inventory_from,
    inventory_json,
    inventory_of,
)
from v2g_daemon.adapters.ocpp.provisioning.reports import Reports

Json = dict[str, Any]


def part(seq_no: int, *, request_id: int = 1, names: tuple[str, ...] = (), **more: Any) -> Json:
    data = [item(name) for name in names]
    return {"requestId": request_id, "seqNo": seq_no, "reportData": data, **more}


def item(name: str, **more: Any) -> Json:
    attribute = more.pop("attribute", {"value": "1"})
    found: Json = {"component": {"name": "C"}, "variable": {"name": name}}
    return {**found, "variableAttribute": [attribute], **more}


async def collected(*parts: Json, patience_s: float = 0.05) -> tuple[list[int], bool]:
    reports = Reports()
    with reports.expecting("NotifyReport") as expected:
        assert expected.request_id == 1
        collecting = asyncio.create_task(expected.parts(patience_s=patience_s))
        for one in parts:
            await asyncio.sleep(0)
            reports.told("NotifyReport", one)
        found, complete = await collecting
    return [one["seqNo"] for one in found], complete


@pytest.mark.parametrize(
    ("parts", "numbers", "complete"),
    [
        ([part(0, tbc=True), part(1, tbc=True), part(2, tbc=False)], [0, 1, 2], True),
        ([part(0)], [0], True),  # a single frame without tbc
        ([part(1, tbc=False)], [1], True),  # a first frame with number 1
        ([part(0, tbc=True), part(2, tbc=False)], [0, 2], False),  # one is missing
        ([part(0, tbc=True), part(1, tbc=True)], [0, 1], False),  # it never ends
        ([part(0), part(1, tbc=False)], [0, 1], True),  # the first forgot to say that more come
        ([part(0, tbc=True), part(7, request_id=2, tbc=False)], [0], False),  # another's report
        ([], [], False),
    ],
)
async def test_a_report_is_taken_as_far_as_it_comes(
    parts: list[Json], numbers: list[int], complete: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("v2g_daemon.adapters.ocpp.provisioning.reports.LINGER_S", 0.05)
    assert await collected(*parts) == (numbers, complete)


async def test_a_station_that_never_stops_reporting_fills_no_memory() -> None:
    reports = Reports()
    with reports.expecting("NotifyReport") as expected:
        for number in range(1000):
            reports.told("NotifyReport", part(number, tbc=True))
        found, complete = await expected.parts(patience_s=0.05)
    assert (len(found), complete) == (200, False)


def test_what_nobody_asked_for_is_dropped() -> None:
    reports = Reports()
    reports.told("NotifyReport", part(0))
    with reports.expecting("NotifyReport") as expected:
        reports.told("ReportChargingProfiles", part(0))
        reports.told("NotifyReport", part(0, request_id=77))
    reports.told("NotifyReport", part(0, request_id=expected.request_id))


def test_an_inventory_says_what_may_be_written_and_what_a_list_may_hold() -> None:
    told = [
        item("Plain"),
        item("Fixed", attribute={"mutability": "ReadOnly", "value": "1"}),
        item("List", variableCharacteristics={"valuesList": "SoC, Voltage,"}),
    ]
    inventory = inventory_of([{"reportData": told}], complete=True)
    again = inventory_from(json.loads(json.dumps(inventory_json(inventory))))
    assert again == inventory
    assert not again.read_only(Variable(component="c", name="PLAIN"))
    assert again.read_only(Variable(component="C", name="Fixed"))
    assert again.members(Variable(component="C", name="List")) == ("SoC", "Voltage")
    # What it does not list may exist all the same: some report next to nothing.
    assert not again.read_only(Variable(component="C", name="Unlisted"))


def test_a_device_model_without_end_is_cut() -> None:
    told = [item(f"V{number}") for number in range(MOST_ENTRIES + 1)]
    inventory = inventory_of([{"reportData": told}], complete=True)
    assert (len(inventory.entries), inventory.complete) == (MOST_ENTRIES, False)


def test_a_hundred_kilobytes_of_report_are_kept_in_twenty() -> None:
    told = [
        item(f"SomeVariable{number}", variableCharacteristics={"dataType": "string"})
        for number in range(318)
    ]
    kept = json.dumps(inventory_json(inventory_of([{"reportData": told}], complete=True)))
    assert len(kept) < 20_000
