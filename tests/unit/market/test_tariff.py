"""Tariff arithmetic against hand calculations, and spot series put together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.market.spot import SpotPrice, covers, merged
from v2g_daemon.market.tariff import DayAheadTariff

MIDNIGHT = datetime(2024, 12, 11, tzinfo=UTC)
LONG_AGO = MIDNIGHT - timedelta(days=30)
DUTCH = DayAheadTariff(
    currency="EUR",
    import_adders_per_kwh=(Decimal("0.02"), Decimal("0.1088")),
    vat=Decimal("0.21"),
    export_adder_per_kwh=Decimal("-0.005"),
)


def span(start_min: int, end_min: int) -> Interval:
    return Interval(
        start_utc=MIDNIGHT + timedelta(minutes=start_min),
        end_utc=MIDNIGHT + timedelta(minutes=end_min),
    )


def spot(start_min: int, end_min: int, per_kwh: str) -> SpotPrice:
    return SpotPrice(interval=span(start_min, end_min), per_kwh=Decimal(per_kwh))


@pytest.mark.parametrize(
    ("spot_per_kwh", "import_per_kwh", "export_per_kwh"),
    [
        ("0.873", "1.212178", "0.868"),  # (0.873 + 0.1288) × 1.21 = 1.212178
        ("0", "0.155848", "-0.005"),
        ("-0.5", "-0.449152", "-0.505"),  # (−0.5 + 0.1288) × 1.21 = −0.449152
        ("0.09841", "0.274924", "0.09341"),  # 0.22721 × 1.21 = 0.2749241
    ],
)
def test_the_dutch_tariff_equals_a_hand_calculation(
    spot_per_kwh: str, import_per_kwh: str, export_per_kwh: str
) -> None:
    assert DUTCH.import_per_kwh(Decimal(spot_per_kwh)) == Decimal(import_per_kwh)
    assert DUTCH.export_per_kwh(Decimal(spot_per_kwh)) == Decimal(export_per_kwh)


def test_export_may_follow_the_market_by_a_factor() -> None:
    tariff = DayAheadTariff(
        currency="EUR",
        import_adders_per_kwh=(),
        vat=Decimal(0),
        export_factor=Decimal("0.8"),
        export_adder_per_kwh=Decimal("0.01"),
    )
    assert tariff.export_per_kwh(Decimal("0.25")) == Decimal("0.21")
    assert tariff.import_per_kwh(Decimal("0.25")) == Decimal("0.25")


def test_a_curve_keeps_the_slots_and_the_gaps_of_its_series() -> None:
    curve = DUTCH.curve([spot(0, 60, "0"), spot(120, 180, "0.873")])
    assert curve == PriceCurve(
        currency="EUR",
        slots=(
            PriceSlot(interval=span(0, 60), import_per_kwh=0.155848, export_per_kwh=-0.005),
            PriceSlot(interval=span(120, 180), import_per_kwh=1.212178, export_per_kwh=0.868),
        ),
    )
    assert curve.at(MIDNIGHT + timedelta(minutes=90)) is None


def test_news_replaces_what_it_overlaps_and_keeps_the_rest() -> None:
    known = [spot(0, 60, "0.1"), spot(60, 120, "0.2"), spot(120, 180, "0.3")]
    news = [spot(60, 75, "0.9"), spot(180, 240, "0.4")]
    assert merged(known, news, keep_from_utc=LONG_AGO) == (
        spot(0, 60, "0.1"),
        spot(60, 75, "0.9"),
        spot(120, 180, "0.3"),
        spot(180, 240, "0.4"),
    )


def test_a_gap_in_the_news_takes_no_known_price_away() -> None:
    known = [spot(0, 60, "0.1"), spot(60, 120, "0.2"), spot(120, 180, "0.3")]
    assert merged(known, [spot(0, 60, "0.1"), spot(120, 180, "0.3")], keep_from_utc=LONG_AGO) == (
        *known,
    )
    assert merged(known, [], keep_from_utc=LONG_AGO) == (*known,)


def test_what_ended_long_ago_is_forgotten() -> None:
    known = [spot(0, 60, "0.1"), spot(60, 120, "0.2")]
    kept = merged(known, [], keep_from_utc=MIDNIGHT + timedelta(minutes=60))
    assert kept == (spot(60, 120, "0.2"),)


def test_a_series_covers_an_interval_only_without_a_gap() -> None:
    series = [spot(0, 60, "0.1"), spot(60, 120, "0.2"), spot(135, 180, "0.3")]
    assert covers(series, span(0, 120))
    assert covers(series, span(30, 110))
    assert not covers(series, span(0, 121))
    assert not covers(series, span(120, 180))
    assert not covers([], span(0, 60))
