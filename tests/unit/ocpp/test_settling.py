"""One pass over a station's settings: what is written, in which calls, and what is remembered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.provisioning.abilities import Variable
from v2g_daemon.adapters.ocpp.provisioning.configuration import (
    CallLimits,
    batches,
    read_limits,
    read_variables,
)
from v2g_daemon.adapters.ocpp.provisioning.inventory import NO_INVENTORY, Entry, Inventory
from v2g_daemon.adapters.ocpp.provisioning.settling import (
    Experience,
    Setting,
    SettingState,
    complaint,
    settle,
)
from v2g_daemon.adapters.ocpp.provisioning.wanted import MEASURANDS, Wanted, holding, one_of
from v2g_daemon.adapters.ocpp.wire.session import (
    CallAnswered,
    CallOutcome,
    CallRejectedByError,
    CallTimedOut,
)

Json = dict[str, Any]

INTERVAL = Variable(component="SampledDataCtrlr", name="TxUpdatedInterval")
LIST = Variable(component="SampledDataCtrlr", name="TxUpdatedMeasurands")
SOURCE = Variable(component="ClockCtrlr", name="TimeSource")
EVERYTHING = ",".join(MEASURANDS)
WANTS_INTERVAL = Wanted(
    variable=INTERVAL, values=("5",), fits=one_of("5"), needed=lambda kept: f"{kept} is slow"
)
WANTS_LIST = Wanted(
    variable=LIST,
    values=(EVERYTHING, ",".join(MEASURANDS[:2])),
    fits=holding(*MEASURANDS),
    members=True,
)
WANTS_SOURCE = Wanted(
    variable=SOURCE, values=("Heartbeat",), fits=holding("Heartbeat"), extends=True
)


class Device:
    """Answers SetVariables by a rule on each value, and keeps what it was asked to write."""

    version = OcppVersion.V2_1

    def __init__(self, rule: Callable[[str, str], str] = lambda name, value: "Accepted") -> None:
        self.rule = rule
        self.written: list[dict[str, str]] = []

    async def call(
        self, action: str, payload: Json, *, timeout_s: float | None = None
    ) -> CallOutcome:
        items = payload["setVariableData"]
        self.written.append({one["variable"]["name"]: one["attributeValue"] for one in items})
        results = []
        for one in items:
            status = self.rule(one["variable"]["name"], one["attributeValue"])
            if status == "CALLERROR":
                return CallRejectedByError(code="InternalError", text="")
            if status == "silence":
                return CallTimedOut(timeout_s=1.0)
            place = {"component": one["component"], "variable": one["variable"]}
            results.append({**place, "attributeStatus": status})
        return CallAnswered(payload={"setVariableResult": results})


async def settled(
    device: Device,
    values: dict[Variable, str],
    *wanted: Wanted,
    inventory: Inventory = NO_INVENTORY,
    experience: Experience | None = None,
    limits: CallLimits | None = None,
) -> tuple[dict[str, Setting], Experience]:
    found, experience = await settle(
        device,
        wanted or (WANTS_INTERVAL, WANTS_LIST, WANTS_SOURCE),
        values,
        inventory=inventory,
        experience=Experience() if experience is None else experience,
        limits=CallLimits() if limits is None else limits,
    )
    return {one.variable.name: one for one in found}, experience


async def test_what_differs_is_written_and_what_is_not_there_is_left_alone() -> None:
    device = Device()
    found, _ = await settled(device, {INTERVAL: "60", SOURCE: "NTP", LIST: EVERYTHING})
    assert device.written == [{"TxUpdatedInterval": "5", "TimeSource": "NTP,Heartbeat"}]
    assert {name: one.state for name, one in found.items()} == {
        "TxUpdatedInterval": SettingState.WRITTEN,
        "TimeSource": SettingState.WRITTEN,
        "TxUpdatedMeasurands": SettingState.FITS,
    }
    device = Device()
    assert (await settled(device, {}))[0] == {}
    assert device.written == []


async def test_a_batch_that_is_refused_is_written_one_by_one() -> None:
    device = Device(lambda name, value: "CALLERROR" if name == "TimeSource" else "Accepted")
    found, _ = await settled(device, {INTERVAL: "60", SOURCE: "NTP"}, WANTS_INTERVAL, WANTS_SOURCE)
    assert [list(one) for one in device.written] == [
        ["TxUpdatedInterval", "TimeSource"],
        ["TxUpdatedInterval"],
        ["TimeSource"],
    ]
    assert found["TxUpdatedInterval"].state is SettingState.WRITTEN
    assert (found["TimeSource"].state, found["TimeSource"].status) == (
        SettingState.REFUSED,
        "InternalError",
    )


async def test_a_silent_station_is_not_asked_again_and_again() -> None:
    device = Device(lambda name, value: "silence")
    found, experience = await settled(device, {INTERVAL: "60", LIST: ""})
    assert len(device.written) == 2
    assert (found, experience) == ({}, Experience())


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("RebootRequired", SettingState.AFTER_REBOOT),
        ("Rejected", SettingState.REFUSED),
        ("NotSupportedAttributeType", SettingState.REFUSED),
        ("UnknownVariable", SettingState.REFUSED),
    ],
)
async def test_every_status_is_normal_shown_and_not_tried_again(
    status: str, state: SettingState
) -> None:
    device = Device(lambda name, value: status)
    found, experience = await settled(device, {INTERVAL: "60"}, WANTS_INTERVAL)
    assert (found["TxUpdatedInterval"].state, found["TxUpdatedInterval"].status) == (state, status)
    said = complaint(found.values(), [WANTS_INTERVAL])
    assert said is not None
    assert said.startswith("SampledDataCtrlr.TxUpdatedInterval = 60 (")
    assert "60 is slow" in said
    again, experience = await settled(
        device, {INTERVAL: "60"}, WANTS_INTERVAL, experience=experience
    )
    assert (again["TxUpdatedInterval"].state, len(device.written)) == (state, 1)
    await settled(device, {INTERVAL: "60"}, WANTS_INTERVAL, experience=experience.restarted())
    assert len(device.written) == (2 if state is SettingState.AFTER_REBOOT else 1)


async def test_another_wish_is_tried_whatever_was_refused_before() -> None:
    device = Device()
    faster = Wanted(variable=INTERVAL, values=("10",), fits=one_of("10"))
    refused = Experience(refused={"SampledDataCtrlr.TxUpdatedInterval": "5"})
    await settled(device, {INTERVAL: "60"}, faster, experience=refused)
    assert device.written == [{"TxUpdatedInterval": "10"}]


async def test_what_the_inventory_calls_read_only_is_not_written() -> None:
    device = Device()
    inventory = Inventory(entries={INTERVAL.folded(): Entry(writable=False)}, complete=True)
    found, _ = await settled(device, {INTERVAL: "60"}, WANTS_INTERVAL, inventory=inventory)
    assert found["TxUpdatedInterval"].state is SettingState.READ_ONLY
    assert device.written == []


async def test_a_list_is_cut_to_what_the_station_knows_at_the_first_try() -> None:
    device = Device()
    known = ("SoC", "Voltage", "Energy.Active.Import.Register")
    inventory = Inventory(entries={LIST.folded(): Entry(writable=True, members=known)})
    found, _ = await settled(device, {LIST: "Voltage"}, WANTS_LIST, inventory=inventory)
    assert device.written == [{"TxUpdatedMeasurands": "Energy.Active.Import.Register,SoC"}]
    assert found["TxUpdatedMeasurands"].state is SettingState.WRITTEN


def knows(*names: str) -> Callable[[str, str], str]:
    """Takes lists of these measurands only."""
    return lambda _, value: "Accepted" if set(value.split(",")) <= set(names) else "Rejected"


async def test_a_refused_list_is_followed_by_a_shorter_one_and_remembered() -> None:
    device = Device(knows(*MEASURANDS[:2]))
    found, experience = await settled(device, {LIST: ""}, WANTS_LIST)
    shorter = ",".join(MEASURANDS[:2])
    assert [one["TxUpdatedMeasurands"] for one in device.written] == [EVERYTHING, shorter]
    assert found["TxUpdatedMeasurands"].in_force == shorter
    # It still has it: nothing is written. It has lost it: at once the list that it took.
    await settled(device, {LIST: shorter}, WANTS_LIST, experience=experience)
    assert len(device.written) == 2
    await settled(device, {LIST: ""}, WANTS_LIST, experience=experience)
    assert device.written[2:] == [{"TxUpdatedMeasurands": shorter}]


async def test_where_every_list_is_refused_its_members_are_tried_once_each() -> None:
    device = Device(knows("Energy.Active.Import.Register", "SoC"))
    found, experience = await settled(device, {LIST: ""}, WANTS_LIST)
    assert found["TxUpdatedMeasurands"].wanted == "Energy.Active.Import.Register,SoC"
    assert len(device.written) == 2 + len(MEASURANDS)
    await settled(
        device, {LIST: "Energy.Active.Import.Register,SoC"}, WANTS_LIST, experience=experience
    )
    assert len(device.written) == 2 + len(MEASURANDS)


async def test_a_station_that_takes_no_list_at_all_is_left_in_peace() -> None:
    device = Device(lambda name, value: "Rejected")
    _, experience = await settled(device, {LIST: ""}, WANTS_LIST)
    tried = len(device.written)
    found, _ = await settled(device, {LIST: ""}, WANTS_LIST, experience=experience)
    assert (found["TxUpdatedMeasurands"].state, len(device.written)) == (
        SettingState.REFUSED,
        tried,
    )


async def test_a_station_that_already_has_a_shorter_list_keeps_it() -> None:
    device = Device(lambda name, value: "Rejected")
    shorter = ",".join(MEASURANDS[:2])
    found, experience = await settled(device, {LIST: shorter + ",Voltage"}, WANTS_LIST)
    assert found["TxUpdatedMeasurands"].state is SettingState.LESS
    await settled(device, {LIST: shorter}, WANTS_LIST, experience=experience)
    assert len(device.written) == 1


async def test_calls_hold_no_more_items_or_bytes_than_the_station_takes() -> None:
    variables = [Variable(component="C", name=f"V{number:02}") for number in range(10)]
    wanted = [Wanted(variable=one, values=("1",), fits=one_of("1")) for one in variables]
    values = dict.fromkeys(variables, "0")
    device = Device()
    await settled(device, values, *wanted, limits=CallLimits(set_items=3))
    assert [len(one) for one in device.written] == [3, 3, 3, 1]
    items = [(one, {"component": {"name": "C"}, "value": "x" * 400}) for one in variables]
    sizes = [len(one) for one in batches(items, most_items=100, most_bytes=1000)]
    assert sizes == [2, 2, 2, 2, 2]
    # One always goes out, however little the station says it takes.
    assert [len(one) for one in batches(items[:2], most_items=1, most_bytes=10)] == [1, 1]


class Readable:
    """Answers GetVariables from a table; at most so many at once."""

    version = OcppVersion.V2_0_1

    def __init__(self, table: dict[tuple[str, str | None], str], most: int = 50) -> None:
        self.table, self.most = table, most
        self.asked: list[int] = []

    async def call(
        self, action: str, payload: Json, *, timeout_s: float | None = None
    ) -> CallOutcome:
        items = payload["getVariableData"]
        self.asked.append(len(items))
        if len(items) > self.most:
            return CallRejectedByError(code="OccurrenceConstraintViolation", text="")
        results = []
        for one in items:
            variable = one["variable"]
            value = self.table.get((variable["name"], variable.get("instance")))
            status = {"attributeStatus": "UnknownVariable"}
            if value is not None:
                status = {"attributeStatus": "Accepted", "attributeValue": value}
            results.append({"component": one["component"], "variable": variable, **status})
        return CallAnswered(payload={"getVariableResult": results})


async def test_the_stations_own_limits_are_read_first_and_nonsense_is_the_usual() -> None:
    table: dict[tuple[str, str | None], str] = {
        ("ItemsPerMessage", "GetVariables"): "4",
        ("BytesPerMessage", "SetVariables"): "2048",
        ("ItemsPerMessage", "SetVariables"): "0",
        ("BytesPerMessage", "GetVariables"): "many",
    }
    limits = await read_limits(Readable(table))
    assert limits == CallLimits(get_items=4, set_bytes=2048)
    station = Readable({})
    variables = [Variable(component="C", name=f"V{number}") for number in range(10)]
    await read_variables(station, variables, limits)
    assert station.asked == [4, 4, 2]


async def test_a_station_that_takes_one_at_a_time_is_read_all_the_same() -> None:
    table: dict[tuple[str, str | None], str] = {("V1", None): "x", ("V3", None): "y"}
    variables = [Variable(component="C", name=f"V{number}") for number in range(4)]
    values = await read_variables(Readable(table, most=1), variables, CallLimits())
    assert {one.name: value for one, value in values.items()} == {"V1": "x", "V3": "y"}
