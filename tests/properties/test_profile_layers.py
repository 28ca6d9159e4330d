"""Whatever a station refuses: the outlook lies below the lease, and never masks what was taken."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.adapters.ocpp.conftest import EVSE, REASON
from tests.adapters.ocpp.scripted_station import (
    START_UTC,
    MemoryJournal,
    Sink,
    SteppedClock,
    event,
)
from tests.properties.shelves import LEASE_ID, LOST, OUTLOOK_ID, UNHEARD, Json, Shelf, period_of
from v2g_daemon.adapters.ocpp.config import StationConfig
from v2g_daemon.adapters.ocpp.dialects.lessons import Make
from v2g_daemon.adapters.ocpp.provisioning.abilities import EvseAbilities
from v2g_daemon.adapters.ocpp.smart_charging.driver import EvseDriver
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.adapters.ocpp.wire.translate import ChargingNeeds
from v2g_daemon.adapters.ocpp.wire.turnstile import Urgency
from v2g_daemon.domain.outlook import Outlook, OutlookStep
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import CommandOutcome, OutcomeKind
from v2g_daemon.domain.setpoint import Setpoint

TX = "TxProfile"
TENTH_OF_AN_AMPERE_W = 23.0
MOODS = st.sampled_from(
    [
        "", "", "", LOST, UNHEARD, "Unspecified", "DuplicateProfile", "InvalidProfile",
        "InvalidSchedule", "InvalidStackLevel", "TxNotFound", "UnsupportedKind",
        "UnsupportedParam", "UnsupportedPurpose", "UnsupportedRateUnit",
    ]
)  # fmt: skip


class Session:
    """A car in a transaction at a station with so many levels, driven from message to message."""

    def __init__(
        self, *, highest: int, moods: list[str] | None = None, signed: bool = True
    ) -> None:
        self.clock, self.sink = SteppedClock(), Sink()
        self.shelf = Shelf(self.clock, highest=highest, moods=iter(moods or []))
        config = StationConfig(station_id="S1", password="p" * 16, evses=(EVSE,))
        station = StationState(config=config, sink=self.sink, journal=MemoryJournal())
        (self.evse,) = station.evses
        self.driver = EvseDriver(evse=self.evse, clock=self.clock, wake=lambda: None)
        now = self.clock.now()
        station.link_opened()
        abilities = EvseAbilities(
            central_setpoint=signed, dynamic_profiles=signed, highest_stack_level=highest
        )
        self.evse.learned(abilities, Make(), now)
        self.evse.forms.default_installed = True
        station.transaction_told(event("Started", "CablePluggedIn", evse={"id": 1}), now)
        self.evse.needs_told(ChargingNeeds(bidirectional=signed, direct_current=False), now)
        self.outlook(2000.0)

    def outlook(self, limit_w: float) -> None:
        step = OutlookStep(starts_at_utc=START_UTC, limit_w=limit_w)
        self.driver.outlook(Outlook(steps=(step,), ends_at_utc=START_UTC + timedelta(hours=12)))

    async def tick(self, target_w: float) -> CommandOutcome | None:
        """One decision, and what became of it; then the chores."""
        now, before = self.clock.now(), self.evse.status.outcome
        self.driver.command(
            Setpoint(
                target_w=target_w,
                permitted=PowerRange(lowest_w=-10000.0, highest_w=10000.0),
                reason=REASON,
                issued_at=now,
                expires_at=now.later(90.0),
            )
        )
        due = self.driver.due()
        if due is not None:
            async with self.shelf.turn(Urgency.SETPOINT) as calls:
                await self.driver.drive(calls, due)
        outcome = self.evse.status.outcome
        return None if outcome is before else outcome


@given(
    moods=st.lists(MOODS, max_size=40),
    highest=st.integers(0, 9),
    taken=st.sets(st.integers(0, 9)),
    signed=st.booleans(),
)
def test_whatever_is_refused_an_outlook_is_written_below_the_lease(
    moods: list[str], highest: int, taken: set[int], signed: bool
) -> None:
    async def play() -> None:
        session = Session(highest=highest, moods=moods, signed=signed)
        session.shelf.takes({(TX, level) for level in taken})

        def sees(profile: Json) -> None:
            lease = session.evse.forms.rung
            if profile["id"] == OUTLOOK_ID:
                assert profile["chargingProfilePurpose"] == TX == lease.purpose.value
                assert 0 <= profile["stackLevel"] < lease.stack_level

        session.shelf.sees = sees
        for target_w in (3000.0, 0.0, -3000.0, 0.0):
            await session.tick(target_w)
            await session.driver.keep_house(session.shelf)
            session.clock.elapsed_s += 1000.0
            session.outlook(target_w + 4000.0)

    asyncio.run(play())


def test_beside_somebody_elses_profile_the_outlook_goes_down_not_up() -> None:
    async def play() -> dict[int, Any]:
        session = Session(highest=9)
        session.shelf.takes({(TX, 1)})
        await session.tick(0.0)
        await session.driver.keep_house(session.shelf)
        return {name: one["stackLevel"] for name, one in session.shelf.kept.items()}

    assert asyncio.run(play()) == {LEASE_ID: 2, OUTLOOK_ID: 0}


def watts_of(profile: Json) -> float:
    """What it says first, at an outlet of one phase."""
    (schedule,), period = profile["chargingSchedule"], period_of(profile)
    rate: float = period["limit"] if "limit" in period else period["setpoint"]
    return rate * EVSE.nominal_voltage_v if schedule["chargingRateUnit"] == "A" else rate


def lease_governs(session: Session) -> None:
    """Nothing of ours lies above the lease, unless it says the same."""
    shelf = session.shelf
    lease = shelf.kept[LEASE_ID]
    if not shelf.runs(OUTLOOK_ID):
        return
    outlook = shelf.kept[OUTLOOK_ID]
    if lease["chargingProfilePurpose"] == TX and outlook["stackLevel"] < lease["stackLevel"]:
        return
    assert watts_of(outlook) == pytest.approx(watts_of(lease), abs=TENTH_OF_AN_AMPERE_W)


@given(
    moods=st.lists(st.one_of(st.just(""), MOODS), max_size=30),
    highest=st.integers(0, 3),
    takes=st.lists(st.sets(st.integers(0, 3)), min_size=4, max_size=4),
    targets=st.lists(st.sampled_from([0.0, 3000.0, -3000.0]), min_size=4, max_size=4),
    signed=st.booleans(),
)
@example(moods=[], highest=2, takes=[{2}] * 4, targets=[0.0] * 4, signed=False)
@example(moods=["", UNHEARD], highest=2, takes=[{2}] * 4, targets=[0.0] * 4, signed=False)
@example(moods=[*[""] * 3, LOST], highest=2, takes=[{2}] * 4, targets=[-3e3] * 4, signed=True)
@example(
    moods=[*[""] * 4, "UnsupportedPurpose"],
    highest=2,
    takes=[set()] * 4,
    targets=[3000.0] * 4,
    signed=False,
)
def test_whatever_is_refused_a_lease_that_was_taken_is_what_the_station_does(
    moods: list[str],
    highest: int,
    takes: list[set[int]],
    targets: list[float],
    signed: bool,
) -> None:
    async def play() -> None:
        session = Session(highest=highest, moods=moods, signed=signed)
        for taken, target_w in zip(takes, targets, strict=True):
            for again_w in (target_w, 0.0, target_w):
                outcome = await session.tick(again_w)
                session.clock.elapsed_s += 2.0  # what ends at once has ended
                if outcome is not None and outcome.kind is OutcomeKind.APPLIED:
                    lease_governs(session)
            await session.driver.keep_house(session.shelf)
            session.shelf.takes({(TX, level) for level in taken})
            session.clock.elapsed_s += 1000.0

    asyncio.run(play())


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("highest", [1, 2])
def test_zero_is_told_even_where_somebody_took_the_leases_level(highest: int, signed: bool) -> None:
    async def play() -> None:
        session = Session(highest=highest, signed=signed)
        await session.tick(0.0)
        await session.driver.keep_house(session.shelf)
        assert session.shelf.runs(OUTLOOK_ID)
        session.clock.elapsed_s += 100.0
        assert not session.shelf.runs(LEASE_ID)
        session.shelf.takes({(TX, highest)})
        await session.tick(0.0)
        session.clock.elapsed_s += 40.0  # a lease is renewed before it is half over
        assert session.shelf.runs(OUTLOOK_ID)
        assert period_of(session.shelf.kept[OUTLOOK_ID])["limit"] == 0.0
        for target_w in (1000.0, -3000.0) if signed and highest == 2 else ():
            outcome = await session.tick(target_w)
            assert outcome is not None
            assert outcome.kind is OutcomeKind.APPLIED
            session.clock.elapsed_s += 2.0
            assert not session.shelf.runs(OUTLOOK_ID)
            assert period_of(session.shelf.kept[LEASE_ID])["setpoint"] == target_w

    asyncio.run(play())


def test_an_outlook_of_an_earlier_process_gives_way_once_the_station_told_of_it() -> None:
    async def play(*, told: bool) -> None:
        before = Session(highest=2, signed=False)
        await before.tick(0.0)
        await before.driver.keep_house(before.shelf)
        session = Session(highest=2, signed=False)
        session.shelf.kept = {OUTLOOK_ID: before.shelf.kept[OUTLOOK_ID]}
        session.shelf.takes({(TX, 2)})
        if told:
            session.driver.outlook_reported(before.shelf.kept[OUTLOOK_ID])
        outcome = await session.tick(1000.0)
        assert outcome is not None
        assert outcome.kind is OutcomeKind.APPLIED
        lease_governs(session)

    asyncio.run(play(told=True))
    with pytest.raises(AssertionError):
        asyncio.run(play(told=False))


def test_an_outlook_of_an_earlier_connection_gives_way_too() -> None:
    async def play() -> None:
        session = Session(highest=2, signed=False)
        await session.tick(0.0)
        await session.driver.keep_house(session.shelf)
        session.driver.forget()
        session.shelf.takes({(TX, 2)})
        outcome = await session.tick(0.0)
        assert outcome is not None
        assert outcome.kind is OutcomeKind.APPLIED
        lease_governs(session)

    asyncio.run(play())
