"""One outlet, three cars in an evening: whose floor, whose energy, whose warranty."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from tests.builders import (
    EVCCID,
    LOSSLESS,
    NOW,
    a_cadence,
    a_meter,
    a_plan,
    a_policy,
    a_vehicle,
    an_evse,
    an_evse_status,
    some_counters,
)
from tests.unit.step.news import some_news
from v2g_daemon.accounting import metering
from v2g_daemon.adapters.vehicles.translate import Told, followed
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import EvseInterval, SessionRow
from v2g_daemon.domain.memory import EvseMemory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.readings import EvseStatus, VehicleIdentity
from v2g_daemon.domain.setpoint import HandsOff
from v2g_daemon.domain.vehicle import CarAnswer, VehicleFeedStatus
from v2g_daemon.step.house import House, Outcome, advance, closing_rows

SELL = 0.0
TICK_S = 5.0
POLICY = a_policy(
    vehicles=(
        a_vehicle(),
        a_vehicle(vehicle_id="van", evccid=None, soc_floor=0.5, wear_cost_per_kwh_discharged=0.1),
    ),
    evses=(an_evse(loss=LOSSLESS, cadence=a_cadence(dwell_on_s=0.0, dwell_off_s=0.0)),),
)


@dataclass(slots=True)
class Evening:
    """The carport as the fold sees it, with a charger that does as it is told."""

    policy: Policy = POLICY
    now: Instant = NOW
    power_w: float = 0.0
    charge_milliwh: float = 0.0
    discharge_milliwh: float = 0.0
    plugged: dict[str, Any] = field(default_factory=lambda: {"plugged_in": False})
    soc: float = 0.5
    answers: tuple[CarAnswer, ...] = ()
    feeds: tuple[VehicleFeedStatus, ...] = ()
    plan_for: str | None = None
    house: House = field(
        default_factory=lambda: House(
            metering=metering.resume(
                pcc=None,
                evses=(),
                sessions=(),
                soc_days=(),
                counters_read=(some_counters(), some_counters(vehicle_id="van")),
                decisions=(),
                now_utc=NOW.utc,
                timezone=POLICY.timezone,
            )
        )
    )
    rows: list[Any] = field(default_factory=list)

    def come(
        self,
        session_id: str,
        soc: float,
        *,
        evccid: str | None,
        plan_for: str,
        id_token: str | None = None,
    ) -> None:
        """Another car, and a plan that would sell from the car it is taken for."""
        identity = None
        if (evccid, id_token) != (None, None):
            identity = VehicleIdentity(evccid=evccid, id_token=id_token)
        self.plugged = {"session_id": session_id, "transaction_id": session_id}
        self.plugged |= {"identity": identity, "plugged_in_at_utc": self.now.utc}
        self.soc, self.plan_for = soc, plan_for

    def leave(self) -> None:
        self.plugged = {"plugged_in": False, "session_id": None, "transaction_id": None}
        self.plan_for = None
        self.power_w = 0.0

    def answer(self, vehicle_id: str | None) -> None:
        """The owner's word on whoever is plugged in now."""
        self.answers = (
            CarAnswer(
                answered_at_utc=self.now.utc,
                evse_id="carport",
                session_id=self.plugged["session_id"],
                vehicle_id=vehicle_id,
            ),
        )

    def tell(self, **plugged_in: bool) -> None:
        """What the cloud of each car answers now."""
        self.feeds = tuple(
            followed(
                next(
                    (one for one in self.feeds if one.vehicle_id == car),
                    VehicleFeedStatus(vehicle_id=car),
                ),
                Told(plugged_in=says, observed_at=self.now, asked_at=self.now),
            )
            for car, says in plugged_in.items()
        )

    def go_on(self, for_s: float) -> Outcome:
        """Tick, obey, and count; the last tick's outcome."""
        outcome = None
        for _ in range(int(for_s / TICK_S)):
            self.now = self.now.later(TICK_S)
            moved = self.power_w * TICK_S / 3.6
            self.charge_milliwh += max(moved, 0.0)
            self.discharge_milliwh += max(-moved, 0.0)
            self.soc += moved / 1000.0 / 60_000.0
            outcome = self._tick()
        assert outcome is not None
        return outcome

    def _tick(self) -> Outcome:
        wanted = () if self.plan_for is None else (self.plan_for,)
        plans = tuple(a_plan(SELL, vehicle_id=one, made_at=self.now) for one in wanted)
        news = some_news(
            self.now,
            evses=(self._status(),),
            meter=a_meter(500.0 + self.power_w, observed_at=self.now),
            plans=plans,
            answers=self.answers,
            vehicle_feeds=self.feeds,
        )
        self.house, outcome = advance(self.house, news, self.policy)
        self.rows += outcome.rows
        command = outcome.decision.evses[0].command
        self.power_w = 0.0 if isinstance(command, HandsOff) else command.target_w
        return outcome

    def _status(self) -> EvseStatus:
        status = an_evse_status(
            power_w=self.power_w,
            power_observed_at=self.now,
            soc=self.soc,
            soc_observed_at=self.now,
            charge_milliwh=round(self.charge_milliwh),
            discharge_milliwh=round(self.discharge_milliwh),
            registers_observed_at=self.now,
        )
        return replace(status, **self.plugged)

    def restart(self) -> None:
        """A new process: memory as the ledger's rows give it back, nothing else."""
        (row,) = [one.row for one in self.house.metering.sessions]
        kept = EvseMemory(evse_id=row.evse_id, session_id=row.session_id, vehicle_id=row.vehicle_id)
        memory = replace(self.house.memory, evses=(kept,))
        self.house = replace(self.house, memory=memory, plans=(), questions=())
        self.plugged["plugged_in_at_utc"] = None
        self.feeds = tuple(replace(one, since=None, opposite_at=None) for one in self.feeds)

    def intervals(self) -> list[EvseInterval]:
        closing = closing_rows(self.house, self.policy)
        return [row for row in (*self.rows, *closing) if isinstance(row, EvseInterval)]


