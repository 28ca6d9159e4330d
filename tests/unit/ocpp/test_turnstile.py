"""The order in which calls of ours get their turn."""

from __future__ import annotations

import asyncio

from v2g_daemon.adapters.ocpp.wire.turnstile import Turnstile, Urgency


async def order_of(*arrivals: tuple[str, Urgency], cancelled: str | None = None) -> list[str]:
    """Who went through after whom, all having come while somebody else was in."""
    turnstile, passed = Turnstile(), []

    async def walk(name: str, urgency: Urgency) -> None:
        async with turnstile.turn(urgency):
            await asyncio.sleep(0)
            passed.append(name)

    async with turnstile.turn(Urgency.ROUTINE):
        tasks = {}
        for name, urgency in arrivals:
            tasks[name] = asyncio.create_task(walk(name, urgency))
            await asyncio.sleep(0)
        if cancelled is not None:
            tasks[cancelled].cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks.values(), return_exceptions=True)
    return passed


async def test_a_setpoint_overtakes_what_waits_and_equals_keep_their_order() -> None:
    passed = await order_of(
        ("poll 1", Urgency.ROUTINE),
        ("poll 2", Urgency.ROUTINE),
        ("setpoint 1", Urgency.SETPOINT),
        ("setpoint 2", Urgency.SETPOINT),
    )
    assert passed == ["setpoint 1", "setpoint 2", "poll 1", "poll 2"]


async def test_who_gives_up_while_waiting_holds_nobody_up() -> None:
    passed = await order_of(
        ("poll 1", Urgency.ROUTINE), ("poll 2", Urgency.ROUTINE), cancelled="poll 1"
    )
    assert passed == ["poll 2"]


async def test_who_is_called_and_cancelled_at_the_same_moment_hands_the_turn_on() -> None:
    turnstile = Turnstile()

    async def walk() -> None:
        async with turnstile.turn(Urgency.ROUTINE):
            pass

    async with turnstile.turn(Urgency.ROUTINE):
        first, second = asyncio.create_task(walk()), asyncio.create_task(walk())
        await asyncio.sleep(0)
    first.cancel()  # its turn has come, but it has not run yet
    async with asyncio.timeout(5):
        await second
