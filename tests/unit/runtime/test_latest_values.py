"""The newest observation of each source, as it is frozen into News."""

from __future__ import annotations

import pytest

from tests.builders import (
    NOW,
    a_meter,
    a_plan,
    a_price_curve,
    ago,
    an_evse_status,
    an_override,
    commissioning,
    in_hours,
)
from v2g_daemon.domain.faults import Fault, FaultCode
from v2g_daemon.domain.goals import OverrideKind
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.snapshot import RecordingHealth
from v2g_daemon.ports import ObservationSink
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.step.news import News

HEALTHY = RecordingHealth(last_durable_at=NOW, queue_full=False, records_lost=0)


def latest(*evse_ids: str) -> LatestValues:
    return LatestValues(evse_ids=evse_ids or ("carport",), pv_max_age_s=30.0)


def frozen(values: LatestValues, now: Instant = NOW) -> News:
    return values.freeze(now=now, clock_trusted=True, recording=HEALTHY)


def test_it_is_the_sink_that_adapters_write_to() -> None:
    sink: ObservationSink = latest()
    sink.put_pv_power(1.0, NOW)


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
    values.put_meter(a_meter(100.0))
    values.put_meter(a_meter(200.0))
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


def test_pv_power_is_absent_once_it_is_old() -> None:
    values = latest()
    values.put_pv_power(850.0, ago(30.0))
    assert frozen(values).pv_power_w == 850.0
    assert frozen(values, NOW.later(0.5)).pv_power_w is None


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


def test_a_restart_goes_on_with_the_ledgers_overrides_and_records() -> None:
    stop = an_override(until_utc=in_hours(3.0))
    values = LatestValues(
        evse_ids=["carport"],
        pv_max_age_s=30.0,
        commissioning=commissioning(),
        overrides=(stop,),
    )
    news = frozen(values)
    assert (news.overrides, news.commissioning) == ((stop,), commissioning())


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
