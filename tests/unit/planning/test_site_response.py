"""What a house learns of its sun, and what a weather service then lets it expect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.planning.problems import hourly_curve, plan_problem
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.plan import HistoryRow
from v2g_daemon.domain.sun import SunForecast
from v2g_daemon.planning.forecast import NetLoadForecast, forecast_net_load
from v2g_daemon.planning.plan import solve
from v2g_daemon.planning.site_response import told_pv
from v2g_daemon.planning.sun import most_w_per_m2
from v2g_daemon.planning.wall import Steps
from v2g_daemon.step.history import by_days
from v2g_daemon.trace.pipe import decode_problem, encode_problem

NOW = datetime(2024, 6, 10, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
LOAD_W = 400.0
HORIZON = 192
Sky = Callable[[datetime], float]


def cloudiness(moment_utc: datetime) -> float:
    """A bright day, a dull one, a middling one, and so on."""
    return (0.9, 0.2, 0.5)[moment_utc.toordinal() % 3]


def light(moment_utc: datetime) -> float:
    """W/m²: a bell between 4:00 and 20:00 UTC."""
    hour = moment_utc.hour + moment_utc.minute / 60.0
    return max(900.0 * float(np.sin(np.pi * (hour - 4.0) / 16.0)), 0.0) * cloudiness(moment_utc)


def shaded(moment_utc: datetime) -> float:
    """5 m², but half of it lies in the shade until 9:00."""
    return (2.5 if moment_utc.hour < 9 else 5.0) * light(moment_utc)


def a_sun(*, days_back: int, told: Sky = light, **changes: object) -> SunForecast:
    start_utc = NOW - timedelta(days=days_back)
    count = 96 * days_back + HORIZON
    sun = SunForecast(
        source="test",
        latitude_deg=52.37,
        longitude_deg=4.89,
        told_utc=NOW,
        serves_s=43_200.0,
        start_utc=start_utc,
        irradiance_w_per_m2=tuple(told(start_utc + QUARTER * n) for n in range(count)),
    )
    return replace(sun, **changes)  # type: ignore[arg-type]


def a_past(days: int, pv_w: Callable[[datetime], float | None] = shaded) -> tuple[HistoryRow, ...]:
    starts = [NOW - timedelta(days=days) + QUARTER * n for n in range(96 * days)]
    return tuple(
        HistoryRow(start_utc=at, net_load_w=LOAD_W - (pv_w(at) or 0.0), pv_w=pv_w(at))
        for at in starts
    )


def forecast(
    past: tuple[HistoryRow, ...], sun: SunForecast | None, step_s: int = 900
) -> NetLoadForecast:
    count = HORIZON * 900 // step_s
    starts = tuple(NOW + timedelta(seconds=step_s) * n for n in range(count))
    return forecast_net_load(
        by_days(past),
        Steps.of(starts, (step_s,) * count),
        current_net_load_w=None,
        timezone_name="Europe/Amsterdam",
        sun=sun,
    )


def pv_of(found: NetLoadForecast) -> np.ndarray:
    assert found.pv_w is not None
    return found.pv_w


def truth_w() -> np.ndarray:
    return np.array([shaded(NOW + QUARTER * n) for n in range(HORIZON)])


def mean_error_w(found: NetLoadForecast) -> float:
    return float(np.abs(pv_of(found) - truth_w()).mean())


def test_a_site_that_was_seen_for_weeks_is_foretold_with_its_shade() -> None:
    past, sun = a_past(28), a_sun(days_back=28)
    blind, told = mean_error_w(forecast(past, None)), mean_error_w(forecast(past, sun))
    assert blind > 500.0
    assert told < 0.15 * blind
    noon, morning = 4 * 12, 4 * 7
    pv_w = pv_of(forecast(past, sun))
    assert pv_w[noon] == pytest.approx(shaded(NOW + QUARTER * noon), rel=0.1)
    assert pv_w[morning] == pytest.approx(shaded(NOW + QUARTER * morning), rel=0.25)


def test_the_more_days_are_seen_the_more_the_service_counts() -> None:
    errors_w = [mean_error_w(forecast(a_past(28), a_sun(days_back=n))) for n in (1, 3, 9, 28)]
    assert errors_w == sorted(errors_w, reverse=True)
    assert errors_w[0] > 2.0 * errors_w[-1]


def test_without_any_past_irradiance_and_assumption_the_past_days_alone_tell() -> None:
    past, sun = a_past(10), a_sun(days_back=0)
    place = replace(sun, told_utc=None, irradiance_w_per_m2=())
    assert np.array_equal(forecast(past, place).scenarios_w, forecast(past, sun).scenarios_w)


def test_a_dull_morning_is_a_dull_share_of_the_day_that_follows() -> None:
    def bell(at: datetime) -> float:
        return 5.0 * light(at) / cloudiness(at)

    past = a_past(10, bell)
    place = a_sun(days_back=0, told_utc=None, irradiance_w_per_m2=())
    six = NOW + timedelta(hours=6)
    history = (
        *past,
        *(replace(row, start_utc=row.start_utc + timedelta(days=10)) for row in past[:24]),
    )
    starts = tuple(six + QUARTER * n for n in range(96))
    found = [
        pv_of(
            forecast_net_load(
                by_days(history),
                Steps.of(starts, (900,) * 96),
                current_net_load_w=LOAD_W - 0.2 * bell(six),
                current_pv_w=0.2 * bell(six),
                timezone_name="Europe/Amsterdam",
                sun=sun,
            )
        )
        for sun in (None, place)
    ]
    usual_w = bell(six + timedelta(hours=1))
    # A watt that is missing at 6:00 was more than a watt of what is to come by 7:00.
    assert found[1][4] < found[0][4] < usual_w
    assert found[1][95] == pytest.approx(bell(six - QUARTER), rel=0.05)


def test_what_the_modules_are_sold_by_serves_until_the_past_has_taught_more() -> None:
    quarters_s = int(NOW.timestamp()) + 900 * np.arange(HORIZON, dtype=np.int64)
    nothing = np.array([], dtype=np.int64), np.array([])
    sun = a_sun(days_back=0, assumed_area_m2=4.0)
    told = told_pv(sun, *nothing, quarters_s, now_s=int(quarters_s[0]))
    assert told is not None
    assert told.share == pytest.approx(1.0 / 3.0)
    assert told.expected_w[4 * 12] == pytest.approx(4.0 * light(NOW + QUARTER * 48))


def test_the_days_stay_as_far_from_each_other_as_they_were() -> None:
    past, sun = a_past(10), a_sun(days_back=10)
    found = forecast(past, sun)
    spread_w = np.ptp(found.scenarios_w[:, 4 * 12])
    blind_w = np.ptp(forecast(past, None).scenarios_w[:, 4 * 12])
    # The dull days would give less than nothing: their spread is drawn in as far as that.
    assert 0.4 * blind_w < spread_w <= 1.2 * blind_w


def test_a_shift_that_meets_no_bound_keeps_every_deviation() -> None:
    def bright(at: datetime) -> float:
        return light(at) / cloudiness(at) * (0.7 if at.toordinal() % 2 else 0.8)

    past = a_past(10, lambda at: 2.0 * bright(at))
    found = forecast(past, a_sun(days_back=10, told=bright))
    blind = forecast(past, None)
    noon = 4 * 12
    kept = found.scenarios_w[:, noon] - found.scenarios_w[:, noon].mean()
    assert kept == pytest.approx(
        blind.scenarios_w[:, noon] - blind.scenarios_w[:, noon].mean(), rel=0.03
    )


def test_hours_are_the_means_of_their_quarter_hours() -> None:
    past, sun = a_past(10), a_sun(days_back=10)
    quarters = pv_of(forecast(past, sun)).reshape(-1, 4).mean(axis=1)
    assert pv_of(forecast(past, sun, step_s=3600)) == pytest.approx(quarters)


def test_a_house_of_one_day_is_moved_too() -> None:
    past = a_past(1)
    sun = a_sun(days_back=1, assumed_area_m2=5.0)
    assert mean_error_w(forecast(past, sun)) < mean_error_w(forecast(past, None))


def test_a_plan_that_crossed_the_pipe_tells_the_pv_that_it_was_told_of() -> None:
    def dull(at: datetime) -> float:
        return light(at) if at < NOW else 0.1 * light(at)

    sun = a_sun(days_back=10, told=dull)
    problem = plan_problem(
        start_utc=NOW,
        asked_at=Instant(utc=NOW, monotonic_s=0.0),
        step_s=(3600,) * 24,
        history=by_days(a_past(10)),
        current_net_load_w=None,
        prices=hourly_curve([0.30] * 24, [0.10] * 24, NOW),
    )
    bright, told = (
        solve(decode_problem(encode_problem(replace(problem, sun=one)))) for one in (None, sun)
    )
    for plan in (bright, told):
        pv_w = plan.slots[12].pv_w
        assert pv_w is not None
        assert plan.slots[12].net_load_w == pytest.approx(LOAD_W - pv_w, abs=0.01)
    assert (told.slots[12].pv_w or 0.0) < 0.5 * (bright.slots[12].pv_w or 0.0)


def test_pv_that_nobody_meters_is_not_told() -> None:
    past = a_past(10, lambda _: None)
    blind, told = forecast(past, None), forecast(past, a_sun(days_back=10))
    assert told.pv_w is None
    assert np.array_equal(blind.scenarios_w, told.scenarios_w)


def test_light_that_no_sky_gives_is_not_believed() -> None:
    def absurd(_: datetime) -> float:
        return 1500.0

    found = pv_of(forecast(a_past(10), a_sun(days_back=0, told=absurd, assumed_area_m2=5.0)))
    assert found[4 * 1] == 0.0  # 1:00 UTC, the sun is down
    assert found.max() < 5.0 * 1400.0


@settings(max_examples=60, deadline=None)
@given(
    told=st.lists(
        st.one_of(st.none(), st.floats(min_value=0.0, max_value=1500.0)), min_size=1, max_size=40
    ),
    made=st.lists(st.floats(min_value=0.0, max_value=9000.0), min_size=1, max_size=40),
    latitude_deg=st.floats(min_value=-75.0, max_value=75.0),
    longitude_deg=st.floats(min_value=-180.0, max_value=180.0),
    days=st.integers(min_value=1, max_value=4),
)
def test_whatever_is_told_no_sun_shines_at_night_or_beyond_a_clear_sky(
    told: list[float | None],
    made: list[float],
    latitude_deg: float,
    longitude_deg: float,
    days: int,
) -> None:
    count = 96 * days + HORIZON
    sun = a_sun(
        days_back=days,
        irradiance_w_per_m2=tuple(told[n % len(told)] for n in range(count)),
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        assumed_area_m2=5.0,
    )
    start_s = int(NOW.timestamp()) - 86_400 * days + 900 * np.arange(96 * days, dtype=np.int64)
    quarters_s = int(NOW.timestamp()) + 900 * np.arange(HORIZON, dtype=np.int64)
    pv_w = np.array([made[n % len(made)] for n in range(len(start_s))])
    found = told_pv(sun, start_s, pv_w, quarters_s, now_s=int(quarters_s[0]))
    assert found is not None
    members_w = found.moved(np.array([pv_w[:96].tolist() * 2, pv_w[-96:].tolist() * 2]))
    place = {"latitude_deg": latitude_deg, "longitude_deg": longitude_deg}
    clear = most_w_per_m2(quarters_s, **place)
    assert np.isfinite(members_w).all()
    assert (members_w >= 0.0).all()
    assert (members_w[:, clear == 0.0] == 0.0).all()
    assert (np.nan_to_num(found.expected_w) <= found.most_w + 1e-6).all()
