"""The life of a station: connect with back-off, boot, deliver what is queued, observe."""

from __future__ import annotations

import asyncio
import logging

from simulators.station.link import Link, LinkLost, Unreachable, open_link
from simulators.station.misbehaviour import life
from simulators.station.records import Message
from simulators.station.session import Rhythm, notify_status, observe, resume
from simulators.station.station import Station
from simulators.station.uploads import upload_logs
from simulators.station.wire import JsonDict

log = logging.getLogger(__name__)

FAST_TICK_S = 0.05  # real; also the closest distance of two samples
SLOW_TICK_S = 0.1
SLOW_UP_TO_SPEED = 2.0
BOOT_RETRY_S = 10.0  # simulated, where the central system gives no interval
SHORTEST_BOOT_RETRY_REAL_S = 0.5


async def run_station(station: Station) -> None:
    """Run a station until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_tick(station))
        tasks.create_task(_stay_connected(station))
        tasks.create_task(upload_logs(station))


async def _tick(station: Station) -> None:
    """Observe the outlet at a steady pace, and at once when something changed."""
    tick_s = SLOW_TICK_S if station.clock.speed <= SLOW_UP_TO_SPEED else FAST_TICK_S
    rhythm = Rhythm()
    while True:
        observe(station, rhythm)
        station.wake.clear()
        try:
            async with asyncio.timeout(tick_s):
                await station.wake.wait()
        except TimeoutError:
            continue


async def _stay_connected(station: Station) -> None:
    delay_s = station.table.reconnect_min_s
    while True:
        await _wait_while_away(station)
        try:
            link = await open_link(station)
        except Unreachable as error:
            log.debug("%s: %s", station.table.id, error)
            await asyncio.sleep(delay_s)
            delay_s = min(station.table.reconnect_max_s, delay_s * 1.5)
            continue
        delay_s = station.table.reconnect_min_s
        await _use(station, link)
        await asyncio.sleep(delay_s)


async def _wait_while_away(station: Station) -> None:
    while life.stays_away(station):  # noqa: ASYNC110 - faults end by simulated time
        await asyncio.sleep(FAST_TICK_S)


async def _use(station: Station, link: Link) -> None:
    station.speak(link.version)
    station.went_online()
    abruptly = False
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(link.read())
            tasks.create_task(link.ping())
            tasks.create_task(link.guard())
            tasks.create_task(link.answer_late())
            tasks.create_task(_deliver(station, link))
    except* LinkLost as lost:
        abruptly = True
        log.info("%s: link lost: %s", station.table.id, lost.exceptions[0])
    finally:
        station.went_offline()
        await link.close(abruptly=abruptly)


async def _deliver(station: Station, link: Link) -> None:
    """Boot if needed, then send the queue in order, one call at a time."""
    life.connected(station)
    if station.accepted:
        notify_status(station)
        resume(station)
    while True:
        if life.boot_due(station):
            await _boot(station, link)
        message = _next_message(station)
        if message is not None:
            await _send(station, link, message)
            continue
        station.queued.clear()
        try:
            async with asyncio.timeout(FAST_TICK_S):
                await station.queued.wait()
        except TimeoutError:
            continue


def _next_message(station: Station) -> Message | None:
    """Return the head of the queue, as far as the boot status lets it out."""
    if station.accepted:
        return station.queue[0] if station.queue else None
    if station.boot_status != "Pending":
        return None
    # While Pending only what the central system asked for may be sent (B02).
    return next((message for message in station.queue if not message.survives_link), None)


async def _send(station: Station, link: Link, message: Message) -> None:
    payload = message.payload()
    if payload is None:
        station.queue.remove(message)
        return
    if message.survives_link and message.connection != station.counts.connections:
        payload["offline"] = True
    answer = await link.call(message.action, payload)
    if message.action == "TransactionEvent":
        station.remembered.told_events.append(payload)
    if message in station.queue:
        station.queue.remove(message)
    if message.on_answer is not None:
        message.on_answer(answer)


async def _boot(station: Station, link: Link) -> None:
    table = station.table
    request: JsonDict = {
        "reason": station.boot_reason,
        "chargingStation": {
            "model": table.model,
            "vendorName": table.vendor,
            "serialNumber": table.serial,
            "firmwareVersion": table.firmware,
        },
    }
    answer = await link.call("BootNotification", request)
    station.counts.boots += 1
    station.boot_status = None if answer is None else str(answer["status"])
    interval_s = 0 if answer is None else int(answer["interval"])
    if station.boot_status != "Accepted":
        shortest_s = SHORTEST_BOOT_RETRY_REAL_S * station.clock.speed
        retry_s = interval_s if interval_s > 0 else BOOT_RETRY_S
        station.next_boot_s = station.clock.now_s() + max(retry_s, shortest_s)
        return
    station.accepted = True
    life.booted(station)
    station.model.set_heartbeat_interval(interval_s)
    notify_status(station)
    event = {"type": "StartupOfTheDevice", "timestamp": station.stamp()}
    station.send("SecurityEventNotification", event)
    station.wake.set()
