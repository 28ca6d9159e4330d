"""A pairing as a case: its days, its plant, and its prices as they stand."""

from __future__ import annotations

from datetime import timedelta

from v2g_daemon.adapters.series.pairing import Pairing
from v2g_daemon.app.backtest import recorded
from v2g_daemon.domain.billing_meter import BillingMeter
from v2g_daemon.domain.errors import SeriesFileError
from v2g_daemon.domain.interval import QUARTER_HOUR_S, Interval
from v2g_daemon.market.rated import rated
from v2g_daemon.market.tariff import Component, Export, SeriesRate, Stack, Tariff, TariffBook
from v2g_daemon.rehearsal.contest import Case
from v2g_daemon.rehearsal.days import Days
from v2g_daemon.rehearsal.policies import Terms, of_a_plant
from v2g_daemon.rehearsal.score import Market

IMPORT, EXPORT = "import", "energy"
# What the planner counts for a kWh missing at a departure, as in a house's configuration.
UNMET_GOAL_PER_KWH = 5.0


def case_of_pairing(pairing: Pairing, within: Interval | None) -> Case:
    """The case of a pairing, or of the part of it within an interval."""
    interval = pairing.interval if within is None else _overlap(pairing, within)
    plant = pairing.plant
    slot_s = _slot_s(pairing)
    step = timedelta(seconds=slot_s)
    load = recorded.amounts(pairing.load, "load_w", interval, step=step)
    pv = None if pairing.pv is None else recorded.amounts(pairing.pv, "pv_w", interval, step=step)
    bought = recorded.prices(pairing.import_prices, interval, name="import prices", step=step)
    sold = recorded.prices(pairing.export_prices, interval, name="export prices", step=step)
    stays, left_out = recorded.stays(
        pairing.sessions, interval, floor_wh=plant.floor_wh, pack_wh=plant.pack_wh, step=step
    )
    return Case(
        name=pairing.name,
        days=Days(
            start_utc=interval.start_utc,
            timezone=pairing.timezone,
            currency=pairing.currency,
            load_w=load.values,
            pv_w=(0.0,) * len(load.values) if pv is None else pv.values,
            import_per_kwh=bought.values,
            export_per_kwh=sold.values,
            stays=stays,
            slot_s=slot_s,
        ),
        plant=plant,
        policy=of_a_plant(plant, _terms(pairing)),
        published=pairing.published,
        market=_market(pairing, interval),
        start_wh=pairing.start_wh,
        miss_per_kwh=pairing.miss_per_kwh,
        notes=(*pairing.notes, *left_out),
        real_time_s=pairing.real_time_s,
        told_after_s=0 if pairing.told_after_s is None else pairing.told_after_s,
    )


def _terms(pairing: Pairing) -> Terms:
    return Terms(
        currency=pairing.currency,
        timezone=pairing.timezone,
        wear_per_kwh=pairing.wear_per_kwh,
        unmet_goal_per_kwh=UNMET_GOAL_PER_KWH,
    )


def _slot_s(pairing: Pairing) -> int:
    """A quarter hour, a real-time market's interval, or the part of it that goes by untold."""
    if pairing.real_time_s is None:
        return QUARTER_HOUR_S
    return pairing.real_time_s if pairing.told_after_s is None else pairing.told_after_s


def _overlap(pairing: Pairing, within: Interval) -> Interval:
    start_utc = max(pairing.interval.start_utc, within.start_utc)
    end_utc = min(pairing.interval.end_utc, within.end_utc)
    if end_utc <= start_utc:
        whole = pairing.interval
        raise SeriesFileError(
            f"{pairing.name}: it holds {whole.start_utc:%Y-%m-%d} to {whole.end_utc:%Y-%m-%d}, and "
            "nothing of what --from and --to ask for"
        )
    return Interval(start_utc=start_utc, end_utc=end_utc)


def _market(pairing: Pairing, interval: Interval) -> Market:
    """Prices as they stand in the folder, each direction as it is."""

    def stack(source: str) -> Stack:
        return Stack(components=(Component(name=source, rate=SeriesRate(source=source)),))

    tariff = Tariff(
        id=pairing.name,
        currency=pairing.currency,
        timezone=pairing.timezone,
        imports=stack(IMPORT),
        export=Export(stack=stack(EXPORT)),
    )
    series = {IMPORT: pairing.import_prices, EXPORT: pairing.export_prices}
    return Market(
        versions=rated(TariffBook(versions=(tariff,)), series, interval),
        meter=BillingMeter()
        if pairing.real_time_s is None
        else BillingMeter(interval_s=pairing.real_time_s),
        end_per_kwh=pairing.end_per_kwh,
    )