def rule_of(outcome: Outcome) -> str:
    return outcome.decision.evses[0].command.reason.rule


def served_as_the_van(evening: Evening) -> None:
    """It charges up to the van's own floor, sells above it, is so over a restart, and leaves."""
    (decided,) = evening.go_on(120).decision.evses
    assert (decided.vehicle_id, decided.candidates) == ("van", ())
    assert (decided.command.reason.rule, evening.power_w) == ("below_floor", 7400.0)
    evening.soc = 0.7
    evening.restart()
    (decided,) = evening.go_on(600).decision.evses
    assert (decided.vehicle_id, evening.power_w) == ("van", -4400.0)
    evening.leave()
    evening.go_on(60)


def test_each_cars_floor_energy_and_warranty_are_its_own() -> None:
    evening = Evening()
    evening.go_on(60)

    evening.come("s-car", 0.7, evccid=EVCCID, plan_for="car")
    selling = evening.go_on(600)
    assert (rule_of(selling), evening.power_w) == ("plan_discharge", -4400.0)
    evening.leave()
    evening.go_on(60)

    # 45 % is above the car's floor of 30 %, and below the van's of 50 %.
    evening.come("s-van", 0.45, evccid=None, plan_for="van")
    nobody = evening.go_on(120)
    (decided,) = nobody.decision.evses
    assert (decided.vehicle_id, decided.candidates) == (None, ("car", "van"))
    evening.answer("van")
    served_as_the_van(evening)

    evening.come("s-guest", 0.7, evccid="0200000000FF", plan_for="van")
    (decided,) = evening.go_on(60).decision.evses
    assert (decided.vehicle_id, decided.candidates) == (None, ("van",))
    evening.answer(None)
    (decided,) = evening.go_on(300).decision.evses
    assert (decided.vehicle_id, decided.candidates) == (None, ())
    assert evening.power_w == 7400.0
    evening.leave()
    evening.go_on(60)

    intervals = evening.intervals()
    of = {
        who: [row for row in intervals if row.vehicle_id == who and row.session_id is not None]
        for who in ("car", "van", None)
    }
    assert {row.session_id for row in of["car"]} == {"s-car"}
    assert {row.session_id for row in of["van"]} == {"s-van"}
    assert {row.session_id for row in of[None]} <= {"s-guest", "s-van"}
    assert sum(row.discharge_milliwh for row in of[None]) == 0
    for way in ("charge_milliwh", "discharge_milliwh"):
        told = sum(getattr(row, way) for row in intervals)
        assert told == round(getattr(evening, way))
    car_kwh = sum(row.discharge_milliwh for row in of["car"]) / 1e6
    van_kwh = sum(row.discharge_milliwh for row in of["van"]) / 1e6
    assert (car_kwh > 0.5, van_kwh > 0.4) == (True, True)
    assert wear(of["car"]) == Decimal(str(round(car_kwh * 0.04, 6)))
    assert wear(of["van"]) == Decimal(str(round(van_kwh * 0.1, 6)))
    counted = {one.vehicle_id: one for one in evening.house.metering.cars}
    assert counted["car"].discharged_life_milliwh == round(car_kwh * 1e6)
    assert counted["van"].discharged_life_milliwh == round(van_kwh * 1e6)
    sessions = {row.session_id: row for row in evening.rows if isinstance(row, SessionRow)}
    assert {name: row.vehicle_id for name, row in sessions.items()} == {
        "s-car": "car",
        "s-van": "van",
        "s-guest": None,
    }
    answers = [row.vehicle_id for row in evening.rows if isinstance(row, CarAnswer)]
    assert answers == ["van", None]


FAMILY_BADGE = "card 7"
FAMILY = a_policy(
    vehicles=tuple(replace(one, evccid=None, id_token=FAMILY_BADGE) for one in POLICY.vehicles),
    evses=POLICY.evses,
)


