"""The port of one Modbus charger: a newest-wins mailbox, and a lease that ends on both sides.

The device's own watchdog ends a command when we fall silent. Looking at it keeps that watchdog
content, so that the end of a lease is kept here too: a command that nobody renews is ended.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from v2g_daemon.adapters.modbus.chargers.config import ChargerConfig
from v2g_daemon.adapters.modbus.chargers.evse import EvseView
from v2g_daemon.adapters.modbus.chargers.family import ChargerFamily
from v2g_daemon.adapters.modbus.chargers.health import Health
from v2g_daemon.adapters.modbus.chargers.profile import Condition
from v2g_daemon.adapters.modbus.chargers.soc import LOOK_W
from v2g_daemon.adapters.modbus.chargers.told import DISOBEYED_W, Told, beyond, wants_rest
from v2g_daemon.adapters.modbus.chargers.translate import Seen
from v2g_daemon.adapters.modbus.chargers.writes import WriteCount
from v2g_daemon.domain.errors import DeviceError, DeviceRejectedCommand
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.outlook import Outlook
from v2g_daemon.domain.readings import CommandOutcome, OutcomeKind
from v2g_daemon.domain.setpoint import Command, Setpoint
from v2g_daemon.ports import Clock, ObservationSink

LOG = logging.getLogger(__name__)

RING_S = 1.0
SHORTEST_RING_S = 0.05  # real seconds, so that time-lapse does not flood the charger
FAREWELL_S = 3.0  # real
THOROUGH_EVERY_S = 10.0
RETRY_S = 10.0  # a refusal is repeated no faster, unless the new value is safer
TAKE_AGAIN_S = 60.0
MEET_AGAIN_S = 5.0
CRASHED_EVERY_S = 60.0
WRONG_SAMPLES = 2
SOC_LOOK_EVERY_S = 1.0
NOT_ARMED = 0
POWER_REGISTERS = ("setpoint_w", "action", "enabled")  # the others are how it is controlled


class ModbusCharger:
    """Takes commands for one charger, brings the newest into it, and tells what it does."""

    def __init__(
        self,
        *,
        config: ChargerConfig,
        family: ChargerFamily,
        clock: Clock,
        sink: ObservationSink,
        writes: WriteCount,
    ) -> None:
        self._config = config
        self._family = family
        self._clock = clock
        self._writes = writes
        self._view = EvseView(config, sink)
        self._health = Health(
            config.evse_id, name=config.profile.name, boot_s=config.profile.boot_s
        )
        self._wake = asyncio.Event()
        self._newest: Command | None = None
        self._seen: Seen | None = None
        self._told: Told | None = None
        self._refused: tuple[float, Instant] | None = None
        self._in_control = False
        self._touched = False
        self._taken_at: Instant | None = None
        self._let_go_at: Instant | None = None
        self._looked_at: Instant | None = None
        self._thorough_at: Instant | None = None
        self._wrong_samples = 0

    @property
    def evse_id(self) -> str:
        """Its name in the house."""
        return self._config.evse_id

    def command(self, command: Command) -> None:
        """Replace what was not told yet; a charger that was away forgets it."""
        self._newest = command
        self._wake.set()

    def outlook(self, outlook: Outlook | None) -> None:
        """Nothing of it can be stored in these chargers; what they do without us is fixed."""

    async def run(self) -> None:
        """Serve until cancelled; then whatever is not safe without us is ended."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._ring())
                while not _is_cancelled():
                    await self._beat()
                    await self._wake.wait()
                    self._wake.clear()
                raise asyncio.CancelledError
        finally:
            await self._part()

    async def _ring(self) -> None:
        while True:
            async with asyncio.TaskGroup() as pause:
                pause.create_task(self._clock.sleep(RING_S))
                pause.create_task(asyncio.sleep(SHORTEST_RING_S))
            self._wake.set()

    async def _beat(self) -> None:
        """Obey what is due, then look if that is due."""
        now = self._clock.now()
        if self._health.is_crashed(now) and not self._is_due(CRASHED_EVERY_S, now):
            return
        try:
            if self._seen is not None:
                await self._obey(self._seen)
            if self._is_due(self._pause_s(now), self._clock.now()):
                await self._look()
        except DeviceError as error:
            self._failed(error)
        self._view.found_wrong(self._health.faults(self._clock.now()))

    def _is_due(self, pause_s: float, now: Instant) -> bool:
        return self._looked_at is None or now.seconds_since(self._looked_at) >= pause_s

    def _pause_s(self, now: Instant) -> float:
        """How long until the next look: short while a SoC is sought or a new power comes."""
        config = self._config
        if self._seen is None:
            return MEET_AGAIN_S + (self._ending_s() or 0.0)
        if not self._view.plugged_in:
            return config.resting_period_s
        told = self._told
        if told is not None and told.target_w == LOOK_W:
            return SOC_LOOK_EVERY_S
        moving = told is not None and now.seconds_since(told.since) < config.settle_s
        return min(config.period_s, 2.0) if moving else config.period_s

    def _ending_s(self) -> float | None:
        """How long one not believed is left alone to end what we told it; None: nothing to end."""
        if not self._touched or not self._health.is_reached:
            return None
        return self._config.watchdog_s

    async def _look(self) -> None:
        """Look at it; a charger that is not known yet is met first."""
        at = self._clock.now()
        self._looked_at = at
        if self._seen is None:
            if self._ending_s() is not None:
                self._touched = False  # it was left alone until its watchdog had ended that
            await self._family.meet()
            self._view.met(self._family.serial)
            self._thorough_at = at
        thorough = self._thorough_at
        thoroughly = thorough is None or at.seconds_since(thorough) >= THOROUGH_EVERY_S
        seen = await self._family.look(thoroughly=thoroughly)
        self._health.worked()
        told = self._told
        if not thoroughly and told is not None and beyond(seen.power_w, told.target_w):
            # Who made it do that is known only until we write again.
            seen, thoroughly = await self._family.look(thoroughly=True), True
        if thoroughly:
            self._thorough_at = at
            self._read_back(at)
        await self._take_in(seen, at)

    async def _take_in(self, seen: Seen, at: Instant) -> None:
        was_plugged, self._seen = self._view.plugged_in, seen
        self._view.looked(seen, at)
        self._health.looked(seen, self._asked_w(), at)
        if was_plugged and seen.plugged_in is False:
            await self._left()
        await self._guard_direction(seen)

    def _asked_w(self) -> float | None:
        """What is wanted of it, whether it says that it took it or not."""
        if self._told is not None:
            return self._told.target_w
        return self._newest.target_w if isinstance(self._newest, Setpoint) else None

    async def _left(self) -> None:
        """The car is gone: nothing may begin by itself with the next one."""
        self._told = self._refused = None
        if self._in_control:
            await self._rest()

    async def _guard_direction(self, seen: Seen) -> None:
        """A charger that discharges when told to charge is told nothing more.

        No limit of the house guards that: each of them is kept by what is commanded.
        """
        told, now, settle_s = self._told, self._clock.now(), self._config.settle_s
        wrong = told is not None and told.target_w > 0.0 and seen.power_w < -DISOBEYED_W
        settled = told is not None and now.seconds_since(told.since) >= settle_s
        self._wrong_samples = self._wrong_samples + 1 if wrong and settled else 0
        if self._wrong_samples < WRONG_SAMPLES or self._view.refuses_all:
            return
        self._told = None
        await self._rest()
        if not self._config.profile.discharge.commanded:
            # Its own app can have begun that; the next charge of ours ends it.
            return
        self._view.refuses_all = True
        self._health.refuses(
            "it discharged while it was told to charge, and is told nothing any more: correct the "
            "sign of its setpoint (profile), then start the daemon again"
        )

    def _read_back(self, at: Instant) -> None:
        """Whether it still holds what we wrote; what it let go by itself is simply told again."""
        found = self._family.registers.differences()
        foreign = [one for one in found if one.name != "setpoint_w" or one.found != 0.0]
        for one in foreign:
            LOG.warning("%s: %s holds %g, not %g", self.evse_id, one.name, one.found, one.written)
        self._health.foreign(foreign, at)
        if found:
            self._told = None
        if any(one.name not in POWER_REGISTERS for one in found):
            self._in_control = False

    async def _obey(self, seen: Seen) -> None:
        """Bring the newest command into it, if that is due."""
        command, now = self._newest, self._clock.now()
        if self._config.watches or self._view.refuses_all or command is None:
            return
        if not self._in_control and wants_rest(command, now):
            await self._let_go(now)
        # Under hands off nothing is told, and so nothing taken.
        if not self._in_control and not (
            isinstance(command, Setpoint) and await self._take(command, seen, now)
        ):
            return
        if not self._view.plugged_in:
            return
        if not isinstance(command, Setpoint) or command.expires_at.reached(now):
            await self._end_what_ran_out(now)
            return
        if seen.condition is Condition.PREPARING and command.target_w != 0.0:
            return
        wanted_w = self._wanted_w(command, now)
        if self._stands(wanted_w, seen, now):
            self._renew(command)
        elif not self._must_wait(wanted_w, now):
            await self._tell(command, wanted_w, seen)

    async def _take(self, command: Setpoint, seen: Seen, now: Instant) -> bool:
        """Take control; again only after a minute (nobody wins a fight), or for less to flow."""
        taken_at = self._taken_at
        waits = taken_at is not None and now.seconds_since(taken_at) < TAKE_AGAIN_S
        if waits and not beyond(seen.power_w, command.target_w):
            return False
        self._taken_at = now
        watchdog_s = self._config.watchdog_s
        await self._family.take(NOT_ARMED if watchdog_s is None else watchdog_s)
        self._in_control = True
        return True

    async def _let_go(self, now: Instant) -> None:
        """What it was told may flow on though control is lost: 0 W, if it takes that from us."""
        tried_at = self._let_go_at
        if not self._touched or (tried_at is not None and now.seconds_since(tried_at) < RETRY_S):
            return
        self._let_go_at = now
        try:
            await self._rest()
        except DeviceRejectedCommand as error:
            LOG.warning("%s: it is no longer ours, and may go on: %s", self.evse_id, error)

    async def _rest(self) -> None:
        """0 W; from then on it holds nothing that would have to end."""
        await self._family.rest()
        self._touched = False

    def _wanted_w(self, command: Setpoint, now: Instant) -> float:
        """What the command means here: whole watts, and 1 W where a SoC is sought meanwhile."""
        wanted_w = float(round(command.target_w))
        seeks = wanted_w == 0.0 and command.permitted.contains(LOOK_W)
        return LOOK_W if seeks and self._view.soc.wants_power(now) else wanted_w

    def _stands(self, wanted_w: float, seen: Seen, now: Instant) -> bool:
        """Whether it does what is wanted, and will for long enough."""
        told = self._told
        if told is None or told.target_w != wanted_w:
            return False
        watchdog_s = self._config.watchdog_s
        if (
            self._family.refreshes
            and watchdog_s is not None
            and now.seconds_since(told.refreshed_at) >= watchdog_s / 2.0
        ):
            return False
        settled = now.seconds_since(told.refreshed_at) >= max(self._config.settle_s, RETRY_S)
        stopped = wanted_w != 0.0 and seen.condition in (Condition.READY, Condition.ELSEWHERE)
        return not (settled and (stopped or beyond(seen.power_w, wanted_w)))

    def _renew(self, command: Setpoint) -> None:
        told = self._told
        if told is not None:
            self._told = replace(told, expires_at=command.expires_at)

    def _must_wait(self, wanted_w: float, now: Instant) -> bool:
        """A refused value waits, unless it is nearer to 0 W than the one that was refused."""
        if self._refused is None:
            return False
        refused_w, at = self._refused
        safer = wanted_w * refused_w >= 0.0 and abs(wanted_w) < abs(refused_w)
        return not safer and now.seconds_since(at) < RETRY_S

    async def _tell(self, command: Setpoint, wanted_w: float, seen: Seen) -> None:
        """Have it do it, and tell what became of it."""
        kind, detail, before = OutcomeKind.TIMED_OUT, "no answer", self._told
        self._told = None
        try:
            if wanted_w == 0.0:
                await self._rest()
            else:
                self._touched = True
                await self._family.tell(wanted_w, seen)
            kind, detail = OutcomeKind.APPLIED, ""
            self._note_told(command, wanted_w, before)
        except DeviceRejectedCommand as error:
            kind, detail = OutcomeKind.REJECTED, str(error)
            if wanted_w < 0.0:
                detail = f"discharge refused ({error}): {self._config.profile.discharge.because}"
                self._view.refused_discharge = True
            self._refused = (wanted_w, self._clock.now())
        finally:
            self._view.answered(
                CommandOutcome(
                    kind=kind,
                    target_w=command.target_w,
                    answered_at=self._clock.now(),
                    detail=detail,
                )
            )

    def _note_told(self, command: Setpoint, wanted_w: float, before: Told | None) -> None:
        now = self._clock.now()
        same = before is not None and before.target_w == wanted_w
        self._refused = None
        self._told = Told(
            target_w=wanted_w,
            expires_at=command.expires_at,
            since=before.since if before is not None and same else now,
            refreshed_at=now,
        )
        self._view.counted(
            writes=self._writes.count,
            flash_writes=self._writes.flash_count,
        )

    async def _end_what_ran_out(self, now: Instant) -> None:
        """The lease is kept here too: nobody renewed it, or nobody knows what it took; it ends."""
        told = self._told
        if not self._touched or (told is not None and not told.expires_at.reached(now)):
            return
        LOG.warning("%s: nobody renewed what it was told; it ends", self.evse_id)
        await self._rest()
        self._told = None

    def _failed(self, error: DeviceError) -> None:
        """After a while nothing of it is known any more, and no old command is told again."""
        now = self._clock.now()
        self._looked_at = now
        self._health.failed(error, now)
        if self._health.is_gone(now) and self._seen is not None:
            LOG.warning("%s: %s", self.evse_id, error)
            self._view.gone()
            self._newest = self._seen = self._told = self._refused = None
            self._in_control = False
            self._taken_at = None

    async def _part(self) -> None:
        """End a discharge, and a charge above what is safe without us; the rest ends by itself."""
        told, seen = self._told, self._seen
        self._writes.keep(self._clock.now())
        if not self._touched or not self._in_control:
            return
        told_w = 0.0 if told is None else told.target_w
        parting_w = min(max(told_w, 0.0), self._config.static_safe_w)
        if told is not None and parting_w == told_w:
            return
        try:
            async with asyncio.timeout(FAREWELL_S):
                if seen is None or parting_w < self._config.min_charge_w:
                    await self._rest()
                else:
                    await self._family.tell(parting_w, seen)
        except (DeviceError, TimeoutError) as error:
            LOG.warning("%s: the farewell was not taken: %s", self.evse_id, error)


def _is_cancelled() -> bool:
    """asyncio.wait_for, which the library uses, may swallow a cancellation (CPython gh-86296)."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
