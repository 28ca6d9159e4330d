"""What becomes of a user's wish: an observation that ends by itself, and an honest sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

import pytest

from tests.builders import (
    LOSSY,
    NOW,
    a_goal,
    a_policy,
    an_evse,
    an_evse_status,
    in_hours,
)
from tests.unit.step.news import DAILY, a_commuters_policy, played, some_news
from v2g_daemon.app.overrides import Overrides
from v2g_daemon.domain.goals import OverrideKind, UserOverride, WeeklySchedule
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.snapshot import RecordingHealth
from v2g_daemon.runtime.latest_values import LatestValues


class Desk:
    """The override desk of the carport after one tick; the daily trip needs 60 % at 07:30."""

    def __init__(self, policy: Policy | None = None, status: EvseStatus | None = None) -> None:
        policy = a_commuters_policy() if policy is None else policy
        evse_ids = [evse.evse_id for evse in policy.evses]
        self.latest = LatestValues(evse_ids=evse_ids)
        self.overrides = Overrides(policy=policy, sink=self.latest)
        status = an_evse_status() if status is None else status
        others = tuple(
            EvseStatus(evse_id=one, connected=False) for one in evse_ids if one != status.evse_id
        )
        _, (outcome,) = played([some_news(evses=(status, *others))], policy=policy)
        self.overrides.see(outcome)

    def wish(
        self,
        kind: str,
        *,
        evse_id: str | None = None,
        until: datetime | None = None,
        confirmed: bool = False,
    ) -> dict[str, Any]:
        return self.overrides(kind=kind, evse_id=evse_id, until=until, confirmed=confirmed)

    def set_now(self) -> tuple[UserOverride, ...]:
        health = RecordingHealth(last_durable_at=None, queue_full=False, records_lost=0)
        return self.latest.freeze(now=NOW, clock_trusted=True, recording=health).overrides


def a_lossy_commuters_policy() -> Policy:
    return a_policy(
        evses=(an_evse(loss=LOSSY),),
        schedule=WeeklySchedule(timezone="Europe/Amsterdam", departures=(DAILY,)),
    )


def test_a_wish_becomes_an_observation() -> None:
    desk = Desk()
    desk.wish("charge", until=in_hours(2.0))
    assert desk.set_now() == (
        UserOverride(
            evse_id="carport",
            kind=OverrideKind.CHARGE,
            set_at_utc=NOW.utc,
            until_utc=in_hours(2.0),
        ),
    )


def test_an_override_ends_after_twelve_hours() -> None:
    # 12.5 hours to the departure at 06:30 UTC.
    desk = Desk()
    assert desk.wish("charge")["until_utc"] == "2024-12-12T06:00:00Z"


def test_an_override_ends_at_a_departure_that_comes_sooner() -> None:
    desk = Desk()
    _, (outcome,) = played(
        [
            some_news(
                NOW.later(4.0 * 3600.0),
                evses=(an_evse_status(power_observed_at=NOW.later(4.0 * 3600.0)),),
            )
        ],
        policy=a_commuters_policy(),
    )
    desk.overrides.see(outcome)
    assert desk.wish("charge")["until_utc"] == "2024-12-12T06:30:00Z"


def test_an_override_without_a_departure_ends_after_twelve_hours() -> None:
    desk = Desk(a_policy())
    assert desk.wish("stop")["until_utc"] == "2024-12-12T06:00:00Z"


def test_until_is_understood_in_any_zone() -> None:
    amsterdam = timezone(timedelta(hours=1))
    desk = Desk()
    desk.wish("charge", until=datetime(2024, 12, 11, 22, 0, tzinfo=amsterdam))
    assert desk.set_now()[0].until_utc == datetime(2024, 12, 11, 21, 0, tzinfo=UTC)


def test_the_ends_of_the_calendar_are_a_time_like_any_other() -> None:
    west, east = (timezone(timedelta(hours=hours)) for hours in (-14.0, 14.0))
    assert Desk().wish("stop", until=datetime.max.replace(tzinfo=west))["until_utc"] == (
        "2024-12-12T06:00:00Z"
    )
    with pytest.raises(ValueError, match=r"^0001-01-01T00:00:00\+14:00 has passed"):
        Desk().wish("stop", until=datetime.min.replace(tzinfo=east))


@pytest.mark.parametrize(
    ("policy", "hours_asked", "until_utc"),
    [
        (a_policy(), 11.0, "2024-12-12T05:00:00Z"),
        (a_policy(), 12.5, "2024-12-12T06:00:00Z"),
        (a_policy(), 876_000.0, "2024-12-12T06:00:00Z"),
        (a_commuters_policy(replace(DAILY, ready_by=time(22, 30))), 4.0, "2024-12-11T21:30:00Z"),
    ],
)
def test_no_wish_outlasts_the_next_departure_or_twelve_hours(
    policy: Policy, hours_asked: float, until_utc: str
) -> None:
    answer = Desk(policy).wish("stop", until=in_hours(hours_asked))
    assert answer["until_utc"] == until_utc
    cut = in_hours(hours_asked) > datetime.fromisoformat(until_utc)
    assert ("no wish outlasts the next departure or 12 h" in answer["detail"]) is cut


@pytest.mark.parametrize("hours", [0.0, -1.0])
def test_an_end_that_has_passed_is_refused(hours: float) -> None:
    desk = Desk()
    with pytest.raises(ValueError, match="has passed; it is 2024-12-11T18:00:00Z"):
        desk.wish("stop", until=in_hours(hours))
    assert desk.set_now() == ()


def test_auto_cancels_what_was_set() -> None:
    desk = Desk()
    desk.wish("charge")
    answer = desk.wish("auto")
    assert answer == {"evse_id": "carport", "kind": "auto", "detail": "back to automatic"}
    assert desk.set_now() == ()


def test_with_several_evses_one_must_be_named() -> None:
    desk = Desk(a_policy(evses=(an_evse(), an_evse(evse_id="yard"))))
    with pytest.raises(ValueError, match="name one of the EVSEs: carport, yard"):
        desk.wish("charge")
    with pytest.raises(ValueError, match="name one of the EVSEs"):
        desk.wish("charge", evse_id="cellar")
    assert desk.wish("charge", evse_id="yard")["evse_id"] == "yard"


def test_before_the_first_tick_nothing_can_be_wished() -> None:
    latest = LatestValues(evse_ids=["carport"])
    overrides = Overrides(policy=a_policy(), sink=latest)
    with pytest.raises(ValueError, match="not decided anything yet"):
        overrides(kind="charge", evse_id=None, until=None, confirmed=False)


# --- the sentence


def test_a_charge_says_until_when_in_the_houses_time() -> None:
    assert Desk().wish("charge")["detail"] == "charging until Thu 07:00"


def test_a_stop_that_costs_the_trip_nothing_says_only_until_when() -> None:
    # 6 kWh are wanted by 07:30; ten hours remain after 21:30.
    desk = Desk()
    assert desk.wish("stop", until=in_hours(2.5))["detail"] == "stopped until Wed 21:30"


def test_an_unconfirmed_stop_says_that_the_trip_comes_first_and_what_it_would_lack() -> None:
    # 50 % for 60 %: 6 kWh, and half an hour is left at 0.9 × 7.4 kW = 3.33 kWh.
    detail = Desk().wish("stop")["detail"]
    assert detail == (
        "stopped until Thu 07:00, but the trip at Thu 07:30 comes first: otherwise 2.7 kWh will be"
        " missing; repeat with confirmation to stop all the same"
    )


def test_a_confirmed_stop_says_what_will_be_missing() -> None:
    # 50 % for 60 %: 6 kWh, less half an hour at 0.9 × 7.4 kW.
    desk = Desk()
    answer = desk.wish("stop", until=in_hours(12.0), confirmed=True)
    assert answer["confirmed"] is True
    assert answer["detail"] == (
        "stopped until Thu 07:00; 2.7 kWh will be missing for the trip at Thu 07:30"
    )
    assert desk.set_now()[0].confirmed is True


def test_losses_count_in_what_can_still_be_charged() -> None:
    # 6660 W less 150 + 199.8 + 133.1 W of loss: 6177 W for half an hour.
    detail = Desk(a_lossy_commuters_policy()).wish("stop", confirmed=True)["detail"]
    assert "2.9 kWh will be missing" in detail


def test_a_car_that_has_its_goal_misses_nothing() -> None:
    desk = Desk(status=an_evse_status(soc=0.61))
    assert desk.wish("stop", confirmed=True)["detail"] == "stopped until Thu 07:00"


def test_without_soc_the_usual_energy_less_what_was_charged_may_be_missing() -> None:
    # 10 kWh are usual, nothing is charged yet; half an hour is left at 0.9 × 7.4 kW = 3.33 kWh.
    desk = Desk(status=an_evse_status(soc=None, soc_observed_at=None))
    answer = desk.wish("stop", until=in_hours(12.0), confirmed=True)
    assert "6.7 kWh may be missing" in answer["detail"]


def test_a_guest_has_no_trip_that_we_know_of() -> None:
    desk = Desk(status=an_evse_status(identity=None))
    assert desk.wish("stop", confirmed=True)["detail"] == "stopped until Thu 07:00"


def test_a_goal_of_the_past_is_nobodys_end() -> None:
    assert a_goal(-1.0).ready_by_utc < NOW.utc
    desk = Desk()
    assert desk.wish("stop")["until_utc"] > "2024-12-11T18:00:00Z"
