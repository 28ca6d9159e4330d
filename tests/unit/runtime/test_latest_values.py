"""The newest observation of each source, as it is frozen into News."""

from __future__ import annotations

import pytest

from tests.builders import (
    NOW,
    a_goal,
    a_meter,
    a_plan,
    a_price_curve,
    ago,
    an_answer,
    an_evse_status,
    an_override,
    commissioning,
    in_hours,
)
from v2g_daemon.domain.faults import Fault, FaultCode
from v2g_daemon.domain.goals import CalendarDepartures, OverrideKind
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import EvseStatus, MeterReading, MeterRole, MeterStatus
from v2g_daemon.domain.snapshot import RecordingHealth
from v2g_daemon.ports import MeterSink, ObservationSink
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.runtime.meter_slots import MeterSlot
from v2g_daemon.step.news import News

METERS = (
    MeterSlot(meter_id="grid", role=MeterRole.GRID, max_age_s=5.0),
    MeterSlot(meter_id="spare", role=MeterRole.GRID, max_age_s=5.0, upstream_of="carport"),
    MeterSlot(meter_id="roof", role=MeterRole.PV, max_age_s=30.0),
    MeterSlot(meter_id="shed", role=MeterRole.PV, max_age_s=30.0),
    MeterSlot(meter_id="battery", role=MeterRole.BATTERY, max_age_s=30.0),
    MeterSlot(meter_id="outlet", role=MeterRole.EVSE, max_age_s=5.0, evse_id="carport"),
)
HEALTHY = RecordingHealth(last_durable_at=NOW, queue_full=False, records_lost=0)


def latest(*evse_ids: str) -> LatestValues:
    return LatestValues(evse_ids=evse_ids or ("carport",), meters=METERS)


def counted(observed_at: Instant, *, power_w: float) -> MeterReading:
    """A reading with counters of 7 and 3 Wh."""
    return MeterReading(
        observed_at=observed_at, power_w=power_w, import_milliwh=7_000, export_milliwh=3_000
    )


def frozen(values: LatestValues, now: Instant = NOW) -> News:
    return values.freeze(now=now, clock_trusted=True, recording=HEALTHY)


def test_it_is_the_sink_that_adapters_write_to() -> None:
    sink: ObservationSink = latest()
    sink.cancel_overrides("carport")
    meters: MeterSink = latest()
    meters.put_meter("roof", MeterReading(observed_at=NOW, power_w=-1.0))


def test_before_any_observation_everything_is_unknown_and_every_evse_away() -> None:
    news = frozen(latest("carport", "yard"))
    assert news.evses == (
        EvseStatus(evse_id="carport", connected=False),
        EvseStatus(evse_id="yard", connected=False),
    )
    assert (news.meter, news.pv_power_w, news.prices) == (None, None, None)
    assert (news.plans, news.failed_plans, news.overrides, news.commissioning) == ((), (), (), ())


def test_the_newest_of_each_source_wins_and_stays() -> None:
    values = latest()
    values.put_meter("grid", a_meter(100.0))
    values.put_meter("grid", a_meter(200.0))
    values.put_evse(an_evse_status(soc=0.4))
    values.put_evse(an_evse_status(soc=0.6))
    values.put_prices(a_price_curve([0.1]))
    values.put_prices(a_price_curve([0.2]))
    for news in (frozen(values), frozen(values)):
        assert news.meter == a_meter(200.0)
        assert news.evses == (an_evse_status(soc=0.6),)
        assert news.prices == a_price_curve([0.2])


def test_an_evse_that_is_not_configured_is_refused() -> None:
    with pytest.raises(KeyError, match="yard"):
        latest().put_evse(an_evse_status(evse_id="yard"))


def test_the_order_of_evses_is_that_of_the_configuration() -> None:
    values = latest("yard", "carport")
    values.put_evse(an_evse_status())
    assert [status.evse_id for status in frozen(values).evses] == ["yard", "carport"]


def test_production_is_the_sum_of_all_pv_meters_and_absent_once_one_is_old() -> None:
    values = latest()
    values.put_meter("roof", MeterReading(observed_at=ago(30.0), power_w=-850.0))
    assert frozen(values).pv_power_w is None
    values.put_meter("shed", MeterReading(observed_at=ago(10.0), power_w=-150.0))
    assert frozen(values).pv_power_w == 1000.0
    assert frozen(values, NOW.later(0.5)).pv_power_w is None


