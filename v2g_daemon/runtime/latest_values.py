"""The newest observation of each source, one writer each; frozen into News once per tick."""

from __future__ import annotations

from collections.abc import Iterable

from v2g_daemon.domain.clock import ClockWitness, WitnessSource
from v2g_daemon.domain.faults import Fault
from v2g_daemon.domain.goals import CalendarDepartures, ToldDeparture, UserOverride
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import LatchClearance
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.readings import EvseStatus, MeterReading
from v2g_daemon.domain.snapshot import CommissioningRecord, RecordingHealth
from v2g_daemon.domain.sun import SunForecast
from v2g_daemon.domain.vehicle import CarAnswer, VehicleFeedStatus
from v2g_daemon.runtime.meter_slots import MeterSlot, MeterSlots
from v2g_daemon.step.departures import gives_way
from v2g_daemon.step.news import News


class LatestValues:
    """Where edge tasks put what they saw; newest wins, nothing is queued."""

    def __init__(
        self,
        *,
        evse_ids: Iterable[str],
        meters: Iterable[MeterSlot] = (),
        commissioning: tuple[CommissioningRecord, ...] = (),
        overrides: tuple[UserOverride, ...] = (),
        answers: tuple[CarAnswer, ...] = (),
        told: tuple[ToldDeparture, ...] = (),
    ) -> None:
        self._evses = {
            evse_id: EvseStatus(evse_id=evse_id, connected=False) for evse_id in evse_ids
        }
        self._meters = MeterSlots(meters)
        self._commissioning = commissioning
        self._overrides = {override.evse_id: override for override in overrides}
        self._answers = {answer.evse_id: answer for answer in answers}
        self._told = told
        self._calendars: dict[str, CalendarDepartures] = {}
        self._prices: PriceCurve | None = None
        self._witnesses: dict[WitnessSource, ClockWitness] = {}
        self._plans: dict[str, Plan] = {}
        self._cleared: dict[str, LatchClearance] = {}
        self._failed_plans: set[str] = set()
        self._faults: dict[str, tuple[Fault, ...]] = {}
        self._vehicle_feeds: dict[str, VehicleFeedStatus] = {}
        self._sun: SunForecast | None = None

    def put_meter(self, meter_id: str, reading: MeterReading) -> None:
        """The newest reading of a configured meter; KeyError for any other."""
        self._meters.put(meter_id, reading)

    def put_meter_trouble(self, meter_id: str, trouble: str | None) -> None:
        """What is wrong with a meter now; None: nothing any more."""
        self._meters.put_trouble(meter_id, trouble)

    def put_upstream(self, evse_id: str, reading: MeterReading) -> None:
        """What a station says of the grid connection; dropped where nobody wants it."""
        self._meters.put_upstream(evse_id, reading)

    def put_evse(self, status: EvseStatus) -> None:
        """The newest status of a configured EVSE; KeyError for any other."""
        if status.evse_id not in self._evses:
            raise KeyError(status.evse_id)
        self._evses[status.evse_id] = status

    def put_prices(self, curve: PriceCurve) -> None:
        """The newest price curve."""
        self._prices = curve

    def put_clock_witness(self, witness: ClockWitness) -> None:
        """The newest time a source told."""
        self._witnesses[witness.source] = witness

    def clock_witnesses(self) -> tuple[ClockWitness, ...]:
        """The newest time each source told."""
        return tuple(self._witnesses.values())

    def put_override(self, override: UserOverride) -> None:
        """A user's wish; replaces the one before it on the same EVSE."""
        self._overrides[override.evse_id] = override

    def cancel_overrides(self, evse_id: str) -> None:
        """Back to automatic."""
        self._overrides.pop(evse_id, None)

    def put_told_departure(self, told: ToldDeparture) -> None:
        """The owner says when a car leaves; what he said before holds where both can be."""
        kept = (
            one
            for one in self._told
            if one.vehicle_id != told.vehicle_id or not gives_way(one.goal, told.goal)
        )
        self._told = (*kept, told)

    def take_back_departures(self, vehicle_id: str) -> None:
        """Nothing that the owner said of this car's departures holds any more."""
        self._told = tuple(one for one in self._told if one.vehicle_id != vehicle_id)

    def put_calendar(self, departures: CalendarDepartures) -> None:
        """What a calendar says; it holds until it was read again."""
        self._calendars[departures.calendar_id] = departures

    def put_car_answer(self, answer: CarAnswer) -> None:
        """The owner says which car it is; replaces his word before on the same EVSE."""
        self._answers[answer.evse_id] = answer

    def put_vehicle_feed(self, status: VehicleFeedStatus) -> None:
        """What a car's own cloud told."""
        self._vehicle_feeds[status.vehicle_id] = status

    def put_sun(self, sun: SunForecast) -> None:
        """What the weather service told, and when."""
        self._sun = sun

    def clear_latch(self, clearance: LatchClearance) -> None:
        """A person clears a latch; taken in at the next tick."""
        self._cleared[clearance.evse_id] = clearance

    def put_commissioning(self, record: CommissioningRecord) -> None:
        """A record more; whoever puts it sees to it that it is durable."""
        self._commissioning = (*self._commissioning, record)

    def put_faults(self, source: str, faults: tuple[Fault, ...]) -> None:
        """What an edge task finds wrong now; replaces what it found before."""
        self._faults[source] = faults

    def put_plan(self, plan: Plan) -> None:
        """A new plan; taken in at the next tick."""
        self._plans[plan.evse_id] = plan

    def put_failed_plan(self, evse_id: str) -> None:
        """The planner gave nothing for this EVSE; the last good plan stays."""
        self._failed_plans.add(evse_id)

    def freeze(self, *, now: Instant, clock_trusted: bool, recording: RecordingHealth) -> News:
        """One consistent view; plans and clearances are handed over once, what is over dropped."""
        self._drop_what_is_over(now)
        news = News(
            now=now,
            clock_trusted=clock_trusted,
            meter=self._meters.at_pcc(now),
            pv_power_w=self._meters.produced_w(now),
            evses=tuple(
                self._meters.with_measured_power(status, now) for status in self._evses.values()
            ),
            prices=self._prices,
            plans=tuple(self._plans.values()),
            failed_plans=tuple(sorted(self._failed_plans)),
            overrides=tuple(self._overrides.values()),
            commissioning=self._commissioning,
            recording=recording,
            cleared=tuple(self._cleared.values()),
            answers=tuple(self._answers.values()),
            battery_power_w=self._meters.battery_w(now),
            meters=self._meters.statuses(now),
            faults=tuple(fault for faults in self._faults.values() for fault in faults),
            vehicle_feeds=tuple(self._vehicle_feeds.values()),
            told=self._told,
            calendars=tuple(self._calendars.values()),
            sun=self._sun,
        )
        self._meters.taken()
        self._plans.clear()
        self._cleared.clear()
        self._failed_plans.clear()
        return news

    def _drop_what_is_over(self, now: Instant) -> None:
        expired = [
            evse_id
            for evse_id, override in self._overrides.items()
            if override.until_utc <= now.utc
        ]
        for evse_id in expired:
            del self._overrides[evse_id]
        if any(one.ends_utc <= now.utc for one in self._told):
            self._told = tuple(one for one in self._told if one.ends_utc > now.utc)
        for status in self._evses.values():
            answer = self._answers.get(status.evse_id)
            if answer is not None and status.session_id not in (None, answer.session_id):
                del self._answers[status.evse_id]
