"""For any tariff: the curve and the bill say the same, and no energy is billed twice or lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from v2g_daemon.domain.interval import Interval
from v2g_daemon.market.bill import bill
from v2g_daemon.market.calendar import ALL_DAYS, ALL_MONTHS, WEEKDAYS, Period
from v2g_daemon.market.curve import price_curve
from v2g_daemon.market.metered import MeteredStep
from v2g_daemon.market.rated import rated
from v2g_daemon.market.series import SeriesPrice
from v2g_daemon.market.tariff import (
    Component,
    Export,
    FlatRate,
    Rate,
    SeriesRate,
    Stack,
    Tariff,
    TariffBook,
    TouPeriod,
    TouRate,
)

ZONES = ("Europe/Amsterdam", "America/Los_Angeles", "Australia/Adelaide", "Asia/Kolkata")
# Around the days on which some clock changes, and a plain one.
STARTS = tuple(
    datetime(2026, month, day, hour, tzinfo=UTC)
    for month, day in ((3, 7), (3, 28), (4, 4), (10, 3), (10, 24), (10, 31), (12, 31))
    for hour in (0, 9, 23)
)
QUARTER = timedelta(minutes=15)
HOURS = 30

amounts = st.integers(min_value=-500, max_value=900).map(lambda number: Decimal(number) / 1000)
minutes = st.integers(min_value=0, max_value=95).map(lambda quarter: quarter * 15)
energies = st.integers(min_value=0, max_value=2_000_000)


@st.composite
def periods(draw: st.DrawFn) -> TouPeriod:
    period = Period(
        months=draw(st.sampled_from([ALL_MONTHS, frozenset({3, 10})])),
        days=draw(st.sampled_from([ALL_DAYS, WEEKDAYS])),
        from_min=draw(minutes),
        to_min=draw(minutes),
    )
    return TouPeriod(period=period, value=draw(amounts))


rates: st.SearchStrategy[Rate] = st.one_of(
    amounts.map(lambda value: FlatRate(value=value)),
    amounts.map(lambda adder: SeriesRate(source="spot", adder=adder)),
    st.builds(
        lambda held, default: TouRate(periods=tuple(held), default=default),
        st.lists(periods(), max_size=3),
        amounts,
    ),
)


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    imports = Stack(
        components=tuple(
            Component(name=f"part{number}", rate=rate)
            for number, rate in enumerate(draw(st.lists(rates, min_size=1, max_size=3)))
        ),
        vat=draw(st.sampled_from([Decimal(0), Decimal("0.21")])),
        cap=draw(st.sampled_from([None, Decimal("0.40")])),
    )
    export = Stack(components=(Component(name="energy", rate=draw(rates)),))
    return Tariff(
        id="any",
        currency="EUR",
        timezone=draw(st.sampled_from(ZONES)),
        imports=imports,
        export=Export(stack=export),
    )


@given(tariffs(), st.sampled_from(STARTS), st.lists(energies, min_size=24, max_size=24), st.data())
def test_curve_times_energy_is_the_bill(
    tariff: Tariff, start_utc: datetime, bought: list[int], data: st.DataObject
) -> None:
    whole = Interval(start_utc=start_utc, end_utc=start_utc + timedelta(hours=HOURS))
    spot = tuple(
        SeriesPrice(
            interval=Interval(
                start_utc=start_utc + timedelta(hours=hour),
                end_utc=start_utc + timedelta(hours=hour + 1),
            ),
            per_kwh=data.draw(amounts),
        )
        for hour in range(HOURS)
    )
    versions = rated(TariffBook(versions=(tariff,)), {"spot": spot}, whole)
    steps = [
        MeteredStep(
            interval=Interval(
                start_utc=start_utc + number * QUARTER, end_utc=start_utc + (number + 1) * QUARTER
            ),
            import_milliwh=bought[number % 24],
            export_milliwh=bought[(number * 7) % 24] // 3,
        )
        for number in range(HOURS * 4)
    ]
    found, curve = bill(versions, steps), price_curve(versions)
    expected = 0.0
    for step in steps:
        slot = curve.mean_over(step.interval)
        assert slot is not None
        expected += step.import_milliwh * slot.import_per_kwh / 1e6
        expected -= step.export_milliwh * slot.export_per_kwh / 1e6
    lines_count = sum(len(month.lines) for month in found.months)
    assert abs(float(found.total) - expected) <= 0.005 * lines_count + 0.001
    assert sum(month.import_milliwh for month in found.months) == sum(
        step.import_milliwh for step in steps
    )
    assert all(month.unpriced_milliwh == 0 for month in found.months)


@given(tariffs(), st.sampled_from(STARTS))
def test_a_price_holds_by_the_wall_clock_at_every_quarter(
    tariff: Tariff, start_utc: datetime
) -> None:
    whole = Interval(start_utc=start_utc, end_utc=start_utc + timedelta(hours=HOURS))
    (version,) = rated(TariffBook(versions=(tariff,)), {}, whole)
    zone = ZoneInfo(tariff.timezone)
    for component, named in zip(tariff.imports.components, version.imports, strict=True):
        if not isinstance(component.rate, TouRate):
            continue
        for number in range(HOURS * 4):
            moment = start_utc + number * QUARTER
            wall = moment.astimezone(zone)
            held = [
                one.value
                for one in component.rate.periods
                if one.period.has_day(wall.month, wall.weekday())
                and one.period.has_minute(wall.hour * 60 + wall.minute)
            ]
            index = [s for s in named.track.starts_s if s <= moment.timestamp()]
            shown = named.track.values[len(index) - 1]
            assert shown == (held[0] if held else component.rate.default)