def test_the_home_battery_charges_with_positive_watts() -> None:
    values = latest()
    assert frozen(values).battery_power_w is None
    values.put_meter("battery", MeterReading(observed_at=NOW, power_w=1200.0))
    assert frozen(values).battery_power_w == 1200.0


def test_a_second_meter_stands_in_for_a_stale_one_and_lends_no_counters() -> None:
    values = latest()
    values.put_meter("grid", counted(ago(6.0), power_w=100.0))
    values.put_meter("spare", counted(ago(1.0), power_w=130.0))
    stand_in = frozen(values).meter
    assert stand_in is not None
    assert (stand_in.power_w, stand_in.import_milliwh) == (130.0, None)
    values.put_meter("grid", counted(NOW, power_w=110.0))
    first = frozen(values).meter
    assert first is not None
    assert (first.power_w, first.import_milliwh) == (110.0, 7_000)


def test_with_no_fresh_meter_the_newest_one_stands_with_its_age() -> None:
    values = latest()
    values.put_meter("grid", counted(ago(60.0), power_w=100.0))
    values.put_meter("spare", counted(ago(90.0), power_w=130.0))
    meter = frozen(values).meter
    assert meter is not None
    assert (meter.power_w, meter.observed_at) == (100.0, ago(60.0))


def test_what_a_station_measures_upstream_reaches_the_slot_that_wants_it() -> None:
    values = latest("carport", "yard")
    values.put_upstream("yard", a_meter(1.0))
    assert frozen(values).meter is None
    values.put_upstream("carport", a_meter(640.0))
    meter = frozen(values).meter
    assert meter is not None
    assert meter.power_w == 640.0


def test_counters_read_between_two_ticks_are_not_lost_to_faster_powers() -> None:
    values = latest()
    values.put_meter("grid", counted(ago(0.9), power_w=100.0))
    values.put_meter("grid", MeterReading(observed_at=ago(0.1), power_w=120.0))
    seen = frozen(values).meter
    assert seen is not None
    assert (seen.power_w, seen.import_milliwh, seen.export_milliwh) == (120.0, 7_000, 3_000)
    values.put_meter("grid", MeterReading(observed_at=NOW, power_w=125.0))
    later = frozen(values).meter
    assert later is not None
    assert (later.power_w, later.import_milliwh) == (125.0, None)


def test_the_outlets_own_meter_is_believed_where_it_is_newer() -> None:
    values = latest()
    values.put_evse(an_evse_status(power_w=-3000.0, power_observed_at=ago(4.0)))
    values.put_meter("outlet", MeterReading(observed_at=ago(0.5), power_w=-2900.0))
    (status,) = frozen(values).evses
    assert (status.power_w, status.power_observed_at) == (-2900.0, ago(0.5))
    values.put_evse(an_evse_status(power_w=-2800.0, power_observed_at=NOW))
    assert frozen(values).evses[0].power_w == -2800.0
    # Without a fresh reading of its own the station's word is all there is.
    assert frozen(values, NOW.later(20.0)).evses[0].power_w == -2800.0


def test_every_meter_tells_its_serial_its_power_and_its_trouble() -> None:
    values = latest()
    values.put_meter("roof", MeterReading(observed_at=NOW, power_w=-5.0, serial="R-1"))
    values.put_meter("roof", MeterReading(observed_at=NOW, power_w=-6.0))
    values.put_meter_trouble("shed", "no answer")
    by_id = {one.meter_id: one for one in frozen(values).meters}
    assert by_id["roof"] == MeterStatus(
        meter_id="roof", role=MeterRole.PV, power_w=-6.0, serial="R-1"
    )
    assert (by_id["shed"].power_w, by_id["shed"].trouble) == (None, "no answer")
    values.put_meter_trouble("shed", None)
    assert {one.meter_id: one.trouble for one in frozen(values).meters}["shed"] is None


def test_a_meter_without_a_number_is_known_by_its_place_once_it_was_read() -> None:
    slot = MeterSlot(meter_id="grid", role=MeterRole.GRID, max_age_s=5.0, place="a place")
    values = LatestValues(evse_ids=["carport"], meters=[slot])
    assert frozen(values).meters[0].serial is None
    values.put_meter("grid", MeterReading(observed_at=NOW, power_w=-5.0))
    assert frozen(values).meters[0].serial == "a place"
    values.put_meter("grid", MeterReading(observed_at=NOW, power_w=-5.0, serial="G-1"))
    assert frozen(values).meters[0].serial == "G-1"


