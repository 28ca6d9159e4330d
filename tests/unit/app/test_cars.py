"""Naming a car: for the plug-in of the moment, and never against what the car says of itself."""

from __future__ import annotations

import pytest

from tests.builders import NOW, a_policy, a_vehicle, an_answer, an_evse_status
from tests.unit.step.news import played, some_news
from v2g_daemon.app.cars import CarDesk
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.snapshot import RecordingHealth
from v2g_daemon.domain.vehicle import CarAnswer
from v2g_daemon.runtime.latest_values import LatestValues

HEALTH = RecordingHealth(last_durable_at=None, queue_full=False, records_lost=0)
POLICY = a_policy(vehicles=(a_vehicle(), a_vehicle(vehicle_id="van", evccid="0200000000BB")))


def desk(status: EvseStatus) -> tuple[CarDesk, LatestValues]:
    """A desk that has seen one tick with this status."""
    latest = LatestValues(evse_ids=["carport"])
    found = CarDesk(policy=POLICY, sink=latest)
    _, (outcome,) = played([some_news(evses=(status,))], policy=POLICY)
    found.see(outcome)
    return found, latest


def answers(latest: LatestValues) -> tuple[CarAnswer, ...]:
    return latest.freeze(now=NOW, clock_trusted=True, recording=HEALTH).answers


def test_an_answer_is_for_the_plug_in_of_the_moment() -> None:
    found, latest = desk(an_evse_status(identity=None))
    said = found.name(evse_id="carport", vehicle_id="van")
    assert said == {"evse_id": "carport", "vehicle_id": "van", "detail": "van, until unplugged"}
    assert answers(latest) == (an_answer("van"),)
    found.name(evse_id="carport", vehicle_id="guest")
    assert answers(latest) == (an_answer(None),)


@pytest.mark.parametrize(
    ("status", "evse_id", "vehicle_id", "why"),
    [
        (an_evse_status(), "cellar", "car", "there is no EVSE 'cellar'; name one of: carport"),
        (an_evse_status(plugged_in=False), "carport", "car", "no car is plugged in at 'carport'"),
        (an_evse_status(session_id=None), "carport", "car", "whose session has begun"),
        (an_evse_status(), "carport", "bus", "name one of: car, van, guest"),
        (an_evse_status(), "carport", "van", "correct vehicle.evccid if that is wrong"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_with_the_way_out(
    status: EvseStatus, evse_id: str, vehicle_id: str, why: str
) -> None:
    found, latest = desk(status)
    with pytest.raises(ValueError, match=why):
        found.name(evse_id=evse_id, vehicle_id=vehicle_id)
    assert answers(latest) == ()


def test_before_the_first_tick_no_car_can_be_named() -> None:
    latest = LatestValues(evse_ids=["carport"])
    with pytest.raises(ValueError, match="has not decided anything yet"):
        CarDesk(policy=POLICY, sink=latest).name(evse_id="carport", vehicle_id="car")
