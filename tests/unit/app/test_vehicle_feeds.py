"""When a car's cloud is wanted more often than usual."""

from __future__ import annotations

from typing import Any

from tests.builders import NOW, a_policy, a_vehicle, an_evse_status
from tests.unit.step.news import played, some_news
from v2g_daemon.app.vehicle_feeds import FeedDemand

POLICY = a_policy(
    vehicles=(a_vehicle(), a_vehicle(vehicle_id="van", evccid=None)),
)


def demand_after(*ticks: tuple[float, dict[str, Any]]) -> FeedDemand:
    """The demand once these ticks, seconds after NOW, were seen."""
    news = [some_news(NOW.later(at_s), evses=(an_evse_status(**status),)) for at_s, status in ticks]
    found = FeedDemand()
    for outcome in played(news, policy=POLICY)[1]:
        found.see(outcome)
    return found


AWAY = {"plugged_in": False, "session_id": None}
NAMELESS = {"identity": None}


def test_before_the_first_tick_nobody_asks() -> None:
    assert not FeedDemand().asks_for("car")


def test_a_car_is_asked_after_while_it_may_be_the_one() -> None:
    open_question = demand_after((0.0, NAMELESS))
    assert open_question.asks_for("car")
    assert open_question.asks_for("van")
    assert not demand_after((0.0, {})).asks_for("car")
    assert not demand_after((0.0, AWAY)).asks_for("car")


def test_all_are_for_a_quarter_hour_after_somebody_came_or_left() -> None:
    for before, after in (({}, AWAY), (AWAY, {})):
        assert demand_after((0.0, before), (1.0, after)).asks_for("van")
        assert demand_after((0.0, before), (1.0, after), (900.0, after)).asks_for("van")
        assert not demand_after((0.0, before), (1.0, after), (901.0, after)).asks_for("van")