def test_a_meter_that_is_not_configured_is_refused() -> None:
    with pytest.raises(KeyError, match="cellar"):
        latest().put_meter("cellar", a_meter(1.0))


def test_a_plan_is_handed_over_once_and_only_the_newest_of_an_evse() -> None:
    values = latest()
    values.put_plan(a_plan(plan_id="p1"))
    values.put_plan(a_plan(plan_id="p2"))
    values.put_plan(a_plan(plan_id="q1", evse_id="yard"))
    assert [plan.plan_id for plan in frozen(values).plans] == ["p2", "q1"]
    assert frozen(values).plans == ()


def test_a_failed_plan_is_told_once() -> None:
    values = latest()
    values.put_failed_plan("yard")
    values.put_failed_plan("carport")
    values.put_failed_plan("yard")
    assert frozen(values).failed_plans == ("carport", "yard")
    assert frozen(values).failed_plans == ()


def test_an_override_ends_by_itself_to_the_second() -> None:
    values = latest()
    stop = an_override(until_utc=NOW.later(60.0).utc)
    values.put_override(stop)
    assert frozen(values, NOW.later(59.0)).overrides == (stop,)
    assert frozen(values, NOW.later(60.0)).overrides == ()
    # Gone for good, even if the clock is set back.
    assert frozen(values).overrides == ()


def test_a_new_override_replaces_the_one_on_its_own_evse() -> None:
    values = latest("carport", "yard")
    charge = an_override(OverrideKind.CHARGE)
    elsewhere = an_override(evse_id="yard")
    for override in (an_override(OverrideKind.STOP), elsewhere, charge):
        values.put_override(override)
    assert frozen(values).overrides == (charge, elsewhere)
    values.cancel_overrides("carport")
    assert frozen(values).overrides == (elsewhere,)


def test_cancelling_where_nothing_is_set_is_nothing() -> None:
    values = latest()
    values.cancel_overrides("carport")
    assert frozen(values).overrides == ()


def test_the_owners_word_on_a_car_lasts_until_another_session_begins() -> None:
    values = latest()
    guest, van = an_answer(None), an_answer("van")
    values.put_car_answer(guest)
    values.put_car_answer(van)
    # The station is away, or the cable is out: nobody contradicts it yet.
    assert frozen(values).answers == (van,)
    values.put_evse(an_evse_status())
    assert frozen(values).answers == (van,)
    values.put_evse(an_evse_status(session_id="s2"))
    assert frozen(values).answers == ()


def test_a_restart_goes_on_with_the_ledgers_overrides_and_records() -> None:
    stop = an_override(until_utc=in_hours(3.0))
    values = LatestValues(
        evse_ids=["carport"],
        commissioning=commissioning(),
        overrides=(stop,),
        answers=(an_answer("van"),),
    )
    news = frozen(values)
    assert (news.overrides, news.commissioning) == ((stop,), commissioning())
    assert news.answers == (an_answer("van"),)


def test_clock_and_recorder_are_passed_through() -> None:
    news = latest().freeze(now=NOW, clock_trusted=False, recording=HEALTHY)
    assert (news.now, news.clock_trusted, news.recording) == (NOW, False, HEALTHY)


def test_the_faults_of_an_edge_stand_until_it_puts_others() -> None:
    values = latest()
    ends = Fault(code=FaultCode.CERTIFICATE_EXPIRING, detail="the server's ends")
    values.put_faults("certificates", (ends,))
    values.put_faults("elsewhere", ())
    assert frozen(values).faults == (ends,)
    assert frozen(values).faults == (ends,)
    values.put_faults("certificates", ())
    assert frozen(values).faults == ()


def test_what_a_calendar_says_holds_until_it_is_read_again() -> None:
    values = latest()
    first = CalendarDepartures(calendar_id="family", vehicle_id="car", goals=(a_goal(),))
    values.put_calendar(first)
    assert frozen(values).calendars == (first,)
    assert frozen(values, NOW.later(86_400.0)).calendars == (first,)
    values.put_calendar(CalendarDepartures(calendar_id="family", vehicle_id="car", goals=()))
    assert [one.goals for one in frozen(values).calendars] == [()]
