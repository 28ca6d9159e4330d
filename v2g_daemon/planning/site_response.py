"""What this site makes of the sun that a weather service tells: learned from its own past.

The response is an area: PV power over irradiance, by the time of day, for roof, shade and losses
are the same every day. Each time leans on its neighbours, on the whole day, and at first on what
the modules are sold by. Light that no clear sky gives is not believed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from v2g_daemon.domain.interval import EPOCH_UTC
from v2g_daemon.domain.sun import SunForecast
from v2g_daemon.planning.case import Floats, Ints
from v2g_daemon.planning.sun import most_w_per_m2
from v2g_daemon.planning.wall import DAY_S, QUARTER_S, QUARTERS, summed

# Less light says little of the site.
LEAST_W_PER_M2 = 20.0
HALF_LIFE_DAYS = 10.0
# An hour to both sides, the farther the less.
NEIGHBOURS = 4
# A time of day counts for itself from about two days of middling light on.
MIDDLING_W_PER_M2 = 300.0
OWN_FROM = 2.0 * MIDDLING_W_PER_M2**2
# What is assumed weighs as much as a day of six hours of such light.
ASSUMED = QUARTERS / 4 * MIDDLING_W_PER_M2**2
ASSUMED_DAYS = 1
# The service counts for half of the expectation after so many days.
HALF_FROM_DAYS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPv:
    """What the service lets expect of quarter hours (NaN: nothing), and the most they can give.

    `share`: how much it counts beside the past days.
    """

    expected_w: Floats
    most_w: Floats
    share: float

    def moved(self, days_w: Floats) -> Floats:
        """Days (rows) moved to what is expected, each as far from the others as it was.

        But no day gives less than nothing, or more than a clear sky.
        """
        usual_w = days_w.mean(axis=0)
        told_w = self.share * self.expected_w + (1.0 - self.share) * usual_w
        wanted_w = np.where(np.isnan(told_w), usual_w, told_w)
        wanted_w = np.where(self.most_w > 0.0, wanted_w, 0.0)
        moved_w = np.maximum(days_w + (wanted_w - usual_w), 0.0)
        mean_w = moved_w.mean(axis=0)
        scale = np.where(mean_w > 0.0, wanted_w / np.where(mean_w > 0.0, mean_w, 1.0), 0.0)
        within_w: Floats = np.minimum(moved_w * scale, np.maximum(self.most_w, wanted_w))
        return within_w


def told_pv(
    sun: SunForecast, start_s: Ints, pv_w: Floats, quarters_s: Ints, *, now_s: int
) -> ToldPv | None:
    """What quarter hours give, by the past (`start_s`, `pv_w`); None where nothing says so."""
    line = _Line.of(sun)
    light = line.at(start_s)
    seen = (light >= LEAST_W_PER_M2) & (start_s < now_s)
    days = len(np.unique(start_s[seen] // DAY_S))
    days += 0 if sun.assumed_area_m2 is None else ASSUMED_DAYS
    area_m2 = _areas_m2(start_s[seen], light[seen], pv_w[seen], now_s, sun.assumed_area_m2)
    if area_m2 is None:
        return None
    most = most_w_per_m2(quarters_s, latitude_deg=sun.latitude_deg, longitude_deg=sun.longitude_deg)
    here = area_m2[quarters_s % DAY_S // QUARTER_S]
    return ToldPv(
        expected_w=line.at(quarters_s) * here,
        most_w=most * float(area_m2.max()),
        share=days / (days + HALF_FROM_DAYS),
    )


def _areas_m2(
    start_s: Ints, light: Floats, pv_w: Floats, now_s: int, assumed_m2: float | None
) -> Floats | None:
    """The response by the UTC quarter hour of the day; None where neither past nor word tells."""
    weight = np.exp2(-np.maximum(now_s - start_s, 0) / DAY_S / HALF_LIFE_DAYS)
    quarter = start_s % DAY_S // QUARTER_S
    made = summed(quarter, weight * light * pv_w, QUARTERS)
    shone = summed(quarter, weight * light**2, QUARTERS)
    whole_made, whole_shone = float(made.sum()), float(shone.sum())
    if assumed_m2 is not None:
        whole_made, whole_shone = whole_made + ASSUMED * assumed_m2, whole_shone + ASSUMED
    if whole_shone <= 0.0:
        return None
    whole_m2 = whole_made / whole_shone
    near_made, near_shone = _smoothed(made), _smoothed(shone)
    areas_m2: Floats = (near_made + OWN_FROM * whole_m2) / (near_shone + OWN_FROM)
    return np.maximum(areas_m2, 0.0)


def _smoothed(values: Floats) -> Floats:
    """Each quarter hour with its neighbours, around midnight too."""
    total = np.zeros(len(values))
    for shift in range(-NEIGHBOURS, NEIGHBOURS + 1):
        total += (1.0 - abs(shift) / (NEIGHBOURS + 1)) * np.roll(values, shift)
    return total / (NEIGHBOURS + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """Irradiance of every quarter hour from number `first` on, NaN where it is not told."""

    first: int
    light: Floats

    @staticmethod
    def of(sun: SunForecast) -> _Line:
        """As it was told, but no more than a clear sky gives."""
        first = round((sun.start_utc - EPOCH_UTC).total_seconds()) // QUARTER_S
        told = np.array(sun.irradiance_w_per_m2, dtype=np.float64)
        quarters_s = (first + np.arange(len(told), dtype=np.int64)) * QUARTER_S
        most = most_w_per_m2(
            quarters_s, latitude_deg=sun.latitude_deg, longitude_deg=sun.longitude_deg
        )
        return _Line(first=first, light=np.minimum(told, most))

    def at(self, moments_s: Ints) -> Floats:
        """The irradiance of the quarter hours of moments."""
        place = moments_s // QUARTER_S - self.first
        known = (place >= 0) & (place < len(self.light))
        found: Floats = np.where(known, self.light[np.where(known, place, 0)], np.nan)
        return found
