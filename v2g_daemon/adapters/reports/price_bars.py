"""A price curve drawn hour by hour: one line each, import as a bar and export as a mark."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from v2g_daemon.domain.prices import PriceCurve, PriceSlot

HOURS_SHOWN = 36
BAR_CELLS = 50
HOUR = timedelta(hours=1)
QUARTERS = tuple(timedelta(minutes=15 * number) for number in range(4))


def price_bars(curve: PriceCurve, *, now_utc: datetime, zone: ZoneInfo) -> Iterator[str]:
    """The hours from the running one on, as far as 36; the mean of each hour's quarters."""
    first = now_utc.replace(minute=0, second=0, microsecond=0)
    hours = [first + HOUR * number for number in range(HOURS_SHOWN)]
    means = [_mean(curve, hour) for hour in hours]
    known = [mean for mean in means if mean is not None]
    if not known:
        yield "No price is known for the hours ahead."
        return
    low = min(0.0, *(min(mean) for mean in known))
    high = max(0.0, *(max(mean) for mean in known))
    yield f"{curve.currency} per kWh, means of the hour:  = import  o export"
    yield "    from      import  export"
    day = ""
    for hour, mean in zip(hours, means, strict=True):
        local = hour.astimezone(zone)
        name = f"{local:%a}" if f"{local:%a}" != day else "   "
        day = f"{local:%a}"
        if mean is None:
            yield f"{name} {local:%H:%M}        ?       ?"
            continue
        bar = _bar(mean[0], mean[1], low=low, high=high)
        yield f"{name} {local:%H:%M}   {mean[0]:7.4f} {mean[1]:7.4f}  {bar}".rstrip()


def _mean(curve: PriceCurve, hour: datetime) -> tuple[float, float] | None:
    """Import and export of the hour's known quarters."""
    slots: list[PriceSlot] = []
    for quarter in QUARTERS:
        slot = curve.at(hour + quarter)
        if slot is not None:
            slots.append(slot)
    if not slots:
        return None
    bought = sum(slot.import_per_kwh for slot in slots) / len(slots)
    sold = sum(slot.export_per_kwh for slot in slots) / len(slots)
    return bought, sold


def _bar(bought: float, sold: float, *, low: float, high: float) -> str:
    span = max(high - low, 1e-9)
    zero, at, mark = (
        round((value - low) / span * (BAR_CELLS - 1)) for value in (0.0, bought, sold)
    )
    cells = [" "] * BAR_CELLS
    cells[min(zero, at) : max(zero, at)] = "=" * abs(at - zero)
    cells[zero] = "|"
    cells[mark] = "o"
    return "".join(cells)
