"""Each way of a station to fail that only a socket shows, and that nothing does so without it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from simulators.control import FaultOrder
from tests.adapters.simulators.central import Bench

Json = dict[str, Any]
PATIENCE_S = 1.5  # an answer of an ordinary station comes long before
A_WHILE_S = 0.7
FEW_EVENTS = 3


@dataclass(frozen=True, kw_only=True)
class WireCase:
    """What is seen with the fault and without it; the fault is there from the start, or later."""

    observe: Callable[[Bench], Awaitable[Any]]
    shown: Any
    ordinary: Any
    given: Json = field(default_factory=dict)
    from_start: bool = False


def order(run: Bench, kind: str, **given: Any) -> None:
    """Set another fault."""
    run.assembly.control.set_fault(FaultOrder(device="S1", kind=kind, **given))


async def answers_in_time(run: Bench) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await run.central.call("GetTransactionStatus", {})
    except TimeoutError:
        return False
    return True


async def answers_too_late(run: Bench) -> tuple[bool, bool]:
    waiting = asyncio.ensure_future(run.central.call("GetTransactionStatus", {}))
    await asyncio.wait([waiting], timeout=PATIENCE_S)
    return waiting.done(), "messagesInQueue" in await waiting


async def pongs_and_talks(run: Bench) -> tuple[bool, bool]:
    await asyncio.sleep(0.3)
    before = len(run.central.calls)
    pong = asyncio.ensure_future(await run.central.sockets[-1].ping())
    await asyncio.wait([pong], timeout=PATIENCE_S)
    await asyncio.sleep(A_WHILE_S)
    return pong.done(), len(run.central.calls) > before


async def close_code(run: Bench) -> int | None:
    closed = asyncio.ensure_future(run.central.sockets[0].wait_closed())
    await asyncio.wait([closed], timeout=PATIENCE_S)
    return run.central.sockets[0].close_code


async def comes_back(run: Bench) -> bool:
    await run.central.sockets[-1].close()
    await asyncio.sleep(PATIENCE_S)
    return len(run.central.sockets) > 1


async def offered(run: Bench) -> tuple[str | None, bool]:
    await run.central.connected(1)
    await asyncio.sleep(A_WHILE_S)
    return run.central.offered[0], "BootNotification" in run.central.names()


async def ids_of_three(run: Bench) -> int:
    await run.central.got("NotifyEVChargingNeeds")
    return len(set(run.central.ids[:3]))


async def pairs(run: Bench) -> bool:
    await run.central.got("NotifyEVChargingNeeds")
    ids = run.central.ids
    return ids[0] == ids[1] and ids[2] == ids[3]


async def strange_frames(run: Bench) -> bool:
    await run.central.got("NotifyEVChargingNeeds")
    return len(run.central.strange) > 2


async def kinds_of_frames(run: Bench) -> set[int]:
    await run.central.got("NotifyEVChargingNeeds")
    return {frame[0] for frame in run.central.strange if isinstance(frame, list)}


async def long_frames(run: Bench) -> bool:
    await run.central.got("NotifyEVChargingNeeds")
    return run.central.longest > 100_000


async def told_and_answered(run: Bench) -> tuple[bool, bool]:
    await run.central.connected(1)
    await asyncio.sleep(A_WHILE_S)
    return run.central.names() != [], await answers_in_time(run)


async def first_word(run: Bench) -> str:
    await run.central.received(lambda _name, _payload: True)
    return run.central.names()[0]


async def first_word_again(run: Bench) -> str:
    await run.transaction_id()
    before = len(run.central.calls)
    await run.central.sockets[-1].close()
    first = {"BootNotification", "StatusNotification"}
    await run.central.received(lambda name, _payload: name in first, after=before)
    return next(name for name in run.central.names()[before:] if name in first)


async def boots(run: Bench) -> bool:
    await run.transaction_id()
    await asyncio.sleep(A_WHILE_S)
    return run.central.names().count("BootNotification") > 1


def interval(**value: str) -> Json:
    component = {"name": "SampledDataCtrlr"}
    return {"component": component, "variable": {"name": "TxUpdatedInterval"}, **value}


async def setting_after_a_reconnect(run: Bench) -> str:
    await run.transaction_id()
    written = {"setVariableData": [interval(attributeValue="7")]}
    await run.central.call("SetVariables", written)
    await run.central.sockets[-1].close()
    await run.central.connected(2)
    await run.until(lambda: bool(run.station.online))
    answer = await run.central.call("GetVariables", {"getVariableData": [interval()]})
    return str(answer["getVariableResult"][0]["attributeValue"])


async def told_after_an_absence(run: Bench) -> list[int]:
    """The seqNo of events of a while without a link, in the order in which they came."""
    await run.transaction_id()
    await run.central.got("TransactionEvent", triggerReason="MeterValuePeriodic")
    order(run, "offline_replay")
    order(run, "drop_link", for_s=15.0)
    await run.until(lambda: not run.station.online)
    before = len(run.central.calls)

    def numbers() -> list[int]:
        calls = run.central.calls[before:]
        return [payload["seqNo"] for _, payload in calls if payload.get("offline", False)]

    await run.until(lambda: len(numbers()) > FEW_EVENTS)
    return numbers()


async def in_order(run: Bench) -> bool:
    numbers = await told_after_an_absence(run)
    return numbers[:3] == sorted(numbers[:3])


async def told_again(run: Bench) -> bool:
    events = [p["seqNo"] for name, p in run.central.calls if name == "TransactionEvent"]
    assert events
    await told_after_an_absence(run)
    numbers = [p["seqNo"] for name, p in run.central.calls if name == "TransactionEvent"]
    return len(numbers) > len(set(numbers))


ON_THE_WIRE: dict[str, WireCase] = {
    "silent": WireCase(observe=answers_in_time, shown=False, ordinary=True),
    "slow_answers": WireCase(
        observe=answers_too_late, given={"lag_s": 2.5}, shown=(False, True), ordinary=(True, True)
    ),
    "black_hole": WireCase(observe=pongs_and_talks, shown=(False, False), ordinary=(True, True)),
    "no_pong": WireCase(observe=pongs_and_talks, shown=(False, True), ordinary=(True, True)),
    "drop_link": WireCase(observe=close_code, shown=1006, ordinary=None),
    "closes_link": WireCase(observe=close_code, shown=1000, ordinary=None),
    "gone_after_close": WireCase(observe=comes_back, shown=False, ordinary=True),
    "wrong_subprotocol": WireCase(
        observe=offered, from_start=True, shown=("ocpp9.9", False), ordinary=("ocpp2.1", True)
    ),
    "no_subprotocol": WireCase(
        observe=offered, from_start=True, shown=(None, True), ordinary=("ocpp2.1", True)
    ),
    "sends_twice": WireCase(observe=pairs, from_start=True, shown=True, ordinary=False),
    "reuses_ids": WireCase(observe=ids_of_three, from_start=True, shown=1, ordinary=3),
    "garbage": WireCase(observe=strange_frames, from_start=True, shown=True, ordinary=False),
    "huge_frames": WireCase(
        observe=long_frames, from_start=True, given={"value": 2e5}, shown=True, ordinary=False
    ),
    "send_frames": WireCase(observe=kinds_of_frames, from_start=True, shown={6}, ordinary=set()),
    "never_boots": WireCase(
        observe=told_and_answered, from_start=True, shown=(False, True), ordinary=(True, True)
    ),
    "skips_boot": WireCase(
        observe=first_word, from_start=True, shown="StatusNotification", ordinary="BootNotification"
    ),
    "boots_on_reconnect": WireCase(
        observe=first_word_again, shown="BootNotification", ordinary="StatusNotification"
    ),
    "boot_storm": WireCase(observe=boots, from_start=True, shown=True, ordinary=False),
    "forgets_settings": WireCase(observe=setting_after_a_reconnect, shown="2", ordinary="7"),
    "out_of_order": WireCase(observe=in_order, shown=False, ordinary=True),
    "repeats_events": WireCase(observe=told_again, shown=True, ordinary=False),
}


@pytest.mark.parametrize("kind", ON_THE_WIRE)
async def test_a_fault_shows_on_the_wire_and_only_while_it_is_set(bench: Any, kind: str) -> None:
    case = ON_THE_WIRE[kind]
    seen = {}
    for name in ("ordinary", "shown"):
        planned = {"fault": [{"device": "S1", "kind": kind, **case.given}]}
        run = await bench(**(planned if name == "shown" and case.from_start else {}))
        if not case.from_start:
            await run.transaction_id()
            await run.central.got("TransactionEvent", triggerReason="MeterValuePeriodic")
        if name == "shown" and not case.from_start:
            order(run, kind, **case.given)
        seen[name] = await case.observe(run)
    assert seen == {"ordinary": case.ordinary, "shown": case.shown}
