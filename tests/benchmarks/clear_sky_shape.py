"""Would a clear sky's shape foretell the PV of the years better than the last days as they were?

    python -m tests.benchmarks.clear_sky_shape [YEAR ...]

The planner's own forecast is made at every second hour of a year twice: without knowing where the
house is, and as a share of the clear sky there. One line of JSON for each year: mean absolute error
and bias in watts, 1, 6 and 24 hours ahead, from what was known then. Latitudes are those of the
sources; the longitude is where half of a year's sun is over, for the series were moved.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime

import numpy as np

from tests.benchmarks.score_year import read_year
from v2g_daemon.domain.interval import EPOCH_UTC
from v2g_daemon.domain.plan import HistoryRow
from v2g_daemon.domain.sun import SunForecast
from v2g_daemon.planning.case import Floats, Ints
from v2g_daemon.planning.forecast import forecast_net_load
from v2g_daemon.planning.wall import DAY_S, QUARTER_S, Steps
from v2g_daemon.step.history import by_days

LATITUDES_DEG = {"nl2023pv": 43.6, "nl2024pv": 39.7}
LEADS_H = (1, 6, 24)
DAYS_BACK = 10
EVERY = 2 * 4


def foretold(pv_w: Floats, start_s: Ints, at: int, place: SunForecast | None) -> Floats:
    """The planner's forecast of a day and more from quarter hour `at` on."""
    first = at - DAYS_BACK * DAY_S // QUARTER_S
    starts = [datetime.fromtimestamp(int(s), tz=UTC) for s in start_s[first : at + 100]]
    rows = tuple(
        HistoryRow(start_utc=start, net_load_w=-float(made_w), pv_w=float(made_w))
        for start, made_w in zip(starts, pv_w[first:at], strict=False)
    )
    found = forecast_net_load(
        by_days(rows),
        Steps.of(starts[at - first :], (QUARTER_S,) * 100),
        current_net_load_w=-float(pv_w[at - 1]),
        current_pv_w=float(pv_w[at - 1]),
        timezone_name="Europe/Amsterdam",
        sun=place,
    )
    if found.pv_w is None:
        raise ValueError("a house whose PV is metered has a forecast of it")
    return found.pv_w


def errors(pv_w: Floats, start_s: Ints, place: SunForecast) -> dict[str, dict[str, float]]:
    """Forecast less what came, by the way of foretelling and the hours ahead."""
    wrong: dict[str, list[float]] = {}
    for at in range(14 * DAY_S // QUARTER_S, len(pv_w) - 100, EVERY):
        for way, known in (("days", None), ("clear", place)):
            found = foretold(pv_w, start_s, at, known)
            for lead_h in LEADS_H:
                step = 4 * lead_h
                wrong.setdefault(f"{way} {lead_h} h", []).append(found[step] - pv_w[at + step])
    return {
        name: {
            "mae_w": round(float(np.abs(of).mean()), 1),
            "bias_w": round(float(np.mean(of)), 1),
        }
        for name, of in wrong.items()
    }


def longitude_deg(pv_w: Floats, start_s: Ints) -> float:
    """Where the sun is at its highest when half of it is over."""
    hour = float((start_s % DAY_S / 3600.0 * pv_w).sum() / pv_w.sum())
    return (12.0 - hour) * 15.0


def main() -> None:
    """Measure the years one after another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("years", nargs="*", default=list(LATITUDES_DEG))
    for name in parser.parse_args().years:
        year = read_year(name)
        pv_w = 1000.0 * np.array(year.pv)
        start_s = year.start_s + QUARTER_S * np.arange(len(pv_w), dtype=np.int64)
        place = SunForecast(
            source=None,
            latitude_deg=LATITUDES_DEG[name],
            longitude_deg=longitude_deg(pv_w, start_s),
            told_utc=None,
            serves_s=0.0,
            start_utc=EPOCH_UTC,
            irradiance_w_per_m2=(),
        )
        print(json.dumps({"year": name, **errors(pv_w, start_s, place)}), flush=True)


if __name__ == "__main__":
    main()