def test_behind_one_badge_each_cars_cloud_keeps_floor_energy_and_warranty_its_own() -> None:
    """Car, then van, then a guest on the same badge; nobody is asked until the guest is."""
    evening = Evening(policy=FAMILY)
    evening.tell(car=False, van=False)
    evening.go_on(300)

    def comes(session_id: str, soc: float, *, plan_for: str) -> None:
        evening.come(session_id, soc, evccid=None, id_token=FAMILY_BADGE, plan_for=plan_for)

    comes("s-car", 0.7, plan_for="car")
    (decided,) = evening.go_on(300).decision.evses
    assert (decided.vehicle_id, decided.candidates) == (None, ("car", "van"))
    evening.tell(car=True, van=False)
    selling = evening.go_on(900)
    assert (rule_of(selling), evening.power_w) == ("plan_discharge", -4400.0)
    evening.leave()
    evening.go_on(60)
    evening.tell(car=False, van=False)

    # 45 % is above the car's floor of 30 %, and below the van's of 50 %.
    comes("s-van", 0.45, plan_for="van")
    (decided,) = evening.go_on(300).decision.evses
    assert decided.vehicle_id is None
    evening.tell(car=False, van=True)
    evening.soc = 0.45
    served_as_the_van(evening)
    evening.tell(car=False, van=False)

    comes("s-guest", 0.7, plan_for="van")
    for _ in range(3):
        evening.go_on(300)
        evening.tell(car=False, van=False)
    (decided,) = evening.go_on(60).decision.evses
    assert (decided.vehicle_id, decided.candidates) == (None, ())
    assert evening.power_w >= 0.0

    intervals = evening.intervals()
    of = {who: [row for row in intervals if row.vehicle_id == who] for who in ("car", "van", None)}
    assert {row.session_id for row in of["car"]} == {"s-car"}
    assert {row.session_id for row in of["van"]} == {"s-van"}
    assert sum(row.discharge_milliwh for row in of[None]) == 0
    for way in ("charge_milliwh", "discharge_milliwh"):
        told = sum(getattr(row, way) for row in intervals)
        assert told == round(getattr(evening, way))
    car_kwh = sum(row.discharge_milliwh for row in of["car"]) / 1e6
    van_kwh = sum(row.discharge_milliwh for row in of["van"]) / 1e6
    assert (car_kwh > 0.5, van_kwh > 0.4) == (True, True)
    assert [row.wear_cost for row in of["car"]] == [worth(row, "0.04") for row in of["car"]]
    assert [row.wear_cost for row in of["van"]] == [worth(row, "0.1") for row in of["van"]]
    counted = {one.vehicle_id: one for one in evening.house.metering.cars}
    assert counted["car"].discharged_life_milliwh == round(car_kwh * 1e6)
    assert counted["van"].discharged_life_milliwh == round(van_kwh * 1e6)
    sessions = {row.session_id: row for row in evening.rows if isinstance(row, SessionRow)}
    assert {name: row.vehicle_id for name, row in sessions.items()} == {
        "s-car": "car",
        "s-van": "van",
        "s-guest": None,
    }


def worth(row: EvseInterval, per_kwh: str) -> Decimal:
    """The wear of a row, to the millionth."""
    return (row.discharge_milliwh * Decimal(per_kwh) / 1_000_000).quantize(Decimal("0.000001"))


def test_a_car_that_its_cloud_sees_leave_is_a_guest_before_its_session_ends() -> None:
    """The station missed the swap: the same session, another car."""
    evening = Evening(policy=FAMILY)
    evening.tell(car=False, van=False)
    evening.go_on(300)
    evening.come("s1", 0.7, evccid=None, id_token=FAMILY_BADGE, plan_for="car")
    evening.go_on(300)
    evening.tell(car=True, van=False)
    evening.go_on(600)
    assert evening.power_w == -4400.0
    evening.tell(car=False, van=False)
    (decided,) = evening.go_on(60).decision.evses
    assert (decided.vehicle_id, evening.power_w >= 0.0) == (None, True)


def wear(rows: list[EvseInterval]) -> Decimal:
    return sum((row.wear_cost for row in rows), Decimal(0))


def test_a_corrected_answer_ends_the_row_and_what_was_booked_stays_where_it_was() -> None:
    evening = Evening()
    evening.go_on(60)
    evening.come("s1", 0.7, evccid=None, plan_for="car")
    evening.go_on(30)
    evening.answer("car")
    evening.go_on(120)
    evening.answer("van")
    (decided,) = evening.go_on(60).decision.evses
    assert decided.vehicle_id == "van"
    evening.answer(None)
    (decided,) = evening.go_on(60).decision.evses
    assert (decided.vehicle_id, evening.power_w >= 0.0) == (None, True)
    booked = [row.vehicle_id for row in evening.intervals() if row.session_id == "s1"]
    assert booked == ["car", "van", None]
    last = [row for row in evening.rows if isinstance(row, SessionRow)][-1]
    assert last.vehicle_id is None
